package plain

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/extract/sinktest"
	"github.com/postseal/postseal/rules/detect"
)

var readers = map[string]func(detect.Sink) Reader{
	"lines":  NewLines,
	"flowed": func(sink detect.Sink) Reader { return NewFlowed(sink, false) },
	"delsp":  func(sink detect.Sink) Reader { return NewFlowed(sink, true) },
	"table":  func(sink detect.Sink) Reader { return NewTable(sink, ';') },
	"folded": NewFolded,
}

// read reads text in pieces of n octets.
func read(kind, text string, n int) string {
	var rec sinktest.Recorder
	r := readers[kind](&rec)
	for text != "" {
		n := min(n, len(text))
		r.Write([]byte(text[:n]))
		text = text[n:]
	}
	r.Close()
	return rec.String()
}

func TestReaders(t *testing.T) {
	for _, test := range []struct{ name, kind, text, want string }{
		{"line ends", "lines", "a\r\nb\nc\rd\r\r\ne\r", "a\nb\nc\nd\n\ne\n"},
		{"soft line break", "flowed", "999 000 \r\n0018\r\n", "999 000 0018\n"},
		{"deleted blank", "delsp", "999 000 00 \r\n18\r\n", "999 000 0018\n"},
		{"fixed lines", "flowed", "a\r\nb\r\n", "a\nb\n"},
		{"quotes", "flowed", "> a \r\n> b\r\n>> c \r\n> d\r\n", "> a b\n>> c \n> d\n"},
		{"stuffed", "flowed", " >a\r\n  b\r\n From\r\n", ">a\n b\nFrom\n"},
		{"signature", "delsp", "a\r\n-- \r\nb\r\n", "a\n-- \nb\n"},
		{"a quoted signature", "delsp", "> -- \r\n> b", "> -- \n> b"},
		{"like a signature", "delsp", "--- \r\nb", "---b"},
		{"a paragraph of blanks", "flowed", "a \r\n\r\nb", "a \nb"},
		{"flowed at the end", "flowed", "a ", "a "},
		{"quote at the end", "flowed", "a\n>>", "a\n>> "},
		{"bare CR", "flowed", "a \rb\r", "a b\n"},
		{"cells", "table", "Name;NHS no\r\nJane;9990000018\r\n", "Name\tNHS no\nJane\t9990000018\n\f"},
		{"quotes in cells", "table", "\"a;\"\"b\"\"\";c\n\"d\r\ne\" ;f\"g\r", "a;\"b\"\tc\nd e \tf\"g\n\f"},
		{"a quote without an end", "table", "\"a;b\nc", "a;b c\f"},
		{"empty cells", "table", ";;a\n", "\t\ta\n\f"},
		{"blanks before quotes", "table", "a; \"b;c\"", "a\t b;c\f"},
		{"folds", "folded", "DESCRIPTION:999 0\r\n 00 0\r\n\t018\r\nEND\r\n", "DESCRIPTION:999 000 0018\nEND\n"},
		{"escapes", "folded", "a\\n999\\, b\\;\\\\n\\x\\\r\nc\\\n nd\\", "a\n999, b;\\n\\x\\\nc\nd\\\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, n := range []int{1, 2, 3, 5, 1000} {
				if got := read(test.kind, test.text, n); got != test.want {
					t.Errorf("in pieces of %d: got %q, want %q", n, got, test.want)
				}
			}
		})
	}
}

func TestDelimiter(t *testing.T) {
	for _, test := range []struct {
		name, start string
		isTable     bool
		want        byte
	}{
		{"semicolons", "a;b;c\nd;e,f;g\nh;i;\"j\nk\"\n", true, ';'},
		{"commas", "a,b,c\r\nd,e,f\r\n\r\ng,h,i\r\n", true, ','},
		{"tabs", "a\tb\tc\nd\te\tf\ng\th\ti\nj", true, '\t'},
		{"too few rows", "a,b,c\nd,e,f\n", false, ','},
		{"too few cells", "a,b\nc,d\ne,f\n", false, ','},
		{"prose", "Dear Jane,\nthank you; yes, no,\nand more.\n", false, ','},
		{"rows that differ", "Title\na;b;c\nd;e;f\ng;h;i\n", false, ';'},
		{"named", "sep=|\na|b\n", false, '|'},
	} {
		if got := IsTable([]byte(test.start), 3, 3); got != test.isTable {
			t.Errorf("%s: got %v", test.name, got)
		}
		if got := Delimiter([]byte(test.start)); got != test.want {
			t.Errorf("%s: got %q", test.name, got)
		}
	}
}

// FuzzReaders holds that a cut changes nothing, and that no letter or digit is
// lost.
func FuzzReaders(f *testing.F) {
	for kind := range readers {
		f.Add(kind, "> a \r\n-- \n\"b;\"\"c\"\r d\\n\n e", 2)
	}
	f.Fuzz(func(t *testing.T, kind, text string, n int) {
		if readers[kind] == nil {
			return
		}
		text = strings.ToValidUTF8(text, "") // a decoder comes before a reader
		whole, cut := read(kind, text, len(text)+1), read(kind, text, max(n, 1))
		if whole != cut {
			t.Errorf("whole %q, cut %q", whole, cut)
		}
		if kind == "folded" {
			text = strings.NewReplacer("n", "", "N", "").Replace(text)
			whole = strings.NewReplacer("n", "", "N", "").Replace(whole)
		}
		if keep(whole) != keep(text) {
			t.Errorf("got %q, want %q", whole, text)
		}
	})
}

// keep returns the characters of a text that every reader shows.
func keep(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n\f\\\";>", r) {
			return -1
		}
		return r
	}, text)
}

func BenchmarkReaders(b *testing.B) {
	text := []byte(strings.Repeat("Discharge summary for ward 7;with thanks \r\n", 1<<20/43))
	for kind, open := range readers {
		b.Run(kind, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			r := open(&discard{})
			for b.Loop() {
				r.Write(text)
			}
		})
	}
}

type discard struct{ sinktest.Recorder }

func (*discard) Text([]byte) {}
