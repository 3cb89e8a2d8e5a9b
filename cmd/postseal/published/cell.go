package published

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postseal/postseal/rules/address"
	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// maxCell is how much of a cell is read, in octets.
const maxCell = 1024

// foundColumn is a column that a header names, and a second column that the
// header may name as well. Each is -1 if there is none.
type foundColumn struct {
	column, twin int
	exact        bool // the header is exactly the word or title
}

// findColumn finds the column whose header is exactly the word or the title. If
// there is none, it finds one whose header has a word that begins with the
// word. A row with a single cell is a heading of the whole list, unless it is
// exactly the word or title. A sentence or a domain name is not a column
// header.
func findColumn(cells []string, word, title string) foundColumn {
	found := foundColumn{column: -1, twin: -1}
	filled := 0
	for i, cell := range cells {
		words := headerWords(cell)
		if _, why := listedDomain(trimCell(cell)); why == "" || len(words) == 0 {
			continue
		}
		filled++
		header := strings.Join(words, " ")
		isExact := header == word || header == title
		like := len(words) <= maxHeader && slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, word) })
		switch {
		case !isExact && !like, found.exact && !isExact:
		case found.column < 0, isExact && !found.exact:
			found = foundColumn{i, -1, isExact}
		case found.twin < 0:
			found.twin = i
		}
	}
	if !found.exact && (filled < 2 || found.column >= 0 && found.twin < 0 && isOtherHeader(cells[found.column])) {
		return foundColumn{column: -1, twin: -1}
	}
	return found
}

// otherHeaders are words that show that a column of domains is not that of the
// list, even if there is no better column.
var otherHeaders = []string{"old", "former", "previous", "withdrawn", "expired", "retired", "web", "website", "parent", "owner"}

func isOtherHeader(cell string) bool {
	return slices.ContainsFunc(headerWords(cell), func(w string) bool { return slices.Contains(otherHeaders, w) })
}

// headerWords returns the words of a column header in lower case. It spells
// "organiz" as British English does.
func headerWords(cell string) []string {
	lower := strings.ReplaceAll(strings.ToLower(cut(cell)), "organiz", "organis")
	return strings.FieldsFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
}

const notADomain = "is not a domain name"

// listedDomain normalises a cell that contains a domain name and nothing else,
// or says why the cell is left out. A number with a point in it, such as a
// version of TLS, is not a domain name.
func listedDomain(cell string) (name, why string) {
	if cell == "" {
		return "", "has no domain name"
	}
	name, err := address.NormalizeDomain(cell)
	if err != nil {
		return "", notADomain
	}
	dot := strings.LastIndexByte(name, '.')
	top := name[dot+1:]
	switch {
	case dot < 0, len(top) < 2, top[0] < 'a' || top[0] > 'z', strings.Contains(top, "_"):
		return name, notADomain
	case strings.HasPrefix(name, "www."):
		return name, "is the address of a web site"
	case top != "example" && !address.IsInTheDNS("any-name."+top):
		return name, fmt.Sprintf("ends in %q, which is not a top-level domain", top)
	}
	return name, foreignLetter(name)
}

// foreignLetter returns a letter of a name that is neither one of a to z nor
// one of these with an accent. No accredited organisation is known to use such
// letters, and they are easily mistaken for others.
func foreignLetter(name string) string {
	if !strings.Contains(name, "xn--") {
		return ""
	}
	text, err := idna.Lookup.ToUnicode(name)
	if err != nil {
		return "is not a valid internationalised name"
	}
	for _, r := range norm.NFC.String(text) { // an accent that is not part of a letter strikes it through, or hides it
		if base, _ := utf8.DecodeRuneInString(norm.NFD.String(string(r))); base >= utf8.RuneSelf {
			return fmt.Sprintf("has the letter %U, which is not in the Latin alphabet of English", r)
		}
	}
	return ""
}

// trimCell removes blanks and characters of no width at both ends. A longer
// text than maxCell is not a name of anything, and stays longer.
func trimCell(cell string) string {
	cell = strings.TrimFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	if len(cell) > maxCell {
		return strings.ToValidUTF8(cell[:maxCell], "") + "…"
	}
	return cell
}

// cleanText makes text safe to print: single blanks, and no characters that
// control a terminal.
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
