package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/postseal/postseal/milter"
)

const serveUsage = `Usage: postseal serve [-config FILE]

Runs the milter in the foreground and logs to standard error. SIGHUP reloads
the configuration; where the new one is faulty, the old one stays in force.
SIGTERM ends the daemon once the messages under way are done.
`

// drainLimit bounds the wait for messages under way at SIGTERM. It is shorter
// than the 90 seconds that systemd waits before it kills.
const drainLimit = 60 * time.Second

func serve(args []string, std stdio) int {
	c := newCommand("serve", serveUsage, std)
	if code, stop := c.parse(args); stop {
		return code
	}
	if c.NArg() > 0 {
		return c.misused("unexpected argument %q", c.Arg(0))
	}
	first, err := loadConfig(*c.config)
	if err != nil {
		return c.failed(exitUsage, err)
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)

	d := &daemon{path: *c.config, log: newLogger(std.err, first.file.Log.Format)}
	d.current.Store(first)
	slog.SetDefault(d.log) // what go-milter prints
	listener, err := milter.Listen(first.file.Listen)
	if err != nil {
		return c.failed(exitFailure, err)
	}
	server := &milter.Server{
		Config:   func() *milter.Config { return d.current.Load().milter },
		Log:      d.log,
		Timeouts: milter.DefaultTimeouts,
		Now:      time.Now,
	}
	failure := make(chan error, 1)
	go func() { failure <- server.Serve(listener) }()
	d.log.Info("started", append([]any{"listen", listener.Addr().String(), "file", first.origin}, first.summary()...)...)
	for {
		select {
		case s := <-signals:
			if s == syscall.SIGHUP {
				d.reload()
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), drainLimit)
			defer cancel()
			d.log.Info("stopped", "cut_off", server.Shutdown(ctx))
			return exitDone
		case err := <-failure:
			return c.failed(exitFailure, fmt.Errorf("serving ended: %w", err))
		}
	}
}

// daemon is what a reload changes.
type daemon struct {
	path    string
	log     *slog.Logger
	current atomic.Pointer[config]
}

// reload puts a fresh configuration in force in one step, or keeps the old.
func (d *daemon) reload() {
	old := d.current.Load()
	fresh, err := loadConfig(d.path)
	if err == nil && (fresh.file.Listen != old.file.Listen || fresh.file.Log.Format != old.file.Log.Format) {
		err = fmt.Errorf("%s: listen or log.format has changed: restart postseal for that", fresh.origin)
	}
	if err != nil {
		d.log.Error("reload refused", "reason", err.Error(), "config", old.milter.Hash)
		return
	}
	d.current.Store(fresh)
	d.log.Info("reloaded", fresh.summary()...)
}

func (c *config) summary() []any {
	return []any{
		"mode", c.milter.Mode.String(),
		"edition", c.file.Rules.Edition,
		"rows", c.milter.Rules.Table.Len(),
		"config", c.milter.Hash,
	}
}
