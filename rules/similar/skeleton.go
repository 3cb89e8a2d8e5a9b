// Package similar finds characters that look like others, and words that differ
// by one slip.
package similar

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Cell is one character of a subject as it looks to a reader: in lower case,
// without accents, and in ASCII if it looks like an ASCII letter, bracket or
// mark.
type Cell struct {
	Rune  rune
	At    int32 // its offset in the text, in octets
	Alike bool  // the text has another character here, or an invisible one before it
}

// Skeleton returns the cells of a text. Invisible characters have no cells.
func Skeleton(text string) []Cell {
	cells := make([]Cell, 0, len(text))
	hidden := false // an invisible character comes before the next
	for i, r := range text {
		at := int32(i)
		switch {
		case r < utf8.RuneSelf && r > ' ' && r != 0x7f:
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			cells = append(cells, Cell{r, at, hidden})
		case unicode.IsSpace(r):
			cells = append(cells, Cell{' ', at, hidden || r >= utf8.RuneSelf})
		case unicode.Is(unicode.M, r):
			if len(cells) > 0 {
				cells[len(cells)-1].Alike = true
			}
			continue
		case unicode.In(r, unicode.C) && folds[r] == 0, strings.ContainsRune(blanks, r):
			hidden = true
			continue
		default:
			cells = appendFolded(cells, Cell{r, at, hidden})
		}
		hidden = false
	}
	return cells
}

// appendFolded adds the cells of a character. Normalisation may turn it into
// several.
func appendFolded(cells []Cell, c Cell) []Cell {
	if c.Rune < utf8.RuneSelf {
		return append(cells, c)
	}
	if r, ok := folds[c.Rune]; ok {
		if c.Rune == '—' || c.Rune == '―' { // typed as two hyphens
			cells = append(cells, Cell{r, c.At, c.Alike})
		}
		return append(cells, Cell{r, c.At, c.Alike || !isSeparator(r)})
	}
	text := norm.NFKD.PropertiesString(string(c.Rune)).Decomposition()
	switch {
	case text != nil:
	case unicode.Is(unicode.Ps, c.Rune) && !strings.ContainsRune(lowQuotes, c.Rune):
		return append(cells, Cell{'[', c.At, true})
	case unicode.Is(unicode.Pe, c.Rune) && !strings.ContainsRune(lowQuotes, c.Rune):
		return append(cells, Cell{']', c.At, true})
	default:
		c.Rune = unicode.ToLower(c.Rune)
		return append(cells, c)
	}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		if unicode.Is(unicode.M, r) {
			continue
		}
		cells = appendFolded(cells, Cell{unicode.ToLower(r), c.At, true})
	}
	return cells
}

func Runes(cells []Cell) []rune {
	text := make([]rune, len(cells))
	for i, c := range cells {
		text[i] = c.Rune
	}
	return text
}

// Letters returns the letters and digits of cells.
func Letters(cells []Cell) []rune {
	word := make([]rune, 0, len(cells))
	for _, c := range cells {
		if c.IsLetter() {
			word = append(word, c.Rune)
		}
	}
	return word
}

func (c Cell) IsLetter() bool {
	if c.Rune < utf8.RuneSelf {
		return 'a' <= c.Rune && c.Rune <= 'z' || '0' <= c.Rune && c.Rune <= '9'
	}
	return unicode.IsLetter(c.Rune) || unicode.IsDigit(c.Rune)
}

func (c Cell) IsDigit() bool { return unicode.IsDigit(c.Rune) }
