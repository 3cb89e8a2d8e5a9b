package font

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// glyphNames is the part of Adobe's glyph list for the alphabets of Europe: a
// character in hexadecimal and its names.
//
//go:embed glyphs.txt
var glyphNames string

var charactersByName = sync.OnceValue(func() map[string]rune {
	names := make(map[string]rune)
	for line := range strings.Lines(glyphNames) {
		fields := strings.Fields(line)
		r, err := strconv.ParseUint(fields[0], 16, 32)
		if err != nil {
			panic("glyphs.txt: " + line)
		}
		for _, name := range fields[1:] {
			names[name] = rune(r)
		}
	}
	return names
})

// ofName returns the text that a glyph's name stands for. isKnown is false if the
// name does not tell. Then text is a guess or empty.
func ofName(name string) (text string, isKnown bool) {
	name, _, _ = strings.Cut(name, ".") // before it: zero.oldstyle; .notdef shows nothing
	if name == "" {
		return "", true
	}
	isKnown = true
	for part := range strings.SplitSeq(name, "_") { // f_i
		s, ok := ofPart(part)
		text += s
		isKnown = isKnown && ok
	}
	return text, isKnown
}

func ofPart(name string) (string, bool) {
	if r, ok := charactersByName()[name]; ok {
		return string(r), true
	}
	if utf8.ValidString(name) && utf8.RuneCountInString(name) == 1 {
		return name, true
	}
	if hex, ok := strings.CutPrefix(name, "uni"); ok && len(hex) >= 4 {
		if text, ok := ofHex(hex); ok {
			return text, true
		}
	}
	if hex, ok := strings.CutPrefix(name, "u"); ok && len(hex) >= 4 && len(hex) <= 6 {
		if r, err := strconv.ParseUint(hex, 16, 32); err == nil {
			return string(rune(r)), true
		}
	}
	if r, ok := digitForm(name); ok {
		return string(r), true
	}
	if code, ok := strings.CutPrefix(name, "a"); ok { // pdfTeX names glyphs of bitmaps by their codes
		if n, err := strconv.Atoi(code); err == nil && ' ' < n && n < 0x7f {
			return string(rune(n)), false
		}
	}
	// A word such as "parenleftbig" is a symbol, but "ninealt" may be a nine. "g17"
	// can be any character. So can "Gab": generators number their glyphs with
	// letters too.
	isWord := len(name) > 3 && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsLower(r) })
	isDigit := slices.ContainsFunc(digitNames, func(digit string) bool { return strings.HasPrefix(name, digit) })
	if isWord && !isDigit {
		return "\uFFFD", true
	}
	return "", false
}

// ofHex reads the characters of "uni00410042".
func ofHex(hex string) (text string, ok bool) {
	for ; len(hex) >= 4; hex = hex[4:] {
		r, err := strconv.ParseUint(hex[:4], 16, 16)
		if err != nil {
			return "", false
		}
		text += string(rune(r))
	}
	return text, true
}

var digitNames = []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}

// digitForm reads "zerooldstyle", "onelining" and the like.
func digitForm(name string) (rune, bool) {
	for i, digit := range digitNames {
		switch form, _ := strings.CutPrefix(name, digit); form {
		case "oldstyle", "taboldstyle", "lining", "tablining", "tab", "tabular", "fitted", "small", "sc":
			return '0' + rune(i), true
		}
	}
	return 0, false
}
