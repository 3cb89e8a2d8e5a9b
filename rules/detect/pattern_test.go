package detect

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postseal/postseal/rules/finding"
)

var patternSamples = []sample{
	{"RX123456", "pattern:rx 1"},
	{"(RX123456) RX123456, RX123457", "pattern:rx 2"},
	{"é RX123456 é", "pattern:rx 1"},
	{"RX1234567", ""},
	{"ARX123456", ""},
	{"rx123456", ""},
	{"RX12\n3456", ""},
	{"RX123456\nRX123456\fRX123458", "pattern:rx 2"},
	{strings.Repeat("a ", 600) + "RX123456 RX123457" + strings.Repeat(" a", 600), "pattern:rx 2"},
	{strings.Repeat("RX123456 ", 300), "pattern:rx 1"},
	{strings.Repeat("a ", 508) + "RX1234567", ""}, // cut inside
	{"unit no 12343", "pattern:near 1"},
	{"12343 (Unit No.)", "pattern:near 1"},
	{"unit no\n" + strings.Repeat("a ", 49) + "\n12343", "pattern:near 1"},
	{"unit no\n" + strings.Repeat("a ", 50) + "\n12343", ""},
	{"unit no\f12343", ""},
	{"unit 12343", ""},
	{"12343", ""},
	{"unit no 12344", ""}, // check digit
}

func TestPatterns(t *testing.T) {
	rx, err := NewPattern("rx", `\bRX\d{6}\b`, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	near, err := NewPattern("near", `\b\d{5}\b`, []string{"Unit-No", "ward"}, "mod11")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range patternSamples {
		d := New(Config{Patterns: []Pattern{rx, near}})
		d.Begin(Place{"2", Body})
		d.Text([]byte(s.text))
		if got := findings(d); got != s.want {
			t.Errorf("%.40q: got %q, want %q", s.text, got, s.want)
		}
	}
	d := New(Config{Patterns: []Pattern{rx}})
	for i := range 2000 {
		d.Begin(Place{fmt.Sprint(i + 1), Kind(i % 3)})
		d.Text(fmt.Appendf(nil, "RX%06d", i))
	}
	want := []finding.Finding{{Name: "pattern:rx", Count: finding.MaxCount, Part: "1"}}
	if got := d.Findings(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPatternErrors(t *testing.T) {
	for _, c := range []struct {
		expression string
		context    []string
		check      string
	}{
		{`(`, nil, ""}, {`a*`, nil, ""}, {`a`, nil, "mod10"}, {`a`, []string{"-"}, ""},
	} {
		if _, err := NewPattern("x", c.expression, c.context, c.check); err == nil {
			t.Errorf("%+v: got no error", c)
		}
	}
}

// TestFirstOctets holds that no match is lost by its first octet.
func TestFirstOctets(t *testing.T) {
	for _, c := range []struct {
		expression, match string
		isAny             bool
	}{
		{`\bRX\d`, "RX1", false},
		{`(?i)rx\d`, "Rx1", false},
		{`(?i)k1`, "\u212a1", false}, // the sign of the kelvin
		{`^(?:a|[b-d])?\d`, "7", false},
		{`é\d`, "é7", false},
		{`[^!Z]7`, "é7", false},
		{`.7`, "é7", true},
	} {
		p, err := NewPattern("x", c.expression, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		if (p.first == nil) != c.isAny {
			t.Errorf("%s: any octet: got %v, want %v", c.expression, p.first == nil, c.isAny)
		}
		if !p.canMatch([]byte(c.match)) {
			t.Errorf("%s: %q cannot match", c.expression, c.match)
		}
		if !c.isAny && p.canMatch([]byte("ZZ!")) {
			t.Errorf("%s: ZZ! can match", c.expression)
		}
	}
}

const noDisclaimer = "no-disclaimer"

// The disclaimer is that of everything.
var disclaimerSamples = []sample{
	{"This e-mail is confidential – to you.", ""},
	{"Hello.\nThis e-mail is\r\n confidential\u00a0–\tto you.Bye.", ""},
	{"Thise-mailisconfidential–toyou.", ""},
	{"This e-\u00admail is con\u200bfidential – to you.", ""},
	{"This This e-mail is This e-mail is confidential – to you.", ""},
	{"this e-mail is confidential – to you.", noDisclaimer},
	{"This e-mail is confidential - to you.", noDisclaimer},
	{"This e-mail is confidential – to you", noDisclaimer},
	{"", noDisclaimer},
}

func TestDisclaimer(t *testing.T) {
	config := Config{Disclaimer: everything(t).Disclaimer}
	for _, s := range disclaimerSamples {
		d := New(config)
		d.Begin(Place{"1", Body})
		d.Text([]byte(s.text))
		if got := findings(d); got != s.want {
			t.Errorf("%q: got %q, want %q", s.text, got, s.want)
		}
		d = New(config)
		d.Begin(Place{"1", Subject})
		d.Text([]byte(s.text))
		if got := findings(d); got != noDisclaimer {
			t.Errorf("%q in a subject: got %q", s.text, got)
		}
	}
	d := New(config)
	d.Begin(Place{"1", Body})
	d.Text([]byte("This e-mail is"))
	d.Begin(Place{"2", Body})
	d.Text([]byte("confidential – to you."))
	if got := findings(d); got != noDisclaimer {
		t.Errorf("in two places: got %q", got)
	}
	if got := findings(New(Config{Disclaimer: NewDisclaimer(" \n")})); got != "" {
		t.Errorf("an empty disclaimer: got %q", got)
	}
}

// TestDisclaimerOverlaps holds the failure function: a text that begins within
// another beginning.
func TestDisclaimerOverlaps(t *testing.T) {
	for _, c := range []struct{ disclaimer, in string }{
		{"aab", "aaab"}, {"abab c", "ababab c"}, {"aabaaa", "aabaabaaa"}, {"ééa", "éééa"},
	} {
		for i := range len(c.in) + 1 {
			if got := cut(Config{Disclaimer: NewDisclaimer(c.disclaimer)}, Body, utf8.UTFMax, c.in[:i], c.in[i:]); len(got) > 0 {
				t.Errorf("%q in %q: got %v", c.disclaimer, c.in, got)
			}
		}
	}
}
