package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// measurement is one case with one rival in one round.
type measurement struct {
	Round     int     `json:"round"`
	Position  int     `json:"position"` // in the order of the round
	Messages  int     `json:"messages"` // accepted by Postfix
	Delivered int     `json:"delivered"`
	Seconds   float64 `json:"seconds"`  // until the last message had left the queue
	Rate      float64 `json:"rate"`     // messages a second
	Ratio     float64 `json:"ratio"`    // of the rate to that of the first rival in the same round
	CPU       float64 `json:"cpu_ms"`   // of the rival for a message
	PSS       float64 `json:"pss_mib"`  // of the rival while the connections are open
	Switches  float64 `json:"switches"` // voluntary context switches of the rival for a message
}

// measureAll measures each case with each rival. In each round, the rivals of a
// case have their turns one after another, in a new order, so that whatever
// happens on the machine meets all of them.
func (w *world) measureAll(ctx context.Context, s settings) ([]result, error) {
	results := newResults(s.cases, w.entrants)
	random := rand.New(rand.NewPCG(1, 1)) // the same orders in every run
	for round := range s.rounds {
		for i, c := range s.cases {
			s.say("round %d of %d, case %d of %d: %s\n", round+1, s.rounds, i+1, len(s.cases), c)
			turn := results[i*len(w.entrants):][:len(w.entrants)]
			for position, rival := range random.Perm(len(w.entrants)) {
				if err := ctx.Err(); err != nil {
					return nil, context.Cause(ctx)
				}
				m, err := w.measure(w.entrants[rival], c, s.seconds)
				if err != nil {
					return nil, fmt.Errorf("%s: %s: %w", c, w.entrants[rival].name, err)
				}
				m.Round, m.Position = round+1, position+1
				turn[rival].Rounds = append(turn[rival].Rounds, m)
			}
			for rival := range turn {
				turn[rival].Rounds[round].Ratio = turn[rival].Rounds[round].Rate / turn[0].Rounds[round].Rate
			}
		}
	}
	for i := range results {
		results[i].summarise()
	}
	return results, nil
}

// measure measures once. The time ends when Postfix has delivered everything, so
// that a queue that grows is no gain.
func (w *world) measure(e *entrant, c testCase, seconds float64) (m measurement, err error) {
	if err := e.clearLog(); err != nil {
		return m, err
	}
	l := &load{addr: e.addr, c: c, to: loadRecipients(c.Recipients), message: mail(unmarked, c.KiB)}
	if err := w.clearLog(); err != nil {
		return m, err
	}
	if err := l.begin(); err != nil {
		return m, err
	}
	if _, err := w.await(c.Senders); err != nil {
		return m, err
	}
	if err := w.clearLog(); err != nil {
		return m, err
	}
	before, err := e.used()
	if err != nil {
		return m, err
	}
	start := time.Now()
	if m.Messages, err = l.run(time.Duration(seconds * float64(time.Second))); err != nil {
		return m, err
	}
	d, err := w.await(m.Messages)
	if err != nil {
		return m, err
	}
	m.Seconds = time.Since(start).Seconds()
	after, err := e.used()
	if err != nil {
		return m, err
	}
	if err := l.end(); err != nil {
		return m, err
	}
	want := delivered{m.Messages, m.Messages * c.Recipients, 0}
	if e.seals {
		want.sealed = want.recipients
	}
	if d != want {
		return m, fmt.Errorf("Postfix delivered %+v, not %+v", d, want)
	}
	n := float64(m.Messages)
	m.Delivered = d.messages
	m.Rate = n / m.Seconds
	m.CPU = (after.cpu - before.cpu).Seconds() * 1000 / n
	m.PSS = float64(after.pss) / 1024
	if c.Connection == reused {
		m.Switches = float64(after.switchesSince(before)) / n
	}
	return m, nil
}
