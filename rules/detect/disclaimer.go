package detect

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Disclaimer is a site's standard text. The zero value expects none.
type Disclaimer struct {
	text string // without blanks
	back []int  // for each length of a partial match, the next shorter one
}

// NewDisclaimer returns a text to look for. Blanks and line breaks do not matter.
// Letter case counts, because a gateway or a signature adds the text as the site
// wrote it. The text may be in any body, and in a quoted message.
func NewDisclaimer(text string) Disclaimer {
	d := Disclaimer{text: withoutBlanks(text)}
	d.back = make([]int, len(d.text)+1)
	for i, k := 1, 0; i < len(d.text); i++ {
		for k > 0 && d.text[i] != d.text[k] {
			k = d.back[k]
		}
		if d.text[i] == d.text[k] {
			k++
		}
		d.back[i+1] = k
	}
	return d
}

// disclaimerState is the state of the search for the disclaimer in one message. The
// search uses the algorithm of Knuth, Morris and Pratt.
type disclaimerState struct {
	Disclaimer
	state int // octets of text that match
	isIn  bool
}

func (d *disclaimerState) isMissing() bool { return d.text != "" && !d.isIn }

// read reads the characters that begin between from and to.
func (d *disclaimerState) read(b text, from, to int) {
	if !d.isMissing() {
		return
	}
	for i := from; i < to; {
		if d.state == 0 {
			skip := bytes.IndexByte(b[i:to], d.text[0])
			if skip < 0 {
				return
			}
			i += skip
		}
		size := 1
		if b[i] >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRune(b[i:]); isUnseen(r) {
				i += size
				continue
			}
		} else if isUnseen(rune(b[i])) {
			i++
			continue
		}
		for ; size > 0; size-- {
			for d.state > 0 && b[i] != d.text[d.state] {
				d.state = d.back[d.state]
			}
			if b[i] == d.text[d.state] {
				d.state++
			}
			i++
			if d.state == len(d.text) {
				d.isIn = true
				return
			}
		}
	}
}

// isUnseen reports whether the character shows nothing.
func isUnseen(r rune) bool { return unicode.IsSpace(r) || isIgnored(r) }

func withoutBlanks(s string) string {
	return strings.Map(func(r rune) rune {
		if isUnseen(r) {
			return -1
		}
		return r
	}, s)
}
