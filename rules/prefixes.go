package rules

import (
	"slices"
	"strings"
)

// replyPrefixes are what mail clients put before the subject of an answer or
// of a forwarded message, without the colon.
var replyPrefixes = formSet(
	"re", "fw", "fwd", // English, and most clients
	"aw", "antw", "antwort", "wg", // German
	"antw", "doorst", // Dutch
	"tr", "rép", "réf", // French
	"r", "rif", "i", "inoltra", // Italian
	"res", "rv", "enc", // Spanish and Portuguese
	"sv", "vb", "vs", "vl", "fs", // Nordic
	"odp", "pd", // Polish
	"vá", "továbbítás", // Hungarian
	"ynt", "ilt", // Turkish
	"απ", "σχετ", "πρθ", // Greek
	"ответ", "отв", "на", "пер", // Russian
	"atb", "yml", // Welsh
	"bls", "trs", // Indonesian
	"răsp",                             // Romanian
	"答复", "回复", "回覆", "转发", "轉寄", "转寄", // Chinese
	"返信", "転送", "회신", "전달", // Japanese and Korean
	"رد", "إعادة توجيه", "תגובה", "הועבר", // Arabic and Hebrew
)

// externalTags are the words of the tags that gateways put before the subject
// of mail from outside. No other tag may stand before the marker: a host that
// wants it at the start would not look past one.
var externalTags = formSet(
	"external", "external email", "external e-mail", "external mail", "external message",
	"external sender", "external source", "ext", "extern", "externe", "externo", "esterno",
	"caution", "caution external", "caution external email", "warning external", "warning external email",
	"outside", "spam", "suspected spam", "possible spam", "bulk",
)

// descriptors may follow OFFICIAL-SENSITIVE (Government Security
// Classifications, April 2014).
var descriptors = formSet("personal", "personal data", "commercial", "locsen")

func formSet(words ...string) map[string]bool {
	set := make(map[string]bool)
	for _, word := range words {
		set[string(letters(skeleton(word)))] = true
	}
	return set
}

// maxPrefix is how many cells a prefix may have; it bounds what is looked at
// again for each.
const maxPrefix = 48

// prefixEnd tells where in the cells the subject proper begins: after reply
// prefixes, tags such as [External] and a protective marking, in any order.
func prefixEnd(cells []cell) int {
	at := 0
	for {
		at += countBlanks(cells[at:])
		next := cells[at:min(at+maxPrefix, len(cells))]
		n := replyLength(next)
		if n == 0 {
			n = tagLength(next)
		}
		if n == 0 {
			n = markingLength(next)
		}
		if n == 0 {
			return at
		}
		at += n
	}
}

// maxTagWords is how many words a tag without brackets may have: "Automatic
// reply:", "URGENT -".
const maxTagWords = 4

// anyPrefixLength measures what may be a tag or a prefix of any kind:
// "[listname]", "***URGENT***", "#12345", "Automatic reply:".
func anyPrefixLength(cells []cell) int {
	cells = cells[:min(maxPrefix, len(cells))]
	if len(cells) == 0 {
		return 0
	}
	end := indexAny(cells, " ")
	switch {
	case isOpening(cells[0].r):
		end = slices.IndexFunc(cells, func(c cell) bool { return isClosing(c.r) })
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

// openTagEnd is where a tag without brackets ends, or -1.
func openTagEnd(cells []cell) int {
	end := slices.IndexFunc(cells, cell.isLetter)
	for end >= 0 && end < len(cells) && !endsTag(cells, end) {
		end++
	}
	if end == len(cells) || end >= 0 && len(fields(cells[:end])) > maxTagWords {
		return -1
	}
	return end
}

// endsTag reports whether the cell at a place ends a tag without brackets. The
// colon of a web address does not.
func endsTag(cells []cell, at int) bool {
	next := ' '
	if at+1 < len(cells) {
		next = cells[at+1].r
	}
	switch r := cells[at].r; r {
	case ':':
		return next != '/'
	case '|', ',', '!':
		return true
	case '-', '*', '#', '~', '=', '/':
		return next == ' ' || at > 0 && cells[at-1].r == ' '
	default:
		return isClosing(r)
	}
}

// isReference reports whether the cells are a number, such as "#12345" or
// "INC0012345".
func isReference(cells []cell) bool {
	digits := 0
	for _, c := range cells {
		if c.isDigit() {
			digits++
		}
	}
	return digits >= 3 || digits > 0 && cells[0].r == '#'
}

func countBlanks(cells []cell) int {
	if n := slices.IndexFunc(cells, func(c cell) bool { return c.r != ' ' }); n >= 0 {
		return n
	}
	return len(cells)
}

// indexAny gives the place of the first cell that is one of the characters,
// or -1.
func indexAny(cells []cell, chars string) int {
	return slices.IndexFunc(cells, func(c cell) bool { return strings.ContainsRune(chars, c.r) })
}

// replyLength measures a reply prefix: "Re:", "RE :", "Re[2]:", "Fwd (3):".
func replyLength(cells []cell) int {
	colon := indexAny(cells, ":")
	if colon < 0 {
		return 0
	}
	name := cells[:colon]
	if end := indexAny(name, "[(^*0123456789"); end > 0 {
		if slices.ContainsFunc(name[end:], func(c cell) bool { return !strings.ContainsRune("[]()^* 0123456789", c.r) }) {
			return 0
		}
		name = name[:end]
	}
	if !replyPrefixes[string(letters(name))] {
		return 0
	}
	return colon + 1
}

// tagLength measures a tag of a gateway: "[External]", "**EXTERNAL**",
// "EXTERNAL:", or a protective marking in brackets.
func tagLength(cells []cell) int {
	if len(cells) == 0 {
		return 0
	}
	open := cells[0].r
	begin, closing := 1, ""
	switch {
	case isOpening(open):
		closing = "])}>"
	case strings.ContainsRune("*#|!", open):
		for begin < len(cells) && cells[begin].r == open {
			begin++
		}
		closing = string(open)
	default:
		return openTagLength(cells)
	}
	end := indexAny(cells[begin:], closing)
	if end < 0 {
		return 0
	}
	end += begin
	inner := cells[begin:end]
	if !externalTags[string(letters(inner))] && (len(inner) == 0 || markingLength(inner) != len(inner)) {
		return 0
	}
	for end < len(cells) && strings.ContainsRune(closing, cells[end].r) {
		end++
	}
	return end + separatorLength(cells[end:])
}

// openTagLength measures a tag without brackets: "EXTERNAL:", "External - ".
func openTagLength(cells []cell) int {
	for i, c := range cells {
		if strings.ContainsRune(":-|", c.r) && externalTags[string(letters(cells[:i]))] {
			return i + separatorLength(cells[i:])
		}
	}
	return 0
}

// markingLength measures a protective marking: OFFICIAL or OFFICIAL-SENSITIVE
// with its descriptor, and a separator after it unless it ends the text.
func markingLength(cells []cell) int {
	at := wordLength(cells, []rune("official"))
	if at == 0 {
		return 0
	}
	gap := separatorLength(cells[at:])
	if n := wordLength(cells[at+gap:], []rune("sensitive")); n > 0 {
		at += gap + n
	}
	gap = separatorLength(cells[at:])
	for end := len(cells); end > at+gap; end-- {
		if (end == len(cells) || !cells[end].isLetter()) && descriptors[string(letters(cells[at+gap:end]))] {
			at = end
			break
		}
	}
	gap = separatorLength(cells[at:])
	if gap == 0 && at < len(cells) && !isBracket(cells[at].r) {
		return 0
	}
	return at + gap
}

// separatorLength measures what stands between a marking and the subject.
func separatorLength(cells []cell) int {
	if n := slices.IndexFunc(cells, func(c cell) bool { return !strings.ContainsRune(" :-/|,", c.r) }); n >= 0 {
		return n
	}
	return len(cells)
}

// wordLength is the length of the word where the cells begin with it and go on
// with no letter, else 0.
func wordLength(cells []cell, word []rune) int {
	if !beginsWith(cells, word) || len(cells) > len(word) && cells[len(word)].isLetter() {
		return 0
	}
	return len(word)
}

func beginsWith(cells []cell, word []rune) bool {
	if len(cells) < len(word) {
		return false
	}
	for i, r := range word {
		if cells[i].r != r {
			return false
		}
	}
	return true
}

// lastWordLength is likewise the length of the word where the cells end with
// it, after no letter.
func lastWordLength(cells []cell, word []rune) int {
	at := len(cells) - len(word)
	if at < 0 || at > 0 && cells[at-1].isLetter() {
		return 0
	}
	return wordLength(cells[at:], word)
}

func trimBlanks(cells []cell) []cell {
	end := len(cells)
	for end > 0 && cells[end-1].r == ' ' {
		end--
	}
	return cells[:end]
}
