package subprocess

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
	"golang.org/x/sys/unix"
)

// Command is the first argument of the program for a process that reads a
// document. The part's number follows.
const Command = "read-document"

// The limits of a process. The kernel enforces them, so no document can get
// around them.
const (
	// maxMemory limits the memory that a process can write to. A document of
	// MaxDocument octets and all that is made of it must fit.
	maxMemory = 768 << 20
	// maxSeconds limits the time of the processor.
	maxSeconds = 20
	// MaxDocument is the greatest size of a document, in octets. Mail services
	// rarely take messages of more than 50 MB, in which base64 leaves 37 MB for
	// a document.
	MaxDocument = 40 << 20
)

// Serve reads one document from in, and writes to out what it says. It is all
// that the process does. read is called with the whole document.
func Serve(part string, in io.Reader, out io.Writer, read func(io.ReaderAt, int64, detect.Place, detect.Sink)) error {
	if err := confine(); err != nil {
		return err
	}
	w := &frameWriter{out: out}
	// The kernel provides the memory only as it is written to.
	document := make([]byte, MaxDocument+1)
	n, err := io.ReadFull(in, document)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	document = document[:n]
	if n > MaxDocument {
		w.Found(finding.Finding{Name: finding.Unreadable, Reason: finding.TooLarge, Part: part})
	} else {
		read(bytes.NewReader(document), int64(n), detect.Place{Part: part}, w)
	}
	w.frame(frameEnd, nil)
	return w.err
}

// confine takes from the process what it does not need: it can open no file or
// socket, start no program and write no file. systemd's sandbox stays as well.
func confine() error {
	// At SIGTERM the daemon lets the messages under way end.
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	// If memory runs out, the kernel must end this process and not the daemon.
	// Without /proc this is not possible, and the other limits stay.
	os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	debug.SetMemoryLimit(maxMemory / 2) // from there on, free memory more eagerly
	debug.SetMaxStack(64 << 20)
	for _, l := range []struct {
		resource int
		limit    uint64
	}{
		{unix.RLIMIT_DATA, maxMemory},
		{unix.RLIMIT_CPU, maxSeconds},
		{unix.RLIMIT_FSIZE, 0},
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_NOFILE, 0},
	} {
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{Cur: l.limit, Max: l.limit}); err != nil {
			return os.NewSyscallError("setrlimit", err)
		}
	}
	return nil
}
