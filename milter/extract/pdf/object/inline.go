package object

import "bytes"

// SkipImage skips the octets of an inline image, from behind ID to behind EI.
// Because EI can also be among the octets, text must follow it.
func (p *Parser) SkipImage() (found bool) {
	for at := p.pos; ; {
		n := bytes.Index(p.data[at:], []byte("EI"))
		if n < 0 {
			p.pos = len(p.data)
			return false
		}
		at += n + len("EI")
		if class[p.data[at-len("EI")-1]] == blank && isText(p.data[at:min(len(p.data), at+16)]) {
			p.pos = at
			return true
		}
	}
}

func isText(next []byte) bool {
	if len(next) > 0 && class[next[0]] == regular {
		return false
	}
	for _, c := range next {
		if c >= 0x7f || c < ' ' && class[c] != blank {
			return false
		}
	}
	return true
}
