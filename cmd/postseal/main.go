// Command postseal is a milter for Postfix and Sendmail that sees to it that
// mail to addresses not known to be secure bears the marker in its subject.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

const usage = `Usage: postseal COMMAND [OPTION...]

Commands:
  serve    run the milter
  check    check the configuration and the rule files
  lookup   say how addresses and domains are classed, and why
  explain  say what would be done with a saved message, and why
  import   take in a new accredited list
  export   write the table as a map for the MTA

postseal COMMAND -h shows the options of a command. Without -config,
` + defaultConfig + ` is read; where that file does not exist, the
built-in configuration is used.

Exit status: 0 done, 1 failure while running, 2 bad usage or configuration,
3 a large change of the accredited list held.
`

// Exit codes. systemd does not restart on exitUsage.
const (
	exitDone    = 0
	exitFailure = 1
	exitUsage   = 2
	exitHeld    = 3
)

// stdio is where a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	os.Exit(run(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}

func run(args []string, std stdio) int {
	if len(args) == 0 {
		fmt.Fprint(std.err, usage)
		return exitUsage
	}
	switch command, args := args[0], args[1:]; command {
	case "serve":
		return serve(args, std)
	case "check":
		return check(args, std)
	case "lookup":
		return lookup(args, std)
	case "explain":
		return explain(args, std)
	case "import":
		return importList(args, std)
	case "export":
		return export(args, std)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(std.out, usage)
		return exitDone
	default:
		fmt.Fprintf(std.err, "postseal: no command %q: see postseal help\n", command)
		return exitUsage
	}
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

// parse reads the arguments; where it says stop, code is the exit code.
func (c command) parse(args []string) (code int, stop bool) {
	switch err := c.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitDone, true
	case err != nil:
		return exitUsage, true
	}
	return 0, false
}

// misused reports bad usage.
func (c command) misused(format string, args ...any) int {
	fmt.Fprintf(c.std.err, "postseal %s: %s: see postseal %s -h\n", c.Name(), fmt.Sprintf(format, args...), c.Name())
	return exitUsage
}

// failed reports an error and returns the code.
func (c command) failed(code int, err error) int {
	fmt.Fprintf(c.std.err, "postseal %s: %v\n", c.Name(), err)
	return code
}
