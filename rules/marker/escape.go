package marker

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxEscapes is how many times in sequence a text is unescaped. Two programs
// often escape one after the other, four do not.
const maxEscapes = 4

// plainTexts returns readings that differ from the text: one with its escapes
// undone, and one also without its markup.
func plainTexts(text string) []string {
	plain := text
	for range maxEscapes {
		next := undoDictation(undoMojibake(undoEscapes(plain)))
		if next == plain {
			break
		}
		plain = next
	}
	var readings []string
	if plain != text {
		readings = append(readings, plain)
	}
	if bare := withoutTags(plain); bare != plain {
		readings = append(readings, bare)
	}
	return readings
}

// escapes are the characters with which escapes begin.
const escapes = `%=&\+_`

// undoEscapes undoes each escape once.
func undoEscapes(text string) string {
	at := strings.IndexAny(text, escapes)
	if at < 0 {
		return text
	}
	var b strings.Builder
	for at >= 0 {
		b.WriteString(text[:at])
		text = text[at:]
		plain, size := cutEscape(text)
		if size == 0 {
			plain, size = text[:1], 1
		}
		b.WriteString(plain)
		text = text[size:]
		at = strings.IndexAny(text, escapes)
	}
	b.WriteString(text)
	return b.String()
}

// cutEscape returns the meaning of the escape at the start of text, and its
// length. The length is 0 if there is none. It looks no further than an escape
// can reach.
func cutEscape(text string) (plain string, size int) {
	switch text[0] {
	case '%': // RFC 3986, section 2.1, and JavaScript's escape
		if hasFold(text[1:], "u") {
			return cutHex(text, 2, 4, "")
		}
		return cutHex(text, 1, 2, "")
	case '=': // quoted-printable, and the "Q" encoding outside an encoded word
		return cutHex(text, 1, 2, "")
	case '_': // XML names
		if hasFold(text[1:], "x") {
			return cutHex(text, 2, 4, "_")
		}
	case '&':
		return cutEntity(text)
	case '\\':
		return cutBackslash(text)
	case '+':
		return cutUTF7(text)
	}
	return "", 0
}

// hasFold reports whether text begins with the ASCII prefix, in any case.
func hasFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}

// cutHex reads an escape that consists of a head, so many hexadecimal digits
// and a tail. Two digits are an octet, more digits a character.
func cutHex(text string, head, digits int, tail string) (plain string, size int) {
	size = head + digits + len(tail)
	if len(text) < size || text[head+digits:size] != tail {
		return "", 0
	}
	r, ok := fromDigits(text[head:head+digits], 16)
	switch {
	case !ok:
		return "", 0
	case digits == 2:
		return string([]byte{byte(r)}), size
	}
	return string(r), size
}

// fromDigits returns the character with the number.
func fromDigits(digits string, base int) (rune, bool) {
	n, err := strconv.ParseUint(digits, base, 32)
	return rune(n), err == nil && n <= utf8.MaxRune
}

// cutBackslash reads the escapes of programming languages and LDAP, and those
// of Markdown before a bracket.
func cutBackslash(text string) (plain string, size int) {
	if len(text) < 2 {
		return "", 0
	}
	switch c := text[1]; {
	case isBracket(rune(c)), c == '\\':
		return text[1:2], 2
	case c == '\'': // RTF
		return cutHex(text, 2, 2, "")
	case hasFold(text[1:], "x{"), hasFold(text[1:], "u{"):
		return cutBraces(text)
	case c|0x20 == 'x':
		return cutHex(text, 2, 2, "")
	case c == 'U':
		if plain, size := cutHex(text, 2, 8, ""); size > 0 {
			return plain, size
		}
		return cutHex(text, 2, 4, "")
	case c == 'u':
		return cutHex(text, 2, 4, "")
	case (c == '0' || c == '1') && len(text) >= 4:
		if r, ok := fromDigits(text[1:4], 8); ok {
			return string(r), 4
		}
	}
	return cutHex(text, 1, 2, "")
}

// cutBraces reads an escape with braces: \x{5b}, \u{5b}.
func cutBraces(text string) (plain string, size int) {
	const head = len(`\u{`)
	digits, _, closed := strings.Cut(text[head:min(len(text), len(`\u{0010FFFF}`))], "}")
	r, ok := fromDigits(digits, 16)
	if !closed || !ok {
		return "", 0
	}
	return string(r), head + len(digits) + 1
}

// maxUTF7 limits how much is read after each "+", because the encoded text may
// contain "+" too. If the text is longer, its rest is not decoded.
const maxUTF7 = 1 + 512

// cutUTF7 reads the encoded text of RFC 2152.
func cutUTF7(text string) (plain string, size int) {
	run := text[1:min(len(text), maxUTF7)]
	size = strings.IndexFunc(run, func(r rune) bool {
		return r >= utf8.RuneSelf || !isAlphanumeric(byte(r)) && r != '+' && r != '/'
	})
	switch {
	case size >= 0:
	case len(text) > maxUTF7:
		size = len(run) / 8 * 8 // whole characters
	default:
		size = len(run)
	}
	if size == 0 && strings.HasPrefix(run, "-") {
		return "+", len("+-")
	}
	if spare := 6 * size % 16; size == 0 || spare >= 6 { // not a whole number of characters
		return "", 0
	}
	octets, err := base64.RawStdEncoding.Strict().DecodeString(run[:size])
	if err != nil {
		return "", 0
	}
	units := make([]uint16, 0, len(octets)/2)
	for i := 0; i < len(octets); i += 2 {
		units = append(units, uint16(octets[i])<<8|uint16(octets[i+1]))
	}
	if strings.HasPrefix(run[size:], "-") {
		size++
	}
	return string(utf16.Decode(units)), 1 + size
}
