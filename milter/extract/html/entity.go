package html

import (
	stdhtml "html"
	"unicode/utf8"
)

// entity is a character reference that has begun.
type entity struct {
	kind  entityKind
	text  [40]byte // as written, without "&"; names have at most 32 characters
	n     int
	value rune // of a number
}

type entityKind byte

const (
	begun      entityKind = iota // after "&"
	number                       // after "&#"
	hexNumber                    // after "&#x"
	decimal                      // a number that has digits
	hexDecimal                   // a hexadecimal number that has digits
	named
)

func (e *entity) add(c byte) {
	if e.n < len(e.text) {
		e.text[e.n] = c
		e.n++
	}
}

// digit adds a digit to a number.
func (e *entity) digit(c byte, base rune) bool {
	value := rune(-1)
	switch {
	case '0' <= c && c <= '9':
		value = rune(c - '0')
	case base == 16 && 'a' <= c|0x20 && c|0x20 <= 'f':
		value = rune(c|0x20-'a') + 10
	default:
		return false
	}
	e.value = min(e.value*base+value, utf8.MaxRune+1)
	return true
}

// next adds a character. It returns false if the character is no part of the
// reference.
func (e *entity) next(c byte) bool {
	switch e.kind {
	case begun:
		switch {
		case c == '#':
			e.kind = number
		case isLetter(c) || '0' <= c && c <= '9':
			e.kind = named
		default:
			return false
		}
	case number:
		switch {
		case c|0x20 == 'x':
			e.kind = hexNumber
		case e.digit(c, 10):
			e.kind = decimal
		default:
			return false
		}
	case hexNumber:
		if !e.digit(c, 16) {
			return false
		}
		e.kind = hexDecimal
	case decimal:
		return e.digit(c, 10)
	case hexDecimal:
		return e.digit(c, 16)
	case named:
		if e.n == len(e.text) || !isLetter(c) && (c < '0' || c > '9') {
			return false
		}
	}
	e.add(c)
	return true
}

// readEntity reads a part of a reference.
func (r *Reader) readEntity(p []byte) []byte {
	for i, c := range p {
		if r.entity.next(c) {
			continue
		}
		isFull := r.entity.kind == named && r.entity.n == len(r.entity.text)
		if c == ';' && r.entity.kind >= decimal && !isFull {
			r.entity.add(c)
			i++
		}
		r.endEntity()
		return p[i:]
	}
	return nil
}

// endEntity shows the character.
func (r *Reader) endEntity() {
	r.state = inText
	if r.rawTag != "" {
		r.state = inRaw
	}
	text := r.entity.append(r.buf[:0])
	if len(text) == 1 && classes[text[0]] == blank {
		r.space(text[0])
		return
	}
	r.show(text)
}

// append adds the text of the reference.
func (e *entity) append(text []byte) []byte {
	switch name := e.text[:e.n]; {
	case e.kind == decimal || e.kind == hexDecimal:
		return utf8.AppendRune(text, numbered(e.value))
	case e.kind == named && string(name) == "nbsp;":
		return append(text, "\u00a0"...)
	case e.kind == named && string(name) == "amp;":
		return append(text, '&')
	case e.kind == named:
		return append(text, stdhtml.UnescapeString("&"+string(name))...)
	default:
		return append(append(text, '&'), name...)
	}
}

// numbered returns the character with a number. Numbers of controls stand for
// characters of Windows-1252.
func numbered(value rune) rune {
	const controls = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"
	switch {
	case 0x80 <= value && value < 0xa0:
		return []rune(controls)[value-0x80]
	case value == 0 || value > utf8.MaxRune:
		return utf8.RuneError
	}
	return value
}
