package detect

import (
	"unicode"
	"unicode/utf8"
)

// maxIgnored bounds the invisible characters between two visible ones.
const maxIgnored = 8

// text is UTF-8.
type text []byte

// at returns the character that begins at i.
func (b text) at(i int) rune {
	if i >= len(b) {
		return utf8.RuneError
	}
	if b[i] < utf8.RuneSelf {
		return rune(b[i])
	}
	r, _ := utf8.DecodeRune(b[i:])
	return r
}

// before returns the character that ends at i.
func (b text) before(i int) rune {
	r, _ := utf8.DecodeLastRune(b[:i])
	return r
}

// next returns the first character from i on that is not ignored, and its
// bounds. At the end of the text it returns 0.
func (b text) next(i int) (r rune, from, to int) {
	for range maxIgnored {
		if i >= len(b) {
			return 0, len(b), len(b)
		}
		if b[i] < utf8.RuneSelf {
			return rune(b[i]), i, i + 1
		}
		r, size := utf8.DecodeRune(b[i:])
		if !isIgnored(r) {
			return r, i, i + size
		}
		i += size
	}
	return utf8.RuneError, i, i
}

// previous returns the last character before i that is not ignored, and where
// it begins. At the beginning of the text it returns 0.
func (b text) previous(i int) (r rune, from int) {
	for range maxIgnored {
		if i <= 0 {
			return 0, 0
		}
		if b[i-1] < utf8.RuneSelf {
			return rune(b[i-1]), i - 1
		}
		r, size := utf8.DecodeLastRune(b[:i])
		i -= size
		if !isIgnored(r) {
			return r, i
		}
	}
	return utf8.RuneError, i
}

// isIgnored reports whether the character is invisible or changes only the form
// of another: a zero-width character, a soft hyphen, a mark.
func isIgnored(r rune) bool {
	return r >= utf8.RuneSelf && (r == '\u00ad' || r >= 0x300 && unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me))
}

// isBlank reports whether the character is a blank inside a line, of any
// width. A tab is not, because it separates cells.
func isBlank(r rune) bool {
	return r == ' ' || r == '\r' || r == '\v' || r >= utf8.RuneSelf && unicode.IsSpace(r)
}

// isBreak reports whether the character ends a line or a cell. 0 stands for the
// beginning or the end of the text.
func isBreak(r rune) bool { return r == 0 || r == '\n' || r == '\t' || r == '\f' }

func isHyphen(r rune) bool {
	return r == '-' || r >= utf8.RuneSelf && unicode.Is(unicode.Pd, r) || r == '−'
}

func isLetter(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r|0x20 && r|0x20 <= 'z'
	}
	return unicode.IsLetter(r)
}

func isDecimal(r rune) bool {
	_, ok := digitValue(r)
	return ok
}

// digitValue returns the value of a decimal digit of any script.
func digitValue(r rune) (value int, ok bool) {
	if r < utf8.RuneSelf {
		return int(r - '0'), '0' <= r && r <= '9'
	}
	if !unicode.IsDigit(r) {
		return 0, false
	}
	// Each range of the table begins with a zero.
	for _, row := range unicode.Nd.R16 {
		if rune(row.Lo) <= r && r <= rune(row.Hi) {
			return int(r-rune(row.Lo)) % 10, true
		}
	}
	for _, row := range unicode.Nd.R32 {
		if rune(row.Lo) <= r && r <= rune(row.Hi) {
			return int(r-rune(row.Lo)) % 10, true
		}
	}
	return 0, false
}

// foreignLeads returns the octets that begin digits other than 0 to 9.
func foreignLeads() (leads []byte) {
	add := func(r rune) {
		if r >= utf8.RuneSelf {
			leads = append(leads, string(r)[0])
		}
	}
	for _, row := range unicode.Nd.R16 {
		add(rune(row.Lo))
	}
	for _, row := range unicode.Nd.R32 {
		add(rune(row.Lo))
	}
	return leads
}

// backRunes returns the place that is n characters before i, or the beginning
// of the text or page.
func (b text) backRunes(i, n int) int {
	for ; n > 0 && i > 0 && b[i-1] != '\f'; n-- {
		i--
		for k := 0; k < utf8.UTFMax-1 && i > 0 && !utf8.RuneStart(b[i]); k++ {
			i--
		}
	}
	return i
}

// onRunes returns the place that is n characters after i, or the end of the
// text or page.
func (b text) onRunes(i, n int) int {
	for ; n > 0 && i < len(b) && b[i] != '\f'; n-- {
		_, size := utf8.DecodeRune(b[i:])
		i += size
	}
	return i
}
