package published_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/published"
	"github.com/postseal/postseal/rules/accredited"
)

const lists = "../../../testdata/lists"

// listFiles returns the lists in a directory. It fails if there are fewer than
// expected, so that no test runs on an empty directory.
func listFiles(tb testing.TB, dir string, atLeast int) []string {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(lists, dir, "*"))
	if err != nil {
		tb.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(file string) bool { return filepath.Ext(file) == ".want" })
	if len(files) < atLeast {
		tb.Fatalf("%d lists in %s, want %d or more", len(files), dir, atLeast)
	}
	return files
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// Every good list has the same 268 rows in another form.
func TestReadGoodLists(t *testing.T) {
	want := readFile(t, filepath.Join(lists, "want.csv"))
	if got := bytes.Count(want, []byte("\n")); got != 1+268 {
		t.Fatalf("want.csv has %d lines", got)
	}
	for _, file := range append(listFiles(t, "good", 9), filepath.Join(lists, "want.csv")) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			list, err := published.Read(file, readFile(t, file))
			if err != nil || len(list.LeftOut)+len(list.Doubtful)+len(list.Doubts) > 0 {
				t.Fatalf("left out %v, doubtful %v, doubts %q, error %v", list.LeftOut, list.Doubtful, list.Doubts, err)
			}
			if got := accredited.Format(list.Rows); !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// Each bad list has one fault, and a file with the error beside it.
func TestRefuseBadLists(t *testing.T) {
	for _, file := range listFiles(t, "bad", 18) {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			want := strings.TrimSuffix(string(readFile(t, strings.TrimSuffix(file, filepath.Ext(file))+".want")), "\n")
			list, err := published.Read(name, readFile(t, file))
			if err == nil {
				t.Fatalf("no fault, and %d rows", len(list.Rows))
			}
			if err.Error() != want {
				t.Errorf("got\n%v\nwant\n%s", err, want)
			}
		})
	}
}

func TestRefuseTooLargeList(t *testing.T) {
	list := make([]byte, published.MaxListSize+1)
	copy(list, "Domain name\nlisted.example\n")
	_, err := published.Read("list", list)
	if want := "list: the file is larger than 8 MiB: import the accredited list alone, as CSV or XLSX"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// One cell below "Domain name" is tested, with enough good rows below it.
func TestListedDomain(t *testing.T) {
	for _, test := range []struct{ name, cell, want string }{
		{"plain", "listed.example", "listed.example"},
		{"capitals", "Listed.EXAMPLE", "listed.example"},
		{"blanks", " \t listed.example  ", "listed.example"},
		{"no-break space", "\u00a0listed.example\u00a0", "listed.example"},
		{"characters of no width", "\u200blisted.example\ufeff", "listed.example"},
		{"line break", "listed.example\r\n", "listed.example"},
		{"trailing dot", "listed.example.", "listed.example"},
		{"internationalised", "môn.example", "xn--mn-8ja.example"},
		{"underscore below", "_mail.listed.example", "_mail.listed.example"},
		{"row that is no suffix", "nhs.net", "nhs.net"},
		{"row below a suffix", "wales.nhs.uk", "wales.nhs.uk"},
		{"suffix of the private section", "gov.scot", "gov.scot"},
		{"top-level domain", "example", ""},
		{"address", "info@listed.example", ""},
		{"wildcard", "*.listed.example", ""},
		{"leading dot", ".listed.example", ""},
		{"web address", "https://listed.example/", ""},
		{"two", "listed.example, other.example", ""},
		{"two with a blank", "listed.example other.example", ""},
		{"hidden inside", "lis\u00adted.example", ""},
		{"full-width dot", "listed．example", ""},
		{"version", "1.2", ""},
		{"IP address", "192.0.2.10", ""},
		{"no answer", "N.A.", ""},
		{"Excel's escape left over", "listed.example_x000D_", ""},
		{"empty label", "listed..example", ""},
		{"too long", strings.Repeat("a.", 126) + "example", ""},
		{"nothing", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			list := `Organisation Name,Domain name` + "\n" + `X,"` + test.cell + "\"\n" + strings.Repeat("X,padding.example\n", 9)
			read, err := published.Read("list", []byte(list))
			if err != nil {
				t.Fatal(err)
			}
			leftOut := read.LeftOut
			rows := slices.DeleteFunc(read.Rows, func(row accredited.Row) bool { return row.Domain == "padding.example" })
			switch {
			case test.want == "" && (len(rows) > 0 || len(leftOut) != 1 || !strings.HasPrefix(leftOut[0], "row 2: ")):
				t.Errorf("got %v, left out %v, want it left out", rows, leftOut)
			case test.want != "" && (len(rows) != 1 || rows[0].Domain != test.want):
				t.Errorf("got %v, left out %v, want %q", rows, leftOut, test.want)
			}
		})
	}
}

// Each column in turn is the only one with domains.
func TestListHeaders(t *testing.T) {
	const refused = ""
	for _, test := range []struct{ name, text, organisation, domain string }{
		{"as published", "Organisation Name,System Type,Domain name ,Other", "a", "c.example"},
		{"capitals and blanks", "ORGANISATION  NAME, domain   NAME ", "a", "b.example"},
		{"one column", "domain", "", "a.example"},
		{"no organisation", "Type,Domain", "", "b.example"},
		{"American", "Organization,Email domain", "a", "b.example"},
		{"plural", "Domain names,Name of organisation", "b", "a.example"},
		{"one word", "DomainName,Organisation_Name", "b", "a.example"},
		{"the exact title wins", "Parent domain,Domain name,Organisation type,Organisation", "d", "b.example"},
		{"a sentence is no header", "Domain,Policy **please note that no domain of this list has one", "", "a.example"},
		{"a heading above", "Accredited domains\n\nIssued,1 July 2026\nOrganisation,Domain", "a", "b.example"},
		{"a line break inside", "\"Organisation\nName\",\"Domain\r\nname\"", "a", "b.example"},
		{"two titles", "Domain name,Domain name", "", refused},
		{"two like it", "Email domain,Web domain", "", refused},
		{"former ones alone", "Organisation,Former domain name", "", refused},
		{"web sites alone", "Organisation,Website domain,Suffix", "", refused},
		{"a heading alone", "Accredited domains", "", refused},
		{"another word", "Organisation,Site", "", refused},
		{"a row with a domain like it", "Organisation,domain-name.example", "", refused},
		{"below too many rows", strings.Repeat("x\n", 10) + "Organisation,Domain", "", refused},
	} {
		t.Run(test.name, func(t *testing.T) {
			header := test.text[strings.LastIndex(test.text, "\n")+1:]
			for column := range strings.Count(header, ",") + 1 {
				cells := []string{"a", "b", "c", "d"}
				cells[column] += ".example"
				list, err := published.Read("list", []byte(test.text+"\n"+strings.Join(cells, ",")+"\n"))
				rows := list.Rows
				if cells[column] != test.domain {
					if err == nil {
						t.Errorf("took column %d: %v", column, rows)
					}
					continue
				}
				if want := []accredited.Row{{Organisation: test.organisation, Domain: test.domain}}; err != nil || !slices.Equal(rows, want) {
					t.Errorf("got %v, %v, want %v", rows, err, want)
				}
			}
		})
	}
}

func TestListOrganisations(t *testing.T) {
	for _, test := range []struct{ name, cell, want string }{
		{"blanks", "  Example   Hospice\t", "Example Hospice"},
		{"comma and quotes", `"The ""Example"" Practice, North"`, `The "Example" Practice, North`},
		{"line break", "\"Example\r\nHospice\"", "Example Hospice"},
		{"terminal sequence", "Example\x1b[2J", "Example [2J"},
		{"character of no width", "Exam\u200bple", "Example"},
		{"Windows-1252", "Ynys M\xf4n \x96 Caf\xe9", "Ynys Môn – Café"},
		{"nothing", "", ""},
		{"very long", strings.Repeat("é", 600), strings.Repeat("é", 512)},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, err := published.Read("list", []byte("Organisation,Domain\r\n"+test.cell+",listed.example\r\n"))
			rows := list.Rows
			if err != nil || len(rows) != 1 || rows[0].Organisation != test.want {
				t.Fatalf("got %+v, %v, want %q", rows, err, test.want)
			}
			again, err := accredited.Read("again", accredited.Format(rows))
			if err != nil || !slices.Equal(again.Rows, rows) {
				t.Errorf("formatted and read again: got %+v, %v", again, err)
			}
		})
	}
}

// Rows are counted as in a spreadsheet.
func TestListRowNumbers(t *testing.T) {
	list := "\"Organisation\nname,\nas registered\",Domain\n\n\"A\nB\",listed.example\n,,\n" + "X,bad one\n" + strings.Repeat("X,listed.example\n", 20)
	got, err := published.Read("list", []byte(list))
	if want := `[row 5: "bad one" is not a domain name]`; err != nil || fmt.Sprint(got.LeftOut) != want {
		t.Errorf("got %v, %v, want %s", got.LeftOut, err, want)
	}
}

// A file need not end in a line end, unless it ends within a row.
func TestListEnds(t *testing.T) {
	const head = "Organisation,Domain,Type\nA,listed.example,X\nB,other.example,X"
	for _, test := range []struct{ name, list, fault string }{
		{"line end", head + "\n", ""},
		{"none", head, ""},
		{"blank lines", head + "\r\n\r\n", ""},
		{"blanks alone", head + "\n \t ", ""},
		{"in a row", head + "\nC,third.example", "list: row 4 has 2 of 3 cells and no line end, so the file is cut off: fetch the accredited list again"},
		{"shorter row", head + "\nC,third.example\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := published.Read("list", []byte(test.list))
			if test.fault == "" && err != nil || test.fault != "" && (err == nil || err.Error() != test.fault) {
				t.Errorf("got %v, want %q", err, test.fault)
			}
		})
	}
}

// A row may end in a carriage return, even if the others end differently.
func TestListLineEnds(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r", "\r\r\n"} {
		list := "Organisation,Domain,Type" + end + "A,one.example,x\rB,two.example,x\nC,three.example,x\r\n\"D\r\",four.example,x" + end
		read, err := published.Read("list", []byte(list))
		if got := fmt.Sprint(read.Rows); err != nil || got != "[{D four.example false} {A one.example false} {C three.example false} {B two.example false}]" {
			t.Errorf("%q: got %s, %v", end, got, err)
		}
	}
}

func TestListKeepsTheFirstOfTwo(t *testing.T) {
	list := "Organisation,Domain\nB,two.example\nA,listed.example\n" + strings.Repeat("C,Listed.example\nC,two.example\n", 50)
	read, err := published.Read("list", []byte(list))
	rows := read.Rows
	want := []accredited.Row{{Organisation: "A", Domain: "listed.example"}, {Organisation: "B", Domain: "two.example"}}
	if err != nil || !slices.Equal(rows, want) {
		t.Errorf("got %v, %v, want %v", rows, err, want)
	}
}
