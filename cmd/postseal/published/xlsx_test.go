package published_test

import (
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/published"
	"github.com/postseal/postseal/rules/accredited"
)

// parts are the contents of a workbook with one sheet. Empty parts are as Excel
// writes them.
type parts struct{ workbook, links, sheet, sheet2, strings, styles, root string }

func (p parts) pack(tb testing.TB) []byte {
	tb.Helper()
	const xmlns = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	const types = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, part := range []struct{ name, text string }{
		{"xl/workbook.xml", cmp.Or(p.workbook, `<workbook `+xmlns+`><sheets><sheet name="List" sheetId="7" r:id="rId1"/></sheets></workbook>`)},
		{"xl/_rels/workbook.xml.rels", cmp.Or(p.links, `<Relationships>`+
			`<Relationship Id="rId2" Type="`+types+`/sharedStrings" Target="sharedStrings.xml"/>`+
			`<Relationship Id="rId3" Type="`+types+`/styles" Target="styles.xml"/>`+
			`<Relationship Id="rId4" Type="`+types+`/worksheet" Target="worksheets/sheet2.xml"/>`+
			`<Relationship Id="rId1" Type="`+types+`/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`)},
		{"xl/worksheets/sheet1.xml", p.sheet},
		{"xl/worksheets/sheet2.xml", p.sheet2},
		{"xl/sharedStrings.xml", cmp.Or(p.strings, `<sst/>`)},
		{"xl/styles.xml", cmp.Or(p.styles, `<styleSheet/>`)},
		{"_rels/.rels", cmp.Or(p.root, `<Relationships/>`)},
	} {
		w, err := z.Create(part.name)
		if err == nil {
			_, err = w.Write([]byte(part.text))
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// sheetOf makes a sheet with the column headers A and B.
func sheetOf(rows string) string {
	return `<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Organisation</t></is></c><c r="B1" t="inlineStr"><is><t>Domain</t></is></c></row>` + rows + `</sheetData></worksheet>`
}

func TestReadWorkbook(t *testing.T) {
	listed := []accredited.Row{{Organisation: "A", Domain: "listed.example"}}
	const row = `<row r="2"><c r="A2" t="str"><v>A</v></c><c r="B2" t="str"><v>listed.example</v></c></row>`
	for _, test := range []struct {
		name  string
		parts parts
		want  []accredited.Row
		fault string
	}{
		{"values of formulas", parts{sheet: sheetOf(`<row r="2"><c r="A2" t="str"><f>X</f><v>A</v></c><c r="B2" t="str"><f>X</f><v>listed.example</v></c></row>`)}, listed, ""},
		{"shared strings", parts{
			sheet:   sheetOf(`<row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2" t="s"><v>0</v></c></row>`),
			strings: `<sst><si><t>listed.example</t></si><si><t>A</t></si></sst>`,
		}, listed, ""},
		{"runs, and no phonetics", parts{
			sheet:   sheetOf(`<row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2" t="s"><v>0</v></c></row>`),
			strings: `<sst><si><r><t>listed.</t></r><r><rPr/><t>example</t></r><rPh sb="0" eb="1"><t>x</t></rPh></si><si><t>A</t></si></sst>`,
		}, listed, ""},
		{"escaped line break", parts{sheet: sheetOf(`<row r="2"><c r="A2" t="str"><v>A_x000a_</v></c><c r="B2" t="str"><v>listed.example_x000D_</v></c></row>`)}, listed, ""},
		{"no references", parts{sheet: sheetOf(`<row><c t="str"><v>A</v></c><c t="str"><v>listed.example</v></c></row>`)}, listed, ""},
		{"reversed cells", parts{sheet: sheetOf(`<row r="2"><c r="B2" t="str"><v>listed.example</v></c><c r="A2" t="str"><v>A</v></c></row>`)}, listed, ""},
		{"cells far to the right", parts{sheet: sheetOf(`<row r="2"><c r="A2" t="str"><v>A</v></c><c r="B2" t="str"><v>listed.example</v></c><c r="XFD2"><v>1</v></c><c r="ZZZZZZZZZZZZZZZZ2"><v>1</v></c></row>`)}, listed, ""},
		{"header too far to the right", parts{sheet: `<worksheet><row><c r="ZZ1" t="str"><v>Domain</v></c></row></worksheet>`}, nil, "list: the list is empty"},
		{"missing cell", parts{sheet: sheetOf(`<row r="2"><c r="B2" t="str"><v>listed.example</v></c></row>`)}, []accredited.Row{{Domain: "listed.example"}}, ""},
		{"blank rows", parts{sheet: sheetOf(`<row r="2"/><row r="3"><c r="A3"/></row>` + strings.ReplaceAll(row, "2", "4"))}, listed, ""},
		{"absolute target", parts{
			links: `<Relationships><Relationship Id="rId1" Target="/xl/worksheets/sheet1.xml"/></Relationships>`,
			sheet: sheetOf(row),
		}, listed, ""},
		{"strict namespaces", parts{
			workbook: `<workbook xmlns="http://purl.oclc.org/ooxml/spreadsheetml/main" xmlns:r="http://purl.oclc.org/ooxml/officeDocument/relationships"><sheets><sheet sheetId="7" r:id="rId1"/></sheets></workbook>`,
			sheet:    sheetOf(row),
		}, listed, ""},
		{"row number of a fault", parts{sheet: sheetOf(`<row r="7"><c r="A7" t="str"><v>A</v></c><c r="B7" t="str"><v>none</v></c></row>`)}, nil, `list: row 7: "none" is not a domain name`},
		{"string that is not there", parts{sheet: sheetOf(`<row r="2"><c r="B2" t="s"><v>-1</v></c></row>`)}, nil, "list: row 2: the workbook is damaged: cell B2 refers to a missing string"},
		{"sheet that ends early", parts{sheet: strings.TrimSuffix(sheetOf(row), `</sheetData></worksheet>`)}, nil, "list: row 2: the workbook is damaged: XML syntax error"},
		{"strings that end early", parts{sheet: sheetOf(row), strings: `<sst><si><t>A`}, nil, "list: the workbook is damaged: xl/sharedStrings.xml: XML syntax error"},
		{"hidden sheets alone", parts{
			workbook: `<workbook xmlns:r="r"><sheets><sheet state="hidden" r:id="rId1"/><sheet state="veryHidden" r:id="rId2"/></sheets></workbook>`,
			sheet:    sheetOf(row),
		}, nil, "list: the workbook is damaged: it has no visible sheet"},
		{"target outside", parts{
			links: `<Relationships><Relationship Id="rId1" Target="../../../../etc/passwd"/></Relationships>`,
			sheet: sheetOf(row),
		}, nil, "list: the workbook is damaged: etc/passwd: it is missing"},
		{"rows of an extension", parts{sheet: strings.Replace(sheetOf(""), "</sheetData>", `</sheetData><extLst><ext><sheetData>`+row+`</sheetData></ext></extLst>`, 1)}, nil, "list: no row follows"},
		{"rows of another sheet inside", parts{sheet: strings.Replace(sheetOf(""), "</sheetData>", `</sheetData><x><worksheet><sheetData>`+row+`</sheetData></worksheet></x>`, 1)}, nil, "list: no row follows"},
		{"rows of another namespace", parts{sheet: sheetOf(strings.Replace(row, "<row", `<row xmlns="x"`, 1))}, nil, "list: no row follows"},
		{"a cell below a cell", parts{sheet: sheetOf(`<row r="2"><c r="A2" t="str"><v>A</v></c><c r="C2"><c r="B2" t="str"><v>listed.example</v></c></c></row>`)}, nil, `list: row 2: has no domain name`},
		{"a row that appears twice", parts{sheet: sheetOf(row + row)}, nil, "list: row 2: the workbook is damaged: the row is out of order, or appears twice"},
		{"a cell that appears twice", parts{sheet: sheetOf(strings.Replace(row, "</row>", `<c r="B2" t="str"><v>other.example</v></c></row>`, 1))}, nil, "list: row 2: the workbook is damaged: cell B2 is in a wrong row, or appears twice"},
		{"a cell of another row", parts{sheet: sheetOf(strings.Replace(row, "B2", "B900", 1))}, nil, "list: row 2: the workbook is damaged: cell B900 is in a wrong row, or appears twice"},
		{"a sheet that appears twice", parts{sheet: sheetOf(row), links: `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/><Relationship Id="rId1" Target="worksheets/sheet2.xml"/></Relationships>`}, nil, `list: the workbook is damaged: its relationship "rId1" appears twice`},
		{"strings that are there twice", parts{sheet: sheetOf(row), links: `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/><Relationship Id="a" Type="x/sharedStrings" Target="a.xml"/><Relationship Id="b" Type="x/sharedStrings" Target="b.xml"/></Relationships>`}, nil, `list: the workbook is damaged: its relationship "b" appears twice`},
		{"a usual root", parts{sheet: sheetOf(row), root: `<Relationships><Relationship Type="x/officeDocument" Target="xl/workbook.xml"/></Relationships>`}, listed, ""},
		{"a root with a slash", parts{sheet: sheetOf(row), root: `<Relationships><Relationship Type="x/officeDocument" Target="/xl/workbook.xml"/></Relationships>`}, listed, ""},
		{"another workbook in the archive", parts{sheet: sheetOf(row), root: `<Relationships><Relationship Type="x/officeDocument" Target="other/workbook.xml"/></Relationships>`}, nil,
			`list: the workbook is in "/other/workbook.xml" and not in xl/workbook.xml, as Excel writes it: open it in Excel`},
		{"empty sheet", parts{}, nil, "list: the list is empty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, err := published.Read("list", test.parts.pack(t))
			rows := list.Rows
			if got := fmt.Sprint(err); test.fault != "" && !strings.HasPrefix(got, test.fault) || test.fault == "" && err != nil {
				t.Errorf("got fault %s, want %s", got, test.fault)
			}
			if !slices.Equal(rows, test.want) {
				t.Errorf("got %v, want %v", rows, test.want)
			}
		})
	}
}

// FuzzReadWorkbook mutates the parts inside the archive, which fuzzing whole
// files seldom reaches.
func FuzzReadWorkbook(f *testing.F) {
	f.Add(sheetOf(`<row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2" t="s"><v>0</v></c></row>`), `<sst><si><t>listed.example</t></si><si><r><t>A</t></r></si></sst>`)
	f.Add(sheetOf(`<row><c t="str"><v>A</v></c><c t="inlineStr"><is><t>listed.example_x000D_</t></is></c><c r="XFD2"/></row>`), `<sst/>`)
	f.Add(sheetOf(`<row hidden="1"><c s="1" t="s"><v>0</v></c><c/></row><row ht="0"/><mergeCell ref="B2:B4"/><col min="1" max="9" hidden="true"/><cfRule dxfId="0"/>`), `<sst><si><r><rPr><strike/></rPr><t>x</t></r></si></sst>`)
	const styles = `<styleSheet><fonts><font/><font><strike/></font></fonts><cellXfs><xf fontId="0"/><xf fontId="1"/></cellXfs><dxfs><dxf><font><strike val="0"/></font></dxf></dxfs></styleSheet>`
	f.Fuzz(func(t *testing.T, sheet, strings string) {
		checkRead(t, parts{sheet: sheet, strings: strings, styles: styles}.pack(t))
		checkRead(t, parts{sheet: sheetOf(""), sheet2: sheet, strings: strings, styles: sheet,
			workbook: `<workbook xmlns:r="r"><sheets><sheet name="A" r:id="rId1"/><sheet name="B" r:id="rId4"/></sheets></workbook>`}.pack(t))
	})
}
