package milter

import "time"

// maxBusy is how long the answer to one packet may take. It takes milliseconds,
// and a log that is stuck delays it by seconds.
const maxBusy = 30 * time.Second

// epoch keeps the clock of sessions apart from the time of day, which can jump.
var epoch = time.Now().Add(-1)

// busyClock returns a time as nanoseconds, never 0.
func busyClock(now time.Time) int64 { return int64(now.Sub(epoch)) }

// Stuck returns how many sessions have worked on one packet for longer than
// 30 seconds. A session that waits for its MTA, to read or to write, does not count.
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
