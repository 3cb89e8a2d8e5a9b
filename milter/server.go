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
			s.serve(c)
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

// serve starts one session. go-milter runs it in a goroutine of its own, and closes
// its connection at the end.
func (s *Server) serve(c *conn) {
	own := &session{conn: c, current: s.Config, log: s.Log, now: s.Now}
	c.recipient, c.header, c.body = own.recipient, own.header, own.body
	// Each session has its own go-milter server and thus its own state, which
	// outlives the responses after which go-milter asks for a new one.
	library := gomilter.Server{NewMilter: func() gomilter.Milter { return own }}
	library.Serve(&oneConn{conn: c, end: func() { s.end(own) }})
}

// end ends a session whose connection is closed or will be handed over.
func (s *Server) end(own *session) {
	defer s.done.Done()
	c := own.conn
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

// oneConn is a listener for a single connection. go-milter's Serve starts its session
// and then returns, so that the session needs no other goroutine.
type oneConn struct {
	*conn
	taken bool
	end   func()
}

func (l *oneConn) Accept() (net.Conn, error) {
	if l.taken {
		return nil, net.ErrClosed
	}
	l.taken = true
	return endingConn{l.conn, l.end}, nil
}

// Close does nothing: the session closes its connection.
func (l *oneConn) Close() error { return nil }

func (l *oneConn) Addr() net.Addr { return l.LocalAddr() }

// endingConn ends the session when go-milter closes the connection, which it does
// once.
type endingConn struct {
	*conn
	end func()
}

func (c endingConn) Close() error {
	defer c.end()
	return c.conn.Close()
}
