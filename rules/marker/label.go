package marker

import (
	"slices"
	"strings"

	"github.com/postseal/postseal/rules/similar"
)

// maxTagWords is how many words a tag without brackets may have: "Automatic
// reply:", "URGENT -".
const maxTagWords = 4

// anyPrefixLength returns the length of a tag or prefix of any kind:
// "[listname]", "***URGENT***", "#12345", "Automatic reply:".
func anyPrefixLength(cells []similar.Cell) int {
	cells = cells[:min(maxPrefix, len(cells))]
	if len(cells) == 0 {
		return 0
	}
	end := indexAny(cells, " ")
	switch {
	case isOpening(cells[0].Rune):
		end = slices.IndexFunc(cells, func(c similar.Cell) bool { return isClosing(c.Rune) })
	case end > 0 && isReference(cells[:end]):
	default:
		end = openTagEnd(cells)
	}
	if end < 0 {
		return 0
	}
	if n := slices.IndexFunc(cells[end:], beginsText); n >= 0 {
		return end + n
	}
	return 0
}

// openTagEnd returns where a tag without brackets ends, or -1.
func openTagEnd(cells []similar.Cell) int {
	end := slices.IndexFunc(cells, similar.Cell.IsLetter)
	for end >= 0 && end < len(cells) && !endsTag(cells, end) {
		end++
	}
	if end == len(cells) || end >= 0 && len(fields(cells[:end], maxTagWords)) > maxTagWords {
		return -1
	}
	return end
}

// endsTag reports whether the cell at the index ends a tag without brackets.
// The colon of a web address does not.
func endsTag(cells []similar.Cell, at int) bool {
	next := ' '
	if at+1 < len(cells) {
		next = cells[at+1].Rune
	}
	switch r := cells[at].Rune; r {
	case ':':
		return next != '/'
	case '|', ',', '!':
		return true
	case '-', '*', '#', '~', '=', '/':
		return next == ' ' || at > 0 && cells[at-1].Rune == ' '
	default:
		return isClosing(r)
	}
}

// isReference reports whether the cells are a reference number, such as
// "#12345" or "INC0012345".
func isReference(cells []similar.Cell) bool {
	digits := 0
	for _, c := range cells {
		if c.IsDigit() {
			digits++
		}
	}
	return digits >= 3 || digits > 0 && cells[0].Rune == '#'
}

// label returns the word if the cells begin with it as a label: "secure:
// results", "SECURE - results", "secure/ results", or only the word. It returns
// nil if the word begins a sentence.
func (m Reader) label(cells []similar.Cell) []similar.Cell {
	cells = cells[leadLength(cells):]
	word := m.firstWord(cells)
	rest := cells[len(word):]
	if word == nil || !endsLabel(rest) && slices.ContainsFunc(rest, beginsText) {
		return nil
	}
	return word
}

// beginsWithSlip reports whether the cells begin with a misspelt label:
// "sercure: results". "Secured: funding" is prose.
func (m Reader) beginsWithSlip(cells []similar.Cell) bool {
	end := letterLength(cells)
	if !endsLabel(cells[end:]) {
		return false
	}
	typed := similar.Letters(cells[:end])
	return slices.ContainsFunc(m.words, func(w markerWord) bool { return isSlip(typed, w.letters) && !hasPrefix(typed, w.letters) })
}

// leads are words that people write before the word in a label: "send secure:",
// "URGENT SECURE - results".
var leads = formSet("send", "sent", "sending", "please", "pls", "urgent", "important", "test", "re", "fw", "fwd")

// leadLength returns the length of the leads at the start of the cells,
// including the blanks after each.
func leadLength(cells []similar.Cell) int {
	at := 0
	for range maxTagWords {
		end := at + letterLength(cells[at:])
		blanks := countBlanks(cells[end:])
		if blanks == 0 || !leads[string(similar.Letters(cells[at:end]))] {
			break
		}
		at = end + blanks
	}
	return at
}

// setOff returns the word if the cells begin with it between marks or after
// marks: "%secure% results", "***SECURE results", "#secure results". Quotation
// marks do not count, because they are part of prose.
func (m Reader) setOff(cells []similar.Cell) []similar.Cell {
	n := slices.IndexFunc(cells, similar.Cell.IsLetter)
	if n < 1 {
		return nil
	}
	mark := cells[n-1].Rune
	word := m.firstWord(cells[n:])
	rest := cells[n+len(word):]
	switch {
	case word == nil, strings.ContainsRune(" .-/\\\"'`“”‘’„", mark):
		return nil
	case mark == '#', n > 1 && cells[n-2].Rune == mark, len(rest) > 0 && rest[0].Rune == mark:
		return word
	}
	return nil
}

// taggedLabel returns the word if the cells contain it as a label after tags of
// any kind: "[#12345] secure: results", "URGENT: SECURE - results". There a
// label must end in a mark, and fewer marks qualify: "Side door: secure" has
// none.
func (m Reader) taggedLabel(cells []similar.Cell) []similar.Cell {
	for {
		n := anyPrefixLength(cells)
		if n == 0 {
			return nil
		}
		cells = cells[n:]
		cells = cells[prefixEnd(cells):]
		if n := slices.IndexFunc(cells, beginsText); n > 0 {
			cells = cells[n:]
		}
		word := m.firstWord(cells)
		for i, c := range cells[len(word):] {
			if word == nil || beginsText(c) || isClosing(c.Rune) {
				break
			}
			next := cells[len(word)+i+1:]
			if strings.ContainsRune(":;|", c.Rune) || c.Rune == '-' && len(next) > 0 && next[0].Rune == ' ' {
				return word
			}
		}
	}
}

// firstWord returns the longest of the words that the cells begin with, or nil.
func (m Reader) firstWord(cells []similar.Cell) []similar.Cell {
	n := longest(m.words, func(w markerWord) int { return wordLength(cells, w.shape) })
	if n == 0 {
		return nil
	}
	return cells[:n]
}

func beginsText(c similar.Cell) bool { return c.IsLetter() || isOpening(c.Rune) }

// endsLabel reports whether the cells begin with a mark that ends a label.
func endsLabel(cells []similar.Cell) bool {
	end := slices.IndexFunc(cells, beginsText)
	if end < 0 {
		end = len(cells)
	}
	if end > 1 && strings.ContainsRune(".!", cells[0].Rune) && cells[1].Rune == ' ' {
		return true
	}
	for i, c := range cells[:end] {
		before := i > 0 && strings.ContainsRune(" -", cells[i-1].Rune)
		after := i+1 < end && cells[i+1].Rune == ' ' || i+1 == end && end < len(cells) && isOpening(cells[end].Rune)
		if strings.ContainsRune(`:;|\`, c.Rune) || isClosing(c.Rune) ||
			c.Rune == '-' && (before || after) ||
			strings.ContainsRune("/*#~_=", c.Rune) && after {
			return true
		}
	}
	return false
}
