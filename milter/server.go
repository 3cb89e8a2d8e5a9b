package milter

import (
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/shown"
)

// Server serves the milter protocol. Set its fields before Start.
type Server struct {
	// Config returns the present configuration. It is called at the negotiation of
	// each connection, and at each MAIL.
	Config   func() *message.Config
	Log      *maillog.Log
	Timeouts Timeouts
	Drain    Drain
	Now      func() time.Time
	// MaxConnections is how many connections are served at once. Any further
	// one is closed.
	MaxConnections int
	// HandOver, if not nil, keeps a connection open beyond this process, under
	// a name that Resume accepts. Shutdown calls it for each session that is
	// between messages.
	HandOver func(c net.Conn, name string) error
	// Elsewhere says that inet listeners are in another network, to which this
	// process cannot connect. Probe then passes its connection to the server itself.
	Elsewhere bool

	mu        sync.Mutex
	listeners []net.Listener
	stage     stage
	sessions  map[*conn]*activity
	done      sync.WaitGroup // sessions and listeners
	// turnedAway counts the connections closed since MaxConnections was reached.
	turnedAway int
	refused    int  // connections closed at MaxConnections, since the start
	stopping   bool // Shutdown was called
	probes     map[string]*probe
	failing    bool         // Accept has failed, and this was logged
	failed     time.Time    // when it failed last
	held       atomic.Int64 // by all connections, in octets
}

// Start begins to accept connections, and returns. Shutdown ends it.
func (s *Server) Start(listeners ...net.Listener) {
	s.mu.Lock()
	s.listeners = listeners
	s.mu.Unlock()
	for _, l := range listeners {
		s.done.Go(func() { s.accept(l) })
	}
}

// Replace serves a new listener instead of one that clients cannot reach any
// longer. The sessions of the old one continue. It must not be called during
// Shutdown.
func (s *Server) Replace(old, fresh net.Listener) {
	if unix, ok := old.(*net.UnixListener); ok {
		unix.SetUnlinkOnClose(false) // the path now belongs to the new listener
	}
	old.Close()
	s.mu.Lock()
	s.listeners[slices.Index(s.listeners, old)] = fresh
	s.mu.Unlock()
	s.done.Go(func() { s.accept(fresh) })
}

// Sessions returns the number of connections that are being served, without those
// of Probe.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ofMTA()
}

// ofMTA counts the connections that are not known to be those of Probe. The caller
// holds the mutex.
func (s *Server) ofMTA() (n int) {
	for c := range s.sessions {
		if c.probe == nil {
			n++
		}
	}
	return n
}

// Refused returns the number of connections that were closed at MaxConnections.
func (s *Server) Refused() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// accept accepts connections until the listener is closed.
func (s *Server) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // such as no file descriptors: existing connections continue
			s.acceptFailed(err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		s.acceptedAgain()
		if c, ok := s.admit(nc); ok {
			go s.serve(c)
		}
	}
}

// begin records a new connection. The caller holds the mutex.
func (s *Server) begin(nc net.Conn) *conn {
	if s.sessions == nil {
		s.sessions = make(map[*conn]*activity)
	}
	c := newConn(nc, s)
	s.sessions[c] = new(activity)
	s.done.Add(1)
	return c
}

// serve runs one session to its end.
func (s *Server) serve(c *conn) {
	defer s.done.Done()
	own := &session{conn: c, current: s.Config, log: s.Log, now: s.Now}
	c.recipient, c.header, c.body = own.recipient, own.header, own.body
	// Each session has its own go-milter server and thus its own state, which
	// outlives the responses after which go-milter asks for a new one.
	library := gomilter.Server{NewMilter: func() gomilter.Milter { return own }}
	library.Serve(oneConn{c, make(chan struct{}, 1)})
	own.endMessage()
	if c.leaving {
		s.handOver(c)
	}
	s.leave(c)
	if c.err != nil {
		if own.message == nil {
			own.queueID = "" // of the message before
		}
		maillog.Write(own.log, maillog.SessionBroken{QueueID: own.queueID, Client: shown.Client(c.client), Reason: c.err.Error()})
	}
}

// oneConn is a listener for a single connection, so that go-milter's Serve runs
// one session and then returns.
type oneConn struct {
	*conn
	taken chan struct{}
}

func (l oneConn) Accept() (net.Conn, error) {
	select {
	case l.taken <- struct{}{}:
		return l.conn, nil
	default:
		<-l.closed
		return nil, net.ErrClosed
	}
}

// Close does nothing: the session closes its connection.
func (l oneConn) Close() error { return nil }

func (l oneConn) Addr() net.Addr { return l.LocalAddr() }
