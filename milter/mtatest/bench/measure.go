package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// measurement is one case with one rival in one round.
type measurement struct {
	Round    int     `json:"round"`
	Position int     `json:"position"` // in the order of the round
	Messages int     `json:"messages"` // accepted by Postfix
	Queued   int     `json:"queued"`   // found in the queue, with the edit
	Seconds  float64 `json:"seconds"`
	Rate     float64 `json:"rate"`    // messages a second
	Ratio    float64 `json:"ratio"`   // of the rate to that of the first rival in the same round
	CPU      float64 `json:"cpu_ms"`  // of the rival for a message
	PSS      float64 `json:"pss_mib"` // of the rival at the end
	// Voluntary context switches of the rival for a message, if connections are
	// reused. Otherwise, threads that have ended take theirs with them.
	Switches float64 `json:"switches"`
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

// measure measures once.
func (w *world) measure(e *entrant, c testCase, seconds float64) (m measurement, err error) {
	l := &load{addr: e.addr, c: c, to: loadRecipients(c.Recipients), message: mail(unmarked, c.KiB)}
	if err := l.begin(); err != nil {
		return m, err
	}
	if err := w.clear(e); err != nil {
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
	m.Seconds = time.Since(start).Seconds()
	after, err := e.used()
	if err != nil {
		return m, err
	}
	if err := l.end(); err != nil {
		return m, err
	}
	times := 1
	if e.diverts {
		times = c.Recipients
	}
	if m.Queued, err = w.edited(e.edit, times); err != nil {
		return m, err
	}
	if m.Queued != m.Messages {
		return m, fmt.Errorf("%d messages are in the queue, and Postfix accepted %d", m.Queued, m.Messages)
	}
	if err := w.clear(e); err != nil {
		return m, err
	}
	n := float64(m.Messages)
	m.Rate = n / m.Seconds
	m.CPU = (after.cpu - before.cpu).Seconds() * 1000 / n
	m.PSS = float64(after.pss) / 1024
	if c.Connection == reused {
		m.Switches = float64(after.switchesSince(before)) / n
	}
	return m, nil
}
