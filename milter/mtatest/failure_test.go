package mtatest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

func testReloadUnderLoad(t *T) {
	d := t.serve("enforce", "")
	text, err := os.ReadFile(d.Config)
	if err != nil {
		t.Fatal(err)
	}
	write := func(extra string) {
		t.Helper()
		if err := os.WriteFile(d.Config, append(slices.Clone(text), extra...), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := d.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	l := t.startLoad("")
	for i := range 2 {
		l.client(fmt.Sprint(i), 1_000_000)
	}
	count := func(msg string) int { return len(d.Events(msg)) }
	// traffic waits until mail has been sent under the configuration in force.
	traffic := func() {
		t.Helper()
		before := l.taken()
		until(t, func() bool { return l.taken() >= before+3 || !l.good() }, func() string { return "no mail passes\n" + d.Log() })
	}
	traffic()
	for i := range 9 {
		want, msg, extra := count("reloaded"), "reloaded", ""
		switch i % 3 {
		case 0:
			extra = letterPolicies
		case 1:
			msg, extra, want = "reload refused", "nonsense = 1\n", count("reload refused")
		}
		write(extra)
		until(t, func() bool { return count(msg) != want }, func() string { return fmt.Sprintf("no line %q\n%s", msg, d.Log()) })
		traffic()
	}
	write(letterPolicies)
	traffic()
	l.end(t)
	sent := len(l.sent)
	direct, relayed, _ := t.settle()
	got := make(map[string]int)
	for _, m := range append(direct, relayed...) {
		for _, r := range m.Recipients {
			got[r.Address]++
		}
	}
	if got["a@nhs.net"] != sent || got["bob@gmail.com"] != sent || len(got) != 2 {
		t.Errorf("sent %d, got %v", sent, got)
	}
	// Each message was decided by the configuration that its log line names.
	tags, diverts := 0, 0
	for _, e := range d.AwaitEvents("decision", sent) {
		switch e["action"] {
		case "tag":
			tags++
		case "divert":
			diverts++
		}
	}
	viaRelay := 0
	for _, m := range relayed {
		viaRelay += len(m.Recipients)
	}
	if viaRelay != diverts || tags == 0 || diverts == 0 || tags+diverts != sent {
		t.Errorf("sent %d: %d tagged, %d diverted, %d at the relay", sent, tags, diverts, viaRelay)
	}
	if e := d.Events("reload refused")[0]; !strings.Contains(fmt.Sprint(e["reason"]), "unknown key rules.nonsense") {
		t.Errorf("got %v", e)
	}

	// The last good file is in force, and decides the next message.
	s := t.send([]string{"<bob@gmail.com>"}, mail("Subject: last"))
	if s.End.Code != 250 {
		t.Fatal(s)
	}
	t.wantArrived(arrived{relay: []string{"bob@gmail.com: {[secure] }last"}})
}

func testKilledDaemonLeaksNothing(t *T) {
	message := mail("Subject: [secure] x")
	for _, stage := range []string{"not started", "MAIL", "RCPT", "DATA", "end"} {
		t.Run(stage, func(t *T) {
			d := t.startDaemon("enforce", "")
			c := t.dial()
			var last mtatest.Reply
			ask := func(line string) bool {
				var err error
				if last, err = c.Say(line); err != nil {
					t.Fatal(err)
				}
				return last.Code < 400
			}
			kill := func(at string) {
				if stage == at {
					d.Kill()
				}
			}
			// The first command after EHLO binds the session to the daemon.
			if stage == "not started" {
				d.Kill()
				c = t.dial()
			}
			kill("MAIL")
			if ask("MAIL FROM:" + sender) {
				kill("RCPT")
				if ask("RCPT TO:<bob@gmail.com>") {
					kill("DATA")
					if ask("DATA") {
						kill("end")
						ask(string(message) + "\r\n.")
					}
				}
			}
			if last.Code != 451 {
				t.Errorf("got %v, want 451", last)
			}
			t.wantArrived(arrived{})

			t.serve("enforce", "")
			if s := t.send([]string{"<bob@gmail.com>"}, message); s.End.Code != 250 {
				t.Errorf("the retry: got %v", s)
			}
			t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure] x"}})
		})
	}
}

// A second SIGINT was ignored while a message was in progress.
func TestSecondInterruptEndsAtOnce(tt *testing.T) {
	t := on(tt, postfix)
	for _, first := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		d := t.startDaemon("enforce", "")
		busy := t.dial()
		say(t, busy, 250, "MAIL FROM:"+sender)
		say(t, busy, 250, "RCPT TO:<a@nhs.net>")
		if err := d.Signal(first); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Await("draining", func(e mtatest.Event) bool { return e["messages"] == 1.0 }); err != nil {
			t.Fatalf("%v\n%s", err, d.Log())
		}
		if err := d.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if err := d.Wait(); err == nil || !strings.Contains(err.Error(), "signal: interrupt") {
			t.Errorf("%v, then SIGINT: got %v", first, err)
		}
		if err := os.Remove(filepath.Join(t.mta.SocketDir(), "postseal.sock")); err != nil { // which is left behind
			t.Error(err)
		}
	}
}

func testTermLetsMessagesFinish(t *T) {
	d := t.startDaemon("enforce", "")
	idle, busy := t.dial(), t.dial()
	// RSET is not enough, because Sendmail sends filters nothing for it.
	if s, err := idle.Send(sender, []string{"<a@nhs.net>"}, mail("Subject: before")); err != nil || s.End.Code != 250 {
		t.Fatalf("got %v, %v", s, err)
	}
	t.wantArrived(arrived{direct: []string{"a@nhs.net: before"}})
	say(t, busy, 250, "MAIL FROM:"+sender)
	say(t, busy, 250, "RCPT TO:<bob@gmail.com>")
	say(t, busy, 354, "DATA")
	if err := d.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Await("draining", func(e mtatest.Event) bool { return e["messages"] == 1.0 }); err != nil {
		t.Fatalf("%v\n%s", err, d.Log())
	}
	say(t, busy, 250, "Subject: [secure] in flight\r\n\r\nx\r\n.")
	if err := d.Wait(); err != nil {
		t.Fatal(err)
	}
	if e := d.Events("stopped"); len(e) != 1 || e[0]["cut_off"] != 0.0 {
		t.Errorf("got %v", e)
	}
	t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure] in flight"}})
	if t.onSendmail() {
		say(t, idle, 451, "MAIL FROM:"+sender)
	} else {
		say(t, idle, 250, "MAIL FROM:"+sender)
		say(t, idle, 451, "RCPT TO:<bob@gmail.com>")
	}
}

func testRelayIsDown(t *T) {
	t.serve("enforce", letterPolicies)
	t.stopRelay()
	if s := t.send([]string{"<bob@gmail.com>", "<a@nhs.net>"}, mail("Subject: waits")); s.End.Code != 250 {
		t.Fatalf("got %v", s)
	}
	t.awaitDeferred()
	if err := t.mta.Retry(); err != nil {
		t.Fatal(err)
	}
	t.awaitDeferred()
	compare(t, "direct", t.internet.Take(), []string{"a@nhs.net: waits"}, nil)
	t.startRelay()
	t.wantArrived(arrived{relay: []string{"bob@gmail.com: {[secure] }waits"}})
}

// stopRelay stops the encryption relay, so that connections to it are refused.
func (t *T) stopRelay() {
	t.Helper()
	if err := t.relay.Stop(); err != nil {
		t.Fatal(err)
	}
}

// startRelay starts it again, and sends the mail in the queue.
func (t *T) startRelay() {
	t.Helper()
	var err error
	if t.relay, err = mtatest.StartSinkAt(t.relay.Addr); err != nil {
		t.Fatal(err)
	}
	if err := t.mta.Retry(); err != nil {
		t.Fatal(err)
	}
}

// awaitDeferred waits until the one message in the queue has been tried.
func (t *T) awaitDeferred() {
	t.Helper()
	var queue []mtatest.Queued
	var err error
	until(t, func() bool {
		queue, err = t.mta.Queue()
		return err == nil && len(queue) == 1 && queue[0].Queue == "deferred"
	}, func() string { return fmt.Sprintf("not deferred: %v, %v\n%s", queue, err, t.mta.Log()) })
}
