package table_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/rules/accredited"
	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/table"
)

// A list that is in use without having been imported is read, but for the rows
// that do not count; check names these, and those that somebody accepted.
func TestLoadNamesRowsThatDoNotCount(t *testing.T) {
	load := func(list []byte) (*table.Table, string) {
		t.Helper()
		loaded, err := table.Load(table.Sources{Edition: editions.Default, Accredited: "list"}, func(string) ([]byte, error) { return list, nil })
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, w := range loaded.Lint(time.Now()) {
			if w.File == "list" {
				found = append(found, w.Row+": "+w.Fault+": "+w.Remedy)
			}
		}
		return loaded, strings.Join(found, "\n")
	}
	class := func(loaded *table.Table, domain string) table.Class {
		if row := loaded.Lookup(domain, time.Now()); row != nil {
			return row.Class
		}
		return table.Unknown
	}

	published := []byte("Organisation,Domain\nA,listed.example\nB,gmail.com\nC,www.listed.example\n" + strings.Repeat("X,padding.example\n", 20))
	loaded, found := load(published)
	if class(loaded, "gmail.com") != table.Unknown || class(loaded, "listed.example") != table.Secure {
		t.Error("gmail.com counts, or listed.example does not")
	}
	want := `row 3: "gmail.com" is a consumer mail service, where anybody can have an address: the row is ignored: remove it, or import the list with -accept
row 4: "www.listed.example" is the address of a web site: the row is left out: correct or remove it, and import the list again`
	if found != want {
		t.Errorf("got\n%s\nwant\n%s", found, want)
	}

	list, err := accredited.Read("list", published)
	if err != nil {
		t.Fatal(err)
	}
	list.Accept(func(domain string) bool { return domain == "gmail.com" })
	loaded, found = load(accredited.Format(list.Rows))
	if class(loaded, "gmail.com") != table.Secure {
		t.Error("gmail.com was accepted and does not count")
	}
	want = `accredited ("gmail.com"): is a consumer mail service, where anybody can have an address, and was imported with -accept: to withdraw trust, give it a local row with class = "unknown"`
	if found != want {
		t.Errorf("got\n%s\nwant\n%s", found, want)
	}

	_, found = load([]byte("Organisation,Domain\n" + strings.Repeat("X,www.listed.example\n", 25) + strings.Repeat("X,padding.example\n", 500)))
	if lines := strings.Split(found, "\n"); len(lines) != 25 || !strings.HasPrefix(lines[24], `row 26: "www.listed.example"`) {
		t.Errorf("got\n%s", found)
	}
}

// What import writes and what a sysadmin copied by hand load alike.
func TestLoadAccreditedList(t *testing.T) {
	published := readList(t, "good/published.csv")
	for _, test := range []struct {
		name string
		list []byte
	}{
		{"as published", published},
		{"workbook", readList(t, "good/published.xlsx")},
		{"as import writes it", readList(t, "want.csv")},
	} {
		t.Run(test.name, func(t *testing.T) {
			loaded, err := table.Load(table.Sources{Edition: editions.Default, Accredited: "list"},
				func(string) ([]byte, error) { return test.list, nil })
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
		})
	}
}

func TestLoadNamesTheFaultsOfTheList(t *testing.T) {
	faulty := readList(t, "bad/no-rows.csv")
	for _, test := range []struct {
		name string
		read func(string) ([]byte, error)
		want string
	}{
		{"missing", func(string) ([]byte, error) {
			return nil, &fs.PathError{Op: "open", Path: "/a/list.csv", Err: fs.ErrNotExist}
		},
			"open /a/list.csv: file does not exist: run postseal import, or remove rules.accredited from the configuration"},
		{"faulty", func(string) ([]byte, error) { return faulty, nil }, "/a/list.csv: no row follows the column headers"},
		{"doubtful rows alone", func(string) ([]byte, error) { return []byte("Domain name\ngmail.com\n"), nil }, "/a/list.csv: the list has no valid row: run postseal import"},
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
