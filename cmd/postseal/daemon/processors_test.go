package daemon

import (
	"runtime"
	"testing"
)

// TestProcessors checks that a load gives back what it took, and that the environment
// decides if it sets the number.
func TestProcessors(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	before := runtime.GOMAXPROCS(0)
	stop := useFew()
	few := runtime.GOMAXPROCS(0)
	loaded := useMany()
	many := runtime.GOMAXPROCS(0)
	loaded()
	if got := runtime.GOMAXPROCS(0); got != few || few > max(1, before/4) || many <= before {
		t.Errorf("%d at first, got %d, %d during a load and %d after it", before, few, many, got)
	}
	stop()
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("got %d at the end, want %d", got, before)
	}
	t.Setenv("GOMAXPROCS", "3")
	defer useFew()()
	defer useMany()()
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("GOMAXPROCS is set: got %d, want %d", got, before)
	}
}
