package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
)

// startSize is how much of a file is kept in memory. A message that fits is read
// from the file once, and a larger one once for each configuration.
const startSize = 256 << 10

// mailFile is a file with saved mail.
type mailFile struct {
	path string
	// isGuess says that nothing but its content can tell whether the file is mail.
	isGuess bool
}

func (f mailFile) name() string { return f.path }

// open opens a file and reads its first octets into start. rest is nil if that is
// all of the file. package os needs twice as many system calls, and these are half
// of the time for a small message.
func (f mailFile) open(start []byte) (n int, rest *os.File, err error) {
	fd, err := syscall.Open(f.path, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NOCTTY, 0)
	for err == syscall.EINTR {
		fd, err = syscall.Open(f.path, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		return 0, nil, err
	}
	n, err = syscall.Read(fd, start)
	for err == syscall.EINTR {
		n, err = syscall.Read(fd, start)
	}
	if err == nil && n == len(start) {
		return n, os.NewFile(uintptr(fd), f.path), nil
	}
	syscall.Close(fd)
	return max(n, 0), nil, err
}

func (f mailFile) replay(w *worker) {
	n, file, err := f.open(w.start)
	if err != nil {
		w.unreadable(f.path, err.Error())
		return
	}
	var in io.ReaderAt = bytes.NewReader(w.start[:n])
	size := int64(n)
	if file != nil {
		defer file.Close()
		in = file
		if info, err := file.Stat(); err == nil {
			size = info.Size()
		}
	}
	defer w.Progress.Read(size)
	place := Place{Path: f.path}
	whole := func() (io.ReadCloser, error) { return partOf(in, 0, 1<<62), nil }
	switch message.FormOf(w.start[:n]) {
	case message.QueueFile:
		w.queueFile(place)
	case message.PostcatText:
		envelope, err := message.ReadQueueEnvelope(partOf(in, 0, 1<<62), w.Config.Rules.Relay)
		if err != nil { // no envelope, or no message: mail says which
			w.mail(place, whole, nil, false)
			return
		}
		w.mail(place, whole, &envelope, false)
	case message.MboxFile:
		err := eachOf(in, func(number int, start, end int64) bool {
			place.Number = number
			w.mail(place, func() (io.ReadCloser, error) { return partOf(in, start, end), nil }, nil, false)
			return !w.stopped.Load()
		})
		if err != nil {
			w.unreadable(f.path, reasonOf(err))
		}
	default:
		w.mail(place, whole, nil, f.isGuess)
	}
}

// partOf reads a part of a file.
func partOf(in io.ReaderAt, start, end int64) io.ReadCloser {
	return io.NopCloser(io.NewSectionReader(in, start, end-start))
}

// eachOf calls next for each message of an mbox file.
func eachOf(in io.ReaderAt, next func(number int, start, end int64) bool) error {
	box := message.NewMbox(partOf(in, 0, 1<<62))
	for number := 1; ; number++ {
		start, end, err := box.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !next(number, start, end) {
			return nil
		}
	}
}

// mboxMail is a message of an mbox file.
type mboxMail struct {
	file       *sharedFile
	place      Place
	start, end int64
}

func (m mboxMail) name() string { return m.place.Path }

func (m mboxMail) replay(w *worker) {
	defer w.Progress.Read(m.end - m.start)
	defer m.file.release()
	var in io.ReaderAt = m.file
	start, end := m.start, m.end
	if n := end - start; n <= startSize {
		if _, err := m.file.ReadAt(w.start[:n], start); err != nil {
			w.unreadable(m.place.Path, reasonOf(err))
			return
		}
		in, start, end = bytes.NewReader(w.start[:n]), 0, n
	}
	w.mail(m.place, func() (io.ReadCloser, error) { return partOf(in, start, end), nil }, nil, false)
}

// sharedFile is closed when nobody uses it.
type sharedFile struct {
	*os.File
	users atomic.Int64
}

func (f *sharedFile) release() {
	if f.users.Add(-1) == 0 {
		f.Close()
	}
}

// mail decides a message. open returns it from its start. If isGuess, a file that
// is no message is left out.
func (w *worker) mail(place Place, open func() (io.ReadCloser, error), queued *message.QueueEnvelope, isGuess bool) {
	lists := make([][]outcome, 0, 2)
	var envelope message.Envelope
	var to []string
	for i, config := range w.configs {
		in, err := open()
		if err != nil {
			w.unreadable(place.Path, reasonOf(err))
			return
		}
		saved, err := message.OpenSaved(in)
		if err != nil && isGuess {
			in.Close()
			w.sums.skipped++
			return
		}
		if err == nil && i == 0 {
			if envelope, to = w.envelope(saved, queued); len(to) == 0 {
				err = errNoRecipient
			}
		}
		var list []outcome
		if err == nil {
			list, err = decide(config, envelope, to, saved, w.Now)
		}
		if closeErr := in.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			w.unreadable(place.Path, reasonOf(err))
			return
		}
		lists = append(lists, list)
	}
	w.decided(place, true, lists)
}

var errNoRecipient = errors.New("it has no recipient in Delivered-To, X-Original-To, To, Cc or Bcc: give -to")

// envelope returns the envelope of a message.
func (w *worker) envelope(saved *message.Saved, queued *message.QueueEnvelope) (e message.Envelope, to []string) {
	if queued != nil {
		e.Sender, e.Client = queued.Sender, queued.Client
		to = queued.Recipients
	} else {
		e.Sender, to = saved.Envelope()
	}
	if w.From != nil {
		e.Sender = *w.From
	}
	if w.To != nil {
		to = w.To
	}
	return e, to
}

// decide returns the outcomes in the order of the recipients.
func decide(config *message.Config, envelope message.Envelope, to []string, saved *message.Saved, now time.Time) ([]outcome, error) {
	v, refused, err := message.DecideSaved(config, envelope, to, saved, now)
	if err != nil {
		return nil, err
	}
	list := make([]outcome, len(to))
	accepted := v.Decision.Outcomes
	for i := range list {
		if len(refused) > 0 && refused[0].At == i {
			list[i] = outcomeOf(refused[0].Outcome)
			list[i].refused = true
			refused = refused[1:]
			continue
		}
		list[i] = outcomeOf(accepted[0])
		accepted = accepted[1:]
	}
	return list, nil
}

// rowNames shows the row of one address as its domain.
var rowNames = shown.Addresses{Format: shown.Domain}

func outcomeOf(o rules.Outcome) outcome {
	return outcome{
		domain: o.Address.Domain, row: rowNames.Row(o.RowName()), policy: o.Policy,
		class: o.Class, action: o.Action, sealed: o.Diverted,
	}
}

// reasonOf returns the text of an error without the path.
func reasonOf(err error) string {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err.Error()
	}
	return err.Error()
}

// path emits the mail at a path that was given.
func (r *run) path(path string) bool {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return r.emit(fault{path, err})
	case info.IsDir():
		return r.directory(path)
	}
	r.Progress.Found(info.Size())
	return r.file(path, info, false)
}

// fault is a path that cannot be read.
type fault struct {
	path string
	err  error
}

func (f fault) replay(w *worker) { w.unreadable(f.path, reasonOf(f.err)) }

var errNotRegular = errors.New("it is not a regular file or a directory")

// largeFile is the size from which several workers read an mbox file.
const largeFile = 1 << 20

func (r *run) file(path string, info fs.FileInfo, isGuess bool) bool {
	if !info.Mode().IsRegular() {
		return r.emit(fault{path, errNotRegular})
	}
	if info.Size() >= largeFile {
		if isMbox, more := r.mbox(path); isMbox {
			return more
		}
	}
	return r.emit(mailFile{path, isGuess})
}

// mbox emits the messages of a file, if it is an mbox file.
func (r *run) mbox(path string) (isMbox, more bool) {
	opened, err := os.Open(path)
	if err != nil {
		return false, true // the worker gets the same error
	}
	file := &sharedFile{File: opened}
	file.users.Add(1)
	defer file.release()
	start := make([]byte, 4<<10)
	n, _ := io.ReadFull(file, start)
	if message.FormOf(start[:n]) != message.MboxFile {
		return false, true
	}
	more = true
	err = eachOf(file, func(number int, start, end int64) bool {
		file.users.Add(1)
		more = r.emit(mboxMail{file, Place{Path: path, Number: number}, start, end})
		return more
	})
	if err != nil {
		more = r.emit(fault{path, err})
	}
	return true, more
}

// directory emits the mail in a directory and below it, in the order of the names.
func (r *run) directory(path string) bool {
	entries, err := os.ReadDir(path)
	if err != nil && !r.emit(fault{path, err}) {
		return false
	}
	has := func(name string) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name })
	}
	r.Progress.FoundAll(entries)
	isMaildir := has("cur") && (has("new") || has("tmp"))
	base := filepath.Base(path)
	isBox := base == "cur" || base == "new"
	for _, e := range entries {
		name := filepath.Join(path, e.Name())
		more := true
		switch {
		case e.IsDir() && isMaildir && e.Name() == "tmp": // mail that is being delivered
		case e.IsDir():
			more = r.directory(name)
		case isMaildir || strings.HasPrefix(e.Name(), "."):
		case isBox && e.Type().IsRegular():
			more = r.emit(mailFile{name, false})
		default:
			info, err := os.Stat(name)
			switch {
			case err != nil: // a link, or a file that has gone
				more = r.emit(fault{name, err})
			case info.Mode().IsRegular(): // no socket of Postfix, and no linked directory
				more = r.file(name, info, !isBox && !isMailName(e.Name()))
			}
		}
		if !more {
			return false
		}
	}
	return true
}

// isMailName reports whether a file of this name is mail. Files of a queue, of MH
// and of Thunderbird have no extension.
func isMailName(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case "", ".eml", ".emlx", ".mbox", ".mbx", ".mbs":
		return true
	}
	return false
}

// queueFile decides a file of Postfix's queue.
func (w *worker) queueFile(place Place) {
	envelope, err := postcat(place.Path, "-e")
	if err != nil {
		w.unreadable(place.Path, reasonOf(err))
		return
	}
	queued, err := message.ReadQueueEnvelope(envelope, w.Config.Rules.Relay)
	if closeErr := envelope.Close(); closeErr != nil {
		err = closeErr
	}
	if err != nil {
		w.unreadable(place.Path, reasonOf(err))
		return
	}
	w.mail(place, func() (io.ReadCloser, error) { return postcat(place.Path, "-bh") }, &queued, false)
}

// postcatTime limits one run of postcat.
const postcatTime = 5 * time.Minute

// process is the output of a program. Close ends the program.
type process struct {
	io.ReadCloser
	cmd    *exec.Cmd
	cancel context.CancelFunc
	faults tail
}

// postcat runs postcat(1) on a file of the queue.
func postcat(path, option string) (*process, error) {
	program := findPostcat()
	if program == "" {
		return nil, errors.New("it is a file of Postfix's queue, and this host has no postcat command")
	}
	path, err := filepath.Abs(path) // which is no option
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), postcatTime)
	p := &process{cmd: exec.CommandContext(ctx, program, option, path), cancel: cancel}
	p.cmd.Stderr = &p.faults
	p.cmd.WaitDelay = time.Second
	if p.ReadCloser, err = p.cmd.StdoutPipe(); err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	return p, nil
}

func (p *process) Close() error {
	n, _ := p.Read(make([]byte, 1)) // at the end, postcat has ended by itself
	p.ReadCloser.Close()
	if n > 0 {
		p.cancel()
	}
	err := p.cmd.Wait()
	p.cancel()
	if err != nil && n == 0 {
		return fmt.Errorf("postcat: %s", p.faults.line(err))
	}
	return nil
}

// findPostcat returns the path of postcat. The search path of a user often lacks
// the directory.
func findPostcat() string {
	for _, name := range []string{"postcat", "/usr/sbin/postcat"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// tail keeps the beginning of a program's errors.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p[:min(len(p), 4<<10-len(*t))]...)
	return len(p), nil
}

// line returns the last line, without the program's name, or the error.
func (t tail) line(err error) string {
	text := strings.TrimSpace(string(t))
	text = strings.TrimPrefix(text[strings.LastIndexByte(text, '\n')+1:], "postcat: ")
	if text == "" || strings.Contains(text, "@") {
		return err.Error()
	}
	return text
}
