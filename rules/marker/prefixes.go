package marker

import (
	"slices"
	"strings"

	"github.com/postseal/postseal/rules/similar"
)

// replyPrefixes are what mail clients write before the subject of a reply or of
// a forwarded message, without the colon.
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

// externalTags are the words of tags that gateways put before the subject of
// mail from outside. No other tag may come before the marker, because a host
// that requires the marker at the start would not look past one.
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
		set[string(similar.Letters(similar.Skeleton(word)))] = true
	}
	return set
}

// maxPrefix is how many cells a prefix may have. It limits what is read again
// for each prefix.
const maxPrefix = 48

// prefixEnd returns the index at which the subject itself begins: after reply
// prefixes, tags such as [External] and a protective marking, in any order.
func prefixEnd(cells []similar.Cell) int {
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

// replyLength returns the length of a reply prefix: "Re:", "RE :", "Re[2]:",
// "Fwd (3):".
func replyLength(cells []similar.Cell) int {
	colon := indexAny(cells, ":")
	if colon < 0 {
		return 0
	}
	name := cells[:colon]
	if end := indexAny(name, "[(^*0123456789"); end > 0 {
		if slices.ContainsFunc(name[end:], func(c similar.Cell) bool { return !strings.ContainsRune("[]()^* 0123456789", c.Rune) }) {
			return 0
		}
		name = name[:end]
	}
	if !replyPrefixes[string(similar.Letters(name))] {
		return 0
	}
	return colon + 1
}

// tagLength returns the length of a gateway's tag: "[External]",
// "**EXTERNAL**", "EXTERNAL:", or a protective marking in brackets.
func tagLength(cells []similar.Cell) int {
	if len(cells) == 0 {
		return 0
	}
	open := cells[0].Rune
	begin, closing := 1, ""
	switch {
	case isOpening(open):
		closing = "])}>"
	case strings.ContainsRune("*#|!", open):
		for begin < len(cells) && cells[begin].Rune == open {
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
	if !externalTags[string(similar.Letters(inner))] && (len(inner) == 0 || markingLength(inner) != len(inner)) {
		return 0
	}
	for end < len(cells) && strings.ContainsRune(closing, cells[end].Rune) {
		end++
	}
	return end + separatorLength(cells[end:])
}

// openTagLength returns the length of a tag without brackets: "EXTERNAL:",
// "External - ".
func openTagLength(cells []similar.Cell) int {
	for i, c := range cells {
		if strings.ContainsRune(":-|", c.Rune) && externalTags[string(similar.Letters(cells[:i]))] {
			return i + separatorLength(cells[i:])
		}
	}
	return 0
}

// markingLength returns the length of a protective marking: OFFICIAL or
// OFFICIAL-SENSITIVE with its descriptor, and a separator after it unless it
// ends the text.
func markingLength(cells []similar.Cell) int {
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
		if (end == len(cells) || !cells[end].IsLetter()) && descriptors[string(similar.Letters(cells[at+gap:end]))] {
			at = end
			break
		}
	}
	gap = separatorLength(cells[at:])
	if gap == 0 && at < len(cells) && !isBracket(cells[at].Rune) {
		return 0
	}
	return at + gap
}

// separatorLength returns the length of the separator between a marking and the
// subject.
func separatorLength(cells []similar.Cell) int {
	if n := slices.IndexFunc(cells, func(c similar.Cell) bool { return !strings.ContainsRune(" :-/|,", c.Rune) }); n >= 0 {
		return n
	}
	return len(cells)
}
