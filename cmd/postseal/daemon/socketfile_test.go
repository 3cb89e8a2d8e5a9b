package daemon

import (
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/maillog"
)

// newServing is newWatched with a socket that accepts connections.
func newServing(t *testing.T, passed bool) *watched {
	t.Helper()
	s := newWatched(t, "", "")
	s.remind(s.now)
	if err := os.Mkdir(s.file("run"), 0o750); err != nil {
		t.Fatal(err)
	}
	listeners, err := s.open("unix:"+s.file("run/s"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if passed {
		s.sockets = socketFiles(listeners, "")
	}
	s.server.Log = maillog.NewLog(slog.New(slog.DiscardHandler), nil) // the test reads only the events of the daemon
	s.server.Start(listeners...)
	t.Cleanup(func() { s.server.Shutdown() })
	return s
}

// answers reports whether postseal serves the path: it closes a connection
// whose first packet has no length.
func (s *watched) answers() bool {
	c, err := net.Dial("unix", s.file("run/s"))
	if err != nil {
		return false
	}
	defer c.Close()
	c.Write(make([]byte, 4))
	_, err = c.Read(make([]byte, 1))
	return err == io.EOF
}

// TestLostSocketIsOpenedAgain removes the socket's file or its directory.
func TestLostSocketIsOpenedAgain(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const lost, opened = "socket lost reason=the file is gone or replaced: opening the socket again", "socket opened"
	for _, test := range []struct {
		name  string
		lose  func(s *watched)
		mend  func(s *watched) // nil if postseal itself can mend it
		wants string           // the reason in the log
	}{
		{name: "file removed", lose: func(s *watched) { must(os.Remove(s.file("run/s"))) }},
		{name: "file renamed", lose: func(s *watched) { must(os.Rename(s.file("run/s"), s.file("run/t"))) }},
		{name: "directory renamed, and a new one", lose: func(s *watched) {
			must(os.Rename(s.file("run"), s.file("old")))
			must(os.Mkdir(s.file("run"), 0o750))
		}},
		{name: "a dead socket in its place", lose: func(s *watched) {
			must(os.Remove(s.file("run/s")))
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.file("run/s"), Net: "unix"})
			must(err)
			l.SetUnlinkOnClose(false)
			l.Close()
		}},
		{name: "directory removed", lose: func(s *watched) { must(os.RemoveAll(s.file("run"))) },
			mend: func(s *watched) { must(os.Mkdir(s.file("run"), 0o750)) }, wants: "create the directory"},
		{name: "a file in the directory's place", lose: func(s *watched) {
			must(os.RemoveAll(s.file("run")))
			must(os.WriteFile(s.file("run"), nil, 0o600))
		}, mend: func(s *watched) {
			must(os.Remove(s.file("run")))
			must(os.Mkdir(s.file("run"), 0o750))
		}, wants: "is not a directory"},
		{name: "a file in its place", lose: func(s *watched) {
			must(os.Remove(s.file("run/s")))
			must(os.WriteFile(s.file("run/s"), nil, 0o600))
		}, mend: func(s *watched) { must(os.Remove(s.file("run/s"))) }, wants: "is not a socket: move it"},
		{name: "a socket of another process", lose: func(s *watched) {
			must(os.Remove(s.file("run/s")))
			l, err := net.Listen("unix", s.file("run/s"))
			must(err)
			s.other = l
		}, mend: func(s *watched) { s.other.Close() }, wants: "uses the socket: stop it, or choose another one for listen"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServing(t, false)
			s.polls(3)
			if got := s.events(); len(got) > 0 || !s.answers() {
				t.Fatalf("at first: %q", got)
			}
			s.events()
			before, err := net.Dial("unix", s.file("run/s"))
			must(err)
			defer before.Close()
			_, err = before.Write([]byte("\x00\x00\x00\x0dO\x00\x00\x00\x06\x00\x00\x01\xff\x00\x00\x00\x00"))
			must(err)
			_, err = before.Read(make([]byte, 1000)) // so that it was taken
			must(err)
			test.lose(s)
			s.polls(1)
			s.wantEvents("lost", s.events("reason"), lost)
			if !strings.HasSuffix(s.status(), "; a socket is lost: see the log") {
				t.Errorf("got status %q", s.status())
			}
			s.polls(4)
			if test.mend != nil {
				if got := s.events("reason"); len(got) != 1 || !strings.HasPrefix(got[0], "socket lost reason=") || !strings.Contains(got[0], test.wants) {
					t.Errorf("got %q, want one line with %q", got, test.wants)
				}
				test.mend(s)
				s.polls(4)
			}
			s.wantEvents("mended", s.events("reason"), opened)
			if strings.Contains(s.status(), "lost") || !s.answers() {
				t.Errorf("the socket does not answer; status %q", s.status())
			}
			before.Write(make([]byte, 4))
			if _, err := before.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("an older connection: got %v", err)
			}
		})
	}
}

// Only systemd can open a socket that it has passed. postseal reports this
// once.
func TestLostSocketOfSystemd(t *testing.T) {
	s := newServing(t, true)
	if err := os.Rename(s.file("run/s"), s.file("run/t")); err != nil {
		t.Fatal(err)
	}
	s.polls(5)
	s.wantEvents("lost", s.events("reason"), "socket lost reason=the file is gone or replaced, and systemd opened the socket: run systemctl restart postseal.socket")
	if err := os.Rename(s.file("run/t"), s.file("run/s")); err != nil {
		t.Fatal(err)
	}
	s.polls(5)
	s.wantEvents("back", s.events("reason"), "socket opened")
}
