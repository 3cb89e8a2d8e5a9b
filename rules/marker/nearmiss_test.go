package marker

import (
	"fmt"
	"strings"
	"testing"
)

func TestNearMissKinds(t *testing.T) {
	m := mustReader(t, []string{"secure"}, Anywhere)
	for _, test := range []struct {
		text string
		want Kind // empty for missing
	}{
		{"x (Secure) y", WrongBrackets},
		{"{ secure }", WrongBrackets},
		{"<secure>", WrongBrackets},
		{"(secure unit)", ""},
		{"(secure [ward] unit) x", ""},

		{"[secure x", BrokenBrackets},
		{"[secure} x", BrokenBrackets},
		{"x secure ]", BrokenBrackets},
		{"]secure[", BrokenBrackets},
		{"[]secure", BrokenBrackets},
		{"secure[]", BrokenBrackets},
		{"(secure x", BrokenBrackets},
		{"x (secure y", ""},
		{"[insecure x", ""},
		{"x insecure]", ""},
		{"[a (b) secure]", ""},
		{"[secure (b) a]", ""},
		{"[tag]secure[tag] x", ""},
		{"x secure :)", ""},

		{"[sec]ure] x", BrokenBrackets},
		{"x [se[cure]", BrokenBrackets},
		{"[)secure]", BrokenBrackets},
		{"[in]secur[e]", ""},

		{"[ secure ]", BlanksInside},
		{"[s-e-c.u r e!]", BlanksInside},
		{"[sec\r\n ure]", BlanksInside},

		{"[ſecure]", LookAlike},
		{"［secure］", LookAlike},
		{"[secure\u00a0]", LookAlike},
		{"[sec\u200bure x", LookAlike},
		{"ѕecure: x", LookAlike},
		{"【send secure】", LookAlike},
		{"„secure“ x", ""},
		{"≪secure≫ x", LookAlike},
		{"\uf05bsecure\uf05d x", LookAlike},

		{"[secrue]", Misspelt},
		{"(secrue)", Misspelt},
		{"[secured]", Misspelt},
		{"(secured)", ""},
		{"[secular]", ""},
		{"[secrue x", Misspelt},
		{"psecure] x", Misspelt},
		{"x secured]", Misspelt},
		{"[secuuure] x", Misspelt},
		{"[sseeccuurree] x", Misspelt},
		{"x y z [secu...", Misspelt},
		{"x y z [se", ""},
		{"x [sec y]", ""},
		{"[secu x", ""},
		{"(secrue x", ""},
		{"secrue: x", Misspelt},
		{"secured: x", ""},

		{"[secure email]", ExtraWords},
		{"[send this securely]", ExtraWords},
		{"[securemail]", ExtraWords},
		{"[secure - x y z]", ExtraWords},
		{"[official-sensitive secure]", ExtraWords},
		{"[to be marked secure]", ExtraWords},
		{"[secure document]", ExtraWords},
		{"(secure email)", ""},
		{"[secure unit]", ""},
		{"[insecure email]", ""},
		{"[a a a a secure a a a a]", ""},
		{"[please send this by secure email only and as secure]", ""},

		{"[Encrypt]", OtherMarker},
		{"[private and confidential]", OtherMarker},
		{"(encrypt)", ""},
		{"encrypt: x", ""},
		{"[encryption]", ""},
		{"[encypt]", OtherMarker},
		{"(encypt)", ""},

		{"secure", BareWord},
		{"Secure - x", BareWord},
		{"Re: secure/ x", BareWord},
		{"*secure* x", BareWord},
		{"SECURE. x", BareWord},
		{"SECURE! x", BareWord},
		{"SECURE--x", BareWord},
		{"SECURE—x", BareWord},
		{"***SECURE x", BareWord},
		{"%secure% x", BareWord},
		{">>SECURE<< x", BareWord},
		{"Re: ?secure? x", BareWord},
		{"URGENT SECURE: x", BareWord},
		{"Please send secure - x", BareWord},
		{"(send secure) x", BareWord},
		{"Send secure", BareWord},
		{"Send secure x", ""},
		{"Urgent secure bed: x", ""},
		{"not secure: x", ""},
		{"'secure' x", ""},
		{"Secure, x", ""},
		{"Secure.x", ""},
		{"Secure x - y", ""},
		{"Secure-x", ""},
		{"Secure [x]: y", ""},
		{"x secure: y", ""},
	} {
		t.Run(test.text, func(t *testing.T) {
			want := Reading{NearMiss, test.want}
			if test.want == "" {
				want.State = Missing
			}
			if got := m.Read(textOf(test.text)); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestIsSlip(t *testing.T) {
	for _, test := range []struct {
		typed, word string
		want        bool
	}{
		{"secure", "secure", false},
		{"secur", "secure", true},
		{"ecure", "secure", true},
		{"seccure", "secure", true},
		{"xsecure", "secure", true},
		{"secuxe", "secure", true},
		{"escure", "secure", true},
		{"secuer", "secure", true},
		{"seucer", "secure", false},
		{"sceuer", "secure", false},
		{"sure", "secure", false},
		{"securing", "secure", false},
		{"cesure", "secure", false},
		{"sxcuxe", "secure", false},
		{"", "secure", false},
		{"aaaa", "aaaaa", true},
		{"nhd", "nhs", false},
	} {
		if got := isSlip([]rune(test.typed), []rune(test.word)); got != test.want {
			t.Errorf("%q for %q: got %v, want %v", test.typed, test.word, got, test.want)
		}
	}
}

// brackets of every kind that can contain extra words
var strongPairs = []string{"[]", "{}", "［］", "【】", "「」", "⟦⟧"}

// TestExtraWords puts extra words into the brackets, before the marker's word,
// after it, and on both sides.
func TestExtraWords(t *testing.T) {
	m := mustReader(t, []string{"secure"}, Anywhere)
	things := []string{
		"PDF", "EXTERNAL", "urgent", "12345", "#12345", "JIRA-12", "2026/123", "sms:07700900123", "Zoë", "housing letter",
		"Ward 7", "1 of 2", "12/11/2026", "Dr A Sample, clinic 4", "FAO: Ms Sample", "a@trust.example", "a.b@trust.example",
	}
	separators := []string{",", ", ", "; ", ";", ": ", " - ", " – ", " | ", "|", " / ", " + ", ". "}
	count := 0
	check := func(pair, inner string) {
		brackets := []rune(pair)
		for _, text := range around(string(brackets[0]) + inner + string(brackets[1])) {
			count++
			want := Reading{NearMiss, ExtraWords}
			if brackets[0] >= 0x80 {
				want.Kind = LookAlike
			}
			if got := m.Read(textOf(text)); got != want {
				t.Errorf("%q: got %v, want %v", text, got, want)
			}
		}
	}
	for _, pair := range strongPairs {
		for _, word := range escapedWords {
			for _, thing := range things {
				for _, separator := range separators {
					check(pair, word+separator+thing)
					check(pair, thing+separator+word)
					check(pair, thing+separator+word+separator+thing)
				}
			}
			for _, inner := range []string{
				"%s 12345", "12345 %s", "%s #1", "%s-12345", "%s12345", "%s_12345", "%s JIRA-12", "%s 12/11/2026", "%s ref 123", "urgent %s", "%s urgent", "%s PDF attached",
				"urgent/%s", "%s/urgent", `urgent\%s`, "%s:urgent", "urgent:%s", "%s 1 2 3", "%s & urgent", "%s (PDF)", "(PDF) %s", "%s [PDF]", "[EXTERNAL] %s", "%s (1 of 2)", "%s <alice@trust.example>", "urgent, %s (PDF)",
			} {
				if strings.ContainsAny(inner, "[]") && pair != "[]" {
					continue
				}
				check(pair, fmt.Sprintf(inner, word))
			}
		}
	}
	t.Logf("%d subjects", count)
}

// TestOtherWordsInBrackets has words that make the text prose.
func TestOtherWordsInBrackets(t *testing.T) {
	m := mustReader(t, []string{"secure"}, Anywhere)
	for _, inner := range []string{
		"secure unit", "Ward 7 secure", "not secure, door 4", "Minutes: secure estate, annex B", "https://intranet.example/secure/login.php",
		"https://intranet.example/secure", "/srv/secure", `C:\forms\secure`, `\\server\secure`, "secure@trust.example", "secure.trust.example", "config=secure", "std::secure",
		"secure&nbsp;unit", "secure&#160;unit", "low- and medium-secure beds", "insecure, PDF", "PDF, insecure", "secured, PDF", "Secure Hospitals 2026",
		"secure unit (PDF)", "kept (twice) secure", "unit [PDF] secure",
	} {
		for _, text := range around("[" + inner + "]") {
			if got := m.Read(textOf(text)); got.State != Missing {
				t.Errorf("%q: got %v", text, got)
			}
		}
	}
}

// tags of every kind that can come before the word
var someTags = []string{
	"[#12345]", "[listname]", "[list-name 7]", "{tag}", "(tag)", "<tag>", "【重要】", "[#12345]:", "***URGENT***", "*** URGENT ***", "#12345", "INC0012345",
	"URGENT:", "URGENT :", "URGENT -", "URGENT –", "URGENT |", "URGENT!", "Automatic reply:", "Out of office reply:", "Automatische Antwort:", "Réponse automatique :", "Undeliverable:", "自动回复：",
	"[#12345] URGENT:", "Automatic reply: [#12345]", "Automatic reply: Re:", "[listname] Re: Fwd:", "URGENT: OFFICIAL:", "Re: URGENT:",
}

func TestLabelBehindTags(t *testing.T) {
	m := mustReader(t, []string{"secure"}, Anywhere)
	count := 0
	for _, tag := range someTags {
		for _, before := range []string{"", "Re: ", "[External] ", "[#1] ", "Note: "} {
			for _, word := range escapedWords {
				for _, label := range []string{"%s: results", "%s : results", "%s:results", "%s - results", "%s – results", "%s- results", "%s | results", "%s; results", "%s:", `"%s": results`, "*%s*: results", "%s: [Ref 12] results"} {
					text := before + tag + " " + fmt.Sprintf(label, word)
					count++
					if got := m.Read(textOf(text)); got != (Reading{NearMiss, BareWord}) {
						t.Errorf("%q: got %v", text, got)
					}
				}
			}
		}
	}
	t.Logf("%d subjects", count)
}

// TestWordBehindTags checks that a word of prose after a tag is not a marker.
func TestWordBehindTags(t *testing.T) {
	m := mustReader(t, []string{"secure"}, Anywhere)
	for _, tag := range someTags {
		for _, text := range []string{
			"secure login broken", "Secure ward rota", "secure", "Secure-by-design workshop", "Secure/forensic services", "not secure: door 4",
			"secured: funding", "insecure: housing", "Secure Care UK: invoice", "Secure [Ward 3] door: code", "secure @ 7", "secure!", "secure?",
		} {
			if got := m.Read(textOf(tag + " " + text)); got.State != Missing {
				t.Errorf("%q: got %v", tag+" "+text, got)
			}
		}
	}
	for _, text := range []string{
		"Side door: secure", "https://secure:8443/login", "http://secure - slow", "a -> secure -> b", "[a (b) secure] x", "Discharge summary for ward 7: secure: x",
		"Medium secure: bed wanted", "x secure: y", "tag] secure) x",
	} {
		if got := m.Read(textOf(text)); got.State != Missing {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
