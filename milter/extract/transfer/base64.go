// Package transfer decodes the transfer encodings of mail, as the octets come,
// and as the most lenient mail client does.
package transfer

import (
	"bytes"
	"encoding/base64"
)

// Decoder decodes octets, which may be cut anywhere. It passes the result on
// in pieces, which are valid only during the call.
type Decoder interface {
	Write(p []byte)
	// Close passes on what is left. It reports whether the encoding was sound.
	Close() bool
}

const bufferSize = 4096

// codes are the values of the base64 alphabet. Other octets have a value
// above 63.
var codes = func() (table [256]byte) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range table {
		table[i] = stray
	}
	for i := range len(alphabet) {
		table[alphabet[i]] = byte(i)
	}
	table['='] = padding
	table['\r'], table['\n'], table[' '], table['\t'] = lineEnd, lineEnd, blank, blank
	return table
}()

const (
	padding = 64 + iota
	lineEnd
	blank
	stray
)

// Base64 decodes base64. It skips what is not in the alphabet (RFC 2045,
// section 6.8), and continues after padding, because gateways join encoded
// texts.
type Base64 struct {
	next   func([]byte)
	buf    [bufferSize]byte
	bits   uint32
	n      int // characters in bits
	chars  int64
	strays int64
	blanks int  // that came last
	inLine int  // strays in this line, with blanks inside it
	isText bool // a line is probably text
}

// maxStrays is how many characters of a line may not be of the alphabet. Line
// noise is rarer than the blanks between words.
const maxStrays = 1

// NewBase64 returns a decoder.
func NewBase64(next func([]byte)) *Base64 { return &Base64{next: next} }

// Write adds octets.
func (d *Base64) Write(p []byte) {
	for len(p) > 0 {
		if d.n == 0 && d.blanks == 0 {
			p = d.lines(p)
		}
		p = d.slow(p)
	}
}

// lines decodes whole lines of the alphabet alone, and returns the rest.
func (d *Base64) lines(p []byte) []byte {
	n := 0
	for {
		line := p
		if end := bytes.IndexByte(p, '\n'); end >= 0 {
			line = p[:end]
		}
		whole := min((len(line)-trailing(line))&^3, (bufferSize-n)/3*4&^3)
		decoded, err := base64.StdEncoding.Decode(d.buf[n:], line[:whole])
		if whole == 0 || err != nil || decoded != whole/4*3 {
			break
		}
		n += decoded
		d.chars += int64(whole)
		p = p[whole:]
		for len(p) > 0 && codes[p[0]] == lineEnd {
			if p[0] == '\n' {
				d.inLine = 0
			}
			p = p[1:]
		}
		if n > bufferSize-128 {
			d.next(d.buf[:n])
			n = 0
		}
	}
	if n > 0 {
		d.next(d.buf[:n])
	}
	return p
}

// trailing returns how many octets of a line are after its last character.
func trailing(line []byte) int {
	if len(line) > 0 && line[len(line)-1] == '\r' {
		return 1
	}
	return 0
}

// slow decodes octet by octet, up to the end of a line.
func (d *Base64) slow(p []byte) []byte {
	out := d.buf[:0]
	for i, c := range p {
		switch code := codes[c]; {
		case code < padding:
			if d.blanks > 0 && d.chars > 0 {
				d.stray(d.blanks)
			}
			d.blanks = 0
			d.chars++
			d.bits = d.bits<<6 | uint32(code)
			if d.n++; d.n == 4 {
				out = append(out, byte(d.bits>>16), byte(d.bits>>8), byte(d.bits))
				d.n = 0
			}
		case code == padding:
			out = d.flush(out)
		case code == blank:
			d.blanks++
		case code == stray:
			d.stray(1)
		case c == '\n':
			d.inLine, d.blanks = 0, 0
		}
		if c == '\n' || len(out) > bufferSize-8 {
			d.pass(out)
			return p[i+1:]
		}
	}
	d.pass(out)
	return nil
}

func (d *Base64) stray(n int) {
	d.strays += int64(n)
	d.inLine += n
	d.isText = d.isText || d.inLine > maxStrays
}

func (d *Base64) pass(out []byte) {
	if len(out) > 0 {
		d.next(out)
	}
}

// flush adds the octets of an incomplete group.
func (d *Base64) flush(out []byte) []byte {
	switch d.n {
	case 2:
		out = append(out, byte(d.bits>>4))
	case 3:
		out = append(out, byte(d.bits>>10), byte(d.bits>>2))
	}
	d.n = 0
	return out
}

// Close ends the text. The encoding is not sound if so many characters are not
// in the alphabet that a line is probably text, such as a footer that a mailing
// list has added.
func (d *Base64) Close() bool {
	d.pass(d.flush(d.buf[:0]))
	return !d.isText && d.strays <= 8+d.chars/64
}

// LooksLikeBase64 reports whether octets can be the beginning of base64. Text
// has blanks inside its lines.
func LooksLikeBase64(start []byte) bool {
	var count [stray + 1]int
	for i, c := range start {
		code := max(codes[c], padding-1)
		if code == blank && (i+1 == len(start) || codes[start[i+1]] == lineEnd) {
			continue // at the end of a line
		}
		count[code]++
	}
	chars := count[padding-1]
	return 16*count[blank] <= chars && 8*count[stray] <= chars
}
