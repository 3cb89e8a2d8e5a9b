package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/replay"
	"github.com/postseal/postseal/cmd/postseal/terminal"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules/address"
)

const replayUsage = `Usage: postseal replay [-config FILE] [-against FILE] [-json] [-from A] [-to B[,C...]] PATH...|-
       postseal replay [-config FILE] [-against FILE] [-json] -log FILE

Decides saved mail as serve would in mode enforce, and shows how many messages get
which action. With -against, it decides with both configurations, and shows each
difference. PATH is a Maildir, an mbox file, a message, a file of Postfix's queue, or
a directory with these. "-" reads paths from standard input, one a line.

With -log, it decides the messages in a log of serve again, without the mail.

Exit status: 0 no differences, 1 differences or a failure, 2 wrong usage,
78 faulty configuration.
`

func replayMail(args []string, std stdio) int {
	c := newCommand("replay", replayUsage, std)
	against := c.String("against", "", "compare with the configuration in `FILE`")
	asJSON := c.Bool("json", false, "print one JSON object")
	from := c.String("from", "", "envelope `SENDER` of all messages; <> is the null sender")
	var to, logs []string
	c.Func("to", "envelope `RECIPIENTS` of all messages, separated by commas; can be repeated", func(text string) error {
		to = append(to, splitAddresses(text)...)
		return nil
	})
	c.Func("log", "decide the messages in a log `FILE` again; can be repeated, and - is standard input", func(name string) error {
		logs = append(logs, name)
		return nil
	})
	if code, stop := c.parse(args); stop {
		return code
	}
	if fault := replayFault(*from, to, logs, c.Args()); fault != "" {
		return c.misused("%s", fault)
	}
	options := replay.Options{To: to, Now: time.Now()}
	if *from != "" {
		sender := address.TrimAngles(strings.TrimSpace(*from))
		options.From = &sender
	}
	var err error
	if options.Config, err = enforcing(*c.config); err == nil && *against != "" {
		options.Against, err = enforcing(*against)
	}
	if err != nil {
		return c.failed(exitConfig, err)
	}
	for _, path := range slices.Concat(logs, c.Args()) {
		if _, err := os.Stat(path); err != nil && path != "-" {
			return c.failed(exitFailure, err)
		}
	}
	printer := &replayPrinter{out: bufio.NewWriter(std.out), asJSON: *asJSON, around: func(print func() error) error { return print() }}
	options.Show = printer.difference
	if terminal.Is(std.err) {
		bar := replay.NewBar(std.err)
		options.Progress = bar
		printer.around = bar.Print
		defer bar.Close()
	}
	var report *replay.Report
	if len(logs) > 0 {
		report, err = replay.Log(options, logs, std.in)
	} else {
		report, err = replay.Mail(options, c.Args(), std.in)
	}
	if err == nil {
		err = printer.report(report)
	}
	switch {
	case err != nil:
		return c.failed(exitFailure, err)
	case report.Messages == 0 && report.Recipients == 0:
		return c.failed(exitFailure, errors.New("no message could be decided"))
	case report.DifferentMessages > 0:
		return exitFailure
	}
	return exitDone
}

// enforcing loads a configuration, in which all is enforced.
func enforcing(path string) (*message.Config, error) {
	loaded, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	return loaded.Message.Enforcing(), nil
}

// replayFault says what is wrong with replay's arguments, or returns "".
func replayFault(from string, to, logs, paths []string) string {
	if i := slices.IndexFunc(paths, func(p string) bool { return len(p) > 1 && p[0] == '-' }); i >= 0 {
		return fmt.Sprintf("%q follows a path: put options before paths, and write ./%s for a file", paths[i], paths[i])
	}
	var faults []string
	if from != "" {
		faults = notAddresses("-from", []string{from})
	}
	faults = append(faults, notAddresses("-to", to)...)
	switch {
	case len(logs) == 0 && len(paths) == 0:
		faults = append(faults, "the mail is missing: name a Maildir, an mbox file or a message, or a log with -log")
	case len(logs) > 0 && len(paths) > 0:
		faults = append(faults, fmt.Sprintf("%q: give saved mail or -log, not both: each message would count twice; for several logs, repeat -log", paths[0]))
	case len(logs) > 0 && (from != "" || len(to) > 0):
		faults = append(faults, "-from and -to are for saved mail: a log has its own envelopes")
	}
	return strings.Join(faults, "; ")
}

// replayPrinter prints differences as they are found, and then the figures. It keeps
// none in memory.
type replayPrinter struct {
	out    *bufio.Writer
	asJSON bool
	around func(print func() error) error // removes the progress bar
	n      int
}

func (p *replayPrinter) difference(d replay.Difference) error {
	return p.around(func() error {
		if !p.asJSON {
			fmt.Fprintln(p.out, d)
			return p.out.Flush()
		}
		text, err := encoded(d)
		if err != nil {
			return err
		}
		before := ",\n"
		if p.n == 0 {
			before = "{\"differences\":[\n"
		}
		p.n++
		p.out.WriteString(before)
		p.out.Write(text)
		return p.out.Flush()
	})
}

func (p *replayPrinter) report(r *replay.Report) error {
	return p.around(func() error {
		if !p.asJSON {
			if r.DifferentMessages > 0 {
				fmt.Fprintln(p.out)
			}
			if err := r.Print(p.out); err != nil {
				return err
			}
			return p.out.Flush()
		}
		text, err := encoded(r)
		if err != nil {
			return err
		}
		switch {
		case p.n > 0:
			p.out.WriteString("\n],")
			text = text[1:]
		case r.Against != nil:
			p.out.WriteString(`{"differences":[],`)
			text = text[1:]
		}
		p.out.Write(text)
		p.out.WriteByte('\n')
		return p.out.Flush()
	})
}

// encoded returns JSON without a line end.
func encoded(value any) ([]byte, error) {
	var b bytes.Buffer
	err := newEncoder(&b).Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
