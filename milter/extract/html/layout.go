package html

import (
	"slices"

	"github.com/postseal/postseal/milter/extract/plain"
)

// gap is what separates text that follows from text before.
type gap byte

const (
	none gap = iota
	space
	newLine
	tableEnd
)

// layout places text in lines and cells.
type layout struct {
	out  *plain.Output
	gap  gap
	any  bool // text has been shown
	pre  int  // elements whose line ends are kept
	tabs int  // tabs in this line
	cell bool // at the beginning of a cell

	rows   []row // of the open tables, outermost first
	hidden int   // open tables beyond maxTables
}

// row is where text is in a row of a table.
type row struct {
	column int // of the cell
	next   int // column of the next cell
	cells  int
	down   []uint16 // the rows below that the cells above fill, by column
}

const (
	// maxTables is how deep tables are told apart. Newsletters nest about ten.
	maxTables = 64
	// maxColumns is the number of columns that are told apart.
	maxColumns = 256
)

// show writes text that has no gaps.
func (l *layout) show(text []byte) {
	if l.gap != none || len(l.rows) > 0 {
		l.fill()
	}
	l.any, l.cell = true, false
	l.out.Write(text)
}

// fill writes the gap, and the tabs before the cell. The first line of a cell
// continues its row. Further lines begin with the tabs, so that the cell stays
// in its column.
func (l *layout) fill() {
	switch {
	case !l.any:
	case l.gap == newLine:
		l.out.Byte('\n')
		l.tabs = 0
	case l.gap == tableEnd:
		l.out.Byte('\f')
		l.tabs = 0
	}
	column := 0
	if len(l.rows) > 0 {
		column = l.rows[len(l.rows)-1].column
	}
	if l.gap == space && l.any && l.tabs >= column {
		l.out.Byte(' ')
	}
	for ; l.tabs < column; l.tabs++ {
		l.out.Byte('\t')
	}
	l.gap = none
}

// end writes the end of the last line or table.
func (l *layout) end() {
	if l.gap >= newLine {
		l.rows = nil
		l.fill()
	}
}

// space adds a blank.
func (l *layout) space(c byte) {
	switch {
	case l.pre == 0 && l.gap == none:
		l.gap = space
	case l.pre == 0:
	case c == '\n' || c == '\r' || c == '\f':
		l.breakLine()
	default:
		l.show([]byte{c})
	}
}

// breakLine ends a line, unless a cell has just begun.
func (l *layout) breakLine() {
	if !l.cell {
		l.gap = max(l.gap, newLine)
	}
}

// breakRow ends a row or a table.
func (l *layout) breakRow(g gap) { l.gap, l.cell = max(l.gap, g), false }

func (l *layout) startTable() {
	l.breakRow(newLine)
	if len(l.rows) == maxTables {
		l.hidden++
		return
	}
	l.rows = append(l.rows, row{})
}

func (l *layout) endTable() {
	switch {
	case l.hidden > 0:
		l.hidden--
	case len(l.rows) > 0:
		l.rows = slices.Delete(l.rows, len(l.rows)-1, len(l.rows))
	}
	l.breakRow(tableEnd)
}

func (l *layout) endRow() {
	l.breakRow(newLine)
	if len(l.rows) == 0 {
		return
	}
	r := &l.rows[len(l.rows)-1]
	if r.cells > 0 {
		for i, n := range r.down {
			r.down[i] = max(n, 1) - 1
		}
	}
	*r = row{down: r.down}
}

// startCell begins a cell that spans columns and rows. There are none outside
// tables.
func (l *layout) startCell(span, rows int) {
	if len(l.rows) == 0 {
		return
	}
	r := &l.rows[len(l.rows)-1]
	if r.cells > 0 && l.gap != tableEnd {
		l.gap = none // what ends a line in a cell does not end the row
	}
	l.cell = true
	for r.next < len(r.down) && r.down[r.next] > 0 {
		r.next++
	}
	r.cells++
	r.column = min(r.next, maxColumns-1)
	r.next = min(r.next+max(span, 1), maxColumns)
	if rows > 1 {
		// rows includes this row, because the end of the row subtracts one.
		for len(r.down) < r.next {
			r.down = append(r.down, 0)
		}
		for i := r.column; i < r.next; i++ {
			r.down[i] = uint16(rows)
		}
	}
}
