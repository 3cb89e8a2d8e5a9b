package daemon

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/message"
)

// notified returns the next notification that contains all of the texts.
func notified(t *testing.T, c *net.UnixConn, texts ...string) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(time.Minute))
	buffer := make([]byte, 4096)
next:
	for {
		n, err := c.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if !bytes.Contains(buffer[:n], []byte(text)) {
				continue next
			}
		}
		return string(buffer[:n])
	}
}

// TestWatchdogIsNotifiedOnlyOfProgress blocks a session in its callback. The test
// sets the clock.
func TestWatchdogIsNotifiedOnlyOfProgress(t *testing.T) {
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "n"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	t.Setenv("NOTIFY_SOCKET", notify.LocalAddr().String())
	t.Setenv("WATCHDOG_USEC", "40000")
	s := newWatched(t, "", "")
	var late atomic.Int64
	began := time.Now()
	s.server.Now = func() time.Time { return began.Add(time.Duration(late.Load())) }
	called, release := make(chan struct{}), make(chan struct{})
	var calls atomic.Int64
	s.server.Config = func() *message.Config {
		if calls.Add(1) == 2 { // the first is for the negotiation
			close(called)
			<-release
		}
		return s.current.Load().Message
	}
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	s.server.Start(listener)
	signals, done := make(chan os.Signal), make(chan struct{})
	go func() {
		s.run(signals, nil)
		close(done)
	}()
	mta, err := net.Dial("unix", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer mta.Close()
	const negotiate, connect = "\x00\x00\x00\x0dO\x00\x00\x00\x06\x00\x00\x01\xff\x00\x1f\xff\xff", "\x00\x00\x00\x11Cclient.example\x00U"
	if _, err := mta.Write([]byte(negotiate + connect)); err != nil {
		t.Fatal(err)
	}

	// A session that waits for its MTA for an hour is not stuck.
	notified(t, notify, "WATCHDOG=1", "1 sessions")
	late.Add(int64(time.Hour))
	for range 3 {
		notified(t, notify, "WATCHDOG=1")
	}
	if _, err := mta.Write([]byte("\x00\x00\x00\x16M<ward@trust.example>\x00")); err != nil {
		t.Fatal(err)
	}
	<-called
	late.Add(int64(29 * time.Second))
	for range 3 {
		notified(t, notify, "WATCHDOG=1")
	}
	late.Add(int64(2 * time.Second))
	for range 5 {
		if state := notified(t, notify, "1 sessions are stuck"); strings.Contains(state, "WATCHDOG=1") {
			t.Fatalf("got %q", state)
		}
	}
	close(release)
	notified(t, notify, "WATCHDOG=1")
	signals <- syscall.SIGTERM
	<-done
	if lines := s.events("fault"); len(lines) != 1 || !strings.Contains(lines[0], "internal error fault=1 sessions have made no progress") {
		t.Errorf("got %q", lines)
	}
	mta.Close()
	s.server.Shutdown()
}
