package tomlfile

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// askManyRows reads a rule file of n rows, and takes the time in which all their
// places are found.
func askManyRows(t *testing.T, n int) time.Duration {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[[domain]]\nname = \"clinic-%d.example\"\nclass = \"red\"\nexpires = 2027-01-31\n\n", i)
	}
	var f file
	places, err := Decode([]byte(b.String()), &f)
	if err != nil || len(f.Row) != n {
		t.Fatalf("%d rows, %v", len(f.Row), err)
	}
	best := time.Hour
	for range 5 {
		start := time.Now()
		for i := range n {
			if line, _, _ := places.At(item("domain", i)); line != 1+5*i {
				t.Fatalf("row %d is in line %d", i, line)
			}
		}
		best = min(best, time.Since(start))
	}
	return best
}

// TestPlacesGrowLinearly measures a ratio: if each row cost a look at all the
// lines before it, ten times the rows would take a hundred times as long.
func TestPlacesGrowLinearly(t *testing.T) {
	small, large := askManyRows(t, 2_000), askManyRows(t, 20_000)
	if ratio := float64(large) / float64(small); ratio > 40 {
		t.Errorf("ten times the rows take %.1f times as long (%v, %v)", ratio, small, large)
	}
}
