package milter

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules"
)

func (r *running) probeNow(t *testing.T, limit time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return r.Probe(ctx)
}

// TestProbe checks that Probe succeeds with each kind of listener and any decision,
// and that it causes no log line and no count.
func TestProbe(t *testing.T) {
	for name, policies := range map[string][]rules.Policy{
		"shipped":    nil,
		"tag":        {{Name: "x", Action: rules.Tag, Mode: rules.Enforce}},
		"divert":     {{Name: "x", Action: rules.Divert, Mode: rules.Enforce}},
		"quarantine": {{Name: "x", Action: rules.Quarantine, Mode: rules.Enforce}},
		"reject":     {{Name: "x", Action: rules.Reject, Mode: rules.Enforce}},
	} {
		for _, elsewhere := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				config := testConfig(t, policies...)
				config.Read = message.Read{Header: true, Body: true, Documents: subprocess.NewPool(1, within(time.Second))}
				var events atomic.Int64
				r := newCounting(t, always(config), DefaultTimeouts, func(maillog.Event) { events.Add(1) })
				defer func() { r.Shutdown() }()
				r.Elsewhere = elsewhere
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				r.listeners = append(r.listeners, l)
				if !elsewhere { // nothing accepts at a socket that cannot be reached
					r.done.Go(func() { r.accept(l) })
				}
				if err := r.probeNow(t, patience); err != nil {
					t.Error(err)
				}
				if text := r.log.String(); text != "" || events.Load() != 0 {
					t.Errorf("%d events, and the log has %s", events.Load(), text)
				}
			})
		}
	}
}

// TestProbeOfADaemonThatFails checks that Probe returns why no mail is decided, and
// that it succeeds afterwards.
func TestProbeOfADaemonThatFails(t *testing.T) {
	var config atomic.Pointer[message.Config]
	config.Store(testConfig(t))
	want := func(err error, text string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %q", err, text)
		}
	}
	t.Run("undecided", func(t *testing.T) {
		r := serve(t, config.Load, DefaultTimeouts)
		r.held.Store(maxHeld)
		want(r.probeNow(t, patience), "too much mail at once")
		r.held.Store(0)
		if err := r.probeNow(t, patience); err != nil {
			t.Error(err)
		}
	})
	t.Run("fault", func(t *testing.T) {
		r := serve(t, always(&message.Config{}), DefaultTimeouts) // it has no rules
		want(r.probeNow(t, patience), "nil pointer")
		if text := r.log.String(); text != "" {
			t.Errorf("the log has %s", text)
		}
	})
	t.Run("full", func(t *testing.T) {
		r := serve(t, config.Load, DefaultTimeouts)
		r.mu.Lock()
		r.MaxConnections = 1
		r.mu.Unlock()
		p := r.open(t)
		want(r.probeNow(t, patience), "1 connections are open")
		if r.Refused() != 0 || r.Sessions() != 1 {
			t.Errorf("%d connections refused, %d open", r.Refused(), r.Sessions())
		}
		p.Close()
	})
	t.Run("file lost", func(t *testing.T) {
		r := serve(t, config.Load, DefaultTimeouts)
		if err := os.Remove(r.socket); err != nil {
			t.Fatal(err)
		}
		want(r.probeNow(t, patience), "no such file")
	})
	t.Run("another process", func(t *testing.T) {
		r, other := serve(t, config.Load, DefaultTimeouts), serve(t, config.Load, DefaultTimeouts)
		if err := os.Rename(other.socket, r.socket); err != nil {
			t.Fatal(err)
		}
		want(r.probeNow(t, patience), "another process answers")
	})
	t.Run("silent", func(t *testing.T) {
		r := serve(t, config.Load, DefaultTimeouts)
		path := filepath.Join(filepath.Dir(r.socket), "silent")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if err := os.Rename(path, r.socket); err != nil {
			t.Fatal(err)
		}
		want(r.probeNow(t, 50*time.Millisecond), "no answer: ")
	})
	t.Run("stopping", func(t *testing.T) {
		r := newServer(t, config.Load, DefaultTimeouts)
		p := r.open(t)
		p.send(append(mailFrom("a@trust.example"), "R<a@nhs.net>\x00")...)
		p.want(goOnPacket)
		r.Drain = Drain{UnderWay: patience}
		done := make(chan int)
		go func() { done <- r.Shutdown() }()
		r.await(t, "draining")
		want(r.probeNow(t, patience), "stopping")
		p.Close()
		<-done
	})
}

// TestOnlyProbeIsNotLogged checks that no client can be taken for a probe, not even
// one that knows the form of its host, and that a probe's host works once.
func TestOnlyProbeIsNotLogged(t *testing.T) {
	r := serve(t, always(testConfig(t)), DefaultTimeouts)
	heard := make(chan string, 1)
	front := filepath.Join(filepath.Dir(r.socket), "front")
	l, err := net.Listen("unix", front)
	if err != nil {
		t.Fatal(err)
	}
	r.listeners[0].(*net.UnixListener).SetUnlinkOnClose(false)
	go func() { // passes on what Probe sends, and notes its host
		defer l.Close()
		from, err := l.Accept()
		if err != nil {
			return
		}
		defer from.Close()
		to, err := net.Dial("unix", r.socket)
		if err != nil {
			return
		}
		defer to.Close()
		go io.Copy(from, to)
		var sent strings.Builder
		io.Copy(io.MultiWriter(to, &sent), from)
		_, rest, _ := strings.Cut(sent.String(), "C")
		host, _, _ := strings.Cut(rest, "\x00")
		heard <- host
	}()
	if err := r.probe(t.Context(), l.Addr()); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{<-heard, "", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"} {
		r.log.clear()
		p := r.dial(t)
		p.send(offer(6, allActions, allProtocol))
		p.receive()
		p.send(append(append([]string{"C" + host + "\x00U"}, mailFrom("a@trust.example")...), "R<a@nhs.net>\x00", "E")...)
		p.want(goOnPacket, goOnPacket)
		var line struct{ Msg string }
		if err := json.Unmarshal([]byte(r.log.String()), &line); err != nil || line.Msg != "decision" {
			t.Errorf("%q: %v, the log has %s", host, err, r.log)
		}
	}
}

// blocked returns a configuration whose call of the number stops until release is
// called.
func blocked(t *testing.T, number int64) (config func() *message.Config, at chan struct{}, release func()) {
	c := testConfig(t)
	var calls atomic.Int64
	at, free := make(chan struct{}), make(chan struct{})
	release = sync.OnceFunc(func() { close(free) })
	return func() *message.Config {
		if calls.Add(1) == number {
			close(at)
			<-free
		}
		return c
	}, at, release
}

// TestProbeTakesNoConnection checks that the MTA can open its last connection during a
// probe, before and after the probe has named itself.
func TestProbeTakesNoConnection(t *testing.T) {
	for name, call := range map[string]int64{"at the negotiation": 1, "at MAIL": 2} {
		t.Run(name, func(t *testing.T) {
			config, at, release := blocked(t, call)
			r := serve(t, config, DefaultTimeouts)
			defer release()
			r.mu.Lock()
			r.MaxConnections = 1
			r.mu.Unlock()
			result := make(chan error, 1)
			go func() { result <- r.probeNow(t, patience) }()
			<-at
			p := r.open(t)
			p.send(append(mailFrom("a@trust.example"), "R<a@nhs.net>\x00")...)
			p.want(goOnPacket)
			release()
			if err := <-result; err != nil || r.Refused() != 0 {
				t.Errorf("%v, %d connections refused", err, r.Refused())
			}
			p.Close()
		})
	}
}

// TestProbeIsNotHandedOver checks that Shutdown ends a probe that has not named itself,
// even if its connection has no descriptor.
func TestProbeIsNotHandedOver(t *testing.T) {
	config, at, release := blocked(t, 1)
	r := newServer(t, config, DefaultTimeouts)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.listeners, r.Elsewhere = []net.Listener{l, r.listeners[0]}, true
	defer release()
	result := make(chan error, 1)
	go func() { result <- r.probeNow(t, patience) }()
	<-at
	handed, cut := r.handOver()
	r.await(t, "draining")
	release()
	if err := <-result; err == nil {
		t.Error("a probe has passed")
	}
	if <-cut; len(handed) > 0 {
		t.Error("handed over")
	}
}
