package mtatest_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

// load is clients that send mail until stop is closed.
type load struct {
	addr   string // of the MTA
	marker string // before each subject
	stop   chan struct{}
	wg     sync.WaitGroup

	mu    sync.Mutex
	sent  []string // the subjects of the mail that was accepted
	other []string // replies other than 250
}

// startLoad returns a load without clients.
func (t *T) startLoad(marker string) *load {
	t.Helper()
	t.expectMail()
	return &load{addr: t.mta.Addr(), marker: marker, stop: make(chan struct{})}
}

// good reports whether all replies were 250.
func (l *load) good() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.other) == 0
}

// taken returns how many mails were accepted.
func (l *load) taken() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sent)
}

// end stops the clients, and reports each reply other than 250.
func (l *load) end(t testing.TB) {
	t.Helper()
	close(l.stop)
	l.wg.Wait()
	for _, reply := range l.other {
		t.Error(reply)
	}
}

// send sends one mail, to a recipient who gets it directly and one who gets it
// through the relay, and reports whether it was accepted.
func (l *load) send(c *mtatest.Client, subject string) bool {
	s, err := c.Send(sender, []string{"<a@nhs.net>", "<bob@gmail.com>"}, mail("Subject: "+l.marker+subject))
	l.mu.Lock()
	defer l.mu.Unlock()
	replies := append(s.Recipients, s.End)
	for _, r := range replies {
		if err != nil || r.Code != 250 {
			l.other = append(l.other, fmt.Sprintf("%s: %v, %v", subject, replies, err))
			return false
		}
	}
	l.sent = append(l.sent, subject)
	return true
}

// client sends one mail after another, with the given number on each
// connection.
func (l *load) client(name string, each int) {
	l.wg.Go(func() {
		for i := 0; ; {
			c, err := mtatest.Dial(l.addr)
			if err != nil {
				l.mu.Lock()
				l.other = append(l.other, err.Error())
				l.mu.Unlock()
				return
			}
			for range each {
				select {
				case <-l.stop:
					c.Say("QUIT")
					c.Close()
					return
				default:
				}
				i++
				if !l.send(c, fmt.Sprint(name, " ", i)) {
					break
				}
			}
			c.Say("QUIT")
			c.Close()
		}
	})
}
