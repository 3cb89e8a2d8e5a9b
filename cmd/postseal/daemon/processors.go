package daemon

import (
	"os"
	"runtime"
)

// processors is how many processors the process may use.
var processors = runtime.GOMAXPROCS(0)

// useFew makes Go run the sessions on one in four processors, until the returned
// function is called. That is enough, because an MTA spends several times as much on
// each message. With more processors, Go wakes a second thread for nearly every packet,
// only to find that there is nothing left to do.
func useFew() (restore func()) { return use(max(1, processors/4)) }

// useMany makes Go run more goroutines at once than there are processors, until the
// returned function is called. A load takes seconds of CPU time, and sessions must not
// queue behind it: the kernel interrupts a thread sooner than Go a goroutine.
func useMany() (restore func()) { return use(2 * processors) }

// use sets the number, unless the environment does.
func use(n int) (restore func()) {
	if os.Getenv("GOMAXPROCS") != "" {
		return func() {}
	}
	before := runtime.GOMAXPROCS(n)
	return func() { runtime.GOMAXPROCS(before) }
}
