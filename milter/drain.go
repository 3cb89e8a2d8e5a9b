package milter

import (
	"time"

	"github.com/postseal/postseal/milter/maillog"
)

// Drain limits the steps of Shutdown. If the filter closes a connection, the
// MTA answers its client's next message with a 451. Shutdown therefore keeps as
// many sessions open as it can.
type Drain struct {
	// UnderWay is the time for the messages under way at the start. Each may
	// take long, so connections are still accepted: an MTA waits for the answer
	// to its connection for only 10 to 30 seconds.
	UnderWay time.Duration
	// After UnderWay, no connection is accepted. A session is handed over as
	// soon as it is between messages. Without HandOver, it ends when it has
	// been silent between messages for the time Silence.
	Silence time.Duration
	// After Between, each session ends as soon as it is between messages.
	Between time.Duration
	// After All, the remaining connections are closed.
	All time.Duration
}

// DefaultDrain ends within 62 seconds. systemd kills the process after 90.
var DefaultDrain = Drain{
	UnderWay: 50 * time.Second,
	Silence:  time.Second,
	Between:  8 * time.Second,
	All:      12 * time.Second,
}

// stage is the progress of Shutdown.
type stage uint8

const (
	serving  stage = iota
	draining       // no connection is accepted
	hurrying       // sessions between messages end at once
)

// activity is what a session is doing.
type activity struct {
	waiting time.Time     // since when it waits for a packet between messages; otherwise zero
	message chan struct{} // closed at the end of the message under way; nil if there is none
}

func (a *activity) endMessage() {
	if a.message != nil {
		close(a.message)
		a.message = nil
	}
}

// beginWait records that a session waits between messages, and sets its read
// deadline.
func (s *Server) beginWait(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.sessions[c]
	a.endMessage()
	a.waiting = time.Now()
	c.SetReadDeadline(a.waiting.Add(s.patience()))
}

// endWait records that the wait is over. From then on, Shutdown does not change
// the deadline.
func (s *Server) endWait(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[c].waiting = time.Time{}
}

// beginMessage records that a message is under way.
func (s *Server) beginMessage(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.sessions[c]
	a.endMessage()
	a.message = make(chan struct{})
}

// patience is how long a session may be silent between messages.
func (s *Server) patience() time.Duration {
	switch {
	case s.stage == serving:
		return s.Timeouts.Idle
	case s.stage == draining && s.HandOver == nil:
		return s.Drain.Silence
	}
	return 0
}

func (s *Server) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stage >= draining
}

// Shutdown stops serving, in the steps of Drain. It returns the number of
// messages that were cut off. The MTA tells their clients to try again.
func (s *Server) Shutdown() (cut int) {
	s.mu.Lock()
	s.stopping = true
	var underWay []chan struct{}
	for _, a := range s.sessions {
		if a.message != nil {
			underWay = append(underWay, a.message)
		}
	}
	s.mu.Unlock()
	maillog.Write(s.Log, maillog.Draining{Messages: len(underWay)})
	awaitAll(underWay, s.Drain.UnderWay)

	for _, l := range s.listeners {
		l.Close()
	}
	s.enter(draining)
	done := make(chan struct{})
	go func() {
		s.done.Wait()
		close(done)
	}()
	between, all := time.After(s.Drain.Between), time.After(s.Drain.All)
	for {
		select {
		case <-done:
			return cut
		case <-between:
			s.enter(hurrying)
		case <-all:
			cut = s.cutOff()
		}
	}
}

// awaitAll waits until all messages have ended or the limit is reached.
func awaitAll(messages []chan struct{}, limit time.Duration) {
	over := time.After(limit)
	for _, message := range messages {
		select {
		case <-message:
		case <-over:
			return
		}
	}
}

// enter starts a stage, and applies its patience to the sessions that already
// wait.
func (s *Server) enter(next stage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stage = next
	for c, a := range s.sessions {
		if !a.waiting.IsZero() {
			c.SetReadDeadline(a.waiting.Add(s.patience()))
		}
	}
}

// cutOff closes all connections and counts the messages under way.
func (s *Server) cutOff() (messages int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c, a := range s.sessions {
		if a.message != nil {
			messages++
		}
		c.Conn.Close()
	}
	return messages
}
