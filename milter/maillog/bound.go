package maillog

import (
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
)

// The limits of lists, and of texts in lists, in octets as JSON writes them. A
// list leaves room in its line for other texts, which NewLineHandler limits.
const (
	maxQueueID  = 64   // the same in each line of a message
	maxAddress  = 320  // RFC 5321: 64 and 255, and the "@"
	maxFindings = 1000 // the list of a message
	maxInline   = 4000 // the list in "decision"
	maxFurther  = 7000 // the list in "decision recipients"
)

// cost returns how many octets JSON needs for a character.
func cost(r rune, size int) int {
	switch {
	case r == utf8.RuneError && size == 1, r == '\u2028', r == '\u2029', r == 0x7f:
		return 6
	case r < 0x20, r == '<', r == '>', r == '&':
		return 6
	case r == '"', r == '\\':
		return 2
	}
	return size
}

// clip cuts a text so that JSON needs at most max octets for it. "…" marks a
// cut. The time does not depend on the length of the text.
func clip(text string, maximum int) string {
	if len(text)*6 <= maximum {
		return text
	}
	used, kept := 0, 0 // kept is how much leaves room for "…"
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		used += cost(r, size)
		if used > maximum {
			return text[:kept] + "…"
		}
		i += size
		if used <= maximum-len("…") {
			kept = i
		}
	}
	return text
}

// QueueID limits a queue ID, which each line of a message has.
func QueueID(id string) string { return clip(id, maxQueueID) }

func jsonLength(text string) (n int) {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		n += cost(r, size)
		i += size
	}
	return n
}

// findingsLength returns an upper limit of the octets of a list of findings.
func findingsLength(list []Finding) (n int) {
	for _, f := range list {
		text, _ := json.Marshal(f)
		n += len(text) + len(",")
	}
	return n
}

// clipFindings leaves out findings beyond max octets. It first leaves out findings
// whose name the list has already, so that the line still has each name.
func clipFindings(list []Finding, maximum int) []Finding {
	if findingsLength(list) > maximum {
		var first, others []Finding
		for _, f := range list {
			if slices.ContainsFunc(first, func(kept Finding) bool { return kept.Name == f.Name }) {
				others = append(others, f)
			} else {
				first = append(first, f)
			}
		}
		list = append(first, others...)
	}
	for i := range list {
		if maximum -= findingsLength(list[i : i+1]); maximum < 0 {
			return list[:i]
		}
	}
	return list
}

// boundedRecipients is like Recipients, but limits each element.
func boundedRecipients(d rules.Decision, format shown.Addresses) []Recipient {
	list := Recipients(d, format)
	for i := range list {
		r := &list[i]
		r.Address, r.Row = clip(r.Address, maxAddress), clip(r.Row, maxAddress)
		r.Findings = clipFindings(r.Findings, maxFindings)
	}
	return list
}

// fitting returns how many of the first recipients fit into max octets.
func fitting(list []Recipient, maximum int) int {
	for i, r := range list {
		maximum -= len(`{"address":"","class":"unverified","row":"","policy":"","action":"quarantine","findings":[]},`) +
			jsonLength(r.Address) + jsonLength(r.Row) + jsonLength(r.Policy) + findingsLength(r.Findings)
		if maximum < 0 {
			return i
		}
	}
	return len(list)
}
