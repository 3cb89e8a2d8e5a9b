package rules

import (
	"slices"
	"strings"
)

// fillers are the words that people put beside the marker's own between its
// brackets: "[send secure]", "[secure email please]".
var fillers = formSet("send", "sent", "sending", "email", "emails", "mail", "message", "msg",
	"please", "pls", "via", "by", "as", "this", "is", "and", "the", "only", "strictly",
	"nhs", "nhsmail", "encryption", "e",
	"urgent", "important", "external", "internal", "reply", "ref", "reference", "sms", "test", "thanks",
	"pdf", "doc", "docx", "attached", "attachment", "attachments")

// maxPhrase is how many words such a phrase may have.
const maxPhrase = 8

// wordAmong returns the cells around one of the reader's words that stands
// among others between two brackets, or nil. The word counts as a label, among
// fillers and numbers, or as an item of a list: "secure: housing letter",
// "urgent secure 12345", "secure, PDF". In other company it is prose, as in
// "secure unit".
func (m MarkerReader) wordAmong(inner []cell) []cell {
	inner = inner[countBlanks(inner):]
	if word := m.label(inner); word != nil {
		return word
	}
	if m.isPhrase(inner, m.words) {
		return inner
	}
	for _, item := range items(inner) {
		if m.isPhrase(item, m.words) || m.isPhrase(m.withoutNumbers(item), m.words) {
			return item
		}
	}
	return nil
}

// items cuts cells where people end one thing and begin another.
func items(cells []cell) [][]cell {
	var list [][]cell
	begin, address := 0, false
	for i := range cells {
		if i == 0 || cells[i-1].r == ' ' {
			address = isAddress(cells[i:])
		}
		if endsItem(cells, i, address) {
			list = append(list, cells[begin:i])
			begin = i + 1
		}
	}
	return append(list, cells[begin:])
}

func endsItem(cells []cell, i int, address bool) bool {
	before := i == 0 || cells[i-1].r == ' '
	after := i+1 == len(cells) || cells[i+1].r == ' '
	switch cells[i].r {
	case ',', '|':
		return true
	case ';':
		return !endsEntity(cells[max(0, i-maxEntity):i])
	case ':':
		return after || !address
	case '/', '\\':
		return !address
	case '.', '!', '?':
		return after
	case '-', '+', '*', '~', '=':
		return before || after
	}
	return false
}

// endsEntity reports whether the cells end with an HTML entity without its
// semicolon.
func endsEntity(cells []cell) bool {
	begin := len(cells)
	for begin > 0 && cells[begin-1].isLetter() {
		begin--
	}
	return begin > 0 && begin < len(cells) && strings.ContainsRune("&#", cells[begin-1].r)
}

// isAddress reports whether the cells up to the next blank are an address, a
// path or an assignment, in which a word proves nothing.
func isAddress(cells []cell) bool {
	if end := slices.IndexFunc(cells, func(c cell) bool { return c.r == ' ' }); end >= 0 {
		cells = cells[:end]
	}
	text := string(runes(cells))
	if strings.ContainsAny(text, "@=") || len(text) > 1 && strings.ContainsAny(text[:1], `/\`) {
		return true
	}
	for _, mark := range []string{"//", "::", `:\`} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	for i := 1; i+1 < len(cells); i++ {
		if cells[i].r == '.' && cells[i-1].isLetter() && cells[i+1].isLetter() {
			return true
		}
	}
	return false
}

// withoutNumbers takes out numbers and references such as "12345" and
// "JIRA-12", but not a word that one is joined to, as in "secure-12345".
func (m MarkerReader) withoutNumbers(cells []cell) []cell {
	kept := make([]cell, 0, len(cells))
	for len(cells) > 0 {
		end := slices.IndexFunc(cells, func(c cell) bool { return c.r == ' ' }) + 1
		if end == 0 {
			end = len(cells)
		}
		part := cells[:end]
		cells = cells[end:]
		if slices.ContainsFunc(part, cell.isDigit) && !holdsAny(letters(part), m.words) {
			continue
		}
		for _, c := range part {
			if c.isDigit() {
				c.r = ' '
			}
			kept = append(kept, c)
		}
	}
	return kept
}

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
