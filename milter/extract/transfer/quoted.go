package transfer

import "bytes"

// QuotedPrintable decodes quoted-printable. What is no escape stands for
// itself.
type QuotedPrintable struct {
	next func([]byte)
	held []byte // an escape that is cut
	buf  [bufferSize]byte
	n    int
}

// NewQuotedPrintable returns a decoder.
func NewQuotedPrintable(next func([]byte)) *QuotedPrintable { return &QuotedPrintable{next: next} }

// maxBlanks is how many blanks may stand between "=" and the end of a line. RFC
// 2045 allows lines of 76 characters.
const maxBlanks = 76

// Write adds octets.
func (d *QuotedPrintable) Write(p []byte) {
	for len(p) > 0 {
		if len(d.held) > 0 {
			p = d.complete(p)
			continue
		}
		n := bytes.IndexByte(p, '=')
		if n < 0 {
			d.add(p)
			break
		}
		d.add(p[:n])
		p = p[n:]
		used, text := escape(p, false)
		if used == 0 {
			d.held = append(d.held[:0], p...)
			break
		}
		d.add(text)
		p = p[used:]
	}
	d.flush()
}

// complete reads the escape that is cut, and returns the rest of p.
func (d *QuotedPrintable) complete(p []byte) []byte {
	for len(p) > 0 {
		d.held, p = append(d.held, p[0]), p[1:]
		if used, text := escape(d.held, false); used > 0 {
			d.add(text)
			rest := d.held[used:]
			d.held = nil
			if len(rest) > 0 { // blanks, or the octet that is no part of it
				d.Write(rest)
			}
			return p
		}
	}
	return p
}

// escape reads the escape that p begins with. It returns the number of octets
// and their text, or 0 if more octets are needed.
func escape(p []byte, atEnd bool) (used int, text []byte) {
	if len(p) >= 3 {
		high, low := digit(p[1]), digit(p[2])
		if high < 16 && low < 16 {
			return 3, octets[high<<4|low : int(high<<4|low)+1]
		}
	}
	i := 1
	for i < len(p) && i <= maxBlanks && (p[i] == ' ' || p[i] == '\t') {
		i++
	}
	if i == len(p) && !atEnd || i == 1 && len(p) == 2 && digit(p[1]) < 16 && !atEnd {
		return 0, nil
	}
	switch {
	case i == len(p):
		return i, nil // a soft break at the end of the text
	case p[i] == '\n':
		return i + 1, nil
	case p[i] == '\r' && i+1 < len(p) && p[i+1] == '\n':
		return i + 2, nil
	case p[i] == '\r' && i+1 == len(p) && !atEnd:
		return 0, nil
	case p[i] == '\r':
		return i + 1, nil
	}
	return 1, p[:1]
}

// octets are all octets in order.
var octets = func() (all [256]byte) {
	for i := range all {
		all[i] = byte(i)
	}
	return all
}()

// digit returns the value of a hexadecimal digit, or a larger one.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

func (d *QuotedPrintable) add(p []byte) {
	if len(p) > bufferSize-d.n {
		d.flush()
		if len(p) > bufferSize {
			d.next(p)
			return
		}
	}
	d.n += copy(d.buf[d.n:], p)
}

func (d *QuotedPrintable) flush() {
	if d.n > 0 {
		d.next(d.buf[:d.n])
		d.n = 0
	}
}

// Close ends the text. Each text has a reading, so the encoding is sound.
func (d *QuotedPrintable) Close() bool {
	for len(d.held) > 0 {
		used, text := escape(d.held, true)
		d.add(text)
		d.held = d.held[used:]
		if i := bytes.IndexByte(d.held, '='); i != 0 && len(d.held) > 0 {
			if i < 0 {
				i = len(d.held)
			}
			d.add(d.held[:i])
			d.held = d.held[i:]
		}
	}
	d.flush()
	return true
}
