package main

import (
	"errors"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/daemon"
)

const serveUsage = `Usage: postseal serve [-config FILE]

Runs the milter in the foreground and logs to standard error. If systemd passes
sockets, serve uses them instead of "listen".

SIGHUP reloads the configuration. serve loads a changed list or rule file
automatically. If the new version is faulty, the old one stays in use.

SIGTERM or SIGINT stops serve once the messages in progress are done, after at
most a minute. Another SIGINT stops it at once.
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
	switch err := daemon.Serve(*c.config, first, std.err, version()); {
	case errors.Is(err, daemon.ErrConfiguration):
		return c.failed(exitConfig, err)
	case err != nil:
		return c.failed(exitFailure, err)
	}
	return exitDone
}
