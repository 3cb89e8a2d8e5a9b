package transfer

import (
	"bytes"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"strings"
	"testing"
)

// decode decodes octets in pieces of n octets.
func decode(name, octets string, n int) (string, bool) {
	var out bytes.Buffer
	next := func(p []byte) { out.Write(p) }
	var d Decoder = NewBase64(next)
	if name == "qp" {
		d = NewQuotedPrintable(next)
	}
	for octets != "" {
		n := min(n, len(octets))
		d.Write([]byte(octets[:n]))
		octets = octets[n:]
	}
	sound := d.Close()
	return out.String(), sound
}

func TestDecode(t *testing.T) {
	for _, test := range []struct{ name, encoding, octets, want string }{
		{"base64", "base64", "OTk5IDAwMCAw\r\nMDE4\r\n", "999 000 0018"},
		{"no padding", "base64", "YWI", "ab"},
		{"one character too many", "base64", "YWJjZ", "abc"},
		{"a line that is cut in a group", "base64", "YWJ\r\njZ\r\nGVm", "abcdef"},
		{"stray characters", "base64", "Y*W-J!j\x80ZGVm", "abcdef"},
		{"blanks", "base64", " YW Jj \t\n ZGVm", "abcdef"},
		{"padding inside", "base64", "YQ==\nYmM=\nZGVm", "abcdef"},
		{"padding too much", "base64", "YQ=====YmM=", "abc"},
		{"quoted", "qp", "99=39=20=\r\n000=C3=A9", "999 000é"},
		{"quoted in lower case", "qp", "=c3=a9", "é"},
		{"soft breaks with blanks", "qp", "99= \t\r\n9", "999"},
		{"soft breaks without CR", "qp", "99=\n9", "999"},
		{"soft breaks without LF", "qp", "99=\r9", "999"},
		{"soft break at the end", "qp", "99=", "99"},
		{"no escapes", "qp", "a=b c=4 d=4g ==3D =", "a=b c=4 d=4g == "},
		{"raw", "qp", "\xe9\x00\r\n", "\xe9\x00\r\n"},
		{"an escape cut short", "qp", "a=4", "a=4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, n := range []int{1, 2, 3, 5, 1000} {
				if got, _ := decode(test.encoding, test.octets, n); got != test.want {
					t.Errorf("in pieces of %d: got %q, want %q", n, got, test.want)
				}
			}
		})
	}
}

// TestDecodeAgainstLibrary compares with the standard library on valid input.
func TestDecodeAgainstLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(4648, 2045))
	for range 500 {
		raw := make([]byte, random.IntN(20000))
		for i := range raw {
			raw[i] = byte(random.IntN(256))
			if random.IntN(3) > 0 {
				raw[i] = "the \r\n=9"[random.IntN(8)]
			}
		}
		var quoted bytes.Buffer
		w := quotedprintable.NewWriter(&quoted)
		w.Binary = random.IntN(2) == 0
		w.Write(raw)
		w.Close()
		want, err := io.ReadAll(quotedprintable.NewReader(&quoted))
		if err != nil {
			t.Fatal(err)
		}
		quoted.Reset()
		w = quotedprintable.NewWriter(&quoted)
		w.Write(want)
		w.Close()
		want, _ = io.ReadAll(quotedprintable.NewReader(bytes.NewReader(quoted.Bytes())))
		if got, _ := decode("qp", quoted.String(), 1+random.IntN(5000)); got != string(want) {
			t.Fatalf("quoted-printable differs: %q", quoted.String())
		}
		lines := wrap(base64.StdEncoding.EncodeToString(raw), []int{76, 75, 64, 1000, 20000}[random.IntN(5)])
		got, sound := decode("base64", lines, 1+random.IntN(5000))
		if got != string(raw) || !sound {
			t.Fatalf("base64 differs (sound: %v)", sound)
		}
	}
}

func wrap(text string, n int) string {
	var lines strings.Builder
	for len(text) > n {
		lines.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	return lines.String() + text
}

func TestBase64IsSound(t *testing.T) {
	encoded := wrap(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("letter "), 200)), 76)
	for _, test := range []struct {
		name, octets string
		want         bool
	}{
		{"sound", encoded, true},
		{"a blank and a stray character", " *" + encoded, true},
		{"blanks around lines", strings.ReplaceAll(encoded, "\r\n", "  \r\n"), true},
		{"a short line of text", encoded + "\r\n999 000 0018\r\n", false},
		{"a footer", encoded + "\r\n-- \r\nTo leave this list, write to list@lists.example. Thanks!\r\n", false},
	} {
		if _, sound := decode("base64", test.octets, 100); sound != test.want {
			t.Errorf("%s: got %v", test.name, sound)
		}
	}
	for octets, want := range map[string]bool{
		"":                               true,
		encoded:                          true,
		"AAAA":                           true,
		"Dear Jane, the number is 4.":    false,
		"<html><body><p>a</p></body>":    false,
		"T*GV0 dGVy\r\nTGV0dGVy\r\nTGV0": true,
	} {
		if got := LooksLikeBase64([]byte(octets)); got != want {
			t.Errorf("%.40q: got %v", octets, got)
		}
	}
}

func TestUULine(t *testing.T) {
	for _, test := range []struct {
		line, want string
		ok         bool
	}{
		{"#86)C", "abc", true},
		{"#86)C*", "abc", true},
		{"$86)C9   ", "abcd", true},
		{"$86)C9", "abcd", true},
		{"`", "", true},
		{"#8", "", false},
		{"end", "", false},
		{"Dear Jane", "", false},
		{"", "", false},
	} {
		got, ok := UULine(nil, []byte(test.line))
		if ok != test.ok || ok && string(got) != test.want {
			t.Errorf("%q: got %q, %v", test.line, got, ok)
		}
	}
	for line, want := range map[string]bool{
		"begin 644 a.txt": true, "begin 0644 a b": true, "begin 64 a": false, "begin 644": false,
		"begin 849 a": false, "begin again, please": false, "beginning": false,
	} {
		if IsUUBegin([]byte(line)) != want {
			t.Errorf("%q: want %v", line, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("base64", "YQ==\r\nYm M=*ZGVm", 3)
	f.Add("base64", "00000000000*00000 0000", 9)
	f.Add("qp", "a=4 = \r\n=c3==A9=\r", 2)
	f.Fuzz(func(t *testing.T, name, octets string, n int) {
		whole, wholeSound := decode(name, octets, 1<<20)
		cut, cutSound := decode(name, octets, max(n, 1))
		if whole != cut || wholeSound != cutSound {
			t.Errorf("whole %q, cut %q", whole, cut)
		}
		if name == "qp" && !strings.Contains(octets, "=") && whole != octets {
			t.Errorf("%q: got %q", octets, whole)
		}
		if want, err := base64.StdEncoding.DecodeString(octets); name != "qp" && err == nil && whole != string(want) {
			t.Errorf("%q: got %q, want %q", octets, whole, want)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	text := bytes.Repeat([]byte("Discharge summary for ward 7, with thanks.\r\n"), 1<<20/44)
	var quoted bytes.Buffer
	w := quotedprintable.NewWriter(&quoted)
	w.Write(bytes.ReplaceAll(text, []byte("7,"), []byte("7é")))
	w.Close()
	lines := wrap(base64.StdEncoding.EncodeToString(text), 76)
	for _, bench := range []struct {
		name   string
		d      Decoder
		octets []byte
	}{
		{"base64", NewBase64(func([]byte) {}), []byte(lines)},
		{"quoted-printable", NewQuotedPrintable(func([]byte) {}), quoted.Bytes()},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.octets)))
			for b.Loop() {
				bench.d.Write(bench.octets)
			}
		})
	}
}
