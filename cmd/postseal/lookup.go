package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/terminal"
	"github.com/postseal/postseal/rules"
)

const lookupUsage = `Usage: postseal lookup [-config FILE] [-json] [ADDRESS|DOMAIN...]
       postseal lookup [-config FILE] [-json] - < FILE

Shows the class of each address or domain, the row and the table that decide it,
the other rows that match, and what the sender must do. With "-", or in a pipe
without arguments, lookup reads one address or domain a line from standard
input. Blank lines are ignored.
`

func lookup(args []string, std stdio) int {
	c := newCommand("lookup", lookupUsage, std)
	asJSON := c.Bool("json", false, "print one JSON object a line")
	if code, stop := c.parse(args); stop {
		return code
	}
	for _, arg := range c.Args() {
		if len(arg) > 1 && arg[0] == '-' && !strings.Contains(arg, "@") {
			return c.misused("%q follows an address or domain: put options first", arg)
		}
	}
	dash := c.NArg() == 1 && c.Arg(0) == "-"
	if c.NArg() == 0 && terminal.Is(std.in) {
		return c.misused("no address or domain is given")
	}
	loaded, err := config.Load(*c.config)
	if err != nil {
		return c.failed(exitConfig, err)
	}
	out := bufio.NewWriter(std.out)
	answers := answerer{rules: loaded.Message.Rules, now: time.Now(), out: out}
	if *asJSON {
		answers.json = newEncoder(out)
	}
	if c.NArg() == 0 || dash {
		err = answers.lines(std.in)
	} else {
		err = answers.all(c.Args())
	}
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	if err != nil {
		return c.failed(exitFailure, err)
	}
	if answers.count == 0 && !dash {
		return c.misused("no address or domain is given")
	}
	return exitDone
}

// answerer prints the answers for inputs.
type answerer struct {
	rules *rules.Ruleset
	now   time.Time
	out   *bufio.Writer
	json  *json.Encoder // nil for text
	count int
}

func (a *answerer) all(inputs []string) error {
	for _, input := range inputs {
		if err := a.print(input); err != nil {
			return err
		}
	}
	return nil
}

// maxLine is the greatest length of a line in octets, far above any address.
const maxLine = 64 << 10

// lines answers line by line. It flushes the output whenever no further line is
// buffered, for programs that read each answer before they ask again.
func (a *answerer) lines(file io.Reader) error {
	in := bufio.NewReaderSize(file, maxLine)
	for number := 1; ; number++ {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return fmt.Errorf("line %d of standard input is longer than %d octets: write one address a line", number, maxLine)
		}
		if input := strings.TrimSpace(string(line)); input != "" {
			if err := a.print(input); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
		if in.Buffered() == 0 {
			if err := a.out.Flush(); err != nil {
				return err
			}
		}
	}
}

func (a *answerer) print(input string) error {
	a.count++
	answer := look(a.rules, input, a.now)
	if a.json != nil {
		return a.json.Encode(answer)
	}
	_, err := a.out.WriteString(answer.text())
	return err
}
