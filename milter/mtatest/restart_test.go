package mtatest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// supervise runs the daemons of one test under a supervisor that holds the
// socket which the MTA knows.
func supervise(t *testing.T, mode string) *mtatest.Supervisor {
	t.Helper()
	config, err := mtatest.Install(mta, mtatest.DaemonOptions{Root: root, Binary: binary, Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	socket, err := mtatest.ListenFile(mta)
	if err != nil {
		t.Fatal(err)
	}
	s, err := mtatest.NewSupervisor(binary, config, t.TempDir(), socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), os.Remove(filepath.Join(mta.SocketDir(), "postseal.sock"))); err != nil {
			t.Error(err)
		}
	})
	internet.Take()
	relay.Take()
	return s
}

// startReady starts a daemon and waits until it is ready.
func startReady(t *testing.T, s *mtatest.Supervisor) *mtatest.Daemon {
	t.Helper()
	d, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Signal(syscall.SIGKILL) }) // where the test has failed
	if err := s.AwaitState("READY=1"); err != nil {
		t.Fatalf("%v\n%s", err, d.Log())
	}
	return d
}

// stop ends a daemon as systemd does, and sees that it had no fault.
func stop(t *testing.T, s *mtatest.Supervisor, d *mtatest.Daemon) {
	t.Helper()
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, msg := range []string{"internal error", "session broken"} {
		if events := d.Events(msg); len(events) > 0 {
			t.Errorf("the daemon logged %v", events)
		}
	}
	if strings.Contains(d.Log(), "DATA RACE") {
		t.Error(d.Log())
	}
	if _, err := s.States(); err != nil {
		t.Fatal(err)
	}
}

// load is clients that send mail until they are told to stop.
type load struct {
	stop chan struct{}
	wg   sync.WaitGroup

	mu    sync.Mutex
	sent  []string // the subjects of the mail that was taken
	other []string // replies other than 250
}

// good tells whether all replies have been 250.
func (l *load) good() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.other) == 0
}

// send sends one mail, to a recipient who gets it directly and one who gets it
// through the relay, and tells whether it was taken.
func (l *load) send(c *mtatest.Client, subject string) bool {
	s, err := c.Send(sender, []string{"<a@nhs.net>", "<bob@gmail.com>"}, mail("Subject: [secure] "+subject))
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

// client sends mail after mail, with as many to a connection as given.
func (l *load) client(name string, each int) {
	l.wg.Go(func() {
		for i := 0; ; {
			c, err := mtatest.Dial(mta.Addr())
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

// Some clients connect for each mail, and some send all over one connection.
func testRestartsCostNoMail(t *testing.T) {
	const restarts = 100
	s := supervise(t, "enforce")
	d := startReady(t, s)
	began := time.Now()
	l := &load{stop: make(chan struct{})}
	for i := range 2 {
		l.client(fmt.Sprintf("short %d", i), 1)
		l.client(fmt.Sprintf("long %d", i), 1_000_000)
	}
	done := 0
	for ; done < restarts && l.good(); done++ {
		stop(t, s, d)
		d = startReady(t, s)
	}
	close(l.stop)
	l.wg.Wait()
	stop(t, s, d)
	t.Logf("%d restarts, %d mails, %d other replies in %v", done, len(l.sent), len(l.other), time.Since(began).Round(time.Millisecond))
	for _, reply := range l.other {
		t.Error(reply)
	}
	direct, relayed, held := settle(t)
	if len(held) > 0 {
		t.Errorf("held: %v", held)
	}
	wantOnce(t, "direct", direct, "a@nhs.net", l.sent)
	wantOnce(t, "through the relay", relayed, "bob@gmail.com", l.sent)
}

// wantOnce checks that the recipient got each mail once, and nobody else any.
func wantOnce(t *testing.T, way string, deliveries []mtatest.Delivery, recipient string, sent []string) {
	t.Helper()
	got := make(map[string]int)
	for _, d := range deliveries {
		for _, r := range d.Recipients {
			got[r.Address+strings.Join(d.Header("Subject"), "|")]++
		}
	}
	for _, subject := range sent {
		key := recipient + " [secure] " + subject
		if got[key] != 1 {
			t.Errorf("%s: %q arrived %d times", way, subject, got[key])
		}
		delete(got, key)
	}
	if len(got) > 0 {
		t.Errorf("%s: also arrived: %v", way, got)
	}
}
