package table

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/postseal/postseal/rules/similar"
)

// TestNameSet compares sets with a search through all names. Short names of few
// letters have many neighbours.
func TestNameSet(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		b := make([]byte, 1+random.IntN(8))
		for i := range b {
			b[i] = "ab-."[random.IntN(4)]
		}
		return string(b)
	}
	for _, size := range []int{0, 1, 2, 30, 3000} {
		var s nameSet
		var names []string
		for i := range size {
			names = append(names, text())
			s.add(names[i], fmt.Sprint("note ", i))
		}
		s.index()
		for i, name := range names {
			if got, note := s.at(i); got != name || note != fmt.Sprint("note ", i) {
				t.Fatalf("%d: got %q, %q", i, got, note)
			}
		}
		for range 2000 {
			name := text()
			want := slices.Index(names, name)
			if got, found := s.find(name); found != (want >= 0) || found && got != want {
				t.Fatalf("%q of %d names: got %d, want %d", name, size, got, want)
			}
			var near []int
			for i, other := range names {
				if similar.OneEdit([]byte(name), []byte(other)) {
					near = append(near, i)
				}
			}
			got := s.near(name)
			slices.Sort(got)
			if !slices.Equal(got, near) {
				t.Fatalf("near %q of %d names: got %v, want %v", name, size, got, near)
			}
		}
	}
}
