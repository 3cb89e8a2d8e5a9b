package subject

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	utf "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"github.com/postseal/postseal/milter/extract/charset"
)

// fromCharset decodes text in a charset. It returns false if the charset is not
// known.
func fromCharset(name, octets string) (string, bool) {
	if name == "utf-8" || name == "utf8" {
		return eachToValidUTF8(octets), true
	}
	e := charset.Lookup(name)
	if e == nil {
		return "", false
	}
	text, err := e.NewDecoder().String(octets)
	return text, err == nil
}

// eachToValidUTF8 replaces each octet that is not UTF-8 with U+FFFD.
func eachToValidUTF8(octets string) string {
	if utf8.ValidString(octets) {
		return octets
	}
	return string([]rune(octets))
}

// bareText reads text without a charset of its own: as UTF-8 (RFC 6532), or
// otherwise as was usual before.
func bareText(octets string) string {
	if utf8.ValidString(octets) {
		return octets
	}
	return readAs(charmap.Windows1252)(octets)
}

// guess is a charset that octets may have, whatever charset is declared.
type guess struct {
	fits func(octets string) bool
	read func(octets string) string
	// sure says that letters in the result are really text, because no other
	// charset has letters at the same octets. Brackets may still be wrong,
	// because they differ between the kinds of EBCDIC.
	sure bool
	// bare says that words that are broken or in an unknown charset are read in their
	// place.
	bare bool
	// inParts says how broken base64 is read.
	inParts bool
}

// guesses are charsets in which the octets of brackets, letters or both mean
// something else in ASCII. The most common in mail come first.
var guesses = []guess{
	{fits: isAny, read: bareText, bare: true},
	{fits: isAny, read: bareText, bare: true, inParts: true},
	{fits: isHigh, read: readAs(simplifiedchinese.GB18030)},
	{fits: isHigh, read: readAs(japanese.ShiftJIS)},
	{fits: isHigh, read: readAs(traditionalchinese.Big5)},
	{fits: isHigh, read: readAs(korean.EUCKR)},
	{fits: isHigh, read: readAs(japanese.EUCJP)},
	{fits: holds("\x1b"), read: readAs(japanese.ISO2022JP)},
	{fits: holds("~{"), read: readAs(simplifiedchinese.HZGB2312)},
	{fits: isWide, read: readAs(utf.UTF16(utf.BigEndian, utf.IgnoreBOM)), sure: true},
	{fits: isWide, read: readAs(utf.UTF16(utf.LittleEndian, utf.IgnoreBOM)), sure: true},
	{fits: isWide, read: readAs(utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)), sure: true},
	{fits: isWide, read: readAs(utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)), sure: true},
	{fits: isWide, read: readAs(charmap.CodePage037), sure: true},
	{fits: isWide, read: readAs(charmap.CodePage1047), sure: true},
}

func readAs(e encoding.Encoding) func(string) string {
	return func(octets string) string {
		text, err := e.NewDecoder().String(octets)
		if err != nil {
			return strings.ToValidUTF8(octets, "\uFFFD")
		}
		return text
	}
}

func isAny(string) bool { return true }

func holds(part string) func(string) bool {
	return func(octets string) bool { return strings.Contains(octets, part) }
}

func isHigh(octets string) bool {
	for i := range len(octets) {
		if octets[i] >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// isWide reports whether octets are unlikely to be text in a charset that
// contains ASCII: there is a NUL, or half of them have no meaning in ASCII. Two
// octets or fewer cannot be a marker.
func isWide(octets string) bool {
	others := 0
	for i := range len(octets) {
		switch c := octets[i]; {
		case c == 0:
			return true
		case c < ' ' || c >= 0x7f:
			others++
		}
	}
	return len(octets) > 2 && 2*others >= len(octets)
}

// isDoubtful reports whether the octets may be in another charset than the one
// that was used to decode them to this text.
func isDoubtful(octets, text string) bool {
	return text != octets || !utf8.ValidString(octets) || strings.ContainsFunc(text, isControl) || strings.Contains(text, "~{")
}

// isLikely reports whether a text has few signs that its octets were read
// wrongly.
func isLikely(text string) bool { return 8*countWrong(text) <= utf8.RuneCountInString(text) }

func countWrong(text string) int {
	n := 0
	for _, r := range text {
		if r == utf8.RuneError || isControl(r) {
			n++
		}
	}
	return n
}

func isControl(r rune) bool {
	return unicode.IsControl(r) && r != '\t' && r != '\r' && r != '\n'
}
