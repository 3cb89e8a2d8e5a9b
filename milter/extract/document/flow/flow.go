package flow

import (
	"unicode/utf8"

	"github.com/postseal/postseal/rules/detect"
)

// columns is how many cells of a row keep their number.
const columns = 256

// flushAt is how much text is kept before the sink receives it, and keepAt how
// much of what is set apart.
const (
	flushAt = 16 << 10
	keepAt  = 1 << 20
)

// Flow is the text of one place. What a reader sees beside a paragraph, such as
// a text box, follows it.
type Flow struct {
	job   *Job
	kind  detect.Kind
	begun bool // the sink knows of the place
	boxes []*box
}

// box is text that is written from its start to its end: the main text, a text
// box, a table in a cell of another.
type box struct {
	out   []byte
	after []byte // the boxes inside it that ended
	old   []byte // the paragraph before its tracked changes
	edit  Edit
	cut   bool // something was deleted from the paragraph
	lines int  // line ends since the last text
	table table
}

// table is where in a table a box is.
type table struct {
	open, inCell bool
	apart        bool // the box exists for the table
	row, col     int
	next         int // the column of the next cell
	length       int // of the cell
	broken       bool
}

// Edit is what a tracked change did to text.
type Edit byte

// The edits.
const (
	Kept Edit = iota
	Inserted
	Deleted
)

// Begin starts the text of a place.
func (j *Job) Begin(kind detect.Kind) *Flow {
	f := &Flow{job: j}
	f.Turn(kind)
	return f
}

// Turn ends the text so far, and starts that of another place.
func (f *Flow) Turn(kind detect.Kind) {
	if f.boxes != nil {
		f.Close()
	}
	f.kind, f.boxes, f.begun = kind, []*box{newBox()}, false
}

// blankLines is how many line ends follow each other.
const blankLines = 2

func newBox() *box { return &box{lines: blankLines} }

// send passes text to the sink. A place without text does not begin.
func (f *Flow) send(p []byte) {
	if !f.begun {
		place := f.job.place
		if f.kind != detect.Body {
			place.Kind = f.kind
		}
		f.begun = true
		f.job.sink.Begin(place)
	}
	f.job.sink.Text(valid(p))
}

func (f *Flow) top() *box { return f.boxes[len(f.boxes)-1] }

// Text adds text. Line feeds and tabs in it count.
func (f *Flow) Text(p []byte) { f.add(p, false) }

// Words adds text in which white space is a blank.
func (f *Flow) Words(p []byte) { f.add(p, true) }

// String adds text, as Text does.
func (f *Flow) String(s string) { f.add([]byte(s), false) }

func (f *Flow) add(p []byte, words bool) {
	start := 0
	for i, c := range p {
		if c >= ' ' && c != 0x7f {
			continue
		}
		f.put(p[start:i])
		start = i + 1
		switch {
		case words && (c == '\n' || c == '\t' || c == '\r'):
			f.put([]byte{' '})
		case c == '\n' || c == '\v' || c == '\f':
			f.Line()
		case c == '\t':
			f.Tab()
		}
	}
	f.put(p[start:])
}

// put adds text without control characters.
func (f *Flow) put(p []byte) {
	if len(p) == 0 {
		return
	}
	b := f.top()
	if b.edit != Inserted && len(b.old) < flushAt {
		b.old = append(b.old, p...)
	}
	if b.edit == Deleted {
		b.cut = true
		return
	}
	if b.table.broken {
		f.breakCell(b)
	}
	b.out = append(b.out, p...)
	b.table.length += len(p)
	b.lines = 0
	f.spill()
}

// shortCell is the length of a heading of a column. A line break in it is a
// blank.
const shortCell = 40

// breakCell goes on with a cell in another row: lines of a cell are lines, and
// columns keep their number.
func (f *Flow) breakCell(b *box) {
	b.table.broken = false
	if b.table.length == 0 {
		return
	}
	if b.table.row == 0 && b.table.length <= shortCell && f.kind == detect.Body {
		b.out = append(b.out, ' ')
		return
	}
	b.out = append(b.out, '\n')
	for range b.table.col {
		b.out = append(b.out, '\t')
	}
}

// spill passes text to the sink, unless it must follow other text.
func (f *Flow) spill() {
	b := f.top()
	if len(f.boxes) == 1 && len(b.out) >= flushAt {
		f.flush(b)
	} else if len(b.out) >= keepAt { // too much to keep for its place
		outer := f.boxes[0]
		f.flush(outer)
		outer.out = append(append(append(outer.out, '\f'), b.out...), '\f')
		f.flush(outer)
		b.out = b.out[:0]
	}
}

func (f *Flow) flush(b *box) {
	whole := len(b.out)
	for i := 1; i <= utf8.UTFMax && i <= whole; i++ {
		if c := b.out[whole-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(b.out[whole-i:]) {
				whole -= i
			}
			break
		}
	}
	if whole > 0 {
		f.send(b.out[:whole])
	}
	b.out = append(b.out[:0], b.out[whole:]...)
}

// valid replaces octets that are not UTF-8.
func valid(p []byte) []byte {
	if utf8.Valid(p) {
		return p
	}
	return []byte(string([]rune(string(p))))
}

// Close passes the rest of the text to the sink.
func (f *Flow) Close() {
	for len(f.boxes) > 1 {
		f.pop()
	}
	b := f.top()
	f.settle(b)
	f.flush(b)
	if len(b.out) > 0 {
		f.send(b.out)
		b.out = b.out[:0]
	}
}

// Edit says what a tracked change did to the text that follows.
func (f *Flow) Edit(e Edit) { f.top().edit = e }
