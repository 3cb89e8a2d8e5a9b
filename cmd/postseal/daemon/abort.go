package daemon

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
	"time"
)

// exitAborted is the exit status of the Go runtime after the same signals.
const exitAborted = 2

// abortAtSignal prints the stacks of all sessions and ends the process at the
// SIGABRT of systemd's watchdog, and at SIGQUIT. The Go runtime also prints
// the arguments of functions and the registers, which can contain numbers and text of
// a message.
func abortAtSignal(stderr io.Writer) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGABRT, syscall.SIGQUIT)
	go func() {
		s := <-signals
		time.AfterFunc(logPatience, func() { os.Exit(exitAborted) }) // if nobody reads
		fmt.Fprintf(stderr, "postseal: %v: where each session is:\n", s)
		pprof.Lookup("goroutine").WriteTo(stderr, 1)
		os.Exit(exitAborted)
	}()
}
