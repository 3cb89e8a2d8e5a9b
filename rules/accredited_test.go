package rules_test

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/rules"
)

func TestCompareAccredited(t *testing.T) {
	list := func(rows ...string) (list []rules.AccreditedRow) {
		for _, row := range rows {
			organisation, domain, _ := strings.Cut(row, " ")
			list = append(list, rules.AccreditedRow{Organisation: organisation, Domain: domain})
		}
		return list
	}
	for _, test := range []struct {
		name                 string
		old, fresh           []rules.AccreditedRow
		added, removed, kept []rules.AccreditedRow
		renamed              int
	}{
		{"first", nil, list("A a", "B b"), list("A a", "B b"), nil, nil, 0},
		{"same", list("A a", "B b"), list("A a", "B b"), nil, nil, list("A a", "B b"), 0},
		{"first and last go", list("A a", "B b", "C c"), list("B b"), nil, list("A a", "C c"), list("B b"), 0},
		{"first and last come", list("B b"), list("A a", "B b", "C c"), list("A a", "C c"), nil, list("B b"), 0},
		{"all others", list("A a", "C c"), list("B b", "D d"), list("B b", "D d"), list("A a", "C c"), nil, 0},
		{"spelled anew", list("A a", "B b"), list("AA a", "B b"), nil, nil, list("AA a", "B b"), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := rules.CompareAccredited(test.old, test.fresh)
			if !slices.Equal(c.Added, test.added) || !slices.Equal(c.Removed, test.removed) || !slices.Equal(c.Kept, test.kept) || c.Renamed != test.renamed {
				t.Errorf("got %+v", c)
			}
			if got, want := c.None(), slices.Equal(test.old, test.fresh); got != want {
				t.Errorf("None: got %t, want %t", got, want)
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
			c := rules.AccreditedChanges{
				Added: make([]rules.AccreditedRow, test.added), Removed: make([]rules.AccreditedRow, test.removed), Kept: make([]rules.AccreditedRow, test.kept),
			}
			if got := c.Exceeds(test.percent); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

// What import writes and what a sysadmin copied by hand load alike.
func TestLoadAccreditedList(t *testing.T) {
	published := readFile(t, filepath.Join(lists, "good", "published.csv"))
	for _, test := range []struct {
		name string
		list []byte
	}{
		{"as published", published},
		{"workbook", readFile(t, filepath.Join(lists, "good", "published.xlsx"))},
		{"as import writes it", readFile(t, filepath.Join(lists, "want.csv"))},
	} {
		t.Run(test.name, func(t *testing.T) {
			table, err := rules.Load(rules.Sources{Edition: rules.DefaultEdition, Accredited: "list"},
				func(string) ([]byte, error) { return test.list, nil })
			if err != nil {
				t.Fatal(err)
			}
			for domain, want := range map[string]rules.Class{
				"made-up-102.nhs.uk":        rules.Secure,
				"below.made-up-102.nhs.uk":  rules.Unknown,
				"secure.made-up-100.nhs.uk": rules.Secure,
				"made-up-100.nhs.uk":        rules.Unknown,
			} {
				row := table.Lookup(domain, time.Time{})
				if row == nil || row.Class != want {
					t.Errorf("%s: got %+v, want class %s", domain, row, want)
				}
			}
			if row := table.Lookup("made-up-102.nhs.uk", time.Time{}); row.Note != "Ynys Môn Example Care" {
				t.Errorf("note %q", row.Note)
			}
		})
	}
}

func TestLoadNamesTheFaultsOfTheList(t *testing.T) {
	faulty := readFile(t, filepath.Join(lists, "bad", "no-rows.csv"))
	for _, test := range []struct {
		name string
		read func(string) ([]byte, error)
		want string
	}{
		{"missing", func(string) ([]byte, error) {
			return nil, &fs.PathError{Op: "open", Path: "/a/list.csv", Err: fs.ErrNotExist}
		},
			"open /a/list.csv: file does not exist: run postseal import, or take rules.accredited out of the configuration"},
		{"faulty", func(string) ([]byte, error) { return faulty, nil }, "/a/list.csv: no row follows the column headers"},
		{"doubtful rows alone", func(string) ([]byte, error) { return []byte("Domain name\ngmail.com\n"), nil }, "/a/list.csv: no row of the list counts: run postseal import"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := rules.Load(rules.Sources{Edition: rules.DefaultEdition, Accredited: "/a/list.csv"}, test.read)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
