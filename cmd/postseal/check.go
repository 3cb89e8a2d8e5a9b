package main

import (
	"cmp"
	"fmt"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
)

const checkUsage = `Usage: postseal check [-config FILE] [-strict]

Checks the configuration and every table that it names. If there are errors,
check reports all of them and exits with status 78; serve does not start with
such a configuration. Each warning is one line with the file, the row and the
remedy. With warnings only, the exit status is 0, or 1 with -strict.
`

func check(args []string, std stdio) int {
	c := newCommand("check", checkUsage, std)
	strict := c.Bool("strict", false, "treat warnings as errors")
	if code, stop := c.parse(args); stop {
		return code
	}
	if c.NArg() > 0 {
		return c.misused("unexpected argument %q", c.Arg(0))
	}
	loaded, err := config.Load(*c.config)
	if err != nil {
		return c.failed(exitConfig, err)
	}
	if err := loaded.CheckKey(); err != nil {
		return c.failed(exitConfig, err)
	}
	severity, found := "warning", loaded.Lint(time.Now())
	if *strict {
		severity = "error"
	}
	for _, f := range found {
		fmt.Fprintf(std.err, "%s: %s: %s: %s: %s\n", cmp.Or(f.File, loaded.Origin), f.Row, severity, f.Fault, f.Remedy)
	}
	if *strict && len(found) > 0 {
		return exitFailure
	}
	fmt.Fprintf(std.out, "%s: good: mode %s, edition %s, %d rows, configuration %s\n",
		loaded.Origin, loaded.Message.Mode, loaded.File.Rules.Edition, loaded.Message.Rules.Table.Len(), loaded.Message.Hash)
	return exitDone
}
