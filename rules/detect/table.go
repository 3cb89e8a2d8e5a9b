package detect

const (
	maxColumns = 256
	// maxCell bounds the text of a cell that can be a header or a label.
	maxCell = 40
	// maxHeader limits the length of a header that is in a row with others.
	maxHeader = 100
	// maxHeaderRows bounds the rows, after a blank line, in which headers are
	// looked for: titles stand above them in spreadsheets.
	maxHeaderRows = 32
	// maxRow is the length of a line without tabs that is no row of a table.
	maxRow = 60
)

// table knows the headers of the columns. A line without tabs is a row of one
// cell, so that the header of a list counts as well. A table ends at a form
// feed, and at a line of prose.
type table struct {
	lineStart, cellStart int // in the text of the place
	column               int
	rows                 int // since the last blank line
	hasHeaders           bool
	headers              [maxColumns]subject
}

// reset forgets the table. The next begins at start.
func (t *table) reset(start int) {
	if t.hasHeaders {
		clear(t.headers[:])
	}
	t.lineStart, t.cellStart, t.column, t.rows, t.hasHeaders = start, start, 0, 0, false
}

// header returns the subject of the column.
func (t *table) header() subject {
	if t.column < maxColumns {
		return t.headers[t.column]
	}
	return 0
}

// endCell ends a cell. The next begins at i in b, which begins at start.
func (t *table) endCell(b text, start, i int) {
	t.readHeader(b, start, i-1, maxHeader)
	t.cellStart = start + i
	t.column++
}

// endLine ends a row. The next begins at i in b, which begins at start.
func (t *table) endLine(b text, start, i int) {
	limit := maxCell
	if t.column > 0 {
		limit = maxHeader
	}
	t.readHeader(b, start, i-1, limit)
	length := start + i - 1 - t.lineStart
	switch {
	case t.column == 0 && length > maxRow:
		t.reset(start + i)
	case length-t.column <= 1: // blank, perhaps with "\r"
		t.rows = 0
	default:
		t.rows++
	}
	if t.column == 0 && t.headers[0] == phone {
		// A line such as "Telephone" says something of the next line, not of
		// the rest of a letter.
		t.headers[0] = 0
	}
	t.lineStart, t.cellStart, t.column = start+i, start+i, 0
}

// readHeader reads the cell that ends at i as a header.
func (t *table) readHeader(b text, start, i, limit int) {
	from := t.cellStart - start
	if t.rows >= maxHeaderRows || t.column >= maxColumns || i-from > limit || i-from < 2 {
		return
	}
	if s := headerSubject(b[from:i]); s != 0 {
		t.headers[t.column] = s
		t.hasHeaders = true
	}
}
