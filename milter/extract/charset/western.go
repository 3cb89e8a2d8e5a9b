package charset

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// western reads UTF-8. Octets that are not UTF-8 are read as Windows-1252, because
// it is the charset of most mail that declares another one wrongly, or none:
// its blanks between digits stay blanks.
func (d *Decoder) western(p []byte) {
	for len(d.rest) > 0 {
		if !utf8.FullRune(d.rest) {
			if len(p) == 0 {
				return
			}
			d.rest, p = append(d.rest, p[0]), p[1:]
			continue
		}
		_, size := utf8.DecodeRune(d.rest)
		d.whole(d.rest[:size])
		d.rest = append(d.rest[:0], d.rest[size:]...)
	}
	end := len(p)
	for i := 1; i < utf8.UTFMax && i <= len(p); i++ {
		if tail := p[len(p)-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				end -= i
			}
			break
		}
	}
	d.whole(p[:end])
	d.rest = append(d.rest, p[end:]...)
}

func (d *Decoder) westernEnd() {
	d.whole(d.rest)
	d.rest = d.rest[:0]
}

// whole reads octets that end with a character.
func (d *Decoder) whole(p []byte) {
	if len(p) == 0 {
		return
	}
	if utf8.Valid(p) && bytes.IndexByte(p, 0) < 0 {
		d.next(p)
		return
	}
	for len(p) > 0 {
		n := min(len(p), bufferSize)
		for n < len(p) && !utf8.RuneStart(p[n]) && n < bufferSize+utf8.UTFMax {
			n++
		}
		d.mend(p[:n])
		p = p[n:]
	}
}

// windows1252 are the characters of the octets above ASCII. A control stands for
// an octet that has no character.
var windows1252 = func() (table [256]string) {
	for i := utf8.RuneSelf; i < len(table); i++ {
		table[i] = string(charmap.Windows1252.DecodeByte(byte(i)))
	}
	return table
}()

// mend reads a short piece with octets that are not UTF-8.
func (d *Decoder) mend(p []byte) {
	d.buf = d.buf[:0]
	for len(p) > 0 {
		n := 0
		for n < len(p) && isText[p[n]] {
			n++
		}
		d.buf = append(d.buf, p[:n]...)
		if p = p[n:]; len(p) == 0 {
			break
		}
		r, size := utf8.DecodeRune(p)
		switch {
		case r == utf8.RuneError && size == 1:
			d.guessed++
			text := windows1252[p[0]]
			if text[0] == 0xc2 && text[1] < 0xa0 {
				d.wrong++
			}
			d.buf = append(d.buf, text...)
		case r == 0:
			d.hasNUL = true
		default:
			d.buf = append(d.buf, p[:size]...)
		}
		p = p[size:]
	}
	if len(d.buf) > 0 {
		d.next(d.buf)
	}
}

// isText says which octets are ASCII text.
var isText = func() (table [utf8.RuneSelf * 2]bool) {
	for c := range byte(0x7f) {
		table[c] = c >= ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'
	}
	return table
}()
