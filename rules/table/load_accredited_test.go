package table_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/table"
)

// A doubtful row that was not accepted is ignored. check names it, and also the
// doubtful rows that were accepted.
func TestLoadNamesDoubtfulRows(t *testing.T) {
	for _, test := range []struct {
		name, list string
		class      table.Class // of gmail.com
		want       string
	}{
		{"not accepted", "Organisation Name,Domain name\nA,listed.example\nB,gmail.com\n", table.Unknown,
			`row 3: "gmail.com" is a consumer mail service, where anybody can have an address: the row is ignored: remove it, or import the list with -accept`},
		{"accepted", "Organisation Name,Domain name,Accepted with -accept\nB,gmail.com,yes\nA,listed.example,no\n", table.Secure,
			`accredited ("gmail.com"): is a consumer mail service, where anybody can have an address, and was imported with -accept: to withdraw trust, give it a local row with class = "unknown"`},
	} {
		loaded, err := table.Load(table.Sources{Edition: editions.Default, Accredited: "list"}, func(string) ([]byte, error) { return []byte(test.list), nil })
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, w := range loaded.Lint(time.Now()) {
			if w.File == "list" {
				found = append(found, w.Row+": "+w.Fault+": "+w.Remedy)
			}
		}
		if got := strings.Join(found, "\n"); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.name, got, test.want)
		}
		for domain, want := range map[string]table.Class{"gmail.com": test.class, "listed.example": table.Secure} {
			class := table.Unknown
			if row := loaded.Lookup(domain, time.Now()); row != nil {
				class = row.Class
			}
			if class != want {
				t.Errorf("%s: %s is %s", test.name, domain, class)
			}
		}
	}
}

func TestLoadAccreditedList(t *testing.T) {
	list := readList(t, "want.csv")
	loaded, err := table.Load(table.Sources{Edition: editions.Default, Accredited: "list"},
		func(string) ([]byte, error) { return list, nil })
	if err != nil {
		t.Fatal(err)
	}
	for domain, want := range map[string]table.Class{
		"made-up-102.nhs.uk":        table.Secure,
		"below.made-up-102.nhs.uk":  table.Unknown,
		"secure.made-up-100.nhs.uk": table.Secure,
		"made-up-100.nhs.uk":        table.Unknown,
	} {
		row := loaded.Lookup(domain, time.Time{})
		if row == nil || row.Class != want {
			t.Errorf("%s: got %+v, want class %s", domain, row, want)
		}
	}
	if row := loaded.Lookup("made-up-102.nhs.uk", time.Time{}); row.Note != "Ynys Môn Example Care" {
		t.Errorf("note %q", row.Note)
	}
}

func TestLoadNamesTheFaultsOfTheList(t *testing.T) {
	published := readList(t, "good/published.csv")
	for _, test := range []struct {
		name string
		read func(string) ([]byte, error)
		want string
	}{
		{"missing", func(string) ([]byte, error) {
			return nil, &fs.PathError{Op: "open", Path: "/a/list.csv", Err: fs.ErrNotExist}
		},
			"open /a/list.csv: file does not exist: run postseal import, or remove rules.accredited from the configuration"},
		{"as published", func(string) ([]byte, error) { return published, nil }, "/a/list.csv: line 1: this is not a list that postseal import wrote: run postseal import /a/list.csv"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := table.Load(table.Sources{Edition: editions.Default, Accredited: "/a/list.csv"}, test.read)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func readList(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../../testdata/lists/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
