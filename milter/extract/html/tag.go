package html

import (
	"bytes"
	stdhtml "html"
	"strings"

	"github.com/postseal/postseal/rules/finding"
)

// tag is what is kept of a tag.
type tag struct {
	isEnd   bool
	name    short
	attr    short // the name of the attribute
	value   short
	size    int // of the value
	span    int // colspan
	rowSpan int
	hides   bool // type=hidden
	valued  bool // it has a value: browsers ignore another
}

// short is a name in lower case. Only the beginning of a long one is kept.
type short struct {
	text [16]byte
	n    int
}

func (s *short) add(c byte) {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	if s.n < len(s.text) {
		s.text[s.n] = c
		s.n++
	}
}

func (s *short) String() string { return string(s.text[:s.n]) }

// is reports whether the name is the text, without an allocation.
func (s *short) is(text string) bool { return string(s.text[:s.n]) == text }

// number returns the number in the first four characters, or 0.
func (s *short) number() (n int) {
	for _, c := range s.text[:min(s.n, 4)] {
		if '0' <= c && c <= '9' {
			n = 10*n + int(c-'0')
		}
	}
	return n
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// readTag reads a part of a tag.
func (r *Reader) readTag(p []byte) []byte {
	c := p[0]
	switch r.state {
	case afterLess:
		return r.readLess(p)
	case afterSlash:
		switch {
		case isLetter(c):
			r.tag = tag{isEnd: true}
			r.state = inTagName
			return p
		case c == '>':
			r.state = inText
		default:
			r.state = inBogus
			return p
		}
	case inDouble:
		return r.readQuoted(p, '"')
	case inSingle:
		return r.readQuoted(p, '\'')
	default:
		r.readAttributes(c)
	}
	return p[1:]
}

// readLess reads the character after "<".
func (r *Reader) readLess(p []byte) []byte {
	switch c := p[0]; {
	case isLetter(c):
		r.tag = tag{}
		r.field = r.field[:0]
		r.state = inTagName
		return p
	case c == '/':
		r.state = afterSlash
	case c == '!':
		r.state, r.begun = inDecl, 0
	case c == '?':
		r.state = inBogus
	default:
		r.show([]byte("<"))
		r.state = inText
		return p
	}
	return p[1:]
}

// readAttributes reads a character of a tag outside of quotes.
func (r *Reader) readAttributes(c byte) {
	switch isBlank := classes[c] == blank; {
	case c == '>':
		r.endValue()
		r.state = inText
		r.act()
	case r.state == inTagName:
		if isBlank || c == '/' {
			r.state = beforeName
		} else {
			r.name.add(c)
		}
	case r.state == afterEquals:
		r.readBeforeValue(c, isBlank)
	case r.state == inValue:
		if isBlank {
			r.endValue()
		} else {
			r.addValue([]byte{c})
		}
	case c == '/':
		r.state = beforeName
	case isBlank:
		if r.state == inName {
			r.state = afterName
		}
	case c == '=' && r.state != beforeName:
		r.state, r.value, r.size = afterEquals, short{}, 0
	case r.state == inName:
		r.attr.add(c)
	default:
		r.state, r.attr = inName, short{}
		r.attr.add(c)
	}
}

func (r *Reader) readBeforeValue(c byte, isBlank bool) {
	switch {
	case isBlank:
	case c == '"':
		r.state = inDouble
	case c == '\'':
		r.state = inSingle
	default:
		r.state = inValue
		r.addValue([]byte{c})
	}
}

// readQuoted reads a value up to its quote.
func (r *Reader) readQuoted(p []byte, quote byte) []byte {
	n := bytes.IndexByte(p, quote)
	end := n >= 0
	if !end {
		n = len(p)
	}
	r.addValue(p[:n])
	if !end {
		return nil
	}
	r.endValue()
	return p[n+1:]
}

// maxField is how many octets are read of the value of a field in a form.
const maxField = 4 << 10

func (r *Reader) addValue(p []byte) {
	for _, c := range p[:min(len(p), len(r.value.text))] {
		r.value.add(c)
	}
	r.size += len(p)
	if r.attr.is("value") && r.name.is("input") && !r.valued {
		r.field = append(r.field, p[:min(len(p), maxField-len(r.field))]...)
	}
}

// showField shows the value of a field, which browsers show in a box.
func (r *Reader) showField() {
	if len(r.field) == 0 || r.hides {
		return
	}
	r.space(' ')
	r.show([]byte(stdhtml.UnescapeString(string(r.field))))
	r.space(' ')
	if len(r.field) == maxField {
		r.found(finding.Finding{Name: finding.Unreadable, Reason: finding.TooLarge})
	}
}

// minPicture is the length of a data URI with a picture that can be a scan. A
// page of text with 400 by 400 pixels has more than 10 kB, and base64 adds a
// third.
const minPicture = 14 << 10

// endValue reads an attribute that is complete.
func (r *Reader) endValue() {
	if r.size > 0 {
		switch {
		case r.attr.is("colspan"):
			r.span = r.value.number()
		case r.attr.is("rowspan"):
			r.rowSpan = r.value.number()
		case r.attr.is("type"):
			r.hides = r.value.is("hidden")
		case r.attr.is("value"):
			r.valued = true
		case r.size >= minPicture && strings.HasPrefix(r.value.String(), "data:image/"):
			r.found(finding.Finding{Name: finding.Picture})
		}
	}
	r.size, r.state = 0, beforeName
}
