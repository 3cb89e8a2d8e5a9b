package flow

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Western returns text in which octets that are not UTF-8 are Windows-1252.
func Western(p []byte) []byte {
	if utf8.Valid(p) {
		return p
	}
	var out []byte
	for len(p) > 0 {
		r, n := utf8.DecodeRune(p)
		if r == utf8.RuneError && n == 1 {
			r = charmap.Windows1252.DecodeByte(p[0])
		}
		out, p = utf8.AppendRune(out, r), p[n:]
	}
	return out
}
