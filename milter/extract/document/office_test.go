package document

import (
	"encoding/base64"
	"math"
	"testing"
)

const word = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"`

// docx returns a document of Word with the body.
func docx(t testing.TB, body string) []byte {
	t.Helper()
	return office(t, file{"word/document.xml", `<?xml version="1.0"?><w:document ` + word + `><w:body>` + body + `</w:body></w:document>`})
}

func TestDOCX(t *testing.T) {
	for _, c := range []struct{ name, body, text string }{
		{"split", `<w:p><w:r><w:t>999 0</w:t></w:r><w:proofErr/><w:r><w:rPr><w:b/></w:rPr><w:t>00 0018</w:t></w:r></w:p>`, "999 000 0018\n"},
		{"strict", `<x:p xmlns:x="http://purl.oclc.org/ooxml/wordprocessingml/main"><x:r><x:t>strict</x:t></x:r></x:p>`, "strict\n"},
		{"breaks", `<w:p><w:pPr><w:tabs><w:tab w:pos="1"/></w:tabs></w:pPr><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:cr/><w:t>d&amp;&#x20AC;</w:t><w:noBreakHyphen/></w:r></w:p>`, "a\tb\nc\nd&€\u2011\n"},
		{"symbols", `<w:p><w:r><w:sym w:char="F039"/><w:t><![CDATA[99]]></w:t></w:r></w:p>`, "999\n"},
		{"tracked", `<w:p><w:r><w:t>999 000 00</w:t></w:r><w:del><w:r><w:delText>18</w:delText></w:r></w:del><w:ins><w:r><w:t>26</w:t></w:r></w:ins></w:p>`, "999 000 0026\n999 000 0018\n"},
		{"moved", `<w:p><w:moveFrom><w:r><w:t>old</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>new</w:t></w:r></w:moveTo></w:p>`, "new\nold\n"},
		{"fields", `<w:p><w:r><w:t>NHS </w:t></w:r><w:r><w:instrText> MERGEFIELD n </w:instrText></w:r><w:r><w:t>999</w:t></w:r></w:p>`, "NHS 999\n MERGEFIELD n \n"},
		{"text box", `<w:p><w:r><w:t>999 000</w:t></w:r><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>choice</w:t></w:r></w:p></w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent><w:p><w:r><w:t>fallback</w:t></w:r></w:p></w:txbxContent></mc:Fallback></mc:AlternateContent><w:r><w:t> 0018</w:t></w:r></w:p>`, "999 000 0018\nchoice\nfallback\n"},
		{"table", `<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr><w:p><w:r><w:t>Name</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>NHS</w:t></w:r></w:p><w:p><w:r><w:t>number</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:p/></w:tc><w:tc><w:p><w:r><w:t>Street</w:t></w:r></w:p><w:p><w:r><w:t>Town</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>9990000018</w:t></w:r></w:p></w:tc></w:tr></w:tbl><w:p><w:r><w:t>after</w:t></w:r></w:p>`,
			"Name\t\tNHS number\n\tStreet\n\tTown\t9990000018\n\fafter\n"},
		{"inner table", `<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p><w:r><w:t>x</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>y</w:t></w:r></w:p></w:tc></w:tr></w:tbl><w:p/></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>`, "a\tb\n\fx\ty\n\f\n"},
		{"alternative text", `<w:p><w:r><w:drawing><wp:docPr descr="a scan"/></w:drawing><w:t>x</w:t></w:r></w:p>`, "x\na scan\n"},
	} {
		t.Run(c.name, func(t *testing.T) { expect(t, docx(t, c.body), "<2>"+c.text) })
	}
}

func TestWordNames(t *testing.T) {
	expect(t, archive(t, file{`[content_TYPES].xml`, "<Types/>"}, file{`WORD\Document.xml`, `<w:document><w:p><w:t>a</w:t></w:p></w:document>`}), "<2>a\n")
	expect(t, archive(t, file{`word\document.xml`, `<w:document><w:p><w:t>a</w:t></w:p></w:document>`}), "<2>a\n")
}

func TestWordParts(t *testing.T) {
	p := `<w:p><w:r><w:t>999 000 0018</w:t></w:r></w:p>`
	part := func(name, root string) file {
		return file{name, `<w:` + root + ` ` + word + `>` + p + `</w:` + root + `>`}
	}
	expect(t, office(t, part("a.xml", "hdr"), part("b.xml", "ftr"), part("c.xml", "footnotes"), part("d.xml", "endnotes"), part("e.xml", "comments"), part("f.xml", "glossaryDocument"), part("g.xml", "styles")),
		"<2 margin>999 000 0018\n<2 margin>999 000 0018\n<2>999 000 0018\n<2>999 000 0018\n<2>999 000 0018\n<2>999 000 0018\n")
}

func TestEmbedded(t *testing.T) {
	inner := docx(t, `<w:p><w:r><w:t>inner</w:t></w:r></w:p>`)
	expect(t, office(t,
		file{"word/embeddings/a.docx", string(inner)},
		file{"word/afchunk.rtf", `{\rtf1 chunk}`},
		file{"word/printerSettings1.bin", "\x00\x01"},
		file{"word/unknown.bin", "\x00\x01\x02"},
		file{"word/media/image1.png", png(1000, 1000)},
	), "<2>inner\n<2>chunk", "unreadable unknown-type 2", "picture 2")
}

func TestXLSX(t *testing.T) {
	sheet := func(name, rows string) file {
		return file{"xl/worksheets/" + name + ".xml", `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>` + rows + `</sheetData><headerFooter><oddHeader>&amp;L&amp;"Arial,Bold"&amp;12OFFICIAL&amp;RA &amp;&amp; B</oddHeader></headerFooter></worksheet>`}
	}
	expect(t, office(t,
		sheet("sheet1", `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>NHS number</t></is></c></row>
			<row r="2"><c r="A2" s="1"><v>46023</v></c><c r="C2"><v>9990000018</v></c><c s="2"><v>9990000018</v></c><c s="3"><v>101010000</v></c></row>
			<row r="3"/><row r="4"><c r="B4" t="str"><f>A1</f><v>a formula</v></c><c r="XFD4"><v>12.5</v></c></row>
			<row r="5"><c r="C5"><v>9.990000018E9</v></c><c r="D5" t="b"><v>1</v></c></row>`),
		file{"xl/sharedStrings.xml", `<sst><si><r><t>Na</t></r><r><t>me</t></r><rPh><t>kana</t></rPh></si></sst>`},
		file{"xl/styles.xml", `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="000\ 000\ 0000;[Red]@"/><numFmt numFmtId="165" formatCode="0000000000"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>`},
		file{"xl/comments1.xml", `<comments><commentList><comment><text><r><t>com</t></r><r><t>ment</t></r></text></comment></commentList></comments>`},
		file{"xl/threadedComments/threadedComment1.xml", `<ThreadedComments><threadedComment><text>thread</text></threadedComment></ThreadedComments>`},
		file{"xl/drawings/drawing1.xml", `<xdr:wsDr><xdr:txBody><a:p><a:r><a:t>shape</a:t></a:r></a:p></xdr:txBody></xdr:wsDr>`},
	), "<2>Name\t\tNHS number\n\t\t9990000018\t999 000 0018\t0101010000\n\ta formula"+tabs(254)+"12.5\n\t\t9990000018\n\f<2 margin>OFFICIAL\nA & B\n<2>comment\n\n<2>thread\n<2>shape\n")
}

func TestXLSB(t *testing.T) {
	record := func(kind int, data string) string {
		id := string([]byte{byte(kind)})
		if kind >= 0x80 {
			id = string([]byte{byte(kind) | 0x80, byte(kind >> 7)})
		}
		return id + string([]byte{byte(len(data))}) + data
	}
	wide := func(s string) string { return string([]byte{byte(len(s)), 0, 0, 0}) + utf16le(s) }
	cell := func(column byte) string { return string([]byte{column, 0, 0, 0, 0, 0, 0, 0}) }
	expect(t, office(t,
		file{"xl/worksheets/sheet1.bin", record(129, "") + record(0, "\x00\x00\x00\x00") + record(7, cell(0)+"\x00\x00\x00\x00") + record(6, cell(2)+wide("NHS number")) +
			record(0, "\x01\x00\x00\x00") + record(5, cell(2)+string(le(math.Float64bits(9990000018)))) + record(479, "\x00\x00"+wide("&CMargin")+"\xff\xff\xff\xff")},
		file{"xl/sharedStrings.bin", record(159, "") + record(19, "\x00"+wide("Name"))},
		file{"xl/comments1.bin", record(628, "") + record(637, "\x00"+wide("comment"))},
	), "<2>Name\t\tNHS number\n\t\t9990000018\n\f<2 margin>Margin\n\n<2>comment\n\f")
}

func TestPPTX(t *testing.T) {
	expect(t, office(t, file{"ppt/slides/slide1.xml", `<p:sld><p:sp><p:nvSpPr><p:nvPr><p:ph type="ftr"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>OFFICIAL-SENSITIVE</a:t></a:r></a:p></p:txBody></p:sp>` +
		`<p:grpSp><p:sp><p:txBody><a:p><a:r><a:t>999 000</a:t></a:r><a:r><a:t> 0018</a:t></a:r></a:p></p:txBody></p:sp></p:grpSp>` +
		`<a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>a</a:t></a:r></a:p></a:txBody></a:tc><a:tc><a:txBody><a:p><a:r><a:t>b</a:t></a:r></a:p></a:txBody></a:tc></a:tr></a:tbl></p:sld>`},
		file{"ppt/notesSlides/n.xml", `<p:notes><a:p><a:t>note</a:t></a:p></p:notes>`},
		file{"ppt/comments/c.xml", `<p:cmLst><p:cm><p:text>comment</p:text></p:cm></p:cmLst>`},
	), "<2 margin>OFFICIAL-SENSITIVE\n<2>999 000 0018\na\tb\n\f<2>note\n\n<2>comment\n")
}

func TestFlatOffice(t *testing.T) {
	expect(t, []byte(`<?xml version="1.0"?><w:wordDocument xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml"><w:body><w:p><w:r><w:t>old</w:t></w:r></w:p></w:body><w:hdr><w:p><w:t>top</w:t></w:p></w:hdr><w:binData>`+base64.StdEncoding.EncodeToString([]byte(png(999, 999)))+`</w:binData></w:wordDocument>`), "<2>old\n<2 margin>top\n", "picture 2")
	expect(t, []byte(`<?xml version="1.0"?><Workbook xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet><Table><Row><Cell><Data>a</Data></Cell><Cell ss:Index="3"><Data>9990000018</Data></Cell></Row></Table></Worksheet></Workbook>`), "<2>a\t\t9990000018\n\f")
}
