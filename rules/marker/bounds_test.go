package marker

import (
	"runtime"
	"strings"
	"testing"
)

// longSubjects are the kinds of subjects that cost the reader most.
var longSubjects = []struct{ name, before, text, after string }{
	{"letters", "", "a", ""},
	{"words", "", "secure ", ""},
	{"opening brackets", "", "[", ""},
	{"opening brackets and the word", "", "[", "secure"},
	{"closing brackets", "secure", "]", ""},
	{"weak brackets", "", "(", ""},
	{"nested brackets", "", "[(", "secure)]"},
	{"pairs", "", "[]", ""},
	{"pairs with the word beside them", "secure", "[x]", ""},
	{"smileys", "", ":( [", "secure"},
	{"nested pairs", "", "[x (y) ", "secure"},
	{"a pair", "[", "secure x ", "]"},
	{"items", "[", "a secure x, ", "]"},
	{"slashes", "[", "a/", "secure x]"},
	{"numbers", "[secure x", " 12", "]"},
	{"phrases", "", "[send this via the secure x]", ""},
	{"blanks", "secure", " ", "x"},
	{"blanks in brackets", "[secure", " ", "x]"},
	{"reply prefixes", "", "Re: ", "secure x"},
	{"tags", "", "[External]", "secure x"},
	{"other tags", "", "[#1] ", "secure x"},
	{"other prefixes", "", "a: ", "secure x"},
	{"markings", "", "OFFICIAL-SENSITIVE: ", "secure x"},
	{"dashes", "", "- ", "secure x"},
	{"combining marks", "", "\u0301", "secure"},
	{"combining marks on a bracket", "[secure]", "\u0301", ""},
	{"unseen characters", "", "\u200b", "secure"},
	{"look-alikes", "", "𝐬", ""},
	{"look-alike brackets", "", "［", "secure"},
	{"a character of eighteen", "", "\ufdfa", "secure"},
	{"percent signs", "", "%25", "5Bsecure"},
	{"percent signs alone", "", "%", "secure"},
	{"ampersands", "", "&", "secure"},
	{"entities", "", "&amp;", "secure"},
	{"entities in entities", "&", "amp;", "#91;secure"},
	{"equals signs", "", "=3D", "5Bsecure"},
	{"backslashes", "", `\`, "secure"},
	{"braces", "", `\u{`, "secure"},
	{"plus signs", "", "+", "secure"},
	{"plus signs in UTF-7", "", "+A", "secure"},
	{"underlines", "", "_x005f_", "secure"},
	{"opened tags", "", "<b", "secure"},
	{"tags of HTML", "", "<b>", "secure"},
	{"angle brackets", "", "<", ">secure"},
	{"not UTF-8", "", "\xff", "secure"},
	{"wrongly decoded", "", "ï¼»", "secure"},
	{"first octets alone", "", "Ã", "secure"},
	{"dictated brackets", "", "open bracket ", "secure"},
	{"a key held down", "[s", "e", "cure]"},
	{"brackets in the word", "", "[s]", "ecure]"},
	{"marks before the word", "", "*", "secure"},
	{"letters at a loose bracket", "[", "secure", ""},
}

// TestReadIsBounded checks that a subject of any length takes at most twice the
// memory of one of MaxSubject octets.
func TestReadIsBounded(t *testing.T) {
	for _, position := range []Position{Anywhere, Start} {
		m := mustReader(t, []string{"secure"}, position)
		allocated := func(text string) uint64 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m.Read([]Subject{{Text: text}, {Text: "x", Undecoded: []string{text}}})
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		for _, test := range longSubjects {
			text := strings.Repeat(test.text, 20*MaxSubject/len(test.text))
			limit, all := allocated(text[:MaxSubject]), allocated(text)
			if all > 2*limit+4096 {
				t.Errorf("%s: %d octets for a subject of %d, %d for %d", test.name, limit, MaxSubject, all, len(text))
			}
		}
	}
}

// TestLongSubjects checks that a subject that is too long to read does not
// count as unmarked.
func TestLongSubjects(t *testing.T) {
	anywhere, start := mustReader(t, []string{"secure"}, Anywhere), mustReader(t, []string{"secure"}, Start)
	long := strings.Repeat("x ", MaxSubject/2)
	undecodable := Reading{NearMiss, Undecodable}
	for _, test := range []struct {
		name          string
		subject       Subject
		want, atStart Reading
	}{
		{"as long as is read", Subject{Text: long}, Reading{State: Missing}, Reading{State: Missing}},
		{"one octet more", Subject{Text: long + "x"}, undecodable, undecodable},
		{"a near miss beyond", Subject{Text: long + "(secure)"}, undecodable, undecodable},
		{"a near miss across", Subject{Text: long[4:] + "[ secure ]"}, undecodable, undecodable},
		{"a near miss before", Subject{Text: "(secure) " + long}, Reading{NearMiss, WrongBrackets}, Reading{NearMiss, WrongBrackets}},
		{"an escaped marker beyond", Subject{Text: long + "%5Bsecure%5D"}, undecodable, undecodable},
		{"the marker before", Subject{Text: "[secure] " + long}, Reading{State: Present}, Reading{State: Present}},
		{"the marker beyond", Subject{Text: long + "[secure]"}, Reading{State: Present}, Reading{NearMiss, NotAtStart}},
		{"the marker behind long prefixes", Subject{Text: strings.Repeat("Re: ", MaxSubject) + "[secure]"}, Reading{State: Present}, Reading{NearMiss, NotAtStart}},
		{"a character across", Subject{Text: long[:MaxSubject-1] + "é"}, undecodable, undecodable},
		{"much that was not decoded", Subject{Text: "\uFFFD", Undecoded: []string{long + "x"}}, undecodable, undecodable},
		{"not so much", Subject{Text: "\uFFFD", Undecoded: []string{long}}, Reading{State: Missing}, Reading{State: Missing}},
	} {
		if got := anywhere.Read([]Subject{test.subject}); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
		if got := start.Read([]Subject{test.subject}); got != test.atStart {
			t.Errorf("%s, at the start: got %v, want %v", test.name, got, test.atStart)
		}
	}
}
