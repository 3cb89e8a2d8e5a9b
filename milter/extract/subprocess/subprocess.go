// Package subprocess reads documents in processes of their own. A document that
// is made to do harm can at most end its own process: the daemon and the other
// messages do not notice it, and the document is unreadable.
package subprocess

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// These errors say nothing of the document, so that the message must be tried again.
var (
	// ErrBusy is the error if too many other documents were read.
	ErrBusy = errors.New("too many documents at once")
	// ErrKilled is the error if another process, or the kernel, ended the process for
	// the document.
	ErrKilled = errors.New("its process was killed, perhaps because memory ran out")
	// errNotReady is the error if the process has ended before it took the document.
	errNotReady = errors.New("its process ended at its start: does the unit or the container limit memory, or forbid setrlimit?")
)

// Pool limits how many processes run at once, for all messages together. It has the
// limits for the documents of each message.
type Pool struct {
	*processes
	limits Limits
}

// processes are shared by pools with different limits.
type processes struct {
	program []string
	slots   chan struct{}
	took    func(time.Duration) // nil if documents are not counted
}

// NewPool returns a pool of the given size. program is the program of the
// processes with its first arguments. The arguments for Serve follow them.
func NewPool(size int, limits Limits, program ...string) *Pool {
	return &Pool{&processes{program: program, slots: make(chan struct{}, size)}, limits}
}

// Within returns a pool with the same processes and other limits.
func (p *Pool) Within(limits Limits) *Pool { return &Pool{p.processes, limits} }

// Count makes all pools with the same processes call took with the time that each
// document took. Call it before the first document.
func (p *Pool) Count(took func(time.Duration)) { p.took = took }

// Limits returns the limits for the documents of a message.
func (p *Pool) Limits() Limits { return p.limits }

// Documents opens the documents of one message, one after the other.
type Documents struct {
	pool *Pool
	sink detect.Sink
	left time.Duration // of the pool's time
	idle time.Duration // of the time used, in which no slot was free
	open *document     // nil between two documents
	err  error         // why a document was not read, though nothing is wrong with it
}

// Documents returns what opens the documents of a message. It passes what they
// say to the sink.
func (p *Pool) Documents(sink detect.Sink) *Documents {
	return &Documents{pool: p, sink: sink, left: p.limits.Time}
}

// Open returns a writer for the octets of a document. Its Close reads the
// document. An error of Write or Close means that no process could be started.
func (d *Documents) Open(part string) io.WriteCloser {
	d.Stop()
	d.open = &document{of: d, part: part, left: d.left}
	d.timed(d.open.start)
	return d.open
}

// Stop ends the process of a document that is not read to its end.
func (d *Documents) Stop() {
	if d.open != nil {
		d.open.stop()
	}
}

// Err returns why a document was not read although it may be sound: ErrBusy,
// ErrKilled, or why there is no process for it. Otherwise it returns nil.
func (d *Documents) Err() error { return d.err }

// failed keeps the first error.
func (d *Documents) failed(err error) { d.err = cmp.Or(d.err, err) }

// timed counts the time of a step towards the limit.
func (d *Documents) timed(step func()) {
	began := time.Now()
	step()
	d.left -= time.Since(began)
}

// document is a process that reads one document.
type document struct {
	of      *Documents
	part    string
	left    time.Duration   // of the pool's time, at the start
	ctx     context.Context // of the process; it has a deadline
	cancel  context.CancelFunc
	in, out *os.File
	ended   chan struct{}    // closed when the process has ended; nil if there is none
	state   *os.ProcessState // of the process that has ended
	failed  error            // why no process could be started
}

// start waits for a free slot and starts the process.
func (d *document) start() {
	d.ctx, d.cancel = context.WithTimeout(context.Background(), d.of.left)
	if !d.takeSlot() {
		return
	}
	cmd, err := d.run()
	if err != nil {
		<-d.of.pool.slots
		if d.ctx.Err() == nil {
			d.failed = err
			d.of.failed(err)
		}
		return
	}
	d.ended = make(chan struct{})
	go func() {
		cmd.Wait() // the frames say whether the document was read
		d.state = cmd.ProcessState
		<-d.of.pool.slots
		close(d.ended)
	}()
}

// takeSlot waits for a free slot. It returns false if the time is over before.
func (d *document) takeSlot() bool {
	defer func(began time.Time) { d.of.idle += time.Since(began) }(time.Now())
	select {
	case <-d.ctx.Done():
		return false
	case d.of.pool.slots <- struct{}{}:
		return true
	}
}

// run starts the process with two pipes.
func (d *document) run() (*exec.Cmd, error) {
	theirIn, ourIn, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirIn.Close()
	d.in = ourIn
	ourOut, theirOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirOut.Close()
	d.out = ourOut
	program := d.of.pool.program
	cmd := exec.CommandContext(d.ctx, program[0], append(program[1:len(program):len(program)], d.part, d.of.pool.limits.argument())...)
	cmd.Env = []string{"GOTRACEBACK=none", "GOMAXPROCS=1"}
	cmd.Dir = "/"
	cmd.Stdin, cmd.Stdout = theirIn, theirOut
	return cmd, cmd.Start()
}

// Write passes octets to the process. If the process does not take them, Close
// says why.
func (d *document) Write(p []byte) (int, error) {
	if d.ended != nil {
		d.of.timed(func() { d.in.Write(p) })
	}
	return len(p), d.failed
}

// Close reads what the process makes of the document.
func (d *document) Close() error {
	if d.ended != nil {
		d.of.timed(d.read)
	} else if d.failed == nil {
		d.tooSlow() // no slot became free
	}
	d.stop()
	if took := d.of.pool.took; took != nil && d.failed == nil {
		took(d.left - d.of.left)
	}
	return d.failed
}

// read passes on what the process says. If it does not say that it is at the end, a
// limit has ended it, or the document, or something else.
func (d *document) read() {
	d.in.Close()
	frames := bufio.NewReaderSize(d.out, maxFrame)
	ready, err := frames.ReadByte()
	switch {
	case err == nil && ready != frameReady:
		err = errFrame
	case err == nil:
		err = replay(frames, d.part, d.of.pool.limits.text(), d.of.sink)
	}
	if err != nil && err != errFrame { // the process has closed the pipe, as a rule by its end
		select {
		case <-d.ended:
		case <-d.ctx.Done():
		}
	}
	switch {
	case err == nil:
	case errors.Is(d.ctx.Err(), context.DeadlineExceeded):
		d.tooSlow()
	default:
		d.unreadable(finding.Damaged)
		if err != errFrame && isKilled(d.state) {
			d.of.failed(ErrKilled)
		} else if ready == 0 {
			d.of.failed(errNotReady)
		}
	}
}

// isKilled reports whether another process or the kernel has ended a process: no fault of
// its own causes these signals.
func isKilled(process *os.ProcessState) bool {
	signal := process.Sys().(syscall.WaitStatus).Signal()
	return slices.Contains([]syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}, signal)
}

// tooSlow tells that the time was not enough. If most of it has gone by without a
// free slot, the document is not at fault.
func (d *document) tooSlow() {
	d.unreadable(finding.TooSlow)
	if d.of.idle > d.of.pool.limits.Time/2 {
		d.of.failed(ErrBusy)
	}
}

func (d *document) unreadable(reason finding.Reason) {
	d.of.sink.Found(finding.Finding{Name: finding.Unreadable, Reason: reason, Part: d.part})
}

// stop ends the process and closes its pipes.
func (d *document) stop() {
	d.cancel()
	d.in.Close() // nil files do nothing
	d.out.Close()
	if d.ended != nil {
		<-d.ended
	}
	d.of.open = nil
}
