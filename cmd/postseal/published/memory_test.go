package published_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/cmd/postseal/published"
)

// The live memory that reading a list may take: for each octet of its file or
// of its unpacked parts, and for the largest list. postseal-rules(5) promises
// twice as much, because the collector lets the heap grow to that.
const (
	readingRatio = 32
	maxReading   = 32 << 20
)

// peakHeap returns the growth of the live heap while f runs. It samples the
// heap, so it can miss the peak.
func peakHeap(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	read := func() uint64 { metrics.Read(sample); return sample[0].Value.Uint64() }
	runtime.GC()
	before, peak := read(), uint64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				peak = max(peak, read())
				time.Sleep(200 * time.Microsecond)
			}
		}
	}()
	f()
	close(stop)
	<-done
	return max(peak, before) - before
}

// manyParts makes an archive of a workbook with n other parts.
func manyParts(tb testing.TB, count int) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.Create("xl/workbook.xml")
	for i := range count {
		z.CreateRaw(&zip.FileHeader{Name: fmt.Sprint(i)})
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// inflated is the size of generated text, in octets.
type inflated int

func (in inflated) fill(start, piece, end string) string {
	return start + strings.Repeat(piece, int(in)/len(piece)) + end
}

// numbered generates pieces that differ.
func (in inflated) numbered(start, format, end string) string {
	var b strings.Builder
	b.WriteString(start)
	for i := 0; b.Len() < int(in); i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String() + end
}

func sheetPart(text string) parts { return parts{sheet: text} }

var longName = strings.Repeat("é", 500)

// hostileWorkbooks and hostileTexts are built to take much memory.
var hostileWorkbooks = map[string]func(in inflated) parts{
	"a bomb of two parts": func(in inflated) parts {
		return parts{sheet: in.fill("<worksheet>", "<row/>", ""), strings: in.fill("<sst>", "<si/>", "")}
	},
	"empty cells":        func(in inflated) parts { return sheetPart(sheetOf(in.fill("<row>", "<c/>", "</row>"))) },
	"empty cells, named": func(in inflated) parts { return sheetPart(sheetOf(in.fill("<row>", `<c r="B"/>`, "</row>"))) },
	"cells far apart": func(in inflated) parts {
		return sheetPart(sheetOf(in.fill("", `<row><c r="IV"><v>x</v></c></row>`, "")))
	},
	"empty rows": func(in inflated) parts { return sheetPart(sheetOf(in.fill("", "<row/>", ""))) },
	"rows": func(in inflated) parts {
		return sheetPart(sheetOf(in.numbered("", `<row><c t="str"><v>A</v></c><c t="str"><v>a%d.example</v></c></row>`, "")))
	},
	"deep nesting": func(in inflated) parts { return sheetPart(in.fill("<worksheet>", "<a>", "")) },
	"attributes":   func(in inflated) parts { return sheetPart(in.numbered("<worksheet><row", ` a%d=""`, "/></worksheet>")) },
	"many attributes": func(in inflated) parts {
		return sheetPart(in.fill("<worksheet>", "<row"+strings.Repeat(` a=""`, 3000)+"/>", "</worksheet>"))
	},
	"a long attribute": func(in inflated) parts { return sheetPart(in.fill(`<worksheet><row a="`, "x", `"/></worksheet>`)) },
	"a comment":        func(in inflated) parts { return sheetPart(in.fill("<worksheet><!--", "x", "--></worksheet>")) },
	"an instruction":   func(in inflated) parts { return sheetPart(in.fill("<worksheet><?x ", "x", "?></worksheet>")) },
	"a document type": func(in inflated) parts {
		return sheetPart(`<!DOCTYPE x [` + in.fill("", "<!ENTITY a 'b'>", "") + `]><worksheet/>`)
	},
	"entities": func(in inflated) parts {
		return sheetPart(sheetOf(in.fill(`<row><c t="str"><v>`, "&amp;", "</v></c></row>")))
	},
	"a long cell": func(in inflated) parts {
		return sheetPart(sheetOf(in.fill(`<row><c t="str"><v>`, "x", "</v></c></row>")))
	},
	"a cell of runs": func(in inflated) parts {
		return sheetPart(sheetOf(in.fill(`<row><c t="inlineStr"><is>`, "<r><t>x</t></r>", "</is></c></row>")))
	},
	"merged cells": func(in inflated) parts { return sheetPart(sheetOf("") + in.fill("", `<mergeCell ref="A1:B2"/>`, "")) },
	"columns": func(in inflated) parts {
		return sheetPart("<worksheet>" + in.fill("", `<col min="1" max="16384"/>`, "") + "</worksheet>")
	},
	"shared strings": func(in inflated) parts {
		return parts{sheet: sheetOf(""), strings: in.fill("<sst>", "<si/>", "</sst>")}
	},
	"long shared strings": func(in inflated) parts {
		return parts{sheet: sheetOf(""), strings: in.fill("<sst>", "<si><t>"+longName+"</t></si>", "</sst>")}
	},
	"one shared string": func(in inflated) parts {
		return parts{sheet: sheetOf(""), strings: in.fill("<sst><si><t>", "x", "</t></si></sst>")}
	},
	"a string of runs": func(in inflated) parts {
		return parts{sheet: sheetOf(""), strings: in.fill("<sst><si>", "<r><t>x</t></r>", "</si></sst>")}
	},
	"a string for all": func(in inflated) parts {
		return parts{sheet: sheetOf(in.fill("", `<row><c t="s"><v>0</v></c><c t="str"><v>a.example</v></c></row>`, "")), strings: `<sst><si><t>` + strings.Repeat("x", int(in)) + `</t></si></sst>`}
	},
	"fonts and formats": func(in inflated) parts {
		return parts{sheet: sheetOf(""), styles: in.fill("<styleSheet><fonts>", "<font/>", "</fonts></styleSheet>")}
	},
	"formats": func(in inflated) parts {
		return parts{sheet: sheetOf(""), styles: in.fill("<styleSheet><cellXfs>", "<xf/>", "</cellXfs></styleSheet>")}
	},
	"sheets": func(in inflated) parts {
		return parts{workbook: in.fill("<workbook><sheets>", "<sheet/>", "</sheets></workbook>")}
	},
	"relationships": func(in inflated) parts {
		return parts{links: in.fill("<Relationships>", "<Relationship/>", "</Relationships>")}
	},
}

const listHead = "Organisation,Domain\n"

var hostileTexts = map[string]func(in inflated) string{
	"commas":             func(in inflated) string { return in.fill(listHead, ",", "\n") },
	"semicolons":         func(in inflated) string { return in.fill(listHead, ";", "\n") },
	"line ends":          func(in inflated) string { return in.fill(listHead, "\n", "") },
	"quotes":             func(in inflated) string { return in.fill(listHead+`"`, `""`, "\"\n") },
	"cells of line ends": func(in inflated) string { return in.fill(listHead, "\"\n\",", "\n") },
	"short rows":         func(in inflated) string { return in.fill(listHead, "x\n", "") },
	"rows of commas":     func(in inflated) string { return in.fill(listHead, strings.Repeat(",", 16000)+"\n", "") },
	"a long cell":        func(in inflated) string { return in.fill(listHead, "x", "\n") },
	"rows":               func(in inflated) string { return in.numbered(listHead, "A%d,a.example\n", "") },
	"organisations":      func(in inflated) string { return in.numbered(listHead, longName+" %d,a.example\n", "") },
	"rows left out": func(in inflated) string {
		return listHead + strings.Repeat("A,a.example\n", int(in)/80) + strings.Repeat("A,"+strings.Repeat("é", 300)+"\n", int(in)/800)
	},
	"doubtful rows":        func(in inflated) string { return listHead + in.fill("", "A,gmail.com\n", "") },
	"NULs":                 func(in inflated) string { return in.fill("", "\x00", "") },
	"UTF-16":               func(in inflated) string { return in.fill("\xff\xfe", "x\x01", "") },
	"Windows-1252":         func(in inflated) string { return in.fill(listHead, "\x80", "") },
	"Windows-1252, lines":  func(in inflated) string { return in.fill(listHead, "\x80\n", "") },
	"carriage returns":     func(in inflated) string { return in.fill("Organisation,Domain\r", "a,b\r", "") },
	"headings":             func(in inflated) string { return in.fill("", strings.Repeat("x", 500_000)+"\n", "") },
	"invalid UTF-8 quotes": func(in inflated) string { return in.fill(listHead, "\"\xff\"", "") },
}

// The memory for reading grows at most with the input, and has a limit.
func TestReadingTakesBoundedMemory(t *testing.T) {
	const small, large = 256 << 10, 7 << 20 // the limit is 8 MiB
	for name, make := range hostileWorkbooks {
		measureReading(t, name, make(small).pack(t), readingRatio*small)
	}
	for name, make := range hostileTexts {
		measureReading(t, name, []byte(make(small)), readingRatio*small)
	}
	for _, name := range []string{"deep nesting", "shared strings"} {
		measureReading(t, name+", large", hostileWorkbooks[name](large).pack(t), maxReading)
	}
	for _, name := range []string{"UTF-16", "Windows-1252"} {
		measureReading(t, name+", large", []byte(hostileTexts[name](large)), maxReading)
	}
	measureReading(t, "a bomb", sheetPart(strings.Repeat(" ", 20<<20)).pack(t), maxReading)
	measureReading(t, "many parts", manyParts(t, 20_000), maxReading)
}

func measureReading(t *testing.T, name string, data []byte, limit uint64) {
	t.Helper()
	if len(data) > published.MaxListSize {
		t.Fatalf("%s: %d octets, which are refused unread", name, len(data))
	}
	var err error
	peak := peakHeap(func() { _, err = published.Read("list", data) })
	if testing.Verbose() {
		t.Logf("%-28s %5.1f MiB of %4.1f: %.120v", name, float64(peak)/(1<<20), float64(len(data))/(1<<20), err)
	}
	if peak > limit {
		t.Errorf("%s: reading %d octets took %d, more than %d", name, len(data), peak, limit)
	}
}
