// Command postseal is a milter for Postfix and Sendmail. It sends mail that needs
// encrypting to the encryption relay, or tags, holds or rejects it.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/rules/tomlfile"
)

// commands are the values of the first argument.
var commands = []struct {
	name, does string
	run        func(args []string, std stdio) int
}{
	{"serve", "run the milter", serve},
	{"check", "check the configuration and the rule files", check},
	{"lookup", "show how addresses and domains are classed, and why", lookup},
	{"explain", "show what would happen to a saved message, and why", explain},
	{"import", "import a new accredited list", importList},
	{"export", "write a TLS policy map for the MTA", export},
	{"status", "show problems of the daemon and the MTA's queue", status},
	{"doctor", "look for settings of the MTA that bypass postseal", runDoctor},
	{"replay", "decide saved mail, and compare two configurations", replayMail},
	{"report", "count what a log says of a period, as a page or text", reportLog},
}

const usage = `
postseal COMMAND -h shows the options of a command, and postseal -version shows
the version. Without -config, postseal reads ` + config.Default + `. If that
file does not exist, it uses the built-in configuration.

Exit status: 0 success, 1 failure (or warnings, with check -strict; a problem, with
status; a finding, with doctor; a difference, with replay), 2 wrong usage, 3 accredited
list held for -accept, 78 faulty configuration. status -nagios exits with the status of
a Nagios plugin.
See postseal(8).
`

func printUsage(w io.Writer) {
	fmt.Fprint(w, "Usage: postseal COMMAND [OPTION...]\n\nCommands:\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.does)
	}
	fmt.Fprint(w, usage)
}

// Exit codes. exitConfig is EX_CONFIG of sysexits.h, and systemd does not restart
// postseal on it. The Go runtime itself exits with 2 after a panic, and there a
// restart can help.
const (
	exitDone    = 0
	exitFailure = 1
	exitUsage   = 2
	exitHeld    = 3
	exitConfig  = 78
)

// stdio holds the standard streams of a command.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	os.Exit(run(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}

func run(args []string, std stdio) int {
	if len(args) == 0 {
		printUsage(std.err)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		printUsage(std.out)
		return exitDone
	case subprocess.Command:
		return readDocument(args[1:], std)
	case "-version", "--version":
		fmt.Fprint(std.out, versionLine())
		return exitDone
	}
	for _, c := range commands {
		if c.name == args[0] {
			return c.run(args[1:], std)
		}
	}
	fmt.Fprintf(std.err, "postseal: unknown command %q: %s\n", args[0], suggestion(args[0]))
	return exitUsage
}

// suggestion says what to do about an unknown command.
func suggestion(typed string) string {
	names := []string{"help"}
	for _, c := range commands {
		names = append(names, c.name)
	}
	word := strings.TrimLeft(typed, "-")
	near := tomlfile.Nearest(word, names)
	for _, name := range names {
		if near == "" && len(word) > 1 && strings.HasPrefix(name, word) {
			near = name
		}
	}
	switch {
	case near != "":
		return fmt.Sprintf("did you mean %s?", near)
	case strings.HasPrefix(typed, "-"):
		return "put the command first, as in postseal check -config FILE"
	}
	return "see postseal help"
}

// command is the flag set of one command.
type command struct {
	*flag.FlagSet
	config *string
	std    stdio
}

func newCommand(name, usage string, std stdio) command {
	c := command{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError), std: std}
	c.config = c.String("config", "", "read the configuration from `FILE`")
	c.SetOutput(std.err)
	c.Usage = func() {
		fmt.Fprint(c.Output(), usage, "\nOptions:\n")
		c.PrintDefaults()
	}
	return c
}

// parse reads the arguments. If stop is true, code is the exit code.
func (c command) parse(args []string) (code int, stop bool) {
	switch err := c.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitDone, true
	case err != nil:
		return exitUsage, true
	}
	return 0, false
}

// moreThanOne reports whether options exclude each other.
func moreThanOne(options ...bool) bool {
	n := 0
	for _, set := range options {
		if set {
			n++
		}
	}
	return n > 1
}

// newEncoder returns an encoder for -json. Characters such as "<" stay as they are.
func newEncoder(w io.Writer) *json.Encoder {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder
}

// misused reports wrong usage and returns the exit code.
func (c command) misused(format string, args ...any) int {
	fmt.Fprintf(c.std.err, "postseal %s: %s: see postseal %s -h\n", c.Name(), fmt.Sprintf(format, args...), c.Name())
	return exitUsage
}

// failed reports an error and returns code.
func (c command) failed(code int, err error) int {
	fmt.Fprintf(c.std.err, "postseal %s: %v\n", c.Name(), err)
	return code
}
