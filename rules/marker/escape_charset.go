package marker

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// undoMojibake returns UTF-8 text that a program has read as Windows-1252:
// "ï¼»secureï¼½".
func undoMojibake(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return text
	}
	var b strings.Builder
	for text != "" {
		plain, size := cutMojibake(text)
		b.WriteString(plain)
		text = text[size:]
	}
	return b.String()
}

// cutMojibake returns the character whose UTF-8 octets the characters at the
// start of text represent, and their length. If there is none, it returns the
// first character.
func cutMojibake(text string) (plain string, size int) {
	octets := make([]byte, 0, utf8.UTFMax)
	for at, c := range text {
		octet, ok := octetOf(c)
		if !ok || octet < utf8.RuneSelf || len(octets) == utf8.UTFMax {
			break
		}
		octets = append(octets, octet)
		if utf8.Valid(octets) {
			return string(octets), at + utf8.RuneLen(c)
		}
	}
	_, size = utf8.DecodeRuneInString(text)
	return text[:size], size
}

// octetOf returns the octet of a character in Windows-1252 or ISO-8859-1.
func octetOf(r rune) (octet byte, ok bool) {
	if octet, ok = charmap.Windows1252.EncodeRune(r); ok {
		return octet, true
	}
	return byte(r), r < 0x100
}

// dictated are brackets that somebody dictated, and that a program wrote as
// words: "open square bracket secure close square bracket". Without "square", a
// left bracket may be one of orthodontics.
var dictated = []struct {
	name    *regexp.Regexp
	bracket string
}{
	{regexp.MustCompile(`(?i)\b(?:open(?:ing)?[ -](?:square[ -])?|left[ -]square[ -])brackets?\b`), "["},
	{regexp.MustCompile(`(?i)\b(?:clos(?:e|ed|ing)[ -](?:square[ -])?|right[ -]square[ -])brackets?\b`), "]"},
}

func undoDictation(text string) string {
	if !strings.Contains(text, "racket") && !strings.Contains(text, "RACKET") {
		return text
	}
	for _, d := range dictated {
		text = d.name.ReplaceAllString(text, d.bracket)
	}
	return text
}
