package rules

import (
	"slices"
	"strings"
)

// fillers are the words that people put beside the marker's own between its
// brackets: "[send secure]", "[secure email please]".
var fillers = formSet("send", "sent", "sending", "email", "emails", "mail", "message", "msg",
	"please", "pls", "via", "by", "as", "this", "is", "and", "the", "only", "strictly",
	"nhs", "nhsmail", "encryption", "e")

// maxPhrase is how many words such a phrase may have.
const maxPhrase = 8

// isPhrase tells whether the cells are one of the words among fillers and
// words of other markers.
func (m MarkerReader) isPhrase(cells []cell, words []markerWord) bool {
	parts := fields(cells)
	if len(parts) > maxPhrase {
		return false
	}
	lead := slices.IndexFunc(parts, func(p []rune) bool { return !m.isFiller(p) })
	if lead < 0 {
		lead = len(parts)
	}
	trail := len(parts)
	for trail > 0 && m.isFiller(parts[trail-1]) {
		trail--
	}
	for i := 0; i <= lead; i++ {
		for j := max(i+1, trail); j <= len(parts); j++ {
			part := slices.Concat(parts[i:j]...)
			if slices.ContainsFunc(words, func(w markerWord) bool { return m.isCompound(part, w.letters) }) {
				return true
			}
		}
	}
	return false
}

func (m MarkerReader) isFiller(part []rune) bool {
	return fillers[string(part)] ||
		slices.ContainsFunc(m.others, func(w markerWord) bool { return slices.Equal(part, w.letters) })
}

// isCompound tells whether the text is the word, its adverb, or the word with
// a filler joined to it: "secure", "securely", "securemail".
func (m MarkerReader) isCompound(text, word []rune) bool {
	before, after, ok := strings.Cut(string(text), string(word))
	return ok && len(word) > 0 && (before == "" || m.isFiller([]rune(before))) &&
		(after == "" || after == "ly" || m.isFiller([]rune(after)))
}

// fields gives the words of cells, but no more than one past maxPhrase.
func fields(cells []cell) [][]rune {
	var parts [][]rune
	for len(cells) > 0 && len(parts) <= maxPhrase {
		begin := slices.IndexFunc(cells, cell.isLetter)
		if begin < 0 {
			break
		}
		cells = cells[begin:]
		end := slices.IndexFunc(cells, func(c cell) bool { return !c.isLetter() })
		if end < 0 {
			end = len(cells)
		}
		parts = append(parts, letters(cells[:end]))
		cells = cells[end:]
	}
	return parts
}
