package pdf_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestText reads content streams of a page.
func TestText(t *testing.T) {
	for name, tt := range map[string]struct{ content, want string }{
		"Tj":             {`BT /F1 12 Tf 72 700 Td (NHS number 999 000 0018) Tj ET`, "NHS number 999 000 0018"},
		"TJ":             {`BT /F1 12 Tf 72 700 Td [(999)-250(000)-250(00)3(18)] TJ ET`, "999 000 0018"},
		"quotes":         {`BT /F1 12 Tf 14 TL 72 700 Td (NHS) ' 0 0 (999 000 0018) " ET`, "NHS|999 000 0018"},
		"two ops":        {`BT /F1 12 Tf 72 700 Td (999 000) Tj ( 0018) Tj ET`, "999 000 0018"},
		"hex":            {`BT /F1 12 Tf 72 700 Td <39393920303030203030313 8> Tj ET`, "999 000 0018"},
		"escapes":        {`BT /F1 12 Tf 72 700 Td (\071\071\0719 \(000\) 00\` + "\n" + `18) Tj ET`, "9999 (000) 0018"},
		"a raised note":  {`BT /F1 12 Tf 72 700 Td (999 000 0018) Tj /F1 7 Tf 5 Ts (1) Tj ET`, "999 000 0018 1"},
		"unknown font":   {`BT /F9 12 Tf 72 700 Td (999 000 0018) Tj ET`, "999 000 0018"},
		"no size":        {`BT 72 700 Td (999 000 0018) Tj ET`, "999 000 0018"},
		"turned":         {`BT /F1 12 Tf 0 1 -1 0 72 300 Tm (999 000) Tj ( 0018) Tj ET`, "999 000 0018"},
		"mirrored page":  {`1 0 0 -1 0 800 cm BT /F1 12 Tf 1 0 0 -1 72 100 Tm (999 000 0018) Tj ET`, "999 000 0018"},
		"negative size":  {`BT /F1 -12 Tf -1 0 0 -1 72 700 Tm (NHS number 999 000 0018) Tj ET`, "NHS number 999 000 0018"},
		"negative scale": {`BT -100 Tz /F1 -12 Tf 1 0 0 -1 72 700 Tm [(999)-250(000)-250(0018)] TJ ET`, "999 000 0018"},
		"invisible":      {`BT 3 Tr /F1 12 Tf 72 700 Td (999 000 0018) Tj ET`, "999 000 0018"},
		"bold print":     {`BT /F1 12 Tf 72 700 Td (9) Tj ET BT /F1 12 Tf 72.3 700 Td (9) Tj ET BT /F1 12 Tf 78.7 700 Td (8) Tj ET`, "98"},
		"Tc":             {`BT /F1 12 Tf 5 Tc 72 700 Td (9990000018) Tj ET`, "9990000018"},
		"Tc and blanks":  {`BT /F1 12 Tf 4 Tc 72 700 Td (999 000 0018) Tj ET`, "999 000 0018"},
		"a gap by Tc":    {`BT /F1 12 Tf 4 Tc 72 700 Td (rofc) Tj ET`, "rofc"},
		"two columns": {`BT /F1 12 Tf 72 700 Td (999 000) Tj 0 -14 Td (0018) Tj 200 14 Td (other) Tj 0 -14 Td (text) Tj ET`,
			"999 000|0018|other|text|999 000 other|0018 text"},
		"label and value apart": {`BT /F1 12 Tf 72 700 Td (NHS number:) Tj 0 -50 Td (Thank you) Tj 80 50 Td (999 000 0018) Tj ET`,
			"NHS number:|Thank you|999 000 0018|NHS number: 999 000 0018|Thank you"},
		"inline image":                  {"BI /W 8 /H 8 /BPC 8 ID \x00EI \xffEI\x01 EI\nBT /F1 12 Tf (999 000 0018) Tj ET", "999 000 0018"},
		"inline images without a blank": {"BI /W 2 /H 1 /BPC 8 ID \x01\x80EI BT /F1 12 Tf (999 000 0018) Tj ET BI /W 2 /H 1 ID \x01\x80\nEI", "999 000 0018"},
		"inline image with EI(":         {"BI /W 4 /H 1 /BPC 8 ID \x00EI(\xff EI\nBT /F1 12 Tf (999 000 0018) Tj ET", "999 000 0018"},
		"inline ASCII85":                {"BI /W 2 /F[/A85] ID EI (z~>EI BT /F1 12 Tf (999 000 0018) Tj ET BI /W 2 /F /A85 ID z~>\nEI", "999 000 0018"},
		"inline hexadecimal":            {"BI /W 2 /F /AHx ID 00>EI BT /F1 12 Tf (999 000 0018) Tj ET BI /W 2 /F /AHx ID 00>\nEI", "999 000 0018"},
		"other letters after an image":  {"BI /W 2 ID \x01\nEI BT(\xe9 )Tj (999 000 0018) Tj ET BI /W 2 ID \x01\nEI", "Ø 999 000 0018"},
		"marked":                        {`/Span <</ActualText (999 000 0018)>> BDC BT /F1 12 Tf (scan) Tj ET EMC`, "scan|999 000 0018"},
		"soft hyphen":                   {`/Span <</ActualText <FEFF00AD>>> BDC BT /F1 12 Tf (-) Tj ET EMC`, "-|\u00ad"},
	} {
		t.Run(name, func(t *testing.T) {
			r := read(document(tt.content))
			if got := strings.Join(r.lines(), "|"); got != tt.want {
				t.Errorf("%q, not %q", got, tt.want)
			}
			r.wantFindings(t)
		})
	}
}

// TestGlyphByGlyph places each glyph of a number separately, in several orders.
func TestGlyphByGlyph(t *testing.T) {
	type glyph struct {
		text string
		x    float64
	}
	var tight, boxes []glyph
	x, box := 72.0, 72.0
	for _, c := range "999 000 0018" {
		if c == ' ' {
			x, box = x+4, box+20
			continue
		}
		tight, boxes = append(tight, glyph{string(c), x}), append(boxes, glyph{string(c), box})
		x, box = x+6.67, box+18
	}
	write := func(glyphs []glyph) string {
		var out strings.Builder
		for _, g := range glyphs {
			out.WriteString("BT /F1 12 Tf 1 0 0 1 " + number(g.x) + " 700 Tm (" + g.text + ") Tj ET\n")
		}
		return out.String()
	}
	for name, glyphs := range map[string][]glyph{"tight": tight, "boxes": boxes} {
		for _, order := range []string{"forward", "backward"} {
			t.Run(name+" "+order, func(t *testing.T) {
				glyphs := slices.Clone(glyphs)
				if order == "backward" {
					slices.Reverse(glyphs)
				}
				r := read(document(write(glyphs)))
				if !slices.Contains(r.lines(), "999 000 0018") {
					t.Errorf("%q", r.text.String())
				}
			})
		}
	}
}

// TestGenerators reads files that other programs wrote, and what qpdf encrypted.
func TestGenerators(t *testing.T) {
	files, err := filepath.Glob("../../../testdata/documents/pdf/*.pdf")
	if err != nil || len(files) < 10 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := read(data)
			if strings.Contains(file, "locked") {
				r.wantFindings(t, "encrypted")
				return
			}
			r.wantFindings(t)
			if !strings.Contains(r.text.String(), "NHS number 999 000 0018") {
				t.Errorf("%q", r.text.String())
			}
		})
	}
}

// TestTable writes the cells of a table column by column. A cell is empty, and
// another has two lines.
func TestTable(t *testing.T) {
	var content strings.Builder
	cell := func(x, y float64, text string) {
		content.WriteString("BT /F1 12 Tf " + number(x) + " " + number(y) + " Td (" + text + ") Tj ET\n")
	}
	cell(72, 700, "A list of patients, whose title is above all columns of the table")
	for i, text := range []string{"Name", "Smith", "Jones of", "Manchester", "Brown"} {
		cell(72, 680-14*float64(i), text)
	}
	cell(200, 680, "Born")
	cell(200, 624, "1950")
	for i, text := range []string{"NHS number", "9990000018", "9990000026", "", "9990000034"} {
		cell(300, 680-14*float64(i), text)
	}
	want := "\fName\tBorn\tNHS number\nSmith\t\t9990000018\nJones of\t\t9990000026\nManchester\t\t\nBrown\t1950\t9990000034\n\f"
	if r := read(document(content.String())); !strings.Contains(r.text.String(), want) {
		t.Errorf("%q", r.text.String())
	}
}

// TestFormShownTwice holds that a form that was left out as bold print is shown in
// its other places.
func TestFormShownTwice(t *testing.T) {
	r := read(documentWith("", "/XObject<</X 6 0 R>>", "/X Do /X Do q 1 0 0 1 6.7 0 cm /X Do Q",
		stream("/Subtype/Form/Resources<</Font<</F1 5 0 R>>>>", "BT /F1 12 Tf (9) Tj ET")))
	if got := r.lines(); !slices.Equal(got, []string{"99"}) {
		t.Errorf("%q", got)
	}
}
