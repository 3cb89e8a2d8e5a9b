package document

import (
	"bytes"
	"math/rand"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// discard is a sink that costs nothing.
type discard struct{}

func (discard) Begin(detect.Place)    {}
func (discard) Text([]byte)           {}
func (discard) Found(finding.Finding) {}

// words returns text of about n octets that compresses as prose does.
func words(n int) string {
	random := rand.New(rand.NewSource(1))
	var b strings.Builder
	for b.Len() < n {
		for range 2 + random.Intn(8) {
			b.WriteByte(byte('a' + random.Intn(26)))
		}
		b.WriteByte(' ')
	}
	return b.String()
}

func bench(b *testing.B, data []byte) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		Read(bytes.NewReader(data), int64(len(data)), detect.Place{}, discard{}, roomy)
	}
}

// BenchmarkDOCX reads a document of 200 KiB, in runs as Word writes them.
func BenchmarkDOCX(b *testing.B) {
	var body strings.Builder
	for text := words(316 << 10); len(text) > 400; text = text[400:] {
		body.WriteString(`<w:p w:rsidR="00A77B3E" w:rsidRDefault="00000000"><w:pPr><w:jc w:val="both"/></w:pPr>`)
		for i := 0; i < 400; i += 50 {
			body.WriteString(`<w:r w:rsidRPr="00B1"><w:rPr><w:lang w:val="en-GB"/></w:rPr><w:t xml:space="preserve">` + text[i:i+50] + `</w:t></w:r>`)
		}
		body.WriteString(`</w:p>`)
	}
	data := docx(b, body.String())
	b.Logf("%d KiB", len(data)>>10)
	bench(b, data)
}

func BenchmarkXLSX(b *testing.B) {
	var rows strings.Builder
	for range 20000 {
		rows.WriteString(`<row r="1" spans="1:4"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>9990000018</v></c><c r="C1"><v>12.5</v></c><c r="D1" t="s"><v>0</v></c></row>`)
	}
	bench(b, office(b, file{"xl/worksheets/sheet1.xml", `<worksheet><sheetData>` + rows.String() + `</sheetData></worksheet>`}, file{"xl/sharedStrings.xml", "<sst><si><t>text</t></si></sst>"}))
}

func BenchmarkText(b *testing.B) { bench(b, []byte(words(1<<20))) }

func BenchmarkRTF(b *testing.B) {
	bench(b, []byte(`{\rtf1\ansi `+strings.ReplaceAll(words(1<<20), "e ", `\'e9\par `)+`}`))
}
