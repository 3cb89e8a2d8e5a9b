//go:build !race

// Package growthtest tests how time and memory grow with the input. It compares
// two sizes, and has no limit for either.
//
// It is not built with the race detector, because memory that is allocated in
// large pieces then costs several times as much as the same memory in small
// pieces.
package growthtest

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	factor = 10 // between the two sizes
	// rounds is how often a failed comparison is repeated. For each size the
	// smallest cost is used: a busy machine can only increase a cost, and work
	// that grows too fast does so in every round.
	rounds = 10
	// most is the greatest cost of the larger input, as a multiple of the cost
	// of ten smaller ones. Linear work costs 1, and quadratic work nearly 10.
	most = 4
)

// Below these, a fixed cost such as that of a buffer would dominate.
const (
	leastTime   = 200 * time.Microsecond
	leastMemory = 64 << 10
)

// Linear fails the test if work on an input of ten times n costs more than four
// times the processor time or the memory of work on ten inputs of n. prepare
// makes an input of the given size, and is not measured. The time is that of
// the thread alone, because other processes must not count.
func Linear(t *testing.T, n int, prepare func(n int) (work func())) {
	t.Helper()
	small, large := compare(t, n, prepare)
	if growsInTime(small, large) {
		t.Errorf("time: %v for %d times %d, %v for %d", small.time, factor, n, large.time, factor*n)
	}
	if growsInMemory(small, large) {
		t.Errorf("memory: %d octets for %d times %d, %d for %d", small.memory, factor, n, large.memory, factor*n)
	}
}

// cost is the cost of work.
type cost struct {
	time   time.Duration
	memory uint64 // octets allocated, including those that were freed
}

func (c cost) least(d cost) cost { return cost{min(c.time, d.time), min(c.memory, d.memory)} }

func growsInTime(small, large cost) bool { return large.time > most*max(small.time, leastTime) }

func growsInMemory(small, large cost) bool {
	return large.memory > most*max(small.memory, leastMemory)
}

// compare returns the cost of ten inputs of n, and of one input of ten times n.
// It measures both in turn, so that other load affects both.
func compare(t *testing.T, n int, prepare func(n int) func()) (small, large cost) {
	t.Helper()
	for round := range rounds {
		s, l := measure(t, factor, n, prepare), measure(t, 1, factor*n, prepare)
		if round == 0 {
			small, large = s, l
		}
		small, large = small.least(s), large.least(l)
		if !growsInTime(small, large) && !growsInMemory(small, large) {
			break
		}
	}
	return small, large
}

// memoryLimit is the size of the heap at which garbage is collected despite the
// setting, so that work that grows too fast does not exhaust the machine's
// memory.
const memoryLimit = 512 << 20

// measure returns the cost of work on inputs of size n. Garbage collection is off,
// because it would add its cost at random.
func measure(t *testing.T, inputs, n int, prepare func(n int) func()) cost {
	t.Helper()
	work := make([]func(), inputs)
	for i := range work {
		work[i] = prepare(n)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GC() // frees what prepare left
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(memoryLimit))
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

// threadTime returns the processor time that the thread has used.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}
