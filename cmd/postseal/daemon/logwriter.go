package daemon

import (
	"log/slog"
	"sync"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/terminal"
	"github.com/postseal/postseal/milter/maillog"
)

const (
	// maxQueued bounds the lines that a stuck log holds, in octets.
	maxQueued = 4 << 20
	// logPatience is how long a line may take before the log counts as stuck.
	logPatience = 2 * time.Second
	// logRetry is the time between two attempts after an error.
	logRetry = 100 * time.Millisecond
)

// logWriter writes lines to a file that may be stuck, full or closed, and never
// stops its callers for longer than logPatience. While all is well a line is
// written before write returns. While the log is stuck, lines are kept up to
// maxQueued and those beyond are counted: mail goes on, because a restart would
// meet the same log, and the counts are logged once the log can be written again.
type logWriter struct {
	file   logFile
	report func(lost int, since time.Time, reason string) []byte

	mu     sync.Mutex
	queue  []*queuedLine
	size   int // of the queue, in octets
	stuck  bool
	closed bool
	reason string    // of the last failed write
	lost   int       // not reported yet
	since  time.Time // when the first of those was lost
	total  int       // lost since the start
	wake   chan struct{}
	ended  chan struct{}
}

type queuedLine struct {
	text    []byte
	written chan struct{}
}

func newLogWriter(file logFile, format config.LogFormat, count func(maillog.Event)) (*logWriter, *slog.Logger) {
	w := &logWriter{file: file, report: lossReport(file, format, count), wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go w.run()
	return w, newLogger(format, terminal.Is(file.Writer), w.write)
}

// write returns once the line is written or, if the log is stuck, at once.
func (w *logWriter) write(level slog.Level, text []byte) {
	line := w.add(w.file.entry(level, text))
	if line == nil {
		return
	}
	timer := time.NewTimer(logPatience)
	defer timer.Stop()
	select {
	case <-line.written:
	case <-timer.C:
		w.setStuck("the log accepts no lines")
	}
}

// add queues an entry. It returns nil if there is nothing to wait for.
func (w *logWriter) add(entry []byte) *queuedLine {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.size+len(entry) > maxQueued {
		if w.lost == 0 {
			w.since = time.Now()
		}
		w.lost++
		w.total++
		return nil
	}
	line := &queuedLine{entry, make(chan struct{})}
	w.queue = append(w.queue, line)
	w.size += len(entry)
	select {
	case w.wake <- struct{}{}:
	default:
	}
	if w.stuck {
		return nil
	}
	return line
}

func (w *logWriter) setStuck(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stuck, w.reason = true, reason
}

// run writes the lines until the writer is closed and all are written.
func (w *logWriter) run() {
	defer close(w.ended)
	for {
		line, closed := w.next()
		switch {
		case line != nil:
			w.writeAll(line.text)
			w.finish(line)
		case closed:
			return
		default:
			<-w.wake
		}
	}
}

// next returns the oldest line, which stays in the queue. After the last line it
// returns the report of the lost lines.
func (w *logWriter) next() (line *queuedLine, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 && w.lost > 0 {
		text := w.report(w.lost, w.since, w.reason)
		w.lost = 0
		w.queue, w.size = append(w.queue, &queuedLine{text, make(chan struct{})}), len(text)
	}
	if len(w.queue) == 0 {
		return nil, w.closed
	}
	return w.queue[0], w.closed
}

func (w *logWriter) finish(line *queuedLine) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue[0] = nil
	w.queue = w.queue[1:]
	w.size -= len(line.text)
	w.stuck = false
	close(line.written)
}

// writeAll writes the whole line, in as many attempts as necessary. If a full disk
// cuts the line, the next attempt writes the rest.
func (w *logWriter) writeAll(text []byte) {
	for {
		n, err := w.file.Write(text)
		if text = text[min(n, len(text)):]; len(text) == 0 {
			return
		}
		if err != nil {
			w.setStuck(err.Error())
			if w.isClosed() {
				return
			}
			time.Sleep(logRetry)
		}
	}
}

func (w *logWriter) isClosed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

// state returns how many lines are lost and not reported, and whether the log is
// stuck.
func (w *logWriter) state() (lost int, stuck bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost, w.stuck
}

// lostLines returns how many lines were lost since the start.
func (w *logWriter) lostLines() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.total
}

// close writes the remaining lines, for logPatience at most.
func (w *logWriter) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	select {
	case <-w.ended:
	case <-time.After(logPatience):
	}
}
