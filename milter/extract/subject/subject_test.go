package subject

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postseal/postseal/rules/marker"
)

func TestSubject(t *testing.T) {
	for _, test := range []struct {
		name, value, text string
		undecoded         []string
		readings          []string
	}{
		{name: "empty"},
		{name: "plain", value: " [secure] x ", text: " [secure] x "},
		{name: "folded by the MTA", value: "a\n b\n\tc", text: "a b\tc"},
		{name: "folded as on the wire", value: "a\r\n b", text: "a b"},
		{name: "bare line ends", value: "[sec\rure] \r\nb", text: "[sec\rure] \r\nb"},
		{name: "UTF-8", value: "caf\xc3\xa9", text: "café"},
		{name: "neither ASCII nor UTF-8", value: "caf\xe9 \x96", text: "café –"},
		{name: "UTF-8 beside Windows-1252", value: "\xe9 =?utf-8?Q??= \xc3\xa9", text: "é  é"},
		{name: "blanks between two words", value: "=?utf-8?Q?a?= \t =?utf-8?Q?b?=", text: "ab"},
		{name: "blanks between words in two charsets", value: "=?utf-8?Q?a?= =?iso-8859-1?Q?=E9?=", text: "aé"},
		{name: "blanks before and after a word", value: "a  =?utf-8?Q?b?=  c", text: "a  b  c"},
		{name: "blanks at the end", value: "=?utf-8?Q?a?=  ", text: "a  "},
		{name: "not a word after a word", value: "=?utf-8?Q?a?= =?", text: "a =?", undecoded: []string{"a"}},
		{name: "blanks in the charset", value: "=?utf 8?Q?a?=", text: "=?utf 8?Q?a?=", undecoded: []string{"a"}},
		{name: "no encoding", value: "=?utf-8??a?=", text: "=?utf-8??a?="},
		{name: "a long encoding", value: "=?utf-8?QQ?a?=", text: "=?utf-8?QQ?a?=", undecoded: []string{"a"}},
		{name: "questions", value: "why=?because? x", text: "why=?because? x"},
		{name: "unknown encoding without an end", value: "a=?b?c?d", text: "a=?b?c?d"},
		{name: "escapes in lower case", value: "=?utf-8?q?=c3=a9?=", text: "é"},
		{name: "characters cut apart", value: "=?utf-8?B?w6?= =?UTF-8?Q?=A9?=", text: "é"},
		{name: "characters cut apart, and text between", value: "=?utf-8?B?ww==?= x =?utf-8?B?qQ==?=", text: "\uFFFD x \uFFFD", readings: []string{"Ã x ©", "ﾃ x ｩ"}},
		{name: "a word in a word", value: "=?utf-8?Q?=3D=3Futf-8=3FQ=3F=61=3F=3D?=", text: "=?utf-8?Q?a?=", undecoded: []string{"=?utf-8?Q?a?="}},
		{name: "line end in a word", value: "=?utf-8?Q?a=0D=0Ab?=", text: "a\r\nb"},
		{
			name: "unknown charset after a known one", value: "=?utf-8?Q?=5Bsec?= =?x-none?Q?ure=5D?=",
			text: "[sec\uFFFD", undecoded: []string{"=?x-none?Q?ure=5D?= ure] "}, readings: []string{"[secure]"},
		},
		{
			name: "a broken word in the less likely reading", value: "=?utf-8?B?YWI=?= =?utf-8?B?YmNkYmNkY?= =?utf-8?B?YWJj?=",
			text: "ab\x18\uFFFD\uFFFD\x18\uFFFD\uFFFD\x18abc", readings: []string{"ab\uFFFDabc", "abbcdbcdabc"},
		},
		{name: "base64 for URLs", value: "=?utf-8?B?YWI-YWI_?=", text: "\uFFFD", undecoded: []string{"=?utf-8?B?YWI-YWI_?= ab\x18X ", "ab>ab? "}, readings: []string{"ab\x18X", "ab>ab?"}},
		{
			name: "base64 that goes on after padding", value: "=?utf-8?B?YQ==Yg==?= =?utf-8?Q?c?=",
			text: "\uFFFDc", undecoded: []string{"=?utf-8?B?YQ==Yg==?= a\x06  ", "ab ", "\uFFFDc", "a\x06 c"}, readings: []string{"a\x06 c", "abc"},
		},
		{name: "unknown charset with a blank", value: "=?utf-8?Q?a?= =?x none?Q?b?=", text: "a =?x none?Q?b?=", undecoded: []string{"a\uFFFD", " b ", "ab"}},
		{
			name: "unknown charset between known ones", value: "=?utf-8?Q?a?= =?x-none?Q?b_=E9?= =?utf-8?Q?c?=",
			text: "a\uFFFDc", undecoded: []string{"=?x-none?Q?b_=E9?= b é "}, readings: []string{"ab éc"},
		},
		{name: "two words in an unknown charset", value: "=?x-none?Q?a?= =?x-none?B?Yg==?=", text: "\uFFFD", undecoded: []string{"=?x-none?Q?a?==?x-none?B?Yg==?= ab "}, readings: []string{"ab"}},
		{name: "broken after whole in one charset", value: "=?utf-8?Q?a?= =?utf-8?B?Y!g==?= =?utf-8?Q?c?=", text: "a\uFFFDc", undecoded: []string{"=?utf-8?B?Y!g==?= b ", "a\uFFFDc", "abc"}, readings: []string{"abc"}},
		{name: "escape cut short", value: "=?utf-8?Q?a=4?=", text: "\uFFFD", undecoded: []string{"=?utf-8?Q?a=4?= a=4 "}, readings: []string{"a=4"}},
		{name: "no end, and more text", value: "=?utf-8?Q?a_b c =?utf-8?Q?d", text: "\uFFFD c \uFFFD", undecoded: []string{"=?utf-8?Q?a_b a b =?utf-8?Q?d d ", "a b d "}, readings: []string{"a b c d"}},
		{name: "refused charset", value: "=?iso-2022-kr?Q?abc?=", text: "\uFFFD", undecoded: []string{"=?iso-2022-kr?Q?abc?= abc "}, readings: []string{"abc"}},
		{name: "broken and not UTF-8", value: "=?x-none?Q?\xe9?=", text: "\uFFFD", undecoded: []string{"=?x-none?Q?\uFFFD?= é "}, readings: []string{"é"}},
		{name: "base64 cut in two", value: "=?utf-8?B?Ym9?= =?utf-8?b?vaw==?=", text: "book", readings: []string{"bo\uFFFD\uFFFD"}},
		{name: "an escape cut in two", value: "=?utf-8?Q?a=C?=\r\n =?utf-8?Q?3=A9b?=", text: "aéb", readings: []string{"\uFFFD3\uFFFDb", "a=C3©b"}},
		{name: "an escape of two encodings", value: "=?utf-8?Q?a=6?= =?utf-8?B?Mg==?=", text: "\uFFFD2", undecoded: []string{"=?utf-8?Q?a=6?= a=6 ", "\uFFFD2", "a=62"}, readings: []string{"a=62"}},
		{name: "digits in a charset that nobody names", value: "\x1b$B#9#9\x1b(B", text: "\x1b$B#9#9\x1b(B", readings: []string{"９９"}},
		{name: "UTF-7", value: "=?utf-7?Q?+ADkAOQ-?=", text: "\uFFFD", undecoded: []string{"=?utf-7?Q?+ADkAOQ-?= +ADkAOQ- 99 "}, readings: []string{"+ADkAOQ-"}},
		{name: "each part with its padding left out", value: "=?utf-8?B?YQ?= =?utf-8?B?Yg?=", text: "ab", readings: []string{"a\x06 "}},
		{name: "big-endian without a mark", value: "=?iso-10646-ucs-2?B?AGEA6Q==?=", text: "aé", undecoded: []string{"愀\ue900 "}, readings: []string{"愀\ue900"}},
		{name: "UTF-32 cut in a character", value: "=?utf-32be?B?AAAAYQAA?= =?utf-32be?B?AOk=?=", text: "aé"},
		{name: "EBCDIC", value: "=?ibm1047?B?rYG9?=", text: "[a]", undecoded: []string{"Ýa¨ "}, readings: []string{"ｭ⊃", "Ýa¨"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Read(test.value)
			want := marker.Subject{Text: test.text, Undecoded: test.undecoded, Readings: test.readings}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func FuzzSubject(f *testing.F) {
	for _, row := range readLabelled(f) {
		f.Add(row.fields[0])
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := Read(value)
		for _, text := range slices.Concat([]string{got.Text}, got.Undecoded, got.Readings) {
			if !utf8.ValidString(text) {
				t.Errorf("%q: got %q, which is not UTF-8", value, text)
			}
		}
		if !strings.Contains(value, "=?") && !strings.Contains(value, "\n") && utf8.ValidString(value) && got.Text != value {
			t.Errorf("%q: got %q, want it as it stands", value, got)
		}
		words := strings.ReplaceAll(value, "=?", "\r\n =?")
		if !strings.Contains(value, "\n") && !reflect.DeepEqual(Read(words), Read(strings.ReplaceAll(words, "\r\n", ""))) {
			t.Errorf("%q: folded it reads otherwise", words)
		}
	})
}

func BenchmarkSubject(b *testing.B) {
	for _, bench := range []struct{ name, value string }{
		{"plain", "Re: [secure] Discharge summary for ward 7"},
		{"encoded", "=?utf-8?B?W3NlY3VyZV0gWm/DqyBTYW1wbGUg4oCTIGNsaW5pYyBsZXR0ZXIg8J+pug==?="},
		{"100 kB of words", strings.Repeat("=?utf-8?Q?a?= ", 100<<10/14)},
		{"100 kB of words in two charsets", strings.Repeat("=?utf-8?Q?a?= =?koi8-r?Q?a?= ", 100<<10/29)},
		{"100 kB without an end", strings.Repeat("=?utf-8?Q?a ", 100<<10/12)},
		{"100 kB of beginnings", strings.Repeat("=?", 100<<10/2)},
		{"100 kB of empty charsets", strings.Repeat("=?q?", 100<<10/4)},
		{"Western", "=?iso-8859-1?Q?=5Bsecure=5D_Zo=EB_Sample_=96_clinic_letter?="},
		{"raw 8-bit", "[secure] Zo\xeb Sample, clinic letter"},
		{"malformed", "=?utf-8?QP?=5Bsecure=5D_clinic_letter?="},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.value)))
			for b.Loop() {
				Read(bench.value)
			}
		})
	}
}
