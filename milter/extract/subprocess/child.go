package subprocess

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
	"golang.org/x/sys/unix"
)

// Command is the first argument of the program for a process that reads a
// document. The part's number and the limits follow.
const Command = "read-document"

// Serve reads one document from in, and writes to out what it says. It is all
// that the process does. args are the arguments after Command. read is called with
// the whole document.
func Serve(args []string, in io.Reader, out io.Writer, read func(io.ReaderAt, int64, detect.Place, detect.Sink, Limits)) error {
	if len(args) != 2 {
		return fmt.Errorf("%d arguments, not a part and limits", len(args))
	}
	part := args[0]
	limits, err := parseLimits(args[1])
	if err != nil {
		return err
	}
	if err := confine(limits); err != nil {
		return err
	}
	if _, err := out.Write([]byte{frameReady}); err != nil {
		return err
	}
	w := &frameWriter{out: out}
	// The kernel provides the memory only as it is written to.
	document := make([]byte, limits.Document+1)
	n, err := io.ReadFull(in, document)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	document = document[:n]
	if int64(n) > limits.Document {
		w.Found(finding.Finding{Name: finding.Unreadable, Reason: finding.TooLarge, Part: part})
	} else {
		read(bytes.NewReader(document), int64(n), detect.Place{Part: part}, w, limits)
	}
	w.frame(frameEnd, nil)
	return w.err
}

// confine takes from the process what it does not need: it can open no file or
// socket, start no program, reach no other process and write no file. systemd's sandbox
// stays as well. The kernel enforces the limits, so no document can get around them.
func confine(limits Limits) error {
	// At SIGTERM the daemon lets the messages under way end.
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	// If memory runs out, the kernel must end this process and not the daemon.
	// Without /proc this is not possible, and the other limits stay.
	os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	debug.SetMemoryLimit(int64(limits.memory() / 2)) // above this, free memory more often
	debug.SetMaxStack(64 << 20)
	// The runtime opens files for its first timer, and ends the process if it cannot.
	// It needs timers to return memory.
	time.AfterFunc(time.Hour, func() {})
	for _, l := range []struct {
		resource int
		limit    uint64
	}{
		{unix.RLIMIT_DATA, limits.memory()},
		{unix.RLIMIT_CPU, uint64(math.Ceil(limits.Time.Seconds()))},
		{unix.RLIMIT_FSIZE, 0},
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_NOFILE, 0},
	} {
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{Cur: l.limit, Max: l.limit}); err != nil {
			return os.NewSyscallError("setrlimit", err)
		}
	}
	restrict()
	return nil
}
