package marker

import (
	"slices"
	"strings"

	"github.com/postseal/postseal/rules/similar"
)

// fillers are words that people write beside the word in its brackets: "[send
// secure]", "[secure email please]".
var fillers = formSet("send", "sent", "sending", "email", "emails", "mail", "message", "msg",
	"please", "pls", "via", "by", "as", "this", "is", "and", "the", "only", "strictly",
	"nhs", "nhsmail", "encryption", "e", "official", "sensitive",
	"to", "be", "must", "marked", "required", "asap",
	"urgent", "important", "external", "internal", "reply", "ref", "reference", "sms", "test", "thanks",
	"pdf", "doc", "docx", "attached", "attachment", "attachments", "file", "files", "document", "documents")

// maxPhrase is how many words such a phrase may have.
const maxPhrase = 8

// wordAmong returns the cells of one of the reader's words if it is among other
// words between two brackets, or nil. The word counts as a label, among fillers
// and numbers, or as an item of a list: "secure: housing letter", "urgent
// secure 12345", "secure, PDF". Beside other words it is prose, as in "secure
// unit".
func (m Reader) wordAmong(inner []similar.Cell) []similar.Cell {
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

// items cuts cells at the marks that people write between two things.
func items(cells []similar.Cell) [][]similar.Cell {
	var list [][]similar.Cell
	begin, address := 0, false
	for i := range cells {
		if i == 0 || cells[i-1].Rune == ' ' {
			address = isAddress(cells[i:])
		}
		if endsItem(cells, i, address) {
			list = append(list, cells[begin:i])
			begin = i + 1
		}
	}
	return append(list, cells[begin:])
}

func endsItem(cells []similar.Cell, i int, address bool) bool {
	before := i == 0 || cells[i-1].Rune == ' '
	after := i+1 == len(cells) || cells[i+1].Rune == ' '
	switch cells[i].Rune {
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
func endsEntity(cells []similar.Cell) bool {
	begin := len(cells)
	for begin > 0 && cells[begin-1].IsLetter() {
		begin--
	}
	return begin > 0 && begin < len(cells) && strings.ContainsRune("&#", cells[begin-1].Rune)
}

// isAddress reports whether the cells up to the next blank are an address, a
// path or an assignment. A word in one of these proves nothing.
func isAddress(cells []similar.Cell) bool {
	if end := slices.IndexFunc(cells, func(c similar.Cell) bool { return c.Rune == ' ' }); end >= 0 {
		cells = cells[:end]
	}
	text := string(similar.Runes(cells))
	if strings.ContainsAny(text, "@=") || len(text) > 1 && strings.ContainsAny(text[:1], `/\`) {
		return true
	}
	for _, mark := range []string{"//", "::", `:\`} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	for i := 1; i+1 < len(cells); i++ {
		if cells[i].Rune == '.' && cells[i-1].IsLetter() && cells[i+1].IsLetter() {
			return true
		}
	}
	return false
}

// withoutNumbers removes numbers and references such as "12345" and "JIRA-12".
// It keeps a word that a number is joined to, as in "secure-12345".
func (m Reader) withoutNumbers(cells []similar.Cell) []similar.Cell {
	kept := make([]similar.Cell, 0, len(cells))
	for len(cells) > 0 {
		end := slices.IndexFunc(cells, func(c similar.Cell) bool { return c.Rune == ' ' }) + 1
		if end == 0 {
			end = len(cells)
		}
		part := cells[:end]
		cells = cells[end:]
		if slices.ContainsFunc(part, similar.Cell.IsDigit) && !holdsAny(similar.Letters(part), m.words) {
			continue
		}
		for _, c := range part {
			if c.IsDigit() {
				c.Rune = ' '
			}
			kept = append(kept, c)
		}
	}
	return kept
}

// isPhrase reports whether the cells are one of the words, among fillers and
// words of other markers.
func (m Reader) isPhrase(cells []similar.Cell, words []markerWord) bool {
	parts := fields(cells, maxPhrase)
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

func (m Reader) isFiller(part []rune) bool {
	return fillers[string(part)] || isAny(part, m.others)
}

// isCompound reports whether the text is the word, its adverb, or the word with
// a filler joined to it: "secure", "securely", "securemail".
func (m Reader) isCompound(text, word []rune) bool {
	before, after, ok := strings.Cut(string(text), string(word))
	return ok && len(word) > 0 && (before == "" || m.isFiller([]rune(before))) &&
		(after == "" || after == "ly" || m.isFiller([]rune(after)))
}
