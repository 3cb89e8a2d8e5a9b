package milter

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	gomilter "github.com/emersion/go-milter"
)

// Server serves the milter protocol. Its fields are set before Serve.
type Server struct {
	// Config gives the configuration in force. It is asked at each MAIL.
	Config   func() *Config
	Log      *slog.Logger
	Timeouts Timeouts
	Now      func() time.Time

	mu       sync.Mutex
	listener net.Listener
	draining bool
	sessions map[*conn]bool // true while a message is under way
	done     sync.WaitGroup
}

// Serve accepts connections until Shutdown, and then returns nil.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	s.listener = l
	s.sessions = make(map[*conn]bool)
	s.mu.Unlock()
	for {
		nc, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil: // out of file descriptors, say: those in use go on
			s.Log.Error("internal error", "fault", err.Error())
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if c := s.begin(nc); c != nil {
			go s.serve(c)
		}
	}
}

// begin takes up a connection; while draining it closes it and returns nil.
func (s *Server) begin(nc net.Conn) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		nc.Close()
		return nil
	}
	c := newConn(nc, s.Timeouts)
	c.onMail = func() bool { return s.setBusy(c, true) }
	c.onIdle = func() bool { return s.setBusy(c, false) }
	s.sessions[c] = false
	s.done.Add(1)
	return c
}

// serve runs one session to its end.
func (s *Server) serve(c *conn) {
	defer s.done.Done()
	own := &session{conn: c, current: s.Config, log: s.Log, now: s.Now}
	// A library server of its own gives the session a state of its own, which
	// outlives the responses after which go-milter asks for a new one.
	library := gomilter.Server{NewMilter: func() gomilter.Milter { return own }}
	library.Serve(oneConn{c, make(chan struct{}, 1)})
	s.mu.Lock()
	delete(s.sessions, c)
	s.mu.Unlock()
	if c.err != nil {
		s.Log.Warn("session broken", "queue_id", own.queueID, "client", clientText(own.client), "reason", c.err.Error())
	}
}

// setBusy notes whether a session has a message under way, and tells whether
// the session may go on.
func (s *Server) setBusy(c *conn, busy bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[c] = busy
	return !s.draining
}

// Shutdown stops accepting, ends the sessions between messages, and waits for
// the messages under way. Those not done when ctx is are cut off, and their
// number is returned: the MTA tells their clients to try again.
func (s *Server) Shutdown(ctx context.Context) (cut int) {
	s.mu.Lock()
	s.draining = true
	if s.listener != nil {
		s.listener.Close()
	}
	underWay := s.closeSessions(false)
	s.mu.Unlock()
	s.Log.Info("draining", "messages", underWay)

	done := make(chan struct{})
	go func() {
		s.done.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.mu.Lock()
		cut = s.closeSessions(true)
		s.mu.Unlock()
		<-done
	}
	return cut
}

// closeSessions closes the connections of idle sessions, or of all, and
// counts those with a message under way.
func (s *Server) closeSessions(all bool) (underWay int) {
	for c, busy := range s.sessions {
		if busy {
			underWay++
		}
		if all || !busy {
			c.Conn.Close()
		}
	}
	return underWay
}

// oneConn is a listener for a single connection, so that go-milter's Serve
// runs one session and returns when that is over.
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
