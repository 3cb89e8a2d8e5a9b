package similar

import "testing"

func TestSkeleton(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
		alike            string // an "x" for each cell that is not what it looks like
	}{
		{"ASCII", "Re: [A] z", "re: [a] z", "         "},
		{"line ends and tabs are blanks", "a\r\n\tb", "a   b", "     "},
		{"Cyrillic", "аЕ", "ae", "xx"},
		{"Greek capitals", "ΑΕ", "ae", "xx"},
		{"full width", "［Ａ］：", "[a]:", "xxxx"},
		{"mathematical", "𝐬𝕊", "ss", "xx"},
		{"squared", "🅂🆂", "ss", "xx"},
		{"accents", "é", "e", "x"},
		{"a combining mark belongs to what it follows", "e\u0301a", "ea", "x "},
		{"a mark on nothing", "\u0301a", "a", " "},
		{"an unseen character belongs to what follows", "a\u200bb", "ab", " x"},
		{"several unseen", "a\u00ad\u202e\x00\u3164b", "ab", " x"},
		{"unseen at the end", "a\u200b", "a", " "},
		{"NBSP", "a\u00a0b", "a b", " x "},
		{"dashes and colons are separators", "a–b：", "a-b:", "   x"},
		{"ligature", "ﬁ", "fi", "xx"},
		{"brackets of Unicode", "【⟦（«", "[[(<", "xxxx"},
		{"low quotation marks are none", "„a", "„a", "  "},
		{"Chinese", "安全", "安全", "  "},
		{"accent on a look-alike", "ё", "e", "x"},
		{"not UTF-8", "\xffa", "\uFFFDa", "  "},
	} {
		t.Run(test.name, func(t *testing.T) {
			cells := Skeleton(test.text)
			alike := ""
			for _, c := range cells {
				if c.Alike {
					alike += "x"
				} else {
					alike += " "
				}
			}
			if got := string(Runes(cells)); got != test.want || alike != test.alike {
				t.Errorf("got %q %q, want %q %q", got, alike, test.want, test.alike)
			}
		})
	}
}

// TestConfusablesAreInOneRow finds characters that are in two rows of the
// table.
func TestConfusablesAreInOneRow(t *testing.T) {
	rows := make(map[rune]string)
	for _, row := range confusables {
		for i, r := range row {
			if i == 0 {
				continue
			}
			if other := rows[r]; other != "" {
				t.Errorf("%q is in the rows %q and %q", r, other, row)
			}
			rows[r] = row
		}
	}
}
