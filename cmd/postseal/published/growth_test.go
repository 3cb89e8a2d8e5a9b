//go:build !race

package published_test

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/published"
	"github.com/postseal/postseal/rules/growthtest"
)

// TestListGrows reads lists that consist mostly of line ends, or of column
// headers.
func TestListGrows(t *testing.T) {
	for _, text := range []string{"\r", "\r\"", "\r\r\r\n", "Organisation,x\n", "A,withdraw\n"} {
		t.Run(text, func(t *testing.T) {
			growthtest.Linear(t, 4000, func(n int) func() {
				list := []byte("Organisation,Domain\nA,listed.example\n" + strings.Repeat(text, n) + "\nB,other.example\n")
				return func() { published.Read("list", list) }
			})
		})
	}
}
