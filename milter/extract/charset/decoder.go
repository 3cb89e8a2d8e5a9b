// Package charset turns the octets of text into UTF-8, as they come.
package charset

import (
	"bytes"

	"golang.org/x/text/encoding"
	utf "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// Decoder turns octets in a charset into valid UTF-8 without NULs.
type Decoder struct {
	next   func([]byte)
	change transform.Transformer // nil for text that is mostly ASCII, UTF-8 or Windows-1252
	rest   []byte                // octets of a character that is cut
	buf    []byte

	mark    int // octets of the byte order mark that are still to come
	octets  int64
	wrong   int64 // characters without a meaning, and controls that text does not have
	guessed int64 // octets that are not UTF-8, read as Windows-1252
	hasNUL  bool
	shifts  bool // octets after SO are not ASCII
	shifted bool // there was an SO
}

// shiftOut begins characters of two octets in ISO-2022-KR and ISO-2022-CN, which
// golang.org/x/text does not read.
const shiftOut = 0x0e

// bufferSize is enough for the calls of next to cost little.
const bufferSize = 4096

// NewDecoder returns a decoder for the charset with the name, in lower case.
// start is how the octets begin: a byte order mark goes before the name. next
// is called with each piece of the text, and must not keep it.
func NewDecoder(name string, start []byte, next func([]byte)) *Decoder {
	d := &Decoder{next: next}
	if e, mark := markedBy(start); mark > 0 {
		d.mark = mark
		d.use(e)
		return d
	}
	if alias := aliases[name]; alias != "" {
		name = alias
	}
	switch name {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252", "cp1252", "binary", "8bit":
		return d
	case utf7Name:
		d.change = &utf7{}
	case "iso-2022-kr", "iso-2022-cn", "iso-2022-cn-ext":
		d.shifts = true
	default:
		d.use(declared(name, start))
	}
	return d
}

// declared returns the charset with a name, or nil if it is not known or the
// text is in ASCII in fact.
func declared(name string, start []byte) encoding.Encoding {
	if width := wide[name]; width > 0 {
		if isASCII(start) {
			return nil
		}
		if e := ordered(width, start); e != nil {
			return e
		}
	}
	if name == "unicodefffe" {
		return utf.UTF16(utf.BigEndian, utf.IgnoreBOM)
	}
	e := Lookup(name)
	if e != nil && isASCII(start) && !extendsASCII(e) {
		return nil
	}
	return e
}

func (d *Decoder) use(e encoding.Encoding) {
	if e != nil {
		d.change = e.NewDecoder()
	}
}

// markedBy returns the charset that a byte order mark names, and the length of
// the mark. The charset is nil for UTF-8.
func markedBy(start []byte) (encoding.Encoding, int) {
	for _, m := range []struct {
		mark string
		e    encoding.Encoding
	}{
		{"\xef\xbb\xbf", nil},
		{"\xff\xfe\x00\x00", utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)},
		{"\x00\x00\xfe\xff", utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)},
		{"\xff\xfe", utf.UTF16(utf.LittleEndian, utf.IgnoreBOM)},
		{"\xfe\xff", utf.UTF16(utf.BigEndian, utf.IgnoreBOM)},
	} {
		if bytes.HasPrefix(start, []byte(m.mark)) {
			return m.e, len(m.mark)
		}
	}
	return nil, 0
}

// extendsASCII reports whether ASCII text means the same in a charset.
func extendsASCII(e encoding.Encoding) bool {
	const sample = "Az 09[]"
	text, err := e.NewDecoder().String(sample)
	return err == nil && text == sample
}

// isASCII reports whether nearly all octets are printable ASCII, blanks or line
// ends. Text in UTF-16, UTF-32 and EBCDIC never is: of Chinese in UTF-16, half of
// the octets are.
func isASCII(octets []byte) bool {
	others := 0
	for _, c := range octets {
		if !isText[c] {
			others++
		}
	}
	return 8*others <= len(octets)
}

// ExtendsASCII reports whether ASCII text means the same in the charset with the
// name, in lower case, or the charset is not known.
func ExtendsASCII(name string) bool {
	e := Lookup(name)
	return e == nil && wide[name] == 0 || e != nil && extendsASCII(e)
}

// wide are the names of charsets with characters of two or four octets in
// either order.
var wide = map[string]int{
	"utf-16": 2, "utf-16le": 2, "utf-16be": 2, "iso-10646-ucs-2": 2, "ucs-2": 2, "csunicode": 2, "unicode": 2, "unicodefffe": 2,
	"utf-32": 4, "utf-32le": 4, "utf-32be": 4, "iso-10646-ucs-4": 4, "ucs-4": 4, "csucs4": 4,
}

// ordered returns the charset with the order of octets that the text shows,
// because many programs write the other one than they declare. The high octets
// of most characters are 0. It returns nil if the text does not show it.
func ordered(width int, start []byte) encoding.Encoding {
	var zeros [4]int
	for i, c := range start {
		if c == 0 {
			zeros[i%4]++
		}
	}
	switch first, last := zeros[0]+zeros[width-2], zeros[1]+zeros[3]; {
	case width == 2 && first > last:
		return utf.UTF16(utf.BigEndian, utf.IgnoreBOM)
	case width == 2 && first < last:
		return utf.UTF16(utf.LittleEndian, utf.IgnoreBOM)
	case width == 4 && zeros[0] > zeros[3]:
		return utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)
	case width == 4 && zeros[0] < zeros[3]:
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)
	}
	return nil
}

// Write adds octets.
func (d *Decoder) Write(p []byte) {
	if n := min(d.mark, len(p)); n > 0 {
		d.mark -= n
		p = p[n:]
	}
	d.octets += int64(len(p))
	d.shifted = d.shifted || d.shifts && bytes.IndexByte(p, shiftOut) >= 0
	if d.change == nil {
		d.western(p)
		return
	}
	d.transform(p, false)
}

// Close ends the text.
func (d *Decoder) Close() {
	if d.change == nil {
		d.westernEnd()
		return
	}
	d.transform(nil, true)
}

// transform decodes octets with golang.org/x/text.
func (d *Decoder) transform(p []byte, atEOF bool) {
	if d.buf == nil {
		d.buf = make([]byte, bufferSize)
	}
	for {
		n := min(len(p), bufferSize)
		d.rest = append(d.rest, p[:n]...)
		p = p[n:]
		d.drain(atEOF && len(p) == 0)
		if len(p) == 0 {
			return
		}
	}
}

// drain decodes the rest, except for a character that is cut.
func (d *Decoder) drain(atEOF bool) {
	src := d.rest
	for {
		n, used, err := d.change.Transform(d.buf, src, atEOF)
		d.pass(d.buf[:n])
		src = src[used:]
		if err == transform.ErrShortDst && n+used > 0 {
			continue
		}
		if err == nil || err == transform.ErrShortSrc && !atEOF || len(src) == 0 {
			break
		}
		d.pass([]byte("\uFFFD"))
		src = src[1:]
	}
	d.rest = append(d.rest[:0], src...)
}

// pass counts what is wrong with the text, and hands it on.
func (d *Decoder) pass(text []byte) {
	if len(text) == 0 {
		return
	}
	d.wrong += int64(bytes.Count(text, []byte("\uFFFD")))
	d.next(withoutNUL(text))
}

// withoutNUL removes NULs in place, because clients do not show them.
func withoutNUL(text []byte) []byte {
	i := bytes.IndexByte(text, 0)
	if i < 0 {
		return text
	}
	kept := text[:i]
	for _, c := range text[i:] {
		if c != 0 {
			kept = append(kept, c)
		}
	}
	return kept
}

// HasNUL reports whether there were NULs in a charset that does not use them.
func (d *Decoder) HasNUL() bool { return d.hasNUL }

// HasCharacters reports whether most of the octets were characters. If not,
// they may be text in a charset that nobody named. In Western text one octet in
// ten is not ASCII at most.
func (d *Decoder) HasCharacters() bool {
	return !d.shifted && 8*d.wrong <= d.octets && 4*d.guessed <= d.octets
}
