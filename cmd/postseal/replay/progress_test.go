package replay

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen is a terminal.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// TestBar checks that the bar shows what was read, and leaves the line empty.
func TestBar(t *testing.T) {
	var s screen
	b := NewBar(&s)
	b.Found(1000)
	b.Read(500)
	b.Decided(7)
	for !strings.Contains(s.String(), "7 messages  49%") {
		time.Sleep(10 * time.Millisecond)
	}
	b.Print(func() error {
		s.Write([]byte("a difference\n"))
		return nil
	})
	b.Close()
	lines := strings.Split(s.String(), "\n")
	for _, line := range []string{strings.TrimSuffix(lines[0], "a difference"), lines[len(lines)-1]} {
		if parts := strings.Split(line, "\r"); !strings.HasSuffix(lines[0], "\ra difference") || strings.TrimSpace(parts[len(parts)-1]) != "" {
			t.Errorf("the line is not empty: %q", line)
		}
	}
}
