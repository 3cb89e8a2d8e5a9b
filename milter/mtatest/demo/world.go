package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// policies are the shipped policies, and before them two that demonstrate
// holding and rejecting. The heading mentions them.
const policies = `
[[policy]]
name   = "demo-hold"
sender = ["research@trust.example"]
marker = ["missing"]
action = "quarantine"

[[policy]]
name   = "demo-reject"
sender = ["finance@trust.example"]
marker = ["missing"]
action = "reject"

[[policy]]
name   = "marked"
marker = ["present", "near-miss"]
action = "divert"

[[policy]]
name     = "sensitive"
findings = ["nhs-number", "marking"]
action   = "divert"

[[policy]]
name   = "unmarked"
action = "tag"
`

// relayDomain ends the address of a diverted recipient while the mail is in the
// queue.
const relayDomain = ".encrypt.invalid"

// settleLimit limits the wait for one mail.
const settleLimit = 15 * time.Second

// world is the running servers.
type world struct {
	internet, relay *mtatest.Sink
	postfix         *mtatest.Postfix
	daemon          *mtatest.Daemon
	decided         map[string]bool // queue IDs of the decisions that were already used
	stops           []func() error
}

// startWorld builds postseal and starts everything. After an error nothing is
// left running.
func startWorld(ctx context.Context, root string) (w *world, err error) {
	w = &world{decided: make(map[string]bool)}
	defer func() {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			err = errors.Join(err, w.stop())
		}
	}()
	dir, err := os.MkdirTemp("", "postseal-demo-")
	if err != nil {
		return w, err
	}
	w.stops = append(w.stops, func() error { return os.RemoveAll(dir) })
	binary, err := mtatest.Build(root, dir)
	if err != nil || ctx.Err() != nil {
		return w, err
	}
	if w.internet, err = mtatest.StartSink(); err != nil {
		return w, err
	}
	w.stops = append(w.stops, w.internet.Stop)
	if w.relay, err = mtatest.StartSink(); err != nil {
		return w, err
	}
	w.stops = append(w.stops, w.relay.Stop)
	w.postfix, err = mtatest.StartPostfix(mtatest.Options{
		Root: root, Relay: w.relay.Addr, Internet: w.internet.Addr, Milter: true,
	})
	if err != nil {
		return w, err
	}
	w.stops = append(w.stops, w.postfix.Stop)
	w.daemon, err = mtatest.StartDaemon(w.postfix, mtatest.DaemonOptions{Root: root, Binary: binary, Mode: "enforce", TOML: policies})
	if err != nil {
		return w, err
	}
	w.stops = append(w.stops, w.stopDaemon)
	return w, nil
}

// stopDaemon ends postseal. Ctrl-C may have ended it already.
func (w *world) stopDaemon() error {
	err := w.daemon.Stop()
	if errors.Is(err, os.ErrProcessDone) {
		err = w.daemon.Wait()
	}
	return err
}

// stop ends what was started, in reverse order.
func (w *world) stop() error {
	var faults []error
	for i := len(w.stops) - 1; i >= 0; i-- {
		faults = append(faults, w.stops[i]())
	}
	return errors.Join(faults...)
}

// pass sends a mail and follows it to its end.
func (w *world) pass(m sample) (*report, error) {
	refusals := len(w.daemon.Events("refused recipient"))
	client, err := mtatest.Dial(w.postfix.Addr())
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var paths []string
	for _, want := range m.Recipients {
		paths = append(paths, "<"+want.To+">")
	}
	sent, err := client.Send("<"+m.From+">", paths, m.message)
	if err != nil {
		return nil, err
	}
	r := newReport(m)
	if r.answered(sent) {
		decision, err := w.decision(sent.QueueID())
		if err != nil {
			return nil, err
		}
		r.saw(decision)
	}
	for _, e := range w.daemon.Events("refused recipient")[refusals:] {
		r.sawRecipient(e)
	}
	return r, w.follow(r)
}

// decision waits for postseal's line about the mail that was just sent. The
// client of a rejected mail does not know a queue ID.
func (w *world) decision(queueID string) (mtatest.Event, error) {
	e, err := w.daemon.Await("decision", func(e mtatest.Event) bool {
		id, _ := e["queue_id"].(string)
		return id == queueID || queueID == "" && !w.decided[id]
	})
	if err != nil {
		return nil, err
	}
	id, _ := e["queue_id"].(string)
	w.decided[id] = true
	return e, nil
}

// follow waits until the mail has arrived, and releases it if it is held.
func (w *world) follow(r *report) error {
	waiting, err := mtatest.Settle(w.postfix, settleLimit)
	if err != nil {
		return err
	}
	r.take(direct, w.internet)
	r.take(relay, w.relay)
	if len(waiting) == 0 {
		return nil
	}
	for _, q := range waiting {
		for _, rcpt := range q.Recipients {
			r.arrived(strings.TrimSuffix(rcpt, relayDomain), arrival{place: held})
		}
		if err := w.postfix.Release(q.ID); err != nil {
			return err
		}
	}
	if err := w.postfix.Retry(); err != nil {
		return err
	}
	if _, err := mtatest.Settle(w.postfix, settleLimit); err != nil {
		return err
	}
	r.take(direct, w.internet)
	r.take(relay, w.relay)
	return nil
}

// take records what arrived at a stand-in host.
func (r *report) take(p place, host *mtatest.Sink) {
	for _, delivery := range host.Take() {
		subject := shown(strings.Join(delivery.Header("Subject"), " | "))
		for _, to := range delivery.Recipients {
			r.arrived(to.Address, arrival{p, subject})
		}
	}
}
