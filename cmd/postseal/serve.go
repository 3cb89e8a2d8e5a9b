package main

import (
	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/daemon"
)

const serveUsage = `Usage: postseal serve [-config FILE]

Runs the milter in the foreground and logs to standard error. Where systemd
passes sockets, it serves those instead of the one of "listen". SIGHUP reloads
the configuration, and a changed list or rule file is read by itself; where
the new one is faulty, the old one stays in force.
SIGTERM or SIGINT ends the daemon once the messages under way are done, after a
minute at the latest; a further SIGINT ends it at once.
`

func serve(args []string, std stdio) int {
	c := newCommand("serve", serveUsage, std)
	if code, stop := c.parse(args); stop {
		return code
	}
	if c.NArg() > 0 {
		return c.misused("unexpected argument %q", c.Arg(0))
	}
	first, err := config.Load(*c.config)
	if err == nil {
		err = first.TakeKey()
	}
	if err != nil {
		return c.failed(exitConfig, err)
	}
	if err := daemon.Serve(*c.config, first, std.err, version()); err != nil {
		return c.failed(exitFailure, err)
	}
	return exitDone
}
