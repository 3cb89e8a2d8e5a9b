package rtf

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// octet adds a character of the text, or a digit of data.
func (r *reader) octet(c byte) {
	if r.skipped > 0 {
		r.skipped--
		return
	}
	switch r.to {
	case pict, object:
		r.digit(c)
	case shapeName:
		r.shape = append(r.shape, c)
	case silent, fonts:
	default:
		r.octets = append(r.octets, c)
		if len(r.octets) >= 4<<10 && c < 0x80 {
			r.flushText()
		}
	}
}

// flushText adds the octets so far, which may be halves of characters.
func (r *reader) flushText() {
	if len(r.octets) == 0 {
		return
	}
	code := r.group.code
	if code == nil {
		code = r.code
	}
	text, err := code.NewDecoder().Bytes(r.octets)
	if err != nil {
		text = bytes.ToValidUTF8(r.octets, []byte("\ufffd"))
	}
	r.octets = r.octets[:0]
	r.place()
	r.flow.Words(text)
}

// unicode adds a character of which the octets that follow are a replacement.
func (r *reader) unicode(n int) {
	r.flushText()
	r.skipped = r.skip
	c := rune(uint16(n))
	switch {
	case r.to == silent || r.to == fonts || r.to == pict || r.to == object || r.to == shapeName:
		return
	case utf16.IsSurrogate(c) && c < 0xdc00:
		r.lead = c
		return
	case utf16.IsSurrogate(c):
		c = utf16.DecodeRune(r.lead, c)
	case c >= 0xf020 && c <= 0xf0ff: // a symbol font
		c -= 0xf000
	}
	r.char(c)
}

// char adds a character.
func (r *reader) char(c rune) {
	if r.to == silent || r.to == fonts || r.to == pict || r.to == object || r.to == shapeName {
		return
	}
	r.flushText()
	r.place()
	r.flow.Words(utf8.AppendRune(nil, c))
}

// place opens the cell in which text stands, or ends a table before it.
func (r *reader) place() {
	switch {
	case r.to == beside || r.to == shapeValue:
	case r.inTable && !r.open:
		r.flow.Table()
		r.open = true
		fallthrough
	case r.inTable && !r.cell:
		r.flow.Cell()
		r.cell = true
	case !r.inTable:
		r.endTable()
	}
}

func (r *reader) endTable() {
	if r.open {
		r.flow.EndTable()
		r.open, r.cell = false, false
	}
}
