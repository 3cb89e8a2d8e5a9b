// Package growthtest tests how time and memory grow with the input. It
// compares two sizes, and sets no limit to either.
package growthtest

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	factor = 10 // between the two sizes
	rounds = 3  // of which the best counts
	// most is what the larger input may cost, in costs of ten smaller ones.
	// Linear work costs 1, and quadratic work comes near 10.
	most = 4
)

// Below these a fixed cost would decide, such as that of a buffer.
const (
	leastTime   = 200 * time.Microsecond
	leastMemory = 64 << 10
)

// Linear fails the test if work on an input of ten times n costs more than
// four times the processor time or the memory of work on ten inputs of n.
// Prepare makes an input of the size given, and is not measured. The time is
// that of the thread alone, because other processes must not count.
func Linear(t *testing.T, n int, prepare func(n int) (work func())) {
	t.Helper()
	small, large := measure(t, factor, n, prepare), measure(t, 1, factor*n, prepare)
	if large.time > most*max(small.time, leastTime) {
		t.Errorf("time: %v for %d times %d, %v for %d", small.time, factor, n, large.time, factor*n)
	}
	if large.memory > most*max(small.memory, leastMemory) {
		t.Errorf("memory: %d octets for %d times %d, %d for %d", small.memory, factor, n, large.memory, factor*n)
	}
}

// cost is what work took.
type cost struct {
	time   time.Duration
	memory uint64 // octets allocated, even if they are free again
}

// measure returns the least that any of the rounds took for so many inputs.
func measure(t *testing.T, inputs, n int, prepare func(n int) func()) (least cost) {
	t.Helper()
	for round := range rounds {
		work := make([]func(), inputs)
		for i := range work {
			work[i] = prepare(n)
		}
		c := once(t, work)
		if round == 0 {
			least = c
		}
		least = cost{min(least.time, c.time), min(least.memory, c.memory)}
	}
	return least
}

func once(t *testing.T, work []func()) cost {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GC() // what is left of the preparation
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := threadTime(t)
	for _, f := range work {
		f()
	}
	took := threadTime(t) - began
	runtime.ReadMemStats(&after)
	return cost{took, after.TotalAlloc - before.TotalAlloc}
}

// threadTime returns the processor time that the thread has had.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}
