package main

import (
	"errors"
	"sync"
	"time"
)

// load is the senders of one measurement.
type load struct {
	addr    string // of the smtpd service
	c       testCase
	to      []string
	message []byte
	clients []*client // with reused connections: one for each sender
}

// begin connects, and sends one message from each sender, so that the processes
// of Postfix and of the filter exist before the measurement.
func (l *load) begin() error {
	l.clients = make([]*client, l.c.Senders)
	return l.all(func(i int) error {
		if l.c.Connection == each {
			return l.once()
		}
		c, err := dial(l.addr, loadSender, l.to, l.message)
		if err != nil {
			return err
		}
		l.clients[i] = c
		return c.send()
	})
}

// once sends a message through a connection of its own.
func (l *load) once() error {
	c, err := dial(l.addr, loadSender, l.to, l.message)
	if err != nil {
		return err
	}
	return errors.Join(c.send(), c.quit())
}

// run sends for the given time, and returns the number of messages. The
// connections stay open.
func (l *load) run(limit time.Duration) (messages int, err error) {
	sent := make([]int, l.c.Senders)
	end := time.Now().Add(limit)
	err = l.all(func(i int) error {
		for time.Now().Before(end) {
			send := l.once
			if c := l.clients[i]; c != nil {
				send = c.send
			}
			if err := send(); err != nil {
				return err
			}
			sent[i]++
		}
		return nil
	})
	for _, n := range sent {
		messages += n
	}
	return messages, err
}

// end closes the connections.
func (l *load) end() error {
	return l.all(func(i int) error {
		if l.clients[i] == nil {
			return nil
		}
		return l.clients[i].quit()
	})
}

// all calls f for each sender, all at the same time.
func (l *load) all(f func(sender int) error) error {
	faults := make([]error, l.c.Senders)
	var wg sync.WaitGroup
	for i := range l.c.Senders {
		wg.Go(func() { faults[i] = f(i) })
	}
	wg.Wait()
	return errors.Join(faults...)
}
