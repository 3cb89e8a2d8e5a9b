package object

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// text returns a text string's text: UTF-16 or UTF-8 with a mark, or
// PDFDocEncoding.
func text(s string) string {
	switch {
	case strings.HasPrefix(s, "\xfe\xff"):
		return UTF16(s[2:], 0, 1)
	case strings.HasPrefix(s, "\xff\xfe"):
		return UTF16(s[2:], 1, 0)
	case strings.HasPrefix(s, "\xef\xbb\xbf"):
		return strings.ToValidUTF8(s[3:], "\uFFFD")
	}
	var out strings.Builder
	for i := range len(s) {
		out.WriteRune(docEncoding[s[i]])
	}
	return out.String()
}

// UTF16 decodes text whose high octets are at one index of each pair and whose
// low octets are at the other.
func UTF16(s string, high, low int) string {
	out := make([]byte, 0, len(s))
	for i := 0; i+1 < len(s); i += 2 {
		r := rune(s[i+high])<<8 | rune(s[i+low])
		if utf16.IsSurrogate(r) && i+3 < len(s) {
			if r = utf16.DecodeRune(r, rune(s[i+2+high])<<8|rune(s[i+2+low])); r != utf8.RuneError {
				i += 2
			}
		}
		if r != 0x1b { // it surrounds the name of a language
			out = utf8.AppendRune(out, r)
		}
	}
	return string(out)
}

// docEncoding is Latin-1 with other characters at the control characters' places.
var docEncoding [256]rune

func init() {
	for i := range docEncoding {
		docEncoding[i] = charmap.ISO8859_1.DecodeByte(byte(i))
	}
	copy(docEncoding[0x18:], []rune("˘ˇˆ˙˝˛˚˜"))
	copy(docEncoding[0x80:], []rune("•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž\uFFFD€"))
}
