//go:build !race

package tomlfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/growthtest"
)

// TestPlacesGrowLinearly finds the places of all rows of a rule file. It would
// fail if all lines were searched for each row.
func TestPlacesGrowLinearly(t *testing.T) {
	growthtest.Linear(t, 2_000, func(n int) func() {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "[[domain]]\nname = \"clinic-%d.example\"\nclass = \"red\"\nexpires = 2027-01-31\n\n", i)
		}
		var f file
		places, err := Decode([]byte(b.String()), &f)
		if err != nil || len(f.Row) != n {
			t.Fatalf("%d rows, %v", len(f.Row), err)
		}
		return func() {
			for i := range n {
				if line, _, _ := places.At(item("domain", i)); line != 1+5*i {
					t.Errorf("row %d is in line %d", i, line)
				}
			}
		}
	})
}
