package plain

import (
	"bytes"

	"github.com/postseal/postseal/rules/detect"
)

// table reads comma-separated values (RFC 4180). It writes "\t" between cells.
// A line end inside a cell becomes a blank, so that the columns of the row stay.
type table struct {
	out       Output
	delimiter byte
	quoted    bool // inside quotes
	quote     bool // after a quote inside quotes
	fresh     bool // at the beginning of a cell
	cr        bool
}

// NewTable returns a reader of cells with a delimiter between them.
func NewTable(sink detect.Sink, delimiter byte) Reader {
	return &table{out: Output{Sink: sink}, delimiter: delimiter, fresh: true}
}

func (t *table) Write(p []byte) {
	for len(p) > 0 {
		c := p[0]
		switch {
		case t.cr && c == '\n':
			t.cr, p = false, p[1:]
		case t.quote && c != '"': // the quotes are closed
			t.quoted, t.quote = false, false
		case t.quoted:
			p = t.inQuotes(p)
		case t.fresh && c == '"':
			t.quoted, t.fresh, p = true, false, p[1:]
		default:
			p = t.outside(p)
		}
	}
}

func (t *table) inQuotes(p []byte) []byte {
	t.cr = p[0] == '\r'
	switch {
	case p[0] == '"' && t.quote:
		t.quote = false
		t.out.Byte('"')
	case p[0] == '"':
		t.quote = true
	case p[0] == '\r' || p[0] == '\n':
		t.out.Byte(' ')
	default:
		n := until(p, '"')
		t.out.Write(p[:n])
		return p[n:]
	}
	return p[1:]
}

func (t *table) outside(p []byte) []byte {
	t.cr = p[0] == '\r'
	switch p[0] {
	case t.delimiter:
		t.fresh = true
		t.out.Byte('\t')
	case '\r', '\n':
		t.fresh = true
		t.out.Byte('\n')
	default:
		t.fresh = t.fresh && p[0] == ' '
		n := 1
		if !t.fresh {
			n = until(p, t.delimiter)
		}
		t.out.Write(p[:n])
		return p[n:]
	}
	return p[1:]
}

func (t *table) Close() {
	t.out.Byte('\f')
	t.out.Flush()
}

const delimiters = ";\t,|"

// IsTable reports whether text begins with rows that have the same number of
// cells, and this is at least cells.
func IsTable(start []byte, rows, cells int) bool {
	for _, delimiter := range []byte(delimiters) {
		if r, c := shape(start, delimiter); r >= rows && c >= cells {
			return true
		}
	}
	return false
}

// Delimiter returns the delimiter of a table that begins with these octets.
func Delimiter(start []byte) byte {
	// Excel lets a file name its delimiter.
	if name, ok := bytes.CutPrefix(start, []byte("sep=")); ok && len(name) > 0 {
		return name[0]
	}
	best, most := byte(','), 0
	for _, delimiter := range []byte(delimiters) {
		if rows, cells := shape(start, delimiter); rows > 0 && cells > 1 {
			return delimiter
		}
		if n := bytes.Count(start, []byte{delimiter}); n > most {
			best, most = delimiter, n
		}
	}
	return best
}

// shape counts the whole rows and the cells that each of them has. The number of
// cells is 0 if rows differ.
func shape(start []byte, delimiter byte) (rows, cells int) {
	quoted, n, length := false, 1, 0
	for _, c := range start {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == delimiter:
			n++
		case c == '\n' && length == 0:
			continue
		case c == '\n':
			if rows > 0 && n != cells {
				return rows, 0
			}
			rows, cells, n, length = rows+1, n, 1, 0
			continue
		}
		if c != '\r' {
			length++
		}
	}
	return rows, cells
}
