package published_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/published"
)

// twoSheets names the two sheets of a workbook.
const twoSheets = `<workbook xmlns:r="r"><sheets><sheet name="A" r:id="rId1"/><sheet name="B" r:id="rId4"/></sheets></workbook>`

// strikeStyles has four cell formats: 0 is plain, 1 and 2 strike through, and 3
// turns that off.
const strikeStyles = `<styleSheet><fonts><font><b/></font><font><strike/></font><font><strike val="true"/></font><font><strike val="0"/></font></fonts>` +
	`<cellStyleXfs><xf fontId="1"/></cellStyleXfs><cellXfs><xf fontId="0"/><xf fontId="1"/><xf fontId="2"/><xf fontId="3"/></cellXfs>` +
	`<dxfs><dxf><font><b/></font></dxf><dxf><font><strike/></font></dxf><dxf><font><color rgb="FFFFFFFF"/></font></dxf><dxf><font><color rgb="FFFFFFFF"/></font><fill/></dxf></dxfs></styleSheet>`

// looks makes cell format 1 from the XML of its font, fill and number format.
func looks(font, fill, format string) string {
	return `<styleSheet><numFmts><numFmt numFmtId="170" formatCode="` + format + `"/></numFmts><fonts><font/><font>` + font + `</font></fonts>` +
		`<fills><fill><patternFill patternType="none"/></fill><fill>` + fill + `</fill></fills><cellXfs><xf/><xf fontId="1" fillId="1" numFmtId="170"/></cellXfs></styleSheet>`
}

// Text is not visible if it has the colour of its cell, is tiny, or is replaced
// by its number format.
func TestVisibleText(t *testing.T) {
	const none, solid = `<patternFill patternType="none"/>`, `<patternFill patternType="solid"><fgColor %s/></patternFill>`
	filled := func(colour string) string { return fmt.Sprintf(solid, colour) }
	const faint, masked = "is in letters that cannot be seen", "has a number format that shows something else"
	for _, test := range []struct{ name, font, fill, format, want string }{
		{"plain", `<sz val="11"/><color theme="1"/>`, none, "General", ""},
		{"white", `<color rgb="FFFFFFFF"/>`, none, "General", faint},
		{"nearly white", `<color rgb="FFFEFDF0"/>`, none, "General", faint},
		{"white of the theme", `<color theme="0"/>`, none, "General", faint},
		{"white by number", `<color indexed="9"/>`, none, "General", faint},
		{"white on white", `<color theme="0"/>`, filled(`rgb="FFFFFFFF"`), "General", faint},
		{"white on blue", `<color theme="0"/>`, filled(`rgb="FF0000FF"`), "General", ""},
		{"blue on blue", `<color rgb="FF0000FF"/>`, filled(`rgb="FF0000FF"`), "General", faint},
		{"blue of the theme on the same", `<color theme="4" tint="0.5"/>`, filled(`theme="4" tint="0.5"`), "General", faint},
		{"blue of the theme on another", `<color theme="4" tint="0.5"/>`, filled(`theme="4"`), "General", ""},
		{"red", `<color rgb="FFFF0000"/>`, none, "General", ""},
		{"tiny", `<sz val="1"/>`, none, "General", faint},
		{"no text", ``, none, `;;;`, masked},
		{"another text", ``, none, `General;General;General;&quot;trusted.example&quot;`, masked},
		{"another text behind", ``, none, `@&quot;.example&quot;`, masked},
		{"escaped text", ``, none, `\a@`, masked},
		{"filled up", ``, none, `@*-`, masked},
		{"white by the format", ``, none, `[White]@`, masked},
		{"text", ``, none, `@`, ""},
		{"red text", ``, none, `0;0;0;[Red]@`, ""},
		{"accounting", ``, none, `_-* #,##0.00_-;-* #,##0.00_-;_-* &quot;-&quot;??_-;_-@_-`, ""},
		{"date", ``, none, `dd/mm/yyyy;@`, ""},
		{"numbers alone", ``, none, `0.00&quot; m&quot;`, ""},
	} {
		padding := ""
		for number := 3; number < 20; number++ {
			padding += inlineRow(number, "", "X", "padding.example")
		}
		sheet := sheetOf(inlineRow(2, "", "A", ` s="1" t="str"><v>listed.example</v>`) + padding)
		list, err := published.Read("list", parts{sheet: sheet, styles: looks(test.font, test.fill, test.format)}.pack(t))
		got := ""
		if len(list.LeftOut) > 0 {
			got = strings.TrimPrefix(list.LeftOut[0], `row 2: "listed.example" `)
		}
		if err != nil || got != test.want || (len(withoutPadding(list.Rows)) == 0) != (test.want != "") {
			t.Errorf("%s: got %v, left out %v, %v; want %q", test.name, withoutPadding(list.Rows), list.LeftOut, err, test.want)
		}
	}
}

func inlineRow(number int, attributes, organisation, domain string) string {
	return fmt.Sprintf(`<row r="%d" %s>%s%s</row>`, number, attributes, inlineCell("A", number, organisation), inlineCell("B", number, domain))
}

// inlineCell makes a cell from text or XML.
func inlineCell(column string, row int, text string) string {
	if strings.HasPrefix(text, " ") {
		return fmt.Sprintf(`<c r="%s%d"%s</c>`, column, row, text)
	}
	return fmt.Sprintf(`<c r="%s%d" t="inlineStr"><is><t>%s</t></is></c>`, column, row, text)
}

// Rows that are hidden or struck through in the workbook are left out.
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
		{name: "white as a run", domain: ` t="inlineStr"><is><r><rPr><color rgb="FFFFFFFF"/></rPr><t>evil.</t></r><r><t>listed.example</t></r></is>`, leftOut: `[row 2: "evil.listed.example" is in letters that cannot be seen]`},
		{name: "tiny as a run", domain: ` t="inlineStr"><is><r><rPr><sz val="1"/></rPr><t>evil.</t></r><r><rPr><sz val="11"/><color theme="1"/></rPr><t>listed.example</t></r></is>`, leftOut: `[row 2: "evil.listed.example" is in letters that cannot be seen]`},
		{name: "above the frozen rows", before: `<sheetViews><sheetView topLeftCell="A3"><pane ySplit="1" topLeftCell="A4" state="frozen"/></sheetView></sheetViews>`, leftOut: `fault: list: no column in the first 10 rows is headed "Domain name", and the first row reads "X", "padding.example": import the accredited list with its column headers, as it is published`},
		{name: "frozen from the first row", before: `<sheetViews><sheetView><pane ySplit="1" topLeftCell="A9" state="frozen"/></sheetView></sheetViews>`, counts: true},
		{name: "scrolled", before: `<sheetViews><sheetView topLeftCell="A9"/></sheetViews>`, counts: true},
		{name: "a blank struck through", domain: ` t="inlineStr"><is><r><rPr><strike/></rPr><t> </t></r><r><t>listed.example</t></r></is>`, counts: true},
		{name: "a run that is not", domain: ` t="inlineStr"><is><r><rPr><strike val="0"/></rPr><t>listed.example</t></r></is>`, counts: true},
		{name: "a shared string", domain: ` t="s"><v>0</v>`, strings: `<sst><si><r><rPr><b/><strike/></rPr><t>listed.example</t></r></si></sst>`, leftOut: struck},
		{name: "a shared string after one", domain: ` t="s"><v>1</v>`, strings: `<sst><si><r><rPr><strike/></rPr><t>x</t></r></si><si><t>listed.example</t></si></sst>`, counts: true},
		{name: "the organisation", organisation: ` s="1" t="str"><v>A</v>`, leftOut: `[row 2: "listed.example" belongs to an organisation whose name is struck through]`},
		{name: "hidden column", before: `<cols><col min="2" max="2" hidden="1"/></cols>`, leftOut: `fault: list: no visible column is headed "Domain name", and column B is hidden: unhide it in Excel, check that it is the right column, and save the workbook`},
		{name: "column of no width", before: `<cols><col min="1" max="16384" width="0" customWidth="1"/></cols>`, leftOut: `fault: list: no visible column is headed "Domain name", and column A is hidden: unhide it in Excel, check that it is the right column, and save the workbook`},
		{name: "hidden column of the organisation", before: `<cols><col min="1" max="1" hidden="1"/></cols>`, counts: true},
		{name: "hidden column at the end of the sheet", behind: `<cols><col min="2" max="2" hidden="1"/></cols>`, leftOut: `fault: list: no visible column is headed "Domain name", and column B is hidden: unhide it in Excel, check that it is the right column, and save the workbook`},
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
			list, err := published.Read("list", parts{sheet: sheet, strings: test.strings, styles: strikeStyles}.pack(t))
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

// If two sheets have domains, the list is held.
func TestWorkbookOfTwoSheets(t *testing.T) {
	list := sheetOf(inlineRow(2, "", "A", "listed.example"))
	tenTimes := func(domain string) string {
		rows := ""
		for number := 2; number < 12; number++ {
			rows += inlineRow(number, "", "A", domain)
		}
		return sheetOf(rows)
	}
	listOf10, other := tenTimes("listed.example"), tenTimes("other.example")
	example := sheetOf(inlineRow(2, "", "A", "other.example"))
	notes := `<worksheet><sheetData><row><c t="str"><v>Domain name</v></c></row><row><c t="str"><v>one for each row of the list</v></c></row></sheetData></worksheet>`
	for _, test := range []struct {
		name   string
		parts  parts
		domain string
		doubt  string
	}{
		{"notes after the list", parts{sheet: list, sheet2: notes}, "listed.example", "[]"},
		{"notes before the list", parts{sheet: notes, sheet2: list}, "listed.example", "[]"},
		{"an empty sheet before the list", parts{sheet: "<worksheet/>", sheet2: list}, "listed.example", "[]"},
		{"an example after the list", parts{sheet: list, sheet2: example}, "listed.example", "[]"},
		{"an example before the list", parts{sheet: example, sheet2: listOf10}, "listed.example", "[]"},
		{"two lists", parts{sheet: listOf10, sheet2: other}, "listed.example", `[the sheets "A" and "B" both have a column of domains, and only the first is read]`},
		{"struck through by a rule", parts{sheet: strings.Replace(list, "</sheetData>", `</sheetData><conditionalFormatting><cfRule dxfId="1"/></conditionalFormatting>`, 1), sheet2: notes},
			"listed.example", "[conditional formatting strikes cells through or hides them, which postseal cannot see: check the list in Excel]"},
		{"white by a rule", parts{sheet: strings.Replace(list, "</sheetData>", `</sheetData><conditionalFormatting><cfRule dxfId="2"/></conditionalFormatting>`, 1), sheet2: notes},
			"listed.example", "[conditional formatting strikes cells through or hides them, which postseal cannot see: check the list in Excel]"},
		{"white on red by a rule", parts{sheet: strings.Replace(list, "</sheetData>", `</sheetData><conditionalFormatting><cfRule dxfId="3"/></conditionalFormatting>`, 1), sheet2: notes}, "listed.example", "[]"},
		{"a formula", parts{sheet: strings.Replace(list, "<is><t>listed.example</t></is>", "<f>LOWER(C2)</f><is><t>listed.example</t></is>", 1), sheet2: notes},
			"listed.example", "[1 of the domains are formulas, for which Excel may show something other than the saved values: replace them with their values]"},
		{"a formula for several cells", parts{sheet: strings.Replace(list, `<c r="B1" t="inlineStr">`, `<c r="B1" t="inlineStr"><f t="array" ref="B1:B9">X</f>`, 1), sheet2: notes},
			"listed.example", "[1 of the domains are formulas, for which Excel may show something other than the saved values: replace them with their values]"},
		{"another rule", parts{sheet: strings.Replace(list, "</sheetData>", `</sheetData><conditionalFormatting><cfRule dxfId="0"/></conditionalFormatting>`, 1), sheet2: notes}, "listed.example", "[]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.parts.workbook, test.parts.styles = twoSheets, strikeStyles
			read, err := published.Read("list", test.parts.pack(t))
			if err != nil || len(read.Rows) != 1 || read.Rows[0].Domain != test.domain || fmt.Sprint(read.Doubts) != test.doubt {
				t.Errorf("got %v, doubts %v, %v", read.Rows, read.Doubts, err)
			}
		})
	}
}

// A sheet for domains that are not accredited is not read.
func TestWorkbookWithWithdrawnDomains(t *testing.T) {
	row := func(domain string) string { return sheetOf(inlineRow(2, "", "A", domain)) }
	book := parts{workbook: strings.Replace(twoSheets, `"A"`, `"Withdrawn"`, 1), sheet: row("withdrawn.example"), sheet2: row("listed.example")}
	read, err := published.Read("list", book.pack(t))
	if err != nil || fmt.Sprint(read.Rows) != "[{A listed.example false}]" || len(read.Doubts) > 0 {
		t.Errorf("got %v, doubts %v, %v", read.Rows, read.Doubts, err)
	}
	book.sheet2 = "<worksheet/>"
	_, err = published.Read("list", book.pack(t))
	if want := `list: the sheet "Withdrawn" is not read because of its name, and no other sheet has the list: fetch the accredited list again`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
