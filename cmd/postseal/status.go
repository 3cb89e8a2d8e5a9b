package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/queue"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/metrics"
	"github.com/postseal/postseal/rules/address"
)

const statusUsage = `Usage: postseal status [-config FILE] [-json | -nagios | -prometheus] [-no-queue]
                       [-held-warning DURATION] [-held-critical DURATION]
                       [-sealed-warning DURATION] [-sealed-critical DURATION]

Shows the status of the running daemon, and the MTA's queue: held mail, and sealed
mail that waits for the relay. Problems come first, with what to do. A duration is
written as in 30m or 4h.

Run it as root, or as a user who can list the MTA's queue. The queue is that of
Postfix if postqueue is installed, and otherwise that of Sendmail. For another
Postfix instance, set MAIL_CONFIG as for postqueue.

Exit status: 0 good, 1 a problem, 78 faulty configuration. With -nagios:
0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
`

// How long status asks.
const (
	maxAsk   = 8 * time.Second  // for each of two requests; the daemon's probe takes at most 5 seconds
	maxQueue = 40 * time.Second // NRPE allows 60 seconds for all
)

func status(args []string, std stdio) int {
	c := newCommand("status", statusUsage, std)
	asJSON := c.Bool("json", false, "print one JSON object")
	nagios := c.Bool("nagios", false, "print one line for Nagios or Icinga, and use their exit statuses")
	prometheus := c.Bool("prometheus", false, "print only the queue, for the textfile collector of Prometheus's node_exporter")
	noQueue := c.Bool("no-queue", false, "leave the queue out, on a host without an MTA")
	var t thresholds
	c.DurationVar(&t.held.warning, "held-warning", time.Hour, "warn if held mail is older than `DURATION`")
	c.DurationVar(&t.held.critical, "held-critical", 4*time.Hour, "held mail older than `DURATION` is critical")
	c.DurationVar(&t.sealed.warning, "sealed-warning", time.Hour, "warn if sealed mail has waited longer than `DURATION`")
	c.DurationVar(&t.sealed.critical, "sealed-critical", 4*time.Hour, "sealed mail that has waited longer than `DURATION` is critical")
	if code, stop := c.parse(args); stop {
		return code
	}
	switch {
	case c.NArg() > 0:
		return c.misused("unexpected argument %q", c.Arg(0))
	case moreThanOne(*asJSON, *nagios, *prometheus):
		return c.misused("use only one of -json, -nagios and -prometheus")
	case *prometheus && *noQueue:
		return c.misused("-prometheus prints only the queue: leave out -no-queue")
	}
	if fault := t.fault(); fault != "" {
		return c.misused("%s", fault)
	}
	s := readSite(*c.config)
	now := time.Now()
	if *prometheus {
		return c.printQueue(s, now)
	}
	r := statusReport{site: s, thresholds: t}
	r.ask()
	if !*noQueue {
		r.readQueue(now)
	}
	r.findProblems(now)
	var err error
	switch {
	case *nagios:
		_, err = io.WriteString(std.out, r.nagios(now))
	case *asJSON:
		err = newEncoder(std.out).Encode(r)
	default:
		_, err = io.WriteString(std.out, r.text(now))
	}
	switch {
	case err != nil:
		return c.failed(exitFailure, err)
	case *nagios:
		return int(r.State)
	case r.site.fault != nil:
		return c.failed(exitConfig, r.site.fault)
	case r.State != stateOK:
		return exitFailure
	}
	return exitDone
}

// siteConfig is what status needs from the configuration file.
type siteConfig struct {
	file   string // or "built-in configuration"
	listen string // where the daemon serves its status
	relay  string // the relay domain
	fault  error  // of the file
	unread bool   // the relay domain is not known
}

// readSite reads the configuration file, but no file that it names: the user of a
// monitoring agent may not be able to read those.
func readSite(path string) siteConfig {
	s := siteConfig{listen: statusSocket}
	origin, text, err := config.Read(path)
	var c *config.Config
	if err == nil {
		c, err = config.Parse(origin, text)
	}
	s.file, s.fault, s.unread = cmp.Or(origin, path, config.Default), err, c == nil
	if s.unread {
		return s
	}
	_, err = os.Stat("/run/systemd/system") // sd_booted(3)
	s.listen = whereToAsk(c.File.Metrics.Listen, path != "", err == nil)
	if relay := c.File.Relay.Domain; relay != "" {
		var err error
		if s.relay, err = address.NormalizeDomain(relay); err != nil {
			s.fault = errors.Join(s.fault, fmt.Errorf("%s: relay.domain %q: %w", origin, relay, err))
			s.unread = true
		}
	}
	return s
}

// statusSocket is the socket that the daemon always has under systemd.
const statusSocket = "unix:/run/postseal/status/status.sock"

// whereToAsk returns the socket of the daemon that uses the configuration. Under
// systemd it is not the inet socket, because a connection to that starts a daemon
// that is stopped.
func whereToAsk(listen string, configGiven, booted bool) string {
	if listen == "" || booted && !configGiven && strings.HasPrefix(listen, "inet:") {
		return statusSocket
	}
	return listen
}

// ask reads the status and the health of the daemon.
func (r *statusReport) ask() {
	network, address, err := milter.ParseListen(r.site.listen)
	if err != nil {
		r.site.fault = errors.Join(r.site.fault, fmt.Errorf("%s: metrics.%w", r.site.file, err))
		r.Error = "metrics.listen is faulty"
		return
	}
	client := http.Client{
		Timeout: maxAsk,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			},
		},
	}
	answer, code, err := get(&client, "/status")
	var s metrics.Status
	switch {
	case err != nil:
	case code != http.StatusOK:
		err = fmt.Errorf("%s answers with HTTP status %d", r.site.listen, code)
	default:
		// The JSON of another program may have none of the keys.
		if json.Unmarshal(answer, &s) != nil || s.Version == "" || s.Config == "" || parseTime(s.Started).IsZero() || parseTime(s.Loaded).IsZero() {
			err = fmt.Errorf("the answer of %s is not a status of this version", r.site.listen)
		}
	}
	if err != nil {
		r.Error = printable(err.Error())
		return
	}
	r.Running, r.Status = true, &s
	answer, code, err = get(&client, "/healthz")
	switch {
	case err != nil:
		r.unhealthy = err.Error()
	case code != http.StatusOK:
		r.unhealthy = strings.TrimSpace(string(answer))
	}
}

// get returns the beginning of an answer.
func get(client *http.Client, path string) (answer []byte, code int, err error) {
	response, err := client.Get("http://postseal" + path)
	var failed *url.Error
	switch {
	case errors.As(err, &failed) && failed.Timeout():
		return nil, 0, fmt.Errorf("no answer within %s", age(maxAsk))
	case failed != nil:
		return nil, 0, failed.Err
	case err != nil:
		return nil, 0, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return answer, response.StatusCode, err
}

func (r *statusReport) readQueue(now time.Time) {
	f, err := r.site.queue(queue.OfThisHost, now)
	r.Queue = &queueReport{
		Held: f.Held.Count, OldestHeldSeconds: int(f.Held.Oldest.Seconds()),
		Sealed: f.Sealed.Count, OldestSealedSeconds: int(f.Sealed.Oldest.Seconds()),
	}
	if err != nil {
		r.Queue = &queueReport{Error: err.Error()}
	}
}

func (s siteConfig) queue(mta queue.MTA, now time.Time) (queue.Figures, error) {
	if s.unread {
		return queue.Figures{}, errors.New("the relay domain is not known, because the configuration file is faulty")
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxQueue)
	defer cancel()
	return queue.Read(ctx, mta, s.relay, now)
}

// printQueue prints the figures of the queue, or nothing if it cannot be read: the
// last figures and their time then stay in place.
func (c command) printQueue(s siteConfig, now time.Time) int {
	f, err := s.queue(queue.OfThisHost, now)
	switch {
	case s.unread:
		return c.failed(exitConfig, s.fault)
	case err != nil:
		return c.failed(exitFailure, fmt.Errorf("queue: cannot be read: %w", err))
	}
	if _, err := io.WriteString(c.std.out, prometheusText(f, now)); err != nil {
		return c.failed(exitFailure, err)
	}
	return exitDone
}
