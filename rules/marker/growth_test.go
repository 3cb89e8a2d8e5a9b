//go:build !race

package marker

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/growthtest"
)

// TestReadGrows reads subjects below and above the size limit, and subjects
// that cannot be decoded.
func TestReadGrows(t *testing.T) {
	readers := []Reader{mustReader(t, []string{"secure"}, Anywhere), mustReader(t, []string{"secure"}, Start)}
	for _, test := range longSubjects {
		fill := func(n int) string { // returns n octets
			return test.before + strings.Repeat(test.text, max(0, n-len(test.before)-len(test.after))/len(test.text)) + test.after
		}
		for _, size := range []struct {
			name string
			n    int
		}{{"read", MaxSubject / 10}, {"not all read", 10 * MaxSubject}} {
			t.Run(test.name+" "+size.name, func(t *testing.T) {
				growthtest.Linear(t, size.n, func(n int) func() {
					text := fill(n)
					return func() {
						for _, m := range readers {
							m.Read([]Subject{{Text: text}, {Text: "x", Undecoded: []string{text}}})
						}
					}
				})
			})
		}
	}
}
