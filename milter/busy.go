package milter

import "time"

// maxBusy is how long the answer to one packet may take. Most answers take
// milliseconds, or seconds if the log is stuck.
const maxBusy = 30 * time.Second

// epoch makes the clock of sessions independent of the time of day, which can
// jump.
var epoch = time.Now().Add(-1)

// busyClock returns a time in nanoseconds since epoch, never 0.
func busyClock(now time.Time) int64 { return int64(now.Sub(epoch)) }

// Stuck returns how many sessions have worked on one packet for longer than 30
// seconds. Sessions that wait for the MTA, to read or to write, do not count.
func (s *Server) Stuck(now time.Time) (sessions int) {
	limit := busyClock(now.Add(-maxBusy))
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.sessions {
		if since := c.busySince.Load(); since != 0 && since < limit {
			sessions++
		}
	}
	return sessions
}
