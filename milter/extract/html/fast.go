package html

import "bytes"

// Characters that end a part of a tag.
const (
	endsName      = 1 << iota // a tag's name
	endsAttribute             // an attribute's name
	endsValue                 // a value without quotes
	skipped                   // before an attribute's name
)

var ends = [256]byte{
	' ': endsName | endsAttribute | endsValue | skipped, '\t': endsName | endsAttribute | endsValue | skipped,
	'\n': endsName | endsAttribute | endsValue | skipped, '\r': endsName | endsAttribute | endsValue | skipped,
	'\f': endsName | endsAttribute | endsValue | skipped,
	'/':  endsName | endsAttribute | skipped,
	'>':  endsName | endsAttribute | endsValue,
	'=':  endsAttribute,
}

// until returns the first index from i on of a character that has the mark.
func until(p []byte, i int, mark byte) int {
	for i < len(p) && ends[p[i]]&mark == 0 {
		i++
	}
	return i
}

// readWholeTag reads the tag that p begins with, if it is whole and has no
// attribute that matters. It returns its length, or 0. The states do the same
// character by character.
func (r *Reader) readWholeTag(p []byte) int {
	start := 1
	if len(p) > 1 && p[1] == '/' {
		start = 2
	}
	if len(p) <= start || !isLetter(p[start]) {
		return 0
	}
	i := until(p, start, endsName)
	name := p[start:i]
	if bytes.EqualFold(name, []byte("input")) { // its value matters
		return 0
	}
	for {
		for i < len(p) && ends[p[i]]&skipped != 0 {
			i++
		}
		if i >= len(p) {
			return 0
		}
		if p[i] == '>' {
			break
		}
		if i = skipAttribute(p, i); i == 0 {
			return 0
		}
	}
	r.tag.isEnd, r.tag.span, r.tag.rowSpan, r.tag.name.n = start == 2, 0, 0, 0
	for _, c := range name {
		r.tag.name.add(c)
	}
	r.act()
	return i + 1
}

// skipAttribute returns the index after the attribute at i, or 0 if the
// attribute may matter or is not whole.
func skipAttribute(p []byte, i int) int {
	start := i
	i = until(p, i+1, endsAttribute)
	if c := p[start] | 0x20; i-start == len("colspan") && (c == 'c' || c == 'r') { // colspan, rowspan
		return 0
	}
	for i < len(p) && classes[p[i]] == blank {
		i++
	}
	if i >= len(p) || p[i] != '=' {
		return i
	}
	i++
	for i < len(p) && classes[p[i]] == blank {
		i++
	}
	if i >= len(p) {
		return 0
	}
	start = i
	switch c := p[i]; c {
	case '"', '\'':
		n := bytes.IndexByte(p[i+1:], c)
		if n < 0 {
			return 0
		}
		i += n + 2
	default:
		i = until(p, i, endsValue)
	}
	if i-start >= minPicture {
		return 0
	}
	return i
}
