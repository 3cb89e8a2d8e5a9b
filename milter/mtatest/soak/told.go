package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
	"golang.org/x/sys/unix"
)

// told is what the log, the status, the metrics and the MTA have said during a fault.
type told struct {
	mu     sync.Mutex
	seen   map[string]bool // "source: text"
	old    map[string]bool // said before the fault, and still said
	faults []string        // what may never happen
}

func (t *told) add(source, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text = source + ": " + text; t.seen != nil && !t.old[text] {
		t.seen[text] = true
	}
}

func (t *told) fault(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(t.faults, text) {
		t.faults = append(t.faults, text)
	}
}

// begin forgets everything but what is old.
func (t *told) begin(old []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen, t.old = make(map[string]bool), make(map[string]bool)
	for _, text := range old {
		t.old["status: "+text] = true
	}
}

func (t *told) list() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.seen))
}

// has reports whether the text was said.
func (t *told) has(text string) bool {
	return slices.ContainsFunc(t.list(), func(said string) bool { return strings.Contains(said, text) })
}

// openLogs makes the places to which the daemon can log: a pipe, and a file on a small
// disk of its own.
func (w *world) openLogs() (err error) {
	path, disk := filepath.Join(w.dir, "log"), filepath.Join(w.dir, "disk")
	if err = os.Mkdir(disk, 0o755); err == nil {
		err = unix.Mount("tmpfs", disk, "tmpfs", 0, "size=16m")
	}
	if err != nil {
		return fmt.Errorf("a disk for the log: %w", err)
	}
	w.atEnd(func() error { return unix.Unmount(disk, unix.MNT_DETACH) })
	w.disk, err = os.OpenFile(filepath.Join(disk, "log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err = errors.Join(err, syscall.Mkfifo(path, 0o600), w.openReader()); err != nil {
		return err
	}
	w.pipe, err = os.OpenFile(path, os.O_WRONLY, 0)
	w.stderr = w.pipe
	w.atEnd(func() error { return errors.Join(w.pipe.Close(), w.fifo.Close(), w.disk.Close()) })
	return err
}

// openReader begins to read the pipe.
func (w *world) openReader() (err error) {
	if w.fifo, err = os.OpenFile(filepath.Join(w.dir, "log"), os.O_RDWR, 0); err == nil {
		go w.readLog(w.fifo)
	}
	return err
}

// readDisk reads what is in the file on the disk.
func (w *world) readDisk() {
	text, _ := os.ReadFile(w.disk.Name())
	for line := range bytes.Lines(text) {
		w.logged(line)
	}
}

// readLog reads the pipe until it is closed.
func (w *world) readLog(pipe io.Reader) {
	lines := bufio.NewScanner(pipe)
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		w.reading.Lock()
		w.logged(lines.Bytes())
		w.reading.Unlock()
	}
}

// logged records a line of the log.
func (w *world) logged(line []byte) {
	w.private(line)
	var event struct{ Msg string }
	switch err := json.Unmarshal(line, &event); {
	case err != nil:
		w.told.add("log", "plain text")
	case event.Msg != "decision" && event.Msg != "decision recipients" && event.Msg != "refused recipient":
		w.told.add("log", event.Msg)
	}
}

// private checks that no word of a message is shown.
func (w *world) private(text []byte) {
	if shown.Match(text) {
		w.told.fault("the log, the status or the metrics show text of a message")
	}
}

var shown = regexp.MustCompile(subjectWord + `|` + textWord + `|999 ?000`)

// status is what "postseal status -json" prints.
type status struct {
	Running, Refused bool
	Rows             int
	Expired          int `json:"rows_expired"`
	Problems         []struct{ Text string }
}

// sound reports whether the daemon runs with the files as they should be.
func (s status) sound(rows int) bool {
	return s.Running && !s.Refused && s.Rows == rows && s.Expired == 0
}

// problems are the texts without their figures and reasons.
func (s status) problems() (list []string) {
	for _, p := range s.Problems {
		text, _, _ := strings.Cut(p.Text, ": ")
		list = append(list, figure.ReplaceAllString(text, "N"))
	}
	return list
}

var figure = regexp.MustCompile(`\d+`)

func (w *world) status() (s status) {
	out, _ := exec.Command(w.binary, "status", "-json", "-no-queue", "-config", w.config()).Output() // exits with 1 if there are problems
	w.private(out)
	if json.Unmarshal(out, &s) != nil {
		return status{}
	}
	return s
}

// alarming are the metrics that count faults.
var alarming = regexp.MustCompile(`(?m)^postseal_(internal_errors_total|sessions_broken_total|connections_refused_total|socket_lost|log_lines_lost_total|reloads_total\{result="refused"\}|configuration_refused|rows_expired) (\S+)$`)

// watch looks each second.
func (w *world) watch() {
	for {
		select {
		case <-w.over:
			return
		case <-time.After(time.Second):
			w.look()
		}
	}
}

// look asks the status, the metrics, the queue and the MTA's log.
func (w *world) look() {
	w.looking.Lock()
	defer w.looking.Unlock()
	for _, problem := range w.status().problems() {
		w.told.add("status", problem)
	}
	w.readMetrics()
	if queue, err := w.mta.Queue(); err == nil && slices.ContainsFunc(queue, func(q mtatest.Queued) bool { return q.Queue == "deferred" }) {
		w.told.add("MTA", "deferred mail")
	}
	name, word := "maillog", []byte("warning: milter")
	if _, is := w.mta.(*mtatest.Sendmail); is { // its transcript has the replies to clients, and no log
		name, word = "transcript", []byte(">>> 451")
	}
	if file, err := os.Open(filepath.Join(w.mta.Directory(), name)); err == nil {
		text, _ := io.ReadAll(io.NewSectionReader(file, w.logRead, 1<<30))
		w.logRead += int64(len(text))
		file.Close()
		if bytes.Contains(text, word) {
			w.told.add("MTA", noAnswer)
		}
	}
}

// noAnswer is what the MTA says if postseal does not answer.
const noAnswer = "no answer"

// readMetrics tells which alarming metrics have changed.
func (w *world) readMetrics() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // the daemon may be stopped
	defer cancel()
	text, err := mtatest.Metrics(ctx, filepath.Join(w.mta.Directory(), "run", "status.sock"))
	if err != nil {
		return // the status says so
	}
	w.private([]byte(text))
	for _, found := range alarming.FindAllStringSubmatch(text, -1) {
		name, value := found[1], found[2]
		if w.figures[name] != value && value != "0" {
			w.told.add("metrics", name)
		}
		w.figures[name] = value
	}
}
