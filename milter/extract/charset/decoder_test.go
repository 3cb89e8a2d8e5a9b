package charset

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// decode decodes octets in pieces of n octets.
func decode(name, octets string, n int) (string, *Decoder) {
	var text bytes.Buffer
	d := NewDecoder(name, []byte(octets[:min(len(octets), 1024)]), func(p []byte) { text.Write(p) })
	for octets != "" {
		n := min(n, len(octets))
		d.Write([]byte(octets[:n]))
		octets = octets[n:]
	}
	d.Close()
	return text.String(), d
}

func TestDecoder(t *testing.T) {
	const nhs = "NHS 999 000 0018"
	for _, test := range []struct{ name, charset, octets, want string }{
		{"ASCII", "us-ascii", nhs, nhs},
		{"UTF-8", "utf-8", "caf\u00e9", "café"},
		{"no charset", "", "caf\xe9 999\xa0000", "café 999\u00a0000"},
		{"UTF-8 that is broken", "utf-8", "é\xe9 \xc3", "éé Ã"},
		{"UTF-8 under another name", "iso-8859-1", "999\u00a0000", "999\u00a0000"},
		{"a name that nobody knows", "x-unknown", "caf\xe9", "café"},
		{"refused by x/text", "iso-2022-kr", nhs, nhs},
		{"Cyrillic", "koi8-r", "\xc1", "а"},
		{"Shift JIS", "shift_jis", "\x93\xfa", "日"},
		{"ISO-2022-JP", "iso-2022-jp", "\x1b$B#9#9#9\x1b(B", "９９９"},
		{"UTF-16 with a mark", "utf-16", "\xff\xfe9\x009\x00", "99"},
		{"UTF-16 with a mark that disagrees", "utf-16be", "\xff\xfe9\x009\x00", "99"},
		{"UTF-16 without a mark", "utf-16", "9\x009\x00", "99"},
		{"UTF-16 that nobody declares", "us-ascii", "9\x009\x00", "99"},
		{"UTF-16 that is ASCII", "utf-16", nhs, nhs},
		{"UTF-16 cut short", "utf-16le", "9\x009\x009", "99\uFFFD"},
		{"UTF-32 with a mark", "", "\xff\xfe\x00\x009\x00\x00\x00", "9"},
		{"UTF-32 in the other order", "utf-32be", "9\x00\x00\x00", "9"},
		{"UTF-8 with a mark", "utf-8", "\xef\xbb\xbf9", "9"},
		{"EBCDIC", "cp1047", "\xf9\xf9\xf9@\xf0", "999 0"},
		{"EBCDIC that is ASCII", "cp1047", nhs, nhs},
		{"UTF-7", "utf-7", "+ADkAOQ-9 +AOk +- +2D3cqQ-", "999 é + 💩"},
		{"UTF-7 under another name", "x-unicode-2-0-utf-7", "+ADkAOQ-9", "999"},
		{"ISO-2022-JP under another name", "cp50221", "\x1b$B#9#9#9\x1b(B", "９９９"},
		{"Shift JIS under another name", "windows-932", "\x93\xfa", "日"},
		{"NULs", "utf-8", "9\x009\x009", "999"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, n := range []int{1, 2, 3, 1000} {
				if got, _ := decode(test.charset, test.octets, n); got != test.want {
					t.Errorf("in pieces of %d: got %q, want %q", n, got, test.want)
				}
			}
		})
	}
}

// TestDecoderKnowsCharacters holds that text is not passed off as read when its
// charset is not known.
func TestDecoderKnowsCharacters(t *testing.T) {
	greek, _ := charmap.ISO8859_7.NewEncoder().String(strings.Repeat("Καλημέρα ", 20))
	ebcdic, _ := charmap.CodePage1047.NewEncoder().String(strings.Repeat("NHS 9990000018 ", 20))
	for _, test := range []struct {
		name, charset, octets string
		want                  bool
	}{
		{"text", "utf-8", "Καλημέρα", true},
		{"French in Latin 1", "", "\xe0 c\xf4t\xe9 de la pr\xe9c\xe9dente", true},
		{"Greek", "iso-8859-7", greek, true},
		{"Greek without a charset", "", greek, false},
		{"EBCDIC in a charset that nobody knows", "x-ebcdic", ebcdic, false},
		{"Korean in seven bits", "iso-2022-kr", "\x1b$)C" + strings.Repeat("NHS ", 50) + "\x0e#9#9#9\x0f", false},
		{"binary", "utf-8", strings.Repeat("\x01ab\xff\xfe", 50), false},
	} {
		if _, d := decode(test.charset, test.octets, 100); d.HasCharacters() != test.want {
			t.Errorf("%s: got %v, want %v", test.name, !test.want, test.want)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	for _, name := range []string{"", "utf-16", "utf-7", "iso-2022-jp", "gb18030", "cp1047", "x"} {
		f.Add(name, "9\x009\xe9+AOk-\x1b$B#9", 3)
	}
	f.Fuzz(func(t *testing.T, name, octets string, n int) {
		whole, _ := decode(name, octets, 1<<20)
		cut, _ := decode(name, octets, max(n, 1))
		if whole != cut {
			t.Errorf("whole %q, cut %q", whole, cut)
		}
		if !utf8.ValidString(whole) || strings.Contains(whole, "\x00") {
			t.Errorf("got %q", whole)
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	for _, bench := range []struct{ name, charset, text string }{
		{"ASCII", "utf-8", "Discharge summary for ward 7, with thanks. \r\n"},
		{"UTF-8", "utf-8", "Zoë’s discharge summary for ward 7, with thanks.\r\n"},
		{"Latin 1", "iso-8859-1", "Zo\xeb's discharge summary for ward 7, with thanks.\r\n"},
		{"KOI8", "koi8-r", "Zoe's \xc1\xc2\xd7 summary for ward 7, with thanks.\r\n"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			p := []byte(strings.Repeat(bench.text, 1<<20/len(bench.text)))
			b.SetBytes(int64(len(p)))
			d := NewDecoder(bench.charset, p[:1024], func([]byte) {})
			for b.Loop() {
				d.Write(p)
			}
		})
	}
}
