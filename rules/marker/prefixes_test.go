package marker

import (
	"testing"

	"github.com/postseal/postseal/rules/similar"
)

func TestPrefixEnd(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"x", "x"},
		{"  x", "x"},
		{"", ""},
		{"Re: x", "x"},
		{"Re: Re: FWD:x", "x"},
		{"Re[2]: x", "x"},
		{"RE (3) : x", "x"},
		{"Re^2: x", "x"},
		{"Ré: x", "x"},
		{"R2D2: x", "R2D2: x"},
		{"Re x: y", "Re x: y"},
		{"Results re: x", "Results re: x"},
		{"Reply: x", "Reply: x"},
		{"Ответ: x", "x"},
		{"回复：x", "x"},
		{"إعادة توجيه: x", "x"},
		{"[External] x", "x"},
		{"[EXTERNAL]: x", "x"},
		{"[[external]] x", "x"},
		{"***External*** x", "x"},
		{"(Ext) x", "x"},
		{"External: x", "x"},
		{"External e-mail - x", "x"},
		{"External review: x", "External review: x"},
		{"[Ward 7] x", "[Ward 7] x"},
		{"[ x", "[ x"},
		{"[] x", "[] x"},
		{"* x", "* x"},
		{"OFFICIAL", ""},
		{"OFFICIAL x", "x"},
		{"Official: x", "x"},
		{"OFFICIAL[x]", "[x]"},
		{"OFFICIAL-SENSITIVE x", "x"},
		{"OFFICIAL–SENSITIVE: x", "x"},
		{"OFFICIAL - SENSITIVE: PERSONAL DATA: x", "x"},
		{"OFFICIAL SENSITIVE PERSONALITY x", "PERSONALITY x"},
		{"[OFFICIAL-SENSITIVE: COMMERCIAL] x", "x"},
		{"[OFFICIAL x] y", "[OFFICIAL x] y"},
		{"OFFICIALS x", "OFFICIALS x"},
		{"OFFICIAL.x", "OFFICIAL.x"},
		{"Re: [External] OFFICIAL: Fw: x", "x"},
		{"\ufeffRe: x", "x"},
	} {
		cells := similar.Skeleton(test.text)
		got := ""
		if end := prefixEnd(cells); end < len(cells) {
			got = test.text[cells[end].At:]
		}
		if got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}
