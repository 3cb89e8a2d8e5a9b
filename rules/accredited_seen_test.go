package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules"
)

// twoSheets names both sheets of a workbook.
const twoSheets = `<workbook xmlns:r="r"><sheets><sheet name="A" r:id="rId1"/><sheet name="B" r:id="rId4"/></sheets></workbook>`

// strikeStyles has the cell formats 0, plain, and 1 and 2, which strike
// through, and 3, which says that it does not.
const strikeStyles = `<styleSheet><fonts><font><b/></font><font><strike/></font><font><strike val="true"/></font><font><strike val="0"/></font></fonts>` +
	`<cellStyleXfs><xf fontId="1"/></cellStyleXfs><cellXfs><xf fontId="0"/><xf fontId="1"/><xf fontId="2"/><xf fontId="3"/></cellXfs>` +
	`<dxfs><dxf><font><b/></font></dxf><dxf><font><strike/></font></dxf></dxfs></styleSheet>`

func inlineRow(number int, attributes, organisation, domain string) string {
	return fmt.Sprintf(`<row r="%d" %s>%s%s</row>`, number, attributes, inlineCell("A", number, organisation), inlineCell("B", number, domain))
}

// inlineCell makes a cell of text, or of the XML of one behind its reference.
func inlineCell(column string, row int, text string) string {
	if strings.HasPrefix(text, " ") {
		return fmt.Sprintf(`<c r="%s%d"%s</c>`, column, row, text)
	}
	return fmt.Sprintf(`<c r="%s%d" t="inlineStr"><is><t>%s</t></is></c>`, column, row, text)
}

// Nothing counts that a person who looks at the workbook does not see, or sees
// struck through.
func TestWorkbookReadsWhatIsSeen(t *testing.T) {
	padding := ""
	for number := 5; number < 30; number++ {
		padding += inlineRow(number, "", "X", "padding.example")
	}
	const hidden, struck = `[row 2: "listed.example" is in a hidden row]`, `[row 2: "listed.example" is struck through]`
	for _, test := range []struct {
		name                 string
		attributes           string // of the row
		organisation, domain string
		before, behind       string // the rows
		strings              string
		counts               bool
		leftOut              string
	}{
		{name: "plain", counts: true},
		{name: "hidden", attributes: `hidden="1"`, leftOut: hidden},
		{name: "hidden, in words", attributes: `hidden="true"`, leftOut: hidden},
		{name: "not hidden", attributes: `hidden="0"`, counts: true},
		{name: "of no height", attributes: `ht="0" customHeight="1"`, leftOut: hidden},
		{name: "of next to no height", attributes: `ht="0.75"`, leftOut: hidden},
		{name: "of another height", attributes: `ht="12.75"`, counts: true},
		{name: "filtered away", attributes: `spans="1:2" hidden="1"`, behind: `<autoFilter ref="A1:B30"><filterColumn colId="0"/></autoFilter>`, leftOut: hidden},
		{name: "in a closed group", attributes: `outlineLevel="1" hidden="1"`, leftOut: hidden},
		{name: "struck through", domain: ` s="1" t="str"><v>listed.example</v>`, leftOut: struck},
		{name: "struck through, in words", domain: ` s="2" t="str"><v>listed.example</v>`, leftOut: struck},
		{name: "not struck through", domain: ` s="3" t="str"><v>listed.example</v>`, counts: true},
		{name: "an unknown format", domain: ` s="99" t="str"><v>listed.example</v>`, counts: true},
		{name: "struck through as a run", domain: ` t="inlineStr"><is><r><rPr><strike/></rPr><t>listed.example</t></r></is>`, leftOut: struck},
		{name: "struck through in part", domain: ` t="inlineStr"><is><r><rPr><strike/></rPr><t>old.</t></r><r><t>listed.example</t></r></is>`, leftOut: `[row 2: "old.listed.example" is struck through]`},
		{name: "a blank struck through", domain: ` t="inlineStr"><is><r><rPr><strike/></rPr><t> </t></r><r><t>listed.example</t></r></is>`, counts: true},
		{name: "a run that is not", domain: ` t="inlineStr"><is><r><rPr><strike val="0"/></rPr><t>listed.example</t></r></is>`, counts: true},
		{name: "a shared string", domain: ` t="s"><v>0</v>`, strings: `<sst><si><r><rPr><b/><strike/></rPr><t>listed.example</t></r></si></sst>`, leftOut: struck},
		{name: "a shared string after one", domain: ` t="s"><v>1</v>`, strings: `<sst><si><r><rPr><strike/></rPr><t>x</t></r></si><si><t>listed.example</t></si></sst>`, counts: true},
		{name: "the organisation", organisation: ` s="1" t="str"><v>A</v>`, leftOut: `[row 2: "listed.example" belongs to an organisation whose name is struck through]`},
		{name: "hidden column", before: `<cols><col min="2" max="2" hidden="1"/></cols>`, leftOut: `fault: list: no column that can be seen is headed "Domain name", and column B is hidden: unhide it in Excel, make sure that it is meant, and save the workbook`},
		{name: "column of no width", before: `<cols><col min="1" max="16384" width="0" customWidth="1"/></cols>`, leftOut: `fault: list: no column that can be seen is headed "Domain name", and column A is hidden: unhide it in Excel, make sure that it is meant, and save the workbook`},
		{name: "hidden column of the organisation", before: `<cols><col min="1" max="1" hidden="1"/></cols>`, counts: true},
		{name: "hidden column at the end of the sheet", behind: `<cols><col min="2" max="2" hidden="1"/></cols>`, leftOut: `fault: list: no column that can be seen is headed "Domain name", and column B is hidden: unhide it in Excel, make sure that it is meant, and save the workbook`},
		{name: "merged", behind: `<mergeCells><mergeCell ref="B2:B3"/></mergeCells>`, counts: true},
		{name: "behind a merged cell", behind: `<mergeCells><mergeCell ref="$B$1:$B$2"/></mergeCells>`, leftOut: `[row 2: "listed.example" is hidden behind a merged cell]`},
		{name: "behind a wide merged cell", behind: `<mergeCells><mergeCell ref="A2:B4"/></mergeCells>`, leftOut: `[row 2: "listed.example" is hidden behind a merged cell]`},
		{name: "formula", domain: ` t="str"><f>LOWER(C2)</f><v>listed.example</v>`, counts: true},
		{name: "formula without a value", domain: `><f>LOWER(C2)</f>`, leftOut: `[row 2: the domain is a formula without a saved value]`},
		{name: "formula with an error", domain: ` t="e"><f>LOWER(C2)</f><v>#REF!</v>`, leftOut: `[row 2: "#REF!" is not a domain name]`},
		{name: "longer than a cell is read", domain: ` t="str"><v>listed.example` + strings.Repeat(" ", 5000) + `x</v>`, leftOut: `[row 2: "listed.example` + strings.Repeat(" ", 66) + `" is not a domain name]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			organisation, domain := test.organisation, test.domain
			if organisation == "" {
				organisation = "A"
			}
			switch {
			case domain == "":
				domain = "listed.example"
			case domain[0] == '>':
				domain = " " + domain
			}
			sheet := strings.Replace(sheetOf(inlineRow(2, test.attributes, organisation, domain)+padding), "<sheetData>", test.before+"<sheetData>", 1)
			sheet = strings.Replace(sheet, "</sheetData>", "</sheetData>"+test.behind, 1)
			list, err := rules.ReadAccredited("list", parts{sheet: sheet, strings: test.strings, styles: strikeStyles}.pack(t))
			got := fmt.Sprint(list.LeftOut)
			if err != nil {
				got = "fault: " + err.Error()
			}
			if test.counts && (err != nil || !slices.Equal(withoutPadding(list.Rows), []string{"listed.example"}) || len(list.LeftOut) > 0) {
				t.Errorf("got %v, left out %v, %v", withoutPadding(list.Rows), list.LeftOut, err)
			}
			if !test.counts && (got != test.leftOut || len(withoutPadding(list.Rows)) > 0) {
				t.Errorf("got %v and %s, want %s", withoutPadding(list.Rows), got, test.leftOut)
			}
		})
	}
}

// If two sheets hold domains, somebody has to look which is the list.
func TestWorkbookOfTwoSheets(t *testing.T) {
	list := sheetOf(inlineRow(2, "", "A", "listed.example"))
	listOf10 := sheetOf(strings.Repeat(inlineRow(2, "", "A", "listed.example"), 10))
	other := sheetOf(strings.Repeat(inlineRow(2, "", "A", "other.example"), 10))
	example := sheetOf(inlineRow(2, "", "A", "other.example"))
	notes := `<worksheet><sheetData><row><c t="str"><v>Domain name</v></c></row><row><c t="str"><v>one for each row of the list</v></c></row></sheetData></worksheet>`
	for _, test := range []struct {
		name   string
		parts  parts
		domain string
		doubt  string
	}{
		{"notes behind the list", parts{sheet: list, sheet2: notes}, "listed.example", "[]"},
		{"notes before the list", parts{sheet: notes, sheet2: list}, "listed.example", "[]"},
		{"an empty sheet before the list", parts{sheet: "<worksheet/>", sheet2: list}, "listed.example", "[]"},
		{"an example behind the list", parts{sheet: list, sheet2: example}, "listed.example", "[]"},
		{"an example before the list", parts{sheet: example, sheet2: listOf10}, "listed.example", "[]"},
		{"two lists", parts{sheet: listOf10, sheet2: other}, "listed.example", `[the sheets "A" and "B" both have a column of domains, and only the first is read]`},
		{"struck through by a rule", parts{sheet: strings.Replace(list, "</sheetData>", `</sheetData><conditionalFormatting><cfRule dxfId="1"/></conditionalFormatting>`, 1), sheet2: notes},
			"listed.example", "[conditional formatting strikes cells through, which postseal cannot see: look at the list in Excel]"},
		{"another rule", parts{sheet: strings.Replace(list, "</sheetData>", `</sheetData><conditionalFormatting><cfRule dxfId="0"/></conditionalFormatting>`, 1), sheet2: notes}, "listed.example", "[]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.parts.workbook, test.parts.styles = twoSheets, strikeStyles
			read, err := rules.ReadAccredited("list", test.parts.pack(t))
			if err != nil || len(read.Rows) != 1 || read.Rows[0].Domain != test.domain || fmt.Sprint(read.Doubts) != test.doubt {
				t.Errorf("got %v, doubts %v, %v", read.Rows, read.Doubts, err)
			}
		})
	}
}
