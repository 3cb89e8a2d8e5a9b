package legacy

import (
	"unicode/utf8"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/rules/detect"
)

// Characters with a meaning ([MS-DOC], section 2.4.1).
const (
	cellMark   = 0x07
	paragraph  = 0x0d
	fieldStart = 0x13
	fieldMid   = 0x14
	fieldEnd   = 0x15
)

// docWriter writes a document paragraph by paragraph, because the end of one
// says whether it is in a table.
type docWriter struct {
	flow       *flow.Flow
	text       []char
	open, cell bool
	fields     []bool // of each open field, whether its code is read
}

// char is a character, and what a tracked change did to it.
type char struct {
	rune rune
	edit flow.Edit
}

// maxParagraph bounds a paragraph.
const maxParagraph = 1 << 20

func (w *docWriter) char(c rune, r run) {
	switch {
	case c == cellMark && (r.endsRow || r.to == 0 && w.open && !w.cell && len(w.text) == 0):
		w.text = w.text[:0]
		if w.open {
			w.flow.EndRow()
		}
		w.cell = false
	case c == cellMark:
		w.paragraph(true)
		w.cell = false
	case c == paragraph || len(w.text) >= maxParagraph:
		w.paragraph(r.inTable)
		w.flow.Line()
	default:
		w.text = append(w.text, char{c, r.edit})
	}
}

// paragraph writes the text so far.
func (w *docWriter) paragraph(inTable bool) {
	switch {
	case inTable && !w.open:
		w.flow.Table()
		w.open = true
		fallthrough
	case inTable && !w.cell:
		w.flow.Cell()
		w.cell = true
	case !inTable:
		w.endTable()
	}
	var buf []byte
	edit := flow.Kept
	flush := func() {
		w.flow.Text(buf)
		buf = buf[:0]
	}
	for _, char := range w.text {
		if edit != char.edit {
			flush()
			edit = char.edit
			w.flow.Edit(edit)
		}
		switch c := char.rune; c {
		case fieldStart, fieldMid, fieldEnd:
			flush()
			w.field(c)
		case 0x1e:
			buf = append(buf, "\u2011"...)
		case 0x1f:
			buf = append(buf, "\u00ad"...)
		default:
			if c >= 0xf020 && c <= 0xf0ff { // a symbol font
				c -= 0xf000
			}
			buf = utf8.AppendRune(buf, c)
		}
	}
	flush()
	w.flow.Edit(flow.Kept)
	w.text = w.text[:0]
}

// field sets the code of a field apart. Its result stands in the text.
func (w *docWriter) field(c rune) {
	last := len(w.fields) - 1
	switch {
	case c == fieldStart && len(w.fields) < 100:
		w.fields = append(w.fields, true)
		w.flow.Aside()
	case last < 0:
	case c == fieldMid && w.fields[last]:
		w.fields[last] = false
		w.flow.EndAside()
	case c == fieldEnd:
		if w.fields[last] {
			w.flow.EndAside()
		}
		w.fields = w.fields[:last]
	}
}

func (w *docWriter) endTable() {
	if w.open {
		w.flow.EndTable()
		w.open, w.cell = false, false
	}
}

// turn starts another part of the text.
func (w *docWriter) turn(kind detect.Kind) {
	w.paragraph(false)
	w.fields = w.fields[:0]
	w.flow.Turn(kind)
}

func (w *docWriter) close() {
	w.paragraph(false)
	w.flow.Close()
}
