package accredited_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/accredited"
)

func TestCompare(t *testing.T) {
	list := func(rows ...string) (list []accredited.Row) {
		for _, row := range rows {
			organisation, domain, _ := strings.Cut(row, " ")
			list = append(list, accredited.Row{Organisation: organisation, Domain: domain})
		}
		return list
	}
	for _, test := range []struct {
		name                 string
		old, fresh           []accredited.Row
		added, removed, kept []accredited.Row
	}{
		{"first", nil, list("A a", "B b"), list("A a", "B b"), nil, nil},
		{"same", list("A a", "B b"), list("A a", "B b"), nil, nil, list("A a", "B b")},
		{"first and last removed", list("A a", "B b", "C c"), list("B b"), nil, list("A a", "C c"), list("B b")},
		{"first and last added", list("B b"), list("A a", "B b", "C c"), list("A a", "C c"), nil, list("B b")},
		{"all others", list("A a", "C c"), list("B b", "D d"), list("B b", "D d"), list("A a", "C c"), nil},
		{"spelled anew", list("A a", "B b"), list("AA a", "B b"), nil, nil, list("AA a", "B b")},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := accredited.Compare(test.old, test.fresh)
			if !slices.Equal(c.Added, test.added) || !slices.Equal(c.Removed, test.removed) || !slices.Equal(c.Kept, test.kept) {
				t.Errorf("got %+v", c)
			}
		})
	}
}

func TestChangesExceed(t *testing.T) {
	for _, test := range []struct {
		name                          string
		added, removed, kept, percent int
		want                          bool
	}{
		{"nothing", 0, 0, 10, 0, false},
		{"at the limit", 2, 2, 8, 20, false},
		{"one more removed", 0, 3, 7, 20, true},
		{"one more added", 3, 0, 10, 20, true},
		{"added and removed do not add up", 2, 2, 8, 20, false},
		{"the lapse that was", 0, 134, 103, 20, true},
		{"the lapse that was, allowed", 0, 134, 103, 57, false},
		{"any at all", 1, 0, 1000, 0, true},
		{"twice as many", 10, 0, 10, 100, false},
		{"more than twice", 11, 0, 10, 100, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := accredited.Changes{
				Added: make([]accredited.Row, test.added), Removed: make([]accredited.Row, test.removed), Kept: make([]accredited.Row, test.kept),
			}
			if got := c.Exceeds(test.percent); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
