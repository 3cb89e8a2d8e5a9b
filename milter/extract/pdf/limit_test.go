package pdf_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/extract/pdf"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// counter is a sink that keeps nothing.
type counter struct {
	octets  int
	reasons map[finding.Reason]bool
}

func (c *counter) Begin(detect.Place)      {}
func (c *counter) Text(p []byte)           { c.octets += len(p) }
func (c *counter) Found(f finding.Finding) { c.reasons[f.Reason] = true }
func count(file []byte) *counter {
	c := &counter{reasons: make(map[finding.Reason]bool)}
	pdf.Read(bytes.NewReader(file), int64(len(file)), detect.Place{}, c, nil)
	return c
}

// bomb is what unpacks to n times a MiB of blanks, packed twice.
func bomb(n int) string {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	for range n {
		io.WriteString(w, strings.Repeat(" ", 1<<20))
	}
	w.Close()
	return deflate(out.String())
}

const twice = "/Filter[/FlateDecode/FlateDecode]"

// killers are files that keep a reader busy or fill its memory, and the reason
// that they have to be unreadable for. "" is any or none.
func killers() map[string]struct {
	file   []byte
	reason finding.Reason
} {
	page := "<</Type/Page/Parent 2 0 R/Contents 4 0 R>>"
	catalog, tree := "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>"
	var forms []string // each draws the next one twice
	for i := range 28 {
		forms = append(forms, stream(fmt.Sprintf("/Type/XObject/Subtype/Form/Resources<</XObject<</X %d 0 R>>>>", 8+i), "/X Do /X Do"))
	}
	forms = append(forms, stream("/Type/XObject/Subtype/Form", "BT (x) Tj ET"))
	return map[string]struct {
		file   []byte
		reason finding.Reason
	}{
		"a bomb as a page":    {build(catalog, tree, page, stream(twice, bomb(100))), finding.TooLarge},
		"many bombs":          {build(catalog, tree, "<</Type/Page/Contents["+strings.Repeat("4 0 R ", 1000)+"]>>", stream(twice, bomb(16))), finding.TooLarge},
		"ten filters":         {build(catalog, tree, page, stream("/Filter["+strings.Repeat("/AHx", 1000)+"]", "41")), finding.TooDeep},
		"arrays":              {build(catalog, tree, page, strings.Repeat("[", 1<<20)), finding.TooDeep},
		"dictionaries":        {document(strings.Repeat("<</A ", 1<<20)), ""},
		"a page of numbers":   {document(strings.Repeat("1 ", 1<<20)), ""},
		"an array of numbers": {document("[" + strings.Repeat("1 ", 1<<22)), ""},
		"saved states":        {document(strings.Repeat("q ", 1<<20)), ""},
		"marked contents":     {document(strings.Repeat("/P BMC ", 1<<20)), ""},
		"a long name":         {document("/" + strings.Repeat("#41", 1<<20) + " Do"), ""},
		"open strings":        {document(strings.Repeat("(", 1<<20)), ""},
		"doubling forms":      {documentWith("", "/XObject<</X 7 0 R>>", "/X Do", append([]string{"null"}, forms...)...), ""},
		"a long ActualText": {documentWith("", "/Properties<</P 6 0 R>>", strings.Repeat("/S/P BDC EMC ", 1<<18),
			"<</ActualText("+strings.Repeat("x", 1<<16)+")>>"), finding.TooLarge},
		"a length that is its own": {build(catalog, tree, page, "<</Length 4 0 R>>stream\nendstream"), ""},
		"no end of streams":        {[]byte("%PDF-1.7\n" + strings.Repeat("1 0 obj<</Length 9>>stream ", 1<<16)), finding.Damaged},
		"catalogs":                 {[]byte("%PDF-1.7\n" + strings.Repeat("1 0 obj<</Type/Catalog/XRef(", 1<<16)), ""},
		"trailers":                 {[]byte("%PDF-1.7\n" + strings.Repeat("trailer<</A(", 1<<18)), finding.Damaged},
		"object streams":           {[]byte("%PDF-1.7\n" + objectStreams(1<<13)), ""},
		"a cross-reference stream": {[]byte("%PDF-1.7\n1 0 obj" + stream("/Type/XRef/W[0 1 0]/Index[0 99999999]/Root 2 0 R"+twice, bomb(100)) + "\nstartxref 9\n"), finding.TooLarge},
	}
}

func objectStreams(n int) string {
	var out strings.Builder
	for i := range n {
		out.WriteString(fmt.Sprintf("%d 0 obj%s endobj\n", i+1, stream("/Type/ObjStm/N 9999/First 99/Filter/FlateDecode", deflate(strings.Repeat("1 1 ", 1<<12)))))
	}
	return out.String()
}

// TestKillers holds that no file takes long or needs much memory.
func TestKillers(t *testing.T) {
	for name, k := range killers() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			c := count(k.file)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			t.Logf("%d octets: %v, %d MB, %d octets of text, %v", len(k.file), took, (after.TotalAlloc-before.TotalAlloc)>>20, c.octets, c.reasons)
			if took > time.Minute {
				t.Errorf("%v", took)
			}
			if after.Sys > 1<<30 {
				t.Errorf("%d MB of memory", after.Sys>>20)
			}
			if k.reason != "" && !c.reasons[k.reason] {
				t.Errorf("%v, not %s", c.reasons, k.reason)
			}
		})
	}
}

// TestLoops reads files whose objects refer to each other in a circle.
func TestLoops(t *testing.T) {
	line := "BT /F1 12 Tf 72 700 Td (999 000 0018) Tj ET"
	catalog := "<</Type/Catalog/Pages 2 0 R%s>>"
	tree, page := "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R%s/Contents 4 0 R>>"
	with := func(more, pages string, objects ...string) []byte {
		return build(append([]string{fmt.Sprintf(catalog, more), tree, fmt.Sprintf(page, pages), stream("", line)}, objects...)...)
	}
	for name, file := range map[string][]byte{
		"pages":     build("<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[2 0 R 3 0 R]/Count 1>>", fmt.Sprintf(page, ""), stream("", line)),
		"count":     build("<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 2000000000>>", fmt.Sprintf(page, ""), stream("", line)),
		"previous":  bytes.Replace(with("", ""), []byte("/Root"), []byte("/Prev 330/Root"), 1),
		"bookmarks": with("/Outlines 5 0 R", "", "<</First 6 0 R>>", "<</Title(a)/Next 6 0 R>>"),
		"fields":    with("/AcroForm<</Fields[5 0 R]>>", "", "<</T(a)/Kids[5 0 R]>>"),
		"names":     with("/Names<</EmbeddedFiles 5 0 R>>", "", "<</Kids[5 0 R]>>"),
		"form":      documentWith("", "/XObject<</X 6 0 R>>", line+" /X Do", stream("/Subtype/Form", "/X Do")),
		"predictor": document("", stream("", "")),
	} {
		t.Run(name, func(t *testing.T) {
			if name == "previous" {
				at := bytes.Index(file, []byte("xref\n0"))
				file = bytes.Replace(file, []byte("/Prev 330"), []byte(fmt.Sprintf("/Prev %d", at)), 1)
			}
			if name == "predictor" {
				file = build(fmt.Sprintf(catalog, ""), tree, fmt.Sprintf(page, ""), stream("/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 2147483647>>", deflate(line)))
			}
			r := read(file)
			r.wantFindings(t, "damaged")
			if !strings.Contains(r.text.String(), "999 000 0018") {
				t.Errorf("%q", r.text.String())
			}
		})
	}
}

// FuzzRead holds that no file makes the reader panic, or keeps it busy. Read itself
// recovers.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("../../../testdata/documents/pdf/*.pdf")
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil && len(data) < 10_000 {
			f.Add(data)
		}
	}
	f.Add(document("BT /F1 12 Tf (999) Tj ET"))
	f.Fuzz(readOrPanic)
}

func readOrPanic(t *testing.T, data []byte) {
	r := new(recorder)
	start := time.Now()
	pdf.ReadOrPanic(bytes.NewReader(data), int64(len(data)), detect.Place{Part: "2"}, r, nil)
	if most := 5 * time.Second; time.Since(start) > most {
		t.Error("took longer than", most)
	}
	if most := 64 * (len(data) + 1<<20); r.text.Len() > most {
		t.Errorf("wrote %d octets", r.text.Len())
	}
}

// FuzzContent is FuzzRead with a whole file around a content stream, a font and
// the font's program or map.
func FuzzContent(f *testing.F) {
	f.Add("BT /F2 12 Tf 72 700 Td [(9)-250(8)] TJ T* <0001> ' ET q 1 0 0 1 2 3 cm /X Do Q BI /W 9 ID x EI", "<</Subtype/Type0/Encoding/Identity-H/ToUnicode 7 0 R/DescendantFonts[<</W[1[5 6]7 8 9]>>]>>", "1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfrange <0001> <0009> [<0030>] endbfrange")
	f.Add("/S <</ActualText(9)>> BDC BT /F2 1 Tf (\\1a) Tj ET EMC", "<</Subtype/TrueType/FontDescriptor<</FontFile2 7 0 R>>>>", "\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00cmap\x00\x00\x00\x00\x00\x00\x00\x1c\x00\x00\x00\x40\x00\x00\x00\x01\x00\x03\x00\x00\x00\x00\x00\x0c\x00\x04")
	f.Add("BT /F2 1 Tf (a) Tj ET", "<</Subtype/Type1/FontDescriptor<</FontFile3 7 0 R>>/Encoding<</Differences[1/a/uni0041]>>>>", "\x01\x00\x04\x01\x00\x01\x01\x01\x02A\x00\x01\x01\x01\x04\x8b\x0f\x8b\x10\x00\x00")
	f.Add("BT /F2 1 Tf (a) Tj ET", "<</Subtype/Type1/FontDescriptor<</FontFile 7 0 R>>>>", "/Encoding 256 array dup 1 /nine put readonly def eexec")
	f.Fuzz(func(t *testing.T, content, font, program string) {
		readOrPanic(t, documentWith("/Annots[6 0 R]", "/XObject<</X 4 0 R/Y 7 0 R>>", content, font, stream("", program)))
	})
}

// BenchmarkRead reads a page of text.
func BenchmarkRead(b *testing.B) {
	var lines strings.Builder
	for i := range 50 {
		fmt.Fprintf(&lines, "BT /F1 10 Tf 72 %d Td [(The pa)5(tient was seen in the clinic on Monday, and will be seen )-20(again in six weeks.)] TJ ET\n", 780-14*i)
	}
	file := document(strings.Repeat(lines.String(), 20))
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		count(file)
	}
}
