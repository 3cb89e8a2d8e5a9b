package pdf_test

import (
	"strings"
	"testing"
)

// TestFonts shows codes with fonts of several kinds. The font is object 6.
func TestFonts(t *testing.T) {
	type0 := func(encoding, more string) string {
		return "<</Type/Font/Subtype/Type0/BaseFont/X/Encoding" + encoding + "/DescendantFonts[<</Subtype/CIDFontType2/BaseFont/X/DW 500/CIDSystemInfo<</Ordering(Identity)>>>>]" + more + ">>"
	}
	differences := func(names string) string {
		return "<</Type/Font/Subtype/Type1/BaseFont/ABCDEF+X/FirstChar 1/LastChar 9/Widths[556 556 556 556 556 556 556 556 556]/Encoding<</Differences[1 " + names + "]>>>>"
	}
	cmap := func(body string) string {
		return stream("", "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange "+body+" endcmap")
	}
	for name, tt := range map[string]struct {
		font, more, codes, want string
		findings                []string
	}{
		"bfchar": {font: type0("/Identity-H", "/ToUnicode 7 0 R"), more: cmap("2 beginbfchar <0001> <0039> <0002> <00310038> endbfchar"),
			codes: "<000100010002>", want: "9918"},
		"bfrange": {font: type0("/Identity-H", "/ToUnicode 7 0 R"), more: cmap("2 beginbfrange <0001> <000A> <0030> <0010> <0011> [<0041> <00420043>] endbfrange"),
			codes: "<0001000A00100011>", want: "09ABC"},
		"usecmap": {font: type0("/Identity-H", "/ToUnicode 7 0 R"), more: stream("/UseCMap 8 0 R", "") + "\nendobj\n8 0 obj\n" + cmap("1 beginbfchar <0001> <0039> endbfchar"),
			codes: "<0001>", want: "9"},
		"a map to nothing":  {font: type0("/Identity-H", "/ToUnicode 7 0 R"), more: cmap("1 beginbfrange <0000> <FFFF> <E000> endbfrange"), codes: "<000100020003>", findings: []string{"no-characters"}},
		"symbols' digits":   {font: type0("/Identity-H", "/ToUnicode 7 0 R"), more: cmap("1 beginbfrange <0000> <00FF> <F000> endbfrange"), codes: "<003900310038>", want: "918"},
		"no map":            {font: type0("/Identity-H", ""), codes: "<001c001c001c>", findings: []string{"no-characters"}},
		"no map vertically": {font: type0("/Identity-V", ""), codes: "<001c001c001c>", findings: []string{"no-characters"}},
		"an ActualText":     {font: type0("/Identity-H", ""), codes: "<001c> Tj /S <</ActualText(999)>> BDC <001c001c001c> Tj EMC <001c>", want: "999"},
		"a bullet":          {font: type0("/Identity-H", ""), codes: "<001c> Tj /F1 12 Tf ( point)", want: " point"},
		"UTF-16":            {font: type0("/UniJIS-UTF16-H", ""), codes: "<00390031003865E5>", want: "918日"},
		"Shift JIS":         {font: type0("/90ms-RKSJ-H", ""), codes: "<39313893FA>", want: "918日"},
		"JIS":               {font: type0("/H", ""), codes: "<467C>", want: "日"},
		"GBK":               {font: type0("/GBK-EUC-H", ""), codes: "<393138C8D5>", want: "918日"},
		"Big Five":          {font: type0("/ETen-B5-H", ""), codes: "<393138A4E9>", want: "918日"},
		"EUC-KR":            {font: type0("/KSCms-UHC-H", ""), codes: "<393138B0A1>", want: "918가"},
		"vertical":          {font: type0("/UniJIS-UTF16-V", ""), codes: "<003900310038>", want: "918"},
		"CIDs": {font: "<</Subtype/Type0/Encoding/Identity-H/DescendantFonts[<</CIDSystemInfo<</Ordering(Japan1)>>>>]>>",
			codes: "<001A 0012 00F7>", want: "910"},
		"names":                 {font: differences("/nine/uni0031/u0038/zero.oldstyle/sevenoldstyle/f_i"), codes: "<010203040506>", want: "91807fi"},
		"other names of digits": {font: differences("/ninetab/ninealt/zeroalt/onealt"), codes: "<01020304>", want: "9", findings: []string{"no-characters"}},
		"TrueType without a cmap": {font: "<</Type/Font/Subtype/TrueType/BaseFont/ABCDEF+X/FontDescriptor<</Flags 4/FontFile2 7 0 R>>>>",
			more: stream("", "\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00glyf\x00\x00\x00\x00\x00\x00\x00\x1c\x00\x00\x00\x01\x00"), codes: "<010102>", findings: []string{"no-characters"}},
		"unknown names": {font: differences("/g1/g2/g3"), codes: "<010203>", findings: []string{"no-characters"}},
		"symbols":       {font: differences("/parenleftbig/bracketleftbig/summationdisplay"), codes: "<010203>", want: "\uFFFD\uFFFD\uFFFD"},
		"pdfTeX's bitmaps": {font: "<</Type/Font/Subtype/Type3/FontMatrix[.01 0 0 .01 0 0]/FirstChar 49/LastChar 57/Widths[50 50 50 50 50 50 50 50 50]/Encoding<</Differences[49/a49 57/a57]>>>>",
			codes: "(9911)", want: "9911", findings: []string{"no-characters"}},
		"Symbol": {font: "<</Type/Font/Subtype/Type1/BaseFont/Symbol>>", codes: "(918a)", want: "918α"},
		"Type 1": {font: "<</Type/Font/Subtype/Type1/BaseFont/X/FontDescriptor<</FontFile 7 0 R>>>>",
			more: stream("", "/Encoding 256 array 0 1 255 {1 index exch /.notdef put} for dup 1 /nine put dup 2 /one put readonly def eexec"), codes: "<0102>", want: "91"},
	} {
		t.Run(name, func(t *testing.T) {
			more := []string{tt.font}
			if tt.more != "" {
				more = append(more, tt.more)
			}
			r := read(document("BT /F2 12 Tf 72 700 Td "+tt.codes+" Tj ET", more...))
			if got := strings.Join(r.lines(), "|"); got != tt.want {
				t.Errorf("%q, not %q", got, tt.want)
			}
			r.wantFindings(t, tt.findings...)
		})
	}
}
