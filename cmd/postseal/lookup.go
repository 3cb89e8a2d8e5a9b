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

Says how each address or domain is classed, which row of which table says so,
which other rows would have said something else, and what the sender has to
do. With a "-", or in a pipe without arguments, it reads standard input, one
address or domain a line; blank lines are left out.
`

func lookup(args []string, std stdio) int {
	c := newCommand("lookup", lookupUsage, std)
	asJSON := c.Bool("json", false, "print one JSON object a line")
	if code, stop := c.parse(args); stop {
		return code
	}
	for _, arg := range c.Args() {
		if len(arg) > 1 && arg[0] == '-' && !strings.Contains(arg, "@") {
			return c.misused("%q stands behind an address or domain: options go first", arg)
		}
	}
	dash := c.NArg() == 1 && c.Arg(0) == "-"
	if c.NArg() == 0 && terminal.Is(std.in) {
		return c.misused("no address and no domain")
	}
	loaded, err := config.Load(*c.config)
	if err != nil {
		return c.failed(exitConfig, err)
	}
	out := bufio.NewWriter(std.out)
	answers := answerer{rules: loaded.Message.Rules, now: time.Now(), out: out}
	if *asJSON {
		answers.json = json.NewEncoder(out)
		answers.json.SetEscapeHTML(false)
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
		return c.misused("no address and no domain")
	}
	return exitDone
}

// answerer prints what the table says of inputs.
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

// maxLine is far above the longest address, in octets.
const maxLine = 64 << 10

// lines answers line by line. Whenever no further line has come yet, what is
// printed goes out, for those who ask and wait for the answer.
func (a *answerer) lines(file io.Reader) error {
	in := bufio.NewReaderSize(file, maxLine)
	for number := 1; ; number++ {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return fmt.Errorf("line %d of standard input is longer than %d octets: give one address a line", number, maxLine)
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
