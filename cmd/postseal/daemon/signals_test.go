package daemon

import (
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// TestStopIsNotLostBehindReloads sends many SIGHUPs during a reload, then SIGTERM.
func TestStopIsNotLostBehindReloads(t *testing.T) {
	stop, hangUp := signals()
	defer signal.Stop(stop)
	defer signal.Stop(hangUp)
	for range 30 {
		syscall.Kill(syscall.Getpid(), syscall.SIGHUP)
		time.Sleep(5 * time.Millisecond) // the kernel keeps only one
	}
	syscall.Kill(syscall.Getpid(), syscall.SIGTERM)
	if got := <-stop; got != syscall.SIGTERM {
		t.Errorf("got %v", got)
	}
	if len(hangUp) != 1 {
		t.Errorf("%d reloads are left, want 1", len(hangUp))
	}
}
