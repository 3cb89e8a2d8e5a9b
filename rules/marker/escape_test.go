package marker

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// escaper writes a character as some program on the way writes it.
type escaper struct {
	name  string
	lead  string // the characters that it escapes in text that is already escaped
	write func(r rune) string
}

func octetsOf(format string) func(rune) string {
	return func(r rune) string {
		var b strings.Builder
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&b, format, c)
		}
		return b.String()
	}
}

func numbered(format string) func(rune) string {
	return func(r rune) string { return fmt.Sprintf(format, r) }
}

func toUTF7(r rune) string {
	var octets []byte
	for _, unit := range utf16.Encode([]rune{r}) {
		octets = append(octets, byte(unit>>8), byte(unit))
	}
	return "+" + base64.RawStdEncoding.EncodeToString(octets) + "-"
}

var escapers = []escaper{
	{"percent", "%", octetsOf("%%%02X")},
	{"percent in lower case", "%", octetsOf("%%%02x")},
	{"quoted-printable", "=", octetsOf("=%02X")},
	{"quoted-printable in lower case", "=", octetsOf("=%02x")},
	{"octets of C", `\`, octetsOf(`\x%02x`)},
	{"octets of LDAP", `\`, octetsOf(`\%02x`)},
	{"decimal entity", "&", numbered("&#%d;")},
	{"decimal entity with zeros", "&", numbered("&#%05d;")},
	{"hexadecimal entity", "&", numbered("&#x%x;")},
	{"hexadecimal entity in capitals", "&", numbered("&#X%X;")},
	{"JSON", `\`, numbered(`\u%04x`)},
	{"JSON in capitals", `\`, numbered(`\U%04X`)},
	{"Go", `\`, numbered(`\U%08x`)},
	{"ECMAScript", `\`, numbered(`\u{%x}`)},
	{"Perl", `\`, numbered(`\x{%x}`)},
	{"JavaScript's escape", "%", numbered("%%u%04X")},
	{"XML name", "_", numbered("_x%04X_")},
	{"UTF-7", "+", toUTF7},
}

// asciiEscapers write only ASCII.
var asciiEscapers = []escaper{
	{"octal", `\`, numbered(`\%03o`)},
	{"decimal entity without its end", "&", numbered("&#%d")},
	{"named entity", "&", named("&%s;", "lsqb", "rsqb", "lpar", "rpar", "lcub", "rcub", "lt", "gt")},
	{"other named entity", "&", named("&%s;", "lbrack", "rbrack", "lpar", "rpar", "lbrace", "rbrace", "LT", "GT")},
	{"named entity in capitals", "&", named("&%s;", "LSQB", "RSQB", "LPAR", "RPAR", "LCUB", "RCUB", "LT", "GT")},
}

func named(format string, names ...string) func(rune) string {
	return func(r rune) string { return fmt.Sprintf(format, names[strings.IndexRune("[](){}<>", r)]) }
}

// again escapes text that is already escaped.
func (e escaper) again(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune("%=&+_\\", r) {
			b.WriteString(e.write(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

var escapedWords = []string{"secure", "SECURE", "Secure"}

// around puts a marker at several places of a subject.
func around(marker string) []string {
	return []string{marker, marker + " results", "Re: " + marker + " results", "results " + marker + " x", "results" + marker,
		"[Ref 12] " + marker + " 50% off", "A&B " + marker}
}

func TestEscapedBrackets(t *testing.T) {
	m := mustReader(t, []string{"secure"}, Anywhere)
	count := 0
	check := func(name, marker string, square bool) {
		for _, text := range around(marker) {
			count++
			got := m.Read(textOf(text))
			if got.State != NearMiss || square && got.Kind != Escaped {
				t.Errorf("%s: %q: got %v", name, text, got)
			}
		}
	}
	for _, pair := range []string{"[]", "()", "{}", "<>", "［］", "【】", "（）", "«»"} {
		brackets := []rune(pair)
		left, right := brackets[0], brackets[1]
		all := slices.Clone(escapers)
		if left < 0x80 {
			all = append(all, asciiEscapers...)
		}
		for _, e := range all {
			for _, word := range escapedWords {
				opened, closed := e.write(left), e.write(right)
				check(e.name+" "+pair, opened+word+closed, true)
				check(e.name+" blanks "+pair, opened+" "+word+" "+closed, true)
				if pair == "[]" {
					check(e.name+" opening", opened+word+"]", true)
					check(e.name+" closing", "["+word+closed, true)
				}
				for _, other := range escapers {
					check(e.name+" and "+other.name+" "+pair, opened+word+other.write(right), true)
					check(e.name+" in "+other.name+" "+pair, other.again(opened)+word+other.again(closed), true)
					check(e.name+" in twice "+other.name+" "+pair, other.again(other.again(opened))+word+other.again(other.again(closed)), true)
				}
			}
		}
	}
	t.Logf("%d subjects", count)
}

// TestEscapedLetters escapes each character of the marker, not only the
// brackets.
func TestEscapedLetters(t *testing.T) {
	m := mustReader(t, []string{"secure"}, Anywhere)
	for _, e := range escapers {
		for _, word := range escapedWords {
			whole := ""
			for i, r := range "[" + word + "]" {
				whole += e.write(r)
				one := ("[" + word + "]")[:i] + e.write(r) + ("[" + word + "]")[i+1:]
				if got := m.Read(textOf(one + " x")); got.State != NearMiss {
					t.Errorf("%s: %q: got %v", e.name, one, got)
				}
			}
			if got := m.Read(textOf(whole + " x")); got != (Reading{NearMiss, Escaped}) {
				t.Errorf("%s: %q: got %v", e.name, whole, got)
			}
		}
	}
}

func TestEscapedMarkup(t *testing.T) {
	m := mustReader(t, []string{"secure"}, Anywhere)
	for _, text := range []string{
		"[<b>secure</b>]", "[<B>Secure</B>]", "[<strong>secure</strong>]", `[<span style="color: red">secure</span>]`,
		"[secure<br>]", "[secure<br/>]", "[secure<br />]", "[se<b>cure</b>]", "<b>[</b>secure<b>]</b>", "[<o:p>secure</o:p>]",
		"[<!-- x -->secure]", "[<b><i>secure</i></b>]", "(<b>secure</b>)",
		`[<a href="mailto:a@trust.example">secure</a>]`,
	} {
		forms := []string{text}
		for _, e := range escapers {
			escaped := ""
			for _, r := range text {
				if strings.ContainsRune("<>[]", r) {
					escaped += e.write(r)
				} else {
					escaped += string(r)
				}
			}
			forms = append(forms, escaped)
		}
		for _, form := range forms {
			for _, subject := range around(form) {
				if got := m.Read(textOf(subject)); got != (Reading{NearMiss, Escaped}) {
					t.Errorf("%q: got %v", subject, got)
				}
			}
		}
	}
}

// missingSubjects are the ordinary subjects of testdata/subjects whose marker
// is missing.
func missingSubjects(t *testing.T, m Reader) []string {
	t.Helper()
	var subjects []string
	for _, file := range []string{"prose", "bareword", "others"} {
		text, err := os.ReadFile("../../testdata/subjects/" + file + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			subject, ok := strings.CutPrefix(strings.TrimSuffix(string(line), "\n"), "missing\t-\t")
			if !ok {
				continue
			}
			subject, err := strconv.Unquote(`"` + strings.ReplaceAll(subject, `"`, `\"`) + `"`)
			if err != nil {
				t.Fatal(err)
			}
			if m.Read(textOf(subject)).State == Missing {
				subjects = append(subjects, subject)
			}
		}
	}
	if len(subjects) < 150 {
		t.Fatalf("got %d ordinary subjects, want 150", len(subjects))
	}
	return subjects
}

// TestEscapedProse checks that an escape alone is not a near miss: an ordinary
// subject stays one if its punctuation and brackets are escaped.
func TestEscapedProse(t *testing.T) {
	m := mustReader(t, []string{"secure"}, Anywhere)
	for _, subject := range missingSubjects(t, m) {
		for _, e := range escapers {
			escaped := ""
			if e.lead == `\` && strings.Contains(strings.ToLower(subject[:min(len(subject), 10)]), "secure") {
				continue // a backslash after the word is punctuation too
			}
			for _, r := range subject {
				if strings.ContainsRune("[](){}<>%=&\\+ \"'", r) {
					escaped += e.write(r)
				} else {
					escaped += string(r)
				}
			}
			if got := m.Read(textOf(escaped)); got.State != Missing {
				t.Errorf("%s: %q: got %v", e.name, escaped, got)
			}
		}
	}
	for _, subject := range []string{
		"50% off until Friday", "100%25 of the secure ward", "R&amp;D: secure unit", "&#163;50 for the secure unit",
		`C:\new\secure\forms`, `\\server\secure`, "a+b=5B", "1+1-secure", "+44 20 7946 0000 secure line",
		"https://intranet.example/?q=%28secure+ward%29", "https://trust.example/Secure_%28ward%29", "<b>Rota</b> for the secure ward",
		"[<b>Ward 7</b>] secure doors", "x <y> secure", "Fish & chips; secure & safe", "&; &#; &#x; %u \\u \\x \\ + = _x", "caf%E9 rota", "&amp", "&notanentity; secure",
	} {
		if got := m.Read(textOf(subject)); got.State != Missing {
			t.Errorf("%q: got %v", subject, got)
		}
	}
}

func TestPlainTexts(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"%5B %5b %5", "[ [ %5"},
		{"%255B %25255B", "[ ["},
		{"=5B=\r\n=", "[=\r\n="},
		{"&lsqb;&LSQB;&lsqb &#91&#x5b;&#x5B &#0091;", "[[&lsqb [[[ ["},
		{"&amp;#91; &notit; &semi;", "[ &notit; ;"},
		{`\[ \x5b \X5B \u005b \U005B \U0000005b \133 \5b \x{5b} \u{5B}`, "[ [ [ [ [ [ [ [ [ ["},
		{`\u{5b \u{} \x{110000} \`, `\u{5b \u{} \x{110000} \`},
		{"+AFs- +AFs +AFsAcw- +-AFs- +A +AFsA", "[ [ [s [ +A +AFsA"},
		{"_x005B_ _x005B _y", "[ _x005B _y"},
		{"%EF%BC%BB =E3=80=90", "［ 【"},
		{"%5B%6Eot%20a%5D", "[not a]"},
		{"a<b>b</b>c<br/><o:p>d<!-- e -->", "abcd"},
		{"a < b > c <1> <a@b> <", "a < b > c <1> <a@b> <"},
		{"<<b>x", "<x"},
		{"&lt;b&gt;x", "x"},
	} {
		got := test.text
		if readings := plainTexts(test.text); len(readings) > 0 {
			got = readings[len(readings)-1]
		}
		if got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}
