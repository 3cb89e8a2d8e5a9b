package document

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// emf returns a drawing with text, as wide and high as a line of text.
func emf(text string) string {
	units := utf16le(text)
	units += strings.Repeat("\x00", -len(units)&3)
	record := string(le(uint32(84), uint32(76+len(units)))) + strings.Repeat("\x00", 36) + string(le(uint32(len([]rune(text))), 76, 0)) + strings.Repeat("\x00", 20) + units
	return string(le(uint32(1), 88, 0, 0, 0, 0, 0, 0, 3000, 500)) + " EMF" + strings.Repeat("\x00", 44) + record + string(le(uint32(14), 20, 0, 0, 20))
}

// wmf returns such a drawing in the older format.
func wmf(text string) string {
	text += strings.Repeat("\x00", len(text)&1)
	return "\xd7\xcd\xc6\x9a\x00\x00" + string(le(uint16(0), 0, 1000, 200, 1440, 0, 0, 0)) + "\x01\x00\x09\x00\x00\x03" + strings.Repeat("\x00", 12) +
		string(le(uint16(6+len(text)/2), 0, 0x521, uint16(len(text)))) + text + string(le(uint16(0), 0, 3, 0, 0))
}

// TestShown reads texts in unusual places where a person still sees them.
func TestShown(t *testing.T) {
	const nhs = "999 000 0018"
	part := func(name, content string) []byte {
		return office(t, file{"word/document.xml", "<w:document/>"}, file{name, content})
	}
	sheet := func(content string) []byte { return part("xl/worksheets/sheet1.xml", content) }
	odt := func(content string) []byte {
		return archive(t, file{"META-INF/manifest.xml", "<manifest/>"}, file{"content.xml", "<office:document-content><office:text>" + content + "</office:text></office:document-content>"})
	}
	text := archive(t, file{"a.txt", "x"}, file{"b.txt", nhs})
	first, second := bytes.Index(text, []byte("PK\x01\x02")), bytes.LastIndex(text, []byte("PK\x01\x02"))
	hidden := slices.Concat(text[:first], text[first:second], []byte("PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00"), le(uint32(second-first), uint32(first)), []byte{0, 0})
	var comment, packed, blip bytes.Buffer
	z := zip.NewWriter(&comment)
	z.SetComment("Letter " + nhs)
	z.Close()
	g := gzip.NewWriter(&packed)
	g.Name = nhs + ".txt"
	g.Close()
	blip.WriteString("\x40\x3d\x1a\xf0" + strings.Repeat("\x00", 54))
	w := zlib.NewWriter(&blip)
	w.Write([]byte(emf(nhs)))
	w.Close()
	for name, data := range map[string][]byte{
		"EMF":                 []byte(emf(nhs)),
		"WMF":                 []byte(wmf(nhs)),
		"EMF in Word":         part("word/media/image1.emf", emf(nhs)),
		"EMF in RTF":          []byte(`{\rtf1{\pict\emfblip ` + hex.EncodeToString([]byte(emf(nhs))) + `}}`),
		"EMF in old Word":     compound(node{name: "Data", content: blip.String()}),
		"EMF in old Excel":    compound(node{name: "Workbook", content: "\xeb\x00" + string(le(uint16(blip.Len()))) + blip.String()}),
		"HTML in Word":        part("word/afchunk.html", "<html><p><b>99</b>9 000 0018"),
		"SVG in Word":         part("word/media/a.svg", "<svg><text><tspan>99</tspan><tspan>9 000 0018</tspan></text></svg>"),
		"line of a button":    part("xl/drawings/vmlDrawing1.vml", "<xml><v:textbox><div>NHS<br>"+nhs+"</div></v:textbox></xml>"),
		"PDF in XDP":          []byte(`<?xml version="1.0"?><xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"><pdf><document><chunk>` + base64.StdEncoding.EncodeToString([]byte(`{\rtf1 `+nhs+`}`)) + `</chunk></document></pdf></xdp:xdp>`),
		"form in XDP":         []byte(`<?xml version="1.0"?><xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"><data><a>` + nhs + `</a></data></xdp:xdp>`),
		"choice":              docx(t, `<w:ddList><w:listEntry w:val="`+nhs+`"/></w:ddList>`),
		"content control":     docx(t, `<w:listItem w:displayText="`+nhs+`"/>`),
		"tooltip":             docx(t, `<w:hyperlink w:tooltip="`+nhs+`"/>`),
		"title":               docx(t, `<wp:docPr title="`+nhs+`"/>`),
		"number of a list":    part("word/numbering.xml", `<w:numbering><w:lvlText w:val="`+nhs+` %1"/></w:numbering>`),
		"control":             part("word/activeX/activeX1.xml", `<ax:ocx><ax:ocxPr ax:name="Value" ax:value="`+nhs+`"/></ax:ocx>`),
		"chart of 2016":       part("word/charts/chartEx1.xml", `<cx:chartSpace><cx:pt>`+nhs+`</cx:pt></cx:chartSpace>`),
		"formula":             sheet(`<worksheet><c><f>"` + nhs + `"</f></c></worksheet>`),
		"validation":          sheet(`<worksheet><x14:formula1><xm:f>"` + nhs + `"</xm:f></x14:formula1></worksheet>`),
		"tooltip of a cell":   sheet(`<worksheet><hyperlink tooltip="` + nhs + `"/></worksheet>`),
		"column":              part("xl/tables/table1.xml", `<table><tableColumn name="`+nhs+`"/></table>`),
		"XPS":                 part("1.fpage", `<FixedPage><Glyphs UnicodeString="999 "/><Glyphs UnicodeString="000 "/><Glyphs UnicodeString="0018"/></FixedPage>`),
		"form of ODF":         odt(`<form:checkbox form:label="` + nhs + `"/>`),
		"choice of ODF":       odt(`<text:p><text:label text:value="` + nhs + `"/></text:p>`),
		"number of ODF":       odt(`<text:number>` + nhs + `</text:number>`),
		"cell of ODF":         odt(`<table:table><table:table-cell office:string-value="` + nhs + `"/></table:table>`),
		"choice of RTF":       []byte(`{\rtf1{\*\formfield{\*\ffl ` + nhs + `}}}`),
		"comment of ZIP":      comment.Bytes(),
		"not listed in ZIP":   hidden,
		"two ZIPs":            slices.Concat(archive(t, file{"a.txt", nhs}), archive(t, file{"b.txt", "x"})),
		"name in gzip":        packed.Bytes(),
		"attachment of a MSG": compound(node{name: "__properties_version1.0", content: "x"}, node{name: "__attach_version1.0_#00000000", inside: []node{{name: "__substg1.0_3707001F", content: utf16le(nhs + ".txt")}}}),
	} {
		got, found := read(data, roomy)
		got = strings.Join(strings.Fields(got), " ")
		if !strings.Contains(got, nhs) || slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, "unreadable") }) {
			t.Errorf("%s: got %q, found %q", name, got, found)
		}
	}
}

// TestUnreadText reads text without characters, and data that only looks like a font.
func TestUnreadText(t *testing.T) {
	expect(t, office(t, file{"1.fpage", `<FixedPage><Glyphs Indices="28;28;28"/></FixedPage>`}), "<2> \n", "unreadable no-characters 2")
	expect(t, []byte("\x00\x01\x00\x00\x00\x02\x00\x01\x00\x05\x00\x02\x00\x02\xc0HBAM7\x00\x00"), "", "unreadable unknown-type 2")
	expect(t, []byte("\x00\x01\x00\x00\x00\x0c\x00\x80\x00\x03\x00\x40"), "")
	expect(t, []byte(emf("x")[:120]), "", "unreadable damaged 2")
	expect(t, compound(node{name: "Workbook", content: "\xeb\x00" + string(le(uint16(33))) + png(1000, 1000) + strings.Repeat("\x00", 9)}), "", "picture 2")
}
