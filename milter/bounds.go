package milter

import (
	"net"
	"time"
)

// Bounds on what a peer can make the daemon keep, in octets of memory. They
// are far above what MTAs let through. What is kept of a connection beside its
// message is small: buffers of keptBuffer octets and macros of maxMacros.
const (
	// maxHeld bounds all messages together, and all packets under way that are
	// longer than keptBuffer.
	maxHeld = 256 << 20
	// maxMacros bounds the macros of a command, of which those asked for are
	// kept. An address or a login is far shorter.
	maxMacros = 8 << 10
	// keptBuffer is the largest buffer that stays with a connection.
	keptBuffer = 8 << 10
)

// DefaultMaxConnections is more than MTAs open: Postfix has one for each of
// its smtpd processes, 100 unless told otherwise.
const DefaultMaxConnections = 4096

// holding is what one connection holds against maxHeld.
type holding struct{ message, packet int }

func (h holding) octets() int64 { return int64(h.message + h.packet) }

// hold notes what a connection holds from now on. It reports false, and
// changes nothing, if all connections together would then hold too much.
func (c *conn) hold(want holding) bool {
	more := want.octets() - c.held.octets()
	if c.server.held.Add(more) > maxHeld && more > 0 {
		c.server.held.Add(-more)
		return false
	}
	c.held = want
	return true
}

// admit reports whether a further connection may be served, and notes it. Past
// MaxConnections it closes the connection at once: the MTA then answers its
// client with a 451, while one that waits would keep the client waiting, and
// get the 451 only after the MTA's own timeout.
func (s *Server) admit(nc net.Conn) (*conn, bool) {
	s.mu.Lock()
	if len(s.sessions) < s.MaxConnections {
		defer s.mu.Unlock()
		return s.begin(nc), true
	}
	s.turnedAway++
	first := s.turnedAway == 1
	s.mu.Unlock()
	nc.Close()
	if first {
		s.Log.Error("too many connections", "limit", s.MaxConnections)
	}
	return nil, false
}

// calm is how long no Accept must fail before it counts as working again. A peer
// that comes and goes at the limit must not cause lines without end.
const calm = 10 * time.Second

// acceptFailed notes that no connection can be taken, and logs that it begins.
func (s *Server) acceptFailed(err error) {
	s.mu.Lock()
	first := !s.failing
	s.failing, s.failed = true, s.Now()
	s.mu.Unlock()
	if first {
		s.Log.Error("internal error", "fault", "no connection can be taken, and those that come wait: "+err.Error())
	}
}

// acceptedAgain notes that a connection was taken, and logs the end of what
// acceptFailed began.
func (s *Server) acceptedAgain() {
	s.mu.Lock()
	over := s.failing && s.Now().Sub(s.failed) >= calm
	if over {
		s.failing = false
	}
	s.mu.Unlock()
	if over {
		s.Log.Info("connections taken again", "refused", 0)
	}
}

// leave forgets a connection. Only once some room has come does a limit that
// was reached count as left: a peer that comes and goes at the limit itself
// must not cause lines without end.
func (s *Server) leave(c *conn) {
	c.hold(holding{})
	s.mu.Lock()
	s.sessions[c].endMessage()
	delete(s.sessions, c)
	refused := 0
	if len(s.sessions) <= s.MaxConnections*7/8 {
		refused, s.turnedAway = s.turnedAway, 0
	}
	s.mu.Unlock()
	if refused > 0 {
		s.Log.Info("connections taken again", "refused", refused)
	}
}
