package milter

import (
	"net"
	"testing"
	"time"
)

// far is a limit that no test reaches.
const far = time.Hour

// shutdown begins Shutdown, and sends its result on the channel.
func (r *running) shutdown(d Drain) chan int {
	cut := make(chan int, 1)
	r.Drain = d
	go func() { cut <- r.Shutdown() }()
	return cut
}

// wantCut waits for the end of Shutdown.
func wantCut(t *testing.T, cut chan int, want int) {
	t.Helper()
	if got := <-cut; got != want {
		t.Errorf("%d messages were cut off, want %d", got, want)
	}
}

// refused waits until no connection is accepted.
func (r *running) refused(t *testing.T) {
	t.Helper()
	until(t, func() bool {
		c, err := net.Dial("unix", r.socket)
		if err == nil {
			c.Close()
		}
		return err != nil
	}, func() string { return "connections are still taken" })
}

// begin sends a message up to its recipient.
func (p peer) begin() {
	p.t.Helper()
	p.send(append(mailFrom("a@trust.example"), "R<a@nhs.net>\x00")...)
	p.want(goOnPacket)
}

// finish sends the rest of the message.
func (p peer) finish() {
	p.t.Helper()
	p.send("E")
	p.want(goOnPacket)
}

func TestShutdownServesWhileMessagesLast(t *testing.T) {
	r := newServer(t, always(testConfig(t)), DefaultTimeouts)
	idle, busy := r.open(t), r.open(t)
	busy.begin()
	cut := r.shutdown(Drain{UnderWay: far, Silence: 0, Between: far, All: far})
	r.await(t, `"draining","messages":1`)
	idle.begin()
	idle.finish()
	late := r.open(t)
	late.begin()
	late.finish()
	busy.finish()
	for _, p := range []peer{idle, late, busy} {
		p.want("")
	}
	r.refused(t)
	wantCut(t, cut, 0)
}

func TestShutdownBoundsTheMessagesUnderWay(t *testing.T) {
	r := newServer(t, always(testConfig(t)), DefaultTimeouts)
	busy := r.open(t)
	busy.begin()
	cut := r.shutdown(Drain{UnderWay: 0, Silence: 0, Between: far, All: far})
	r.refused(t)
	busy.finish()
	busy.want("")
	wantCut(t, cut, 0)
}

func TestShutdownKeepsActiveSessions(t *testing.T) {
	r := newServer(t, always(testConfig(t)), DefaultTimeouts)
	accepted, used := r.dial(t), r.open(t)
	used.begin()
	used.finish()
	cut := r.shutdown(Drain{UnderWay: 0, Silence: far, Between: far, All: far})
	r.refused(t)
	for range 2 {
		used.begin()
		used.finish()
	}
	accepted.send(offer(6, allActions, allProtocol))
	if got := accepted.receive(); got == "" {
		t.Error("a connection that was accepted is not served")
	}
	accepted.send("DC", connect)
	accepted.begin()
	accepted.finish()
	used.Close()
	accepted.Close()
	wantCut(t, cut, 0)
}

func TestShutdownEndsSilentSessions(t *testing.T) {
	r := newServer(t, always(testConfig(t)), DefaultTimeouts)
	fresh, idle, busy := r.dial(t), r.open(t), r.open(t)
	busy.begin()
	cut := r.shutdown(Drain{UnderWay: 0, Silence: time.Millisecond, Between: far, All: far})
	fresh.want("")
	idle.want("")
	busy.finish()
	busy.want("")
	wantCut(t, cut, 0)
	if n := r.count("session broken"); n != 0 {
		t.Errorf("%d sessions are logged as broken: %s", n, r.log)
	}
}

func TestShutdownEndsSessionsBetweenMessages(t *testing.T) {
	r := newServer(t, always(testConfig(t)), DefaultTimeouts)
	idle, busy := r.open(t), r.open(t)
	busy.begin()
	cut := r.shutdown(Drain{UnderWay: 0, Silence: far, Between: time.Millisecond, All: far})
	idle.want("")
	busy.finish()
	busy.want("")
	wantCut(t, cut, 0)
}

func TestShutdownCutsOffAfterItsLimit(t *testing.T) {
	r := newServer(t, always(testConfig(t)), DefaultTimeouts)
	idle, busy := r.open(t), r.open(t)
	busy.begin()
	wantCut(t, r.shutdown(Drain{UnderWay: 0, Silence: far, Between: far, All: time.Millisecond}), 1)
	busy.want("")
	idle.want("")
}
