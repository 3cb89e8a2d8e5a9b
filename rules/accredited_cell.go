package rules

import (
	"slices"
	"strings"
	"unicode"
)

// maxCell is how much of a cell is read, in octets.
const maxCell = 1024

// findColumn returns the column whose header is the word alone or the title,
// or failing that has a word that starts like it, and a second such column.
// Either is -1 where there is none. A row with one cell is a heading of the
// whole, unless that is the very word or title; neither a sentence nor a
// domain name heads a column.
func findColumn(cells []string, word, title string) (column, twin int) {
	column, twin = -1, -1
	filled, exact := 0, false
	for i, cell := range cells {
		words := headerWords(cell)
		if _, isDomain := listedDomain(trimCell(cell)); isDomain || len(words) == 0 {
			continue
		}
		filled++
		header := strings.Join(words, " ")
		isExact := header == word || header == title
		like := len(words) <= 6 && slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, word) })
		switch {
		case !isExact && !like, exact && !isExact:
		case column < 0, isExact && !exact:
			column, twin, exact = i, -1, isExact
		case twin < 0:
			twin = i
		}
	}
	if filled < 2 && !exact {
		return -1, -1
	}
	return column, twin
}

// headerWords gives the words of a column header in lower case, "organiz" as
// British spelling has it.
func headerWords(cell string) []string {
	lower := strings.ReplaceAll(strings.ToLower(cut(cell)), "organiz", "organis")
	return strings.FieldsFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
}

// listedDomain normalises a cell that holds one domain name and nothing else.
// A number with a point in it, such as a version of TLS, is none.
func listedDomain(cell string) (name string, ok bool) {
	name, err := NormalizeDomain(cell)
	dot := strings.LastIndexByte(name, '.')
	if err != nil || dot < 0 {
		return "", false
	}
	top := name[dot+1:]
	return name, len(top) > 1 && 'a' <= top[0] && top[0] <= 'z' && !strings.Contains(top, "_")
}

func at(cells []string, column int) string {
	if column < 0 || column >= len(cells) {
		return ""
	}
	return cells[column]
}

// trimCell takes off blanks and characters of no width at both ends.
func trimCell(cell string) string {
	return strings.TrimFunc(cut(cell), func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
}

// cleanText makes text fit to print: single blanks, and nothing that a
// terminal would act on.
func cleanText(cell string) string {
	printable := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return -1
		case !unicode.IsPrint(r):
			return ' '
		}
		return r
	}, cut(cell))
	return strings.Join(strings.Fields(printable), " ")
}

func cut(cell string) string {
	if len(cell) > maxCell {
		return strings.ToValidUTF8(cell[:maxCell], "")
	}
	return cell
}
