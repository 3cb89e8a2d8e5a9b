package milter

import (
	"net"
	"sync/atomic"
	"time"

	"github.com/postseal/postseal/milter/maillog"
)

// Limits on what a peer can make the daemon keep, in octets of memory. They are
// far above what MTAs allow. Apart from its message, a connection needs little:
// buffers of keptBuffer octets and macros of maxMacros.
const (
	// maxHeld limits all messages together, including all packets under way
	// that are longer than keptBuffer.
	maxHeld = 256 << 20
	// maxMacros limits the macros of a command. Only those that were asked for
	// are kept. An address or a login is far shorter.
	maxMacros = 8 << 10
	// keptBuffer is the largest buffer that a connection keeps.
	keptBuffer = 8 << 10
)

// DefaultMaxConnections is more than MTAs open. Postfix opens one for each of
// its smtpd processes, by default 100.
const DefaultMaxConnections = 4096

// memory counts what one connection holds towards maxHeld, in octets.
type memory struct {
	all                 *atomic.Int64 // of all connections
	ofMessage, ofPacket int
}

// holdMessage and holdPacket record what the message or the packet needs from
// now on. They return false and change nothing if all connections together would
// then hold too much.
func (m *memory) holdMessage(octets int) bool { return m.hold(&m.ofMessage, octets) }
func (m *memory) holdPacket(octets int) bool  { return m.hold(&m.ofPacket, octets) }

func (m *memory) hold(part *int, octets int) bool {
	more := int64(octets - *part)
	if m.all.Add(more) > maxHeld && more > 0 {
		m.all.Add(-more)
		return false
	}
	*part = octets
	return true
}

// admit reports whether another connection may be served, and records it. Above
// MaxConnections it closes the connection at once, so that the MTA sends its
// client a 451 immediately. If the connection stayed open instead, the client
// would get the 451 only after the MTA's own timeout. Probe takes no connection from
// the MTA: there is one more for each of its own that has not named itself.
func (s *Server) admit(nc net.Conn) (*conn, bool) {
	s.mu.Lock()
	if len(s.sessions) < s.MaxConnections || s.ofMTA() < s.MaxConnections+len(s.probes) {
		defer s.mu.Unlock()
		return s.begin(nc), true
	}
	s.turnedAway++
	s.refused++
	first := s.turnedAway == 1
	s.mu.Unlock()
	nc.Close()
	if first {
		maillog.Write(s.Log, maillog.TooManyConnections{Limit: s.MaxConnections})
	}
	return nil, false
}

// calm is how long Accept must not fail before it counts as working again. A
// peer that connects and disconnects at the limit must not cause endless log
// lines.
const calm = 10 * time.Second

// acceptFailed records that no connection can be accepted, and logs the start
// of this state.
func (s *Server) acceptFailed(err error) {
	s.mu.Lock()
	first := !s.failing
	s.failing, s.failed = true, s.Now()
	s.mu.Unlock()
	if first {
		maillog.Write(s.Log, maillog.InternalError{Fault: "postseal cannot accept connections, and new ones wait: " + err.Error()})
	}
}

// acceptedAgain records that a connection was accepted, and logs the end of the
// state that acceptFailed logged.
func (s *Server) acceptedAgain() {
	s.mu.Lock()
	over := s.failing && s.Now().Sub(s.failed) >= calm
	if over {
		s.failing = false
	}
	s.mu.Unlock()
	if over {
		maillog.Write(s.Log, maillog.ConnectionsTakenAgain{})
	}
}

// leave removes a connection. A limit that was reached is over only when an
// eighth of the connections is free. A peer that connects and disconnects at
// the limit must not cause endless log lines.
func (s *Server) leave(c *conn) {
	c.holdMessage(0)
	c.holdPacket(0)
	s.mu.Lock()
	s.sessions[c].endMessage()
	delete(s.sessions, c)
	refused := 0
	if len(s.sessions) <= s.MaxConnections*7/8 {
		refused, s.turnedAway = s.turnedAway, 0
	}
	s.mu.Unlock()
	if refused > 0 {
		maillog.Write(s.Log, maillog.ConnectionsTakenAgain{Refused: refused})
	}
}
