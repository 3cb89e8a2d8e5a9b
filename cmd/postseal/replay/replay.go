// Package replay decides saved mail, or the decisions in a log, under one
// configuration or under two, and compares them.
package replay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/table"
)

// Options are the options of a replay.
type Options struct {
	// Config decides. Against decides as well, and is compared with it, unless it
	// is nil. Both are as message.Config.Enforcing returns them.
	Config, Against *message.Config
	// From and To replace the envelopes of saved mail.
	From *string
	To   []string
	Now  time.Time // the time for rows that expire
	// Show gets each difference, in the order of the mail.
	Show func(Difference) error
	// Progress may be nil.
	Progress Progress
}

// Progress shows how far a replay is. Its methods may be called at the same time.
type Progress interface {
	Found(octets int64)           // of a file, before it is read
	FoundAll(files []fs.DirEntry) // of a directory
	Read(octets int64)            // of a file
	Decided(messages int)
}

// Difference is a recipient's domain for which the two configurations decide
// differently.
type Difference struct {
	Place
	Domain       string       `json:"recipient_domain"` // empty if none can be read
	Recipients   int          `json:"recipients"`       // with this domain and this difference
	Before       rules.Action `json:"before"`
	After        rules.Action `json:"after"`
	PolicyBefore string       `json:"policy_before"`
	PolicyAfter  string       `json:"policy_after"`
	RowBefore    string       `json:"row_before"`
	RowAfter     string       `json:"row_after"`
}

// Place says where a message was found.
type Place struct {
	Path    string `json:"path"`
	Number  int    `json:"number,omitempty"`   // in an mbox file, from 1
	QueueID string `json:"queue_id,omitempty"` // in a log
}

// outcome is the decision for a recipient.
type outcome struct {
	domain, row, policy string
	class               table.Class
	action              rules.Action
	sealed, refused     bool
}

// item is one file, or one message.
type item interface{ replay(w *worker) }

// batch is work for one worker, and its results. Handing over single messages
// would cost more than deciding them.
type batch struct {
	items       []item
	differences []Difference
	unreadable  []unreadable
	done        chan struct{}
}

// unreadable is a message that was not decided.
type unreadable struct{ path, reason string }

const batchSize = 32

// run is a replay.
type run struct {
	Options
	configs []*message.Config
	known   []*facts // of each configuration, for logs

	work    chan *batch
	next    *batch
	order   chan *batch // the same in the order of the mail
	stopped atomic.Bool
}

// Mail replays the saved mail at the paths. "-" reads further paths from stdin, one a
// line.
func Mail(o Options, paths []string, stdin io.Reader) (*Report, error) {
	var fault error
	report, err := replay(o, func(r *run) {
		for _, path := range paths {
			if path != "-" {
				if !r.path(path) {
					return
				}
				continue
			}
			lines := bufio.NewScanner(stdin)
			for lines.Scan() {
				if path := lines.Text(); path != "" && !r.path(path) {
					return
				}
			}
			if fault = lines.Err(); fault != nil {
				return
			}
		}
	})
	return report, errors.Join(err, fault)
}

// replay decides the items that produce emits.
func replay(o Options, produce func(*run)) (*Report, error) {
	r := &run{Options: o, configs: []*message.Config{o.Config}, next: newBatch()}
	if o.Against != nil {
		r.configs = append(r.configs, o.Against)
	}
	for _, config := range r.configs {
		r.known = append(r.known, factsOf(config))
	}
	if r.Progress == nil {
		r.Progress = noProgress{}
	}
	// A worker reads one document at a time, and the pool has as many processes as
	// there are processors.
	workers := make([]*worker, runtime.GOMAXPROCS(0))
	r.work = make(chan *batch, len(workers))
	r.order = make(chan *batch, 16*len(workers)) // bounds what waits for a slow message
	var running sync.WaitGroup
	for i := range workers {
		workers[i] = newWorker(r)
		running.Go(workers[i].loop)
	}
	go func() {
		produce(r)
		r.hand()
		close(r.work)
		close(r.order)
	}()
	report := newReport()
	var err error
	for b := range r.order {
		<-b.done
		for _, u := range b.unreadable {
			report.addUnreadable(u)
		}
		for _, d := range b.differences {
			if err == nil {
				err = r.Show(d)
			}
		}
		if err != nil {
			r.stopped.Store(true)
		}
	}
	running.Wait()
	sums := workers[0].sums
	for _, w := range workers[1:] {
		sums.merge(w.sums)
	}
	report.fill(sums)
	return report, err
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// emit adds work. It returns false if the replay must end.
func (r *run) emit(i item) bool {
	r.next.items = append(r.next.items, i)
	if len(r.next.items) == batchSize {
		r.hand()
	}
	return !r.stopped.Load()
}

// hand gives the batch to the workers.
func (r *run) hand() {
	r.order <- r.next
	r.work <- r.next
	r.next = newBatch()
}

// worker decides messages. It uses one processor.
type worker struct {
	*run
	sums  *sums
	batch *batch
	start []byte // the first octets of a file
}

func newWorker(r *run) *worker {
	return &worker{run: r, sums: newSums(len(r.configs)), start: make([]byte, startSize)}
}

func (w *worker) loop() {
	for b := range w.work {
		w.batch = b
		for _, i := range b.items {
			if !w.stopped.Load() {
				w.replayOne(i)
			}
		}
		close(b.done)
	}
}

// replayOne decides an item. A message on which postseal fails is counted like one
// that cannot be read.
func (w *worker) replayOne(i item) {
	defer func() {
		if fault := recover(); fault != nil {
			path := ""
			if p, ok := i.(interface{ name() string }); ok {
				path = p.name()
			}
			w.unreadable(path, fmt.Sprintf("postseal failed (%T): report it with the message", fault))
		}
	}()
	i.replay(w)
}

func (w *worker) unreadable(path, reason string) {
	w.batch.unreadable = append(w.batch.unreadable, unreadable{path, reason})
	w.Progress.Decided(1)
}

// decided counts a message, or a recipient that was refused before its message came,
// and notes its differences. lists has the outcomes of each configuration.
func (w *worker) decided(place Place, isMessage bool, lists [][]outcome) {
	w.sums.add(isMessage, lists)
	w.Progress.Decided(1)
	if len(lists) < 2 {
		return
	}
	first := len(w.batch.differences)
	var at map[Difference]int
	for i, before := range lists[0] {
		after := lists[1][i]
		if before.action == after.action && before.policy == after.policy {
			continue
		}
		d := Difference{
			Place: place, Domain: before.domain, Before: before.action, After: after.action,
			PolicyBefore: before.policy, PolicyAfter: after.policy, RowBefore: before.row, RowAfter: after.row,
		}
		if k, ok := at[d]; ok {
			w.batch.differences[k].Recipients++
			continue
		}
		if at == nil {
			at = make(map[Difference]int)
		}
		at[d] = len(w.batch.differences)
		d.Recipients = 1
		w.batch.differences = append(w.batch.differences, d)
	}
	w.sums.addDifferences(w.batch.differences[first:])
}

type noProgress struct{}

func (noProgress) Found(int64)            {}
func (noProgress) FoundAll([]fs.DirEntry) {}
func (noProgress) Read(int64)             {}
func (noProgress) Decided(int)            {}
