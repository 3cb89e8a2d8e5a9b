package mtatest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/mtatest"
)

// supervise runs the daemons of one test under a supervisor that keeps the
// socket of the MTA's configuration open.
func (t *T) supervise(mode string) *mtatest.Supervisor {
	t.Helper()
	config, err := mtatest.Install(t.mta, mtatest.DaemonOptions{Root: root, Binary: binary, Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	socket, err := mtatest.ListenFile(t.mta)
	if err != nil {
		t.Fatal(err)
	}
	s, err := mtatest.NewSupervisor(binary, config, t.TempDir(), socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), os.Remove(filepath.Join(t.mta.SocketDir(), "postseal.sock"))); err != nil {
			t.Error(err)
		}
	})
	return s
}

// startReady starts a daemon and waits until it is ready.
func startReady(t testing.TB, s *mtatest.Supervisor) *mtatest.Daemon {
	t.Helper()
	d, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Signal(syscall.SIGKILL) // if the test has failed
		logtest.CheckStderr(t, d.Log())
	})
	if err := s.AwaitState("READY=1"); err != nil {
		t.Fatalf("%v\n%s", err, d.Log())
	}
	return d
}

// stop ends a daemon as systemd does, and checks that it had no fault.
func stop(t testing.TB, s *mtatest.Supervisor, d *mtatest.Daemon) {
	t.Helper()
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	wantNoFault(t, d)
	if _, err := s.States(); err != nil {
		t.Fatal(err)
	}
}

// Some clients connect for each mail, and some send all over one connection.
func testRestartsCostNoMail(t *T) {
	const restarts = 30
	s := t.supervise("enforce")
	d := startReady(t, s)
	began := time.Now()
	l := t.startLoad("[secure] ")
	for i := range 2 {
		l.client(fmt.Sprintf("short %d", i), 1)
		l.client(fmt.Sprintf("long %d", i), 1_000_000)
	}
	done := 0
	for ; done < restarts && l.good(); done++ {
		stop(t, s, d)
		d = startReady(t, s)
	}
	l.end(t)
	stop(t, s, d)
	t.Logf("%d restarts, %d mails in %v", done, len(l.sent), time.Since(began).Round(time.Millisecond))
	direct, relayed, held := t.settle()
	if len(held) > 0 {
		t.Errorf("held: %v", held)
	}
	wantOnce(t, "direct", direct, "a@nhs.net", l.sent)
	wantOnce(t, "through the relay", relayed, "bob@gmail.com", l.sent)
}

// wantOnce checks that each mail arrived exactly once, and only at the
// recipient.
func wantOnce(t testing.TB, way string, deliveries []mtatest.Delivery, recipient string, sent []string) {
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
