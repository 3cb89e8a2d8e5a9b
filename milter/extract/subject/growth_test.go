//go:build !race

package subject

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/growthtest"
	"github.com/postseal/postseal/rules/marker"
)

// TestSubjectGrows measures what decoding and reading a subject cost, below the
// length that is read and beyond it.
func TestSubjectGrows(t *testing.T) {
	reader := newReader(t, marker.Anywhere)
	for _, test := range []struct{ name, text, after string }{
		{name: "plain", text: "a "},
		{name: "words", text: "=?utf-8?Q?a?= "},
		{name: "words in several charsets", text: "=?utf-8?Q?a?= =?koi8-r?Q?=C1?= =?utf-16?B?AGE=?= =?iso-2022-jp?B?GyRCMDU=?= "},
		{name: "words in unknown charsets", text: "=?x?Q?=E9?= =?y?Q?=E9?= "},
		{name: "words that say nothing", text: "=?utf-8?Q??= =?koi8-r?Q??= ", after: "=?"},
		{name: "words between text", text: "=?big5?Q?=A1=BE?= a "},
		{name: "base64 cut apart", text: "=?utf-8?B?W3N?= "},
		{name: "escapes cut apart", text: "=?utf-8?Q?=5?= "},
		{name: "words without an end", text: "=?utf-8?Q?a "},
		{name: "malformed words", text: "=?utf-8?QP?a?= "},
		{name: "heads without an end", text: "=?utf-8 ", after: "?="},
		{name: "words in words", text: "=?utf-8?Q?=3D=3Futf-8=3FQ=3Fa=3F=3D?= "},
		{name: "beginnings", text: "=?"},
		{name: "ends", text: "?="},
		{name: "empty charsets", text: "=?q?"},
		{name: "8-bit", text: "\xa1\xbe"},
		{name: "NULs", text: "=?utf-8?B?AAAA?= "},
		{name: "escape characters", text: "\x1b$B"},
		{name: "tildes", text: "~{"},
		{name: "base64 between marks", text: "=?W3NlY3VyZV0=?"},
	} {
		for _, n := range []int{marker.MaxSubject / 10, 10 * marker.MaxSubject} {
			t.Run(fmt.Sprint(test.name, " ", n), func(t *testing.T) {
				growthtest.Linear(t, n, func(n int) func() {
					value := strings.Repeat(test.text, n/len(test.text)) + test.after
					return func() { reader.Read([]marker.Subject{Read(value)}) }
				})
			})
		}
	}
}
