package rtf

import (
	"io"
	"strconv"

	"github.com/postseal/postseal/milter/extract/document/flow"
)

// control reads a control word or symbol.
func (r *reader) control() error {
	c, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	if c|0x20 < 'a' || c|0x20 > 'z' {
		return r.symbol(c)
	}
	name := make([]byte, 1, 32)
	name[0] = c
	for {
		if c, err = r.in.ReadByte(); err != nil || c|0x20 < 'a' || c|0x20 > 'z' {
			break
		}
		if len(name) < 32 {
			name = append(name, c)
		}
	}
	var digits []byte
	for ; err == nil && (c >= '0' && c <= '9' || c == '-' && digits == nil); c, err = r.in.ReadByte() {
		if len(digits) < 11 {
			digits = append(digits, c)
		}
	}
	if err == nil && c != ' ' {
		r.in.UnreadByte()
	}
	n, isNumber := 1, len(digits) > 0
	if isNumber {
		n, _ = strconv.Atoi(string(digits))
	}
	return r.word(string(name), n, isNumber)
}

// symbol acts on a control symbol.
func (r *reader) symbol(c byte) error {
	switch c {
	case '\'':
		var digits [2]byte
		if _, err := io.ReadFull(r.in, digits[:]); err != nil {
			return err
		}
		if n, err := strconv.ParseUint(string(digits[:]), 16, 8); err == nil {
			r.quoted(byte(n))
		}
	case '*':
		r.star = true
	case '~':
		r.char('\u00a0')
	case '_':
		r.char('\u2011')
	case '-':
		r.char('\u00ad')
	case '\r', '\n':
		r.line()
	case '\t':
		r.tab()
	case '\\', '{', '}':
		r.octet(c)
	}
	return nil
}

// quoted adds an octet of the code page.
func (r *reader) quoted(c byte) {
	if r.to == pict || r.to == object {
		return
	}
	r.octet(c)
}

func (r *reader) line() {
	r.flushText()
	if r.isText() {
		r.place()
		r.flow.Line()
	}
}

func (r *reader) tab() {
	r.flushText()
	if r.isText() {
		r.place()
		r.flow.Tab()
	}
}

// isText reports whether the group has text.
func (r *reader) isText() bool { return r.to == body || r.to == margin || r.to == beside }

// chars are words that are characters.
var chars = map[string]rune{
	"emdash": '—', "endash": '–', "bullet": '•', "lquote": '‘', "rquote": '’', "ldblquote": '“', "rdblquote": '”',
	"emspace": '\u2003', "enspace": '\u2002', "qmspace": '\u2005', "zwj": '\u200d', "zwnj": '\u200c',
}

// word acts on a control word. n is 1 without a number.
func (r *reader) word(name string, n int, isNumber bool) error {
	star := r.star
	r.star = false
	if c, ok := chars[name]; ok {
		r.char(c)
		return nil
	}
	if to, ok := destinations[name]; ok {
		r.enter(to)
		return nil
	}
	if star && !transparent[name] {
		r.enter(silent)
		return nil
	}
	switch name {
	case "bin":
		return r.bin(n, isNumber)
	case "u":
		r.unicode(n)
	case "uc":
		r.skip = min(max(n, 0), 100)
	case "par", "line", "sect", "page", "column", "nestrow", "softline":
		r.line()
	case "tab", "nestcell":
		r.tab()
	case "sv":
		r.value()
	default:
		r.property(name, n, isNumber)
	}
	return nil
}

// property acts on a word that changes how text is read.
func (r *reader) property(name string, n int, isNumber bool) {
	switch name {
	case "ansicpg":
		r.code = codePage(n)
	case "mac":
		r.code = codePage(10000)
	case "pc":
		r.code = codePage(437)
	case "pca":
		r.code = codePage(850)
	case "f":
		r.selectFont(n)
	case "fcharset":
		if r.to == fonts && len(r.fonts) < maxFonts {
			r.fonts[r.font] = charset(n)
		}
	case "plain":
		r.flushText()
		r.group.code = nil
		r.mark(flow.Kept, false)
	case "deleted":
		r.mark(flow.Deleted, !isNumber || n != 0)
	case "revised":
		r.mark(flow.Inserted, !isNumber || n != 0)
	case "picwgoal":
		r.width = n
	case "pichgoal":
		r.height = n
	default:
		r.table(name)
	}
}

// mark says what a tracked change did to the text that follows.
func (r *reader) mark(e flow.Edit, on bool) {
	r.flushText()
	if !on {
		e = flow.Kept
	}
	if r.edit != e {
		r.edit = e
		r.flow.Edit(e)
	}
}

// table acts on a word of a table. A cell ends with \cell, and a row with \row.
func (r *reader) table(name string) {
	if !r.isText() || r.to == beside {
		return
	}
	switch name {
	case "trowd", "intbl":
		r.flushText()
		r.inTable = true
	case "pard":
		r.flushText()
		r.inTable = false
	case "cell":
		r.flushText()
		r.inTable = true
		r.place()
		r.cell = false
	case "row":
		r.flushText()
		if r.open {
			r.flow.EndRow()
		}
		r.cell = false
	}
}

// bin skips binary data, or takes it for a picture or an object.
func (r *reader) bin(n int, isNumber bool) error {
	if !isNumber || n <= 0 {
		return nil
	}
	if r.to == pict || r.to == object {
		for ; n > 0; n-- {
			c, err := r.in.ReadByte()
			if err != nil {
				return err
			}
			r.add(c)
		}
		return nil
	}
	_, err := io.CopyN(io.Discard, r.in, int64(n))
	return err
}
