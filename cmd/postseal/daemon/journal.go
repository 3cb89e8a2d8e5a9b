package daemon

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"golang.org/x/sys/unix"
)

// journalSocket accepts entries in the journal's native protocol.
const journalSocket = "/run/systemd/journal/socket"

// journalPatience is how long one attempt to send an entry may take.
const journalPatience = time.Second

// openLog returns the log that replaces serve's stderr. If systemd has
// connected that to the journal, entries go to the journal's own socket: the
// stream of stderr breaks when journald restarts, and has no priorities.
func openLog(stderr io.Writer, socket string) logFile {
	if ours, err := journal.StderrIsJournalStream(); stderr == os.Stderr && err == nil && ours {
		if w, err := dialJournal(socket); err == nil {
			return logFile{w, journalEntry}
		}
	}
	return plainLog(stderr)
}

// journalWriter sends each Write as one entry. The library's Send is no
// substitute: it occupies a processor while the journal accepts nothing.
type journalWriter struct {
	fd int
	to unix.SockaddrUnix
}

// dialJournal returns an error if nothing listens at the path. The socket stays
// unconnected, so that entries also reach a journal that was restarted.
func dialJournal(path string) (*journalWriter, error) {
	c, err := net.Dial("unixgram", path)
	if err != nil {
		return nil, err
	}
	c.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	patience := unix.NsecToTimeval(journalPatience.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &patience); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &journalWriter{fd, unix.SockaddrUnix{Name: path}}, nil
}

func (w *journalWriter) Write(entry []byte) (int, error) {
	err := unix.EINTR
	for err == unix.EINTR {
		err, _ = unix.Sendto(w.fd, entry, unix.MSG_NOSIGNAL, &w.to).(unix.Errno)
	}
	if err != 0 {
		return 0, fmt.Errorf("the journal's socket %s: %w", w.to.Name, err)
	}
	return len(entry), nil
}

// journalEntry renders a line as an entry. The facility is mail (2), as for
// Postfix and Sendmail.
func journalEntry(level slog.Level, line []byte) []byte {
	priority := 6 // info, as of syslog(3)
	switch {
	case level >= slog.LevelError:
		priority = 3
	case level >= slog.LevelWarn:
		priority = 4
	}
	line = line[:len(line)-1] // the end of the line
	entry := fmt.Appendf(nil, "PRIORITY=%d\nSYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=postseal\nMESSAGE\n", priority)
	entry = binary.LittleEndian.AppendUint64(entry, uint64(len(line)))
	return append(append(entry, line...), '\n')
}
