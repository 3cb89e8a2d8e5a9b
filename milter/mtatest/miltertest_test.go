package mtatest_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// miltertest runs a script of testdata on the running daemon with Debian's
// miltertest(8), another implementation of the MTA's side of the protocol.
func (t *T) miltertest(script string) {
	t.Helper()
	cmd := exec.Command("miltertest", "-s", script, "-D", "socket=unix:"+filepath.Join(t.postfix().SocketDir(), "postseal.sock"))
	cmd.Dir = filepath.Join(root, "testdata", "miltertest")
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v (the package miltertest must be installed, as make test does)\n%s", script, err, out)
	}
}

func TestForeignClient(tt *testing.T) {
	t := on(tt, postfix)
	for _, test := range []struct {
		script    string
		decisions int
	}{
		{"negotiation.lua", 5*23*2 + 1},
		{"messages.lua", 2 * (8 + 1 + 8)},
		{"unknown.lua", 2},
	} {
		t.Run(test.script, func(t *T) {
			d := t.serve("enforce", "")
			t.miltertest(test.script)
			if n := len(d.AwaitEvents("decision", test.decisions)); n != test.decisions {
				t.Errorf("got %d decisions, want %d", n, test.decisions)
			}
		})
	}
}

func TestForeignClientMacros(tt *testing.T) {
	t := on(tt, postfix)
	d := t.serve("enforce", "")
	t.miltertest("macros.lua")
	var got []string
	for _, e := range d.AwaitEvents("decision", 8) {
		got = append(got, fmt.Sprint(e["queue_id"], "/", e["auth"]))
	}
	once := []string{"/", "MAIL1/ward", "RCPT1/", "/"}
	if want := append(once, once...); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := len(d.AwaitEvents("readings differ", 2)); n != 2 {
		t.Errorf("got %d lines on readings, want 2", n)
	}
}

func TestForeignClientIsRefused(tt *testing.T) {
	t := on(tt, postfix)
	d := t.startDaemon("enforce", "")
	t.Cleanup(func() { d.Signal(syscall.SIGKILL) }) // if the test has failed, because the next one needs the socket
	t.miltertest("refusal.lua")
	if err := d.Stop(); err != nil {
		t.Error(err)
	}
	var got []string
	for _, e := range d.Events("session broken") {
		got = append(got, fmt.Sprint(e["reason"]))
		if e["client"] != "" {
			t.Errorf("before there was a client: %v", e)
		}
	}
	missing := func(actions string) string {
		return "the MTA does not offer the actions " + actions + ", which postseal needs: check its milter settings"
	}
	var want []string
	for _, actions := range strings.Fields("0xbd 0xbc 0xbd 0xb9 0xb5 0xad 0x9d 0xbd 0x3d 0xbd 0x1 0x4 0x8 0x10 0x20 0x80") {
		want = append(want, missing(actions))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := len(d.AwaitEvents("decision", 1)); n != 1 {
		t.Errorf("got %d decisions, want 1", n)
	}
}
