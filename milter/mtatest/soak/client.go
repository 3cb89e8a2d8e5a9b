package main

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// retryPause is how soon a client tries again. A real MTA takes minutes.
const retryPause = 200 * time.Millisecond

// client sends mail as an MTA does: it sends again what was not accepted.
type client struct {
	w    *world
	conn *mtatest.Client // nil if there is none
	left int             // messages for this connection
}

// run sends random mail until the context ends, and then ends the last message.
func (w *world) run(ctx context.Context, random *rand.Rand, submits bool) {
	c := &client{w: w}
	for ctx.Err() == nil {
		m := w.ledger.add(compose(random, w.document, submits))
		if c.left--; c.left <= 0 {
			c.close()
			c.left = 1 + random.IntN(10)
		}
		c.deliver(m)
		time.Sleep(time.Duration(20+random.IntN(150)) * time.Millisecond)
	}
	c.close()
}

// deliver sends a message until each recipient has an answer, for Patience at most.
func (c *client) deliver(m *message) {
	for end := time.Now().Add(mtatest.Patience); time.Now().Before(end); time.Sleep(retryPause) {
		if m.submitted {
			c.submit(m)
		} else if !c.send(m) {
			c.close()
		}
		if len(m.waiting()) == 0 {
			return
		}
		c.w.ledger.retry()
	}
}

func (m *message) waiting() (list []*recipient) {
	for _, r := range m.recipients {
		if r.answer == waits {
			list = append(list, r)
		}
	}
	return list
}

// answered records a reply. 4xx leaves the recipients with the client.
func answered(list []*recipient, code int) {
	for _, r := range list {
		switch {
		case code/100 == 2:
			r.answer = taken
		case code/100 == 5:
			r.answer = refused
		}
	}
}

func (c *client) submit(m *message) {
	var to []string
	for _, r := range m.recipients {
		to = append(to, r.address)
	}
	if c.w.mta.Submit(strings.Trim(m.from, "<>"), to, []byte(strings.ReplaceAll(string(m.text), "\r\n", "\n"))) == nil {
		answered(m.recipients, 250)
		return
	}
	for _, r := range m.recipients {
		r.unknown++
	}
}

// send sends a message to the recipients without an answer. It returns false if the
// connection is of no more use.
func (c *client) send(m *message) (good bool) {
	if c.conn == nil {
		var err error
		if c.conn, err = mtatest.Dial(c.w.mta.Addr()); err != nil {
			c.conn = nil
			return false
		}
	}
	waiting := m.waiting()
	var to []string
	for _, r := range waiting {
		to = append(to, "<"+r.address+">")
	}
	s, err := c.conn.Send(m.from, to, m.text)
	good = err == nil && s.End.Code/100 != 4
	for i, reply := range s.Recipients {
		r := waiting[i]
		switch {
		case reply.Code != 250:
			answered([]*recipient{r}, reply.Code)
			good = good && reply.Code/100 == 5
		case err == nil:
			answered([]*recipient{r}, s.End.Code)
			r.queue = s.QueueID()
		case len(s.Recipients) == len(to):
			r.unknown++
		}
	}
	return good
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
	}
	c.conn = nil
}
