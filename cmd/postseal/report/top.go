package report

import (
	"cmp"
	"container/heap"
	"slices"
)

// maxCounters is how many names a top counts at once.
const maxCounters = 4096

// top counts names in constant memory, by the algorithm Space-Saving: if there are too
// many names, a new one replaces the name with the fewest messages, and inherits its
// counts. Every name with more than one message in maxCounters is in the list, and the
// counts are exact if there are no more than maxCounters names.
type top struct {
	byName map[string]*counter
	heap   counters
}

// counter counts the messages and recipients of a name.
type counter struct {
	name                 string
	messages, recipients int64
	err                  int64 // by which messages can be too high
	last                 int64 // the message that was counted last
	value                uint8 // of the last recipient
	at                   int   // in the heap
}

func newTop() *top { return &top{byName: make(map[string]*counter)} }

// add counts a recipient of a message. Messages have different numbers.
func (t *top) add(name string, message int64, value uint8) {
	c := t.byName[name]
	switch {
	case c != nil:
	case len(t.heap) < maxCounters:
		c = &counter{name: name, at: len(t.heap)}
		t.byName[name] = c
		heap.Push(&t.heap, c)
	default:
		c = t.heap[0]
		delete(t.byName, c.name)
		t.byName[name] = c
		c.name, c.err, c.last = name, c.messages, 0
	}
	c.value = value
	c.recipients++
	if c.last != message {
		c.last = message
		c.messages++
		heap.Fix(&t.heap, c.at)
	}
}

// recipients returns the recipients of a name.
func (t *top) recipients(name string) int64 {
	if c := t.byName[name]; c != nil {
		return c.recipients
	}
	return 0
}

// sorted returns the counters, those with the most messages first.
func (t *top) sorted() []*counter {
	list := slices.Clone([]*counter(t.heap))
	slices.SortFunc(list, func(a, b *counter) int {
		return cmp.Or(cmp.Compare(b.messages, a.messages), cmp.Compare(b.recipients, a.recipients), cmp.Compare(a.name, b.name))
	})
	return list
}

// counters is a heap with the fewest messages first.
type counters []*counter

func (h counters) Len() int           { return len(h) }
func (h counters) Less(i, j int) bool { return h[i].messages < h[j].messages }
func (h counters) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}
func (h *counters) Push(x any) { *h = append(*h, x.(*counter)) }
func (h *counters) Pop() any   { panic("no counter is removed") }
