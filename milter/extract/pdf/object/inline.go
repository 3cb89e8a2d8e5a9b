package object

import "bytes"

// SkipImage skips the octets of an inline image, from behind ID to behind EI. first
// is its first filter. Because EI can also be among the octets, they are skipped to
// their own end if the filter has one, and text must follow EI. Not all programs
// write a blank before EI.
func (p *Parser) SkipImage(first Name) (found bool) {
	at := p.pos
	switch first {
	case "ASCII85Decode", "A85":
		at += max(0, bytes.IndexByte(p.data[at:], '~'))
	case "ASCIIHexDecode", "AHx":
		at += max(0, bytes.IndexByte(p.data[at:], '>'))
	}
	for {
		n := bytes.Index(p.data[at:], []byte("EI"))
		if n < 0 {
			p.pos = len(p.data)
			return false
		}
		at += n + len("EI")
		if isText(p.data[at:min(len(p.data), at+16)]) {
			p.pos = at
			return true
		}
	}
}

// isText reports whether octets begin operators. A string after one may hold any octets.
func isText(next []byte) bool {
	if len(next) > 0 && class[next[0]] == regular {
		return false
	}
	hasOperator := false
	for _, c := range next {
		if c == '(' && hasOperator {
			break
		}
		hasOperator = hasOperator || class[c] == regular
		if c >= 0x7f || c < ' ' && class[c] != blank {
			return false
		}
	}
	return true
}
