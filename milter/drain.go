package milter

import "time"

// Drain bounds the steps of Shutdown. When the filter closes a connection,
// the MTA answers its client's next message with a 451: Shutdown spares all
// the sessions that it can.
type Drain struct {
	// UnderWay is for the messages under way at the start. Connections are
	// still accepted meanwhile, since each may be long: an MTA does not wait
	// for the answer to its connection longer than 10 to 30 seconds.
	UnderWay time.Duration
	// Then nothing more is accepted. A session is handed over as soon as it is
	// between messages; where there is no HandOver, it is ended once it has
	// been silent between messages for as long as Silence.
	Silence time.Duration
	// After Between each session is ended as soon as it is between messages.
	Between time.Duration
	// After All the rest is cut off.
	All time.Duration
}

// DefaultDrain ends within 62 seconds. systemd kills after 90.
var DefaultDrain = Drain{
	UnderWay: 50 * time.Second,
	Silence:  time.Second,
	Between:  8 * time.Second,
	All:      12 * time.Second,
}

// stage is how far Shutdown has come.
type stage uint8

const (
	serving  stage = iota
	draining       // nothing more is accepted
	hurrying       // no session waits between messages
)

// activity is what a session does.
type activity struct {
	waiting time.Time     // since when it waits for a packet between messages; zero otherwise
	message chan struct{} // closed at the end of the message under way; nil where there is none
}

func (a *activity) endMessage() {
	if a.message != nil {
		close(a.message)
		a.message = nil
	}
}

// beginWait notes that a session waits between messages, and sets the
// deadline of its read.
func (s *Server) beginWait(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.sessions[c]
	a.endMessage()
	a.waiting = time.Now()
	c.SetReadDeadline(a.waiting.Add(s.patience()))
}

// endWait notes that the wait is over. From here on Shutdown leaves the
// deadline alone.
func (s *Server) endWait(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[c].waiting = time.Time{}
}

// beginMessage notes that a message is under way.
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

// Shutdown ends serving in the steps of Drain. It returns the number of
// messages that were cut off: the MTA tells their clients to try again.
func (s *Server) Shutdown() (cut int) {
	s.mu.Lock()
	var underWay []chan struct{}
	for _, a := range s.sessions {
		if a.message != nil {
			underWay = append(underWay, a.message)
		}
	}
	s.mu.Unlock()
	s.Log.Info("draining", "messages", len(underWay))
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

// awaitAll waits until all messages have ended, or the limit is reached.
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

// enter goes on to a stage, whose patience holds for the sessions that are
// waiting already.
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
