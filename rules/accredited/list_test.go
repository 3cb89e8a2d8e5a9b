package accredited_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/accredited"
	"github.com/postseal/postseal/rules/address"
)

const (
	plain    = "Organisation Name,Domain name\n"
	accepted = "Organisation Name,Domain name,Accepted with -accept\n"
)

// Every version of postseal must read what import has written.
func TestReadWhatImportWrote(t *testing.T) {
	for _, test := range []struct{ name, list, rows, ignored string }{
		{"plain", plain + "\"The \"\"A\"\", North\",a.example\n,b.example\nYnys Môn – Café,xn--mn-8ja.example\nC,_mail.c.example\n",
			`[{C _mail.c.example false} {The "A", North a.example false} { b.example false} {Ynys Môn – Café xn--mn-8ja.example false}]`, "[]"},
		{"accepted", accepted + "A,a.example,no\nB,com,yes\nC,gmail.com,yes\n", "[{A a.example false} {B com true} {C gmail.com true}]", "[]"},
		{"accepted without need", accepted + "A,a.example,yes\n", "[{A a.example false}]", "[]"},
		{"doubtful and not accepted", plain + "A,a.example\nB,gmail.com\nC,nhs.uk\n", "[{A a.example false}]",
			"[{3 gmail.com is a consumer mail service, where anybody can have an address} {4 nhs.uk is a public suffix, not an organisation's domain}]"},
		{"doubtful and marked so", accepted + "A,a.example,no\nB,gmail.com,no\n", "[{A a.example false}]",
			"[{3 gmail.com is a consumer mail service, where anybody can have an address}]"},
		{"carriage returns", strings.ReplaceAll(plain+"A,a.example\n", "\n", "\r\n"), "[{A a.example false}]", "[]"},
		{"a row added below", plain + "B,b.example\nA,a.example\n", "[{A a.example false} {B b.example false}]", "[]"},
	} {
		list, err := accredited.Read("list", []byte(test.list))
		if err != nil || fmt.Sprint(list.Rows) != test.rows || fmt.Sprint(list.Ignored) != test.ignored {
			t.Errorf("%s: got %v, ignored %v, %v", test.name, list.Rows, list.Ignored, err)
		}
	}
	data, err := os.ReadFile("../../testdata/lists/want.csv")
	if err != nil {
		t.Fatal(err)
	}
	list, err := accredited.Read("list", data)
	if err != nil || len(list.Rows) != 268 || string(accredited.Format(list.Rows)) != string(data) {
		t.Errorf("want.csv: %d rows, %v", len(list.Rows), err)
	}
}

func TestRefuseWhatImportDidNotWrite(t *testing.T) {
	const foreign = "list: line 1: this is not a list that postseal import wrote: run postseal import list, which replaces the file; to keep the file, name another one in rules.accredited first"
	const again = ": run postseal import with today's list"
	read := func(file string) string {
		data, err := os.ReadFile("../../testdata/lists/" + file)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, test := range []struct{ name, list, want string }{
		{"published", read("good/published.csv"), foreign},
		{"workbook", read("good/published.xlsx"), foreign},
		{"another header", "Organisation Name,Domain\nA,a.example\n", foreign},
		{"byte order mark", "\ufeff" + plain + "A,a.example\n", foreign},
		{"a column more", "Organisation Name,Domain name,Type\nA,a.example,x\n", foreign},
		{"header cut off", "Organisation Name,Dom", foreign},
		{"empty", "", "list: the list is empty" + again},
		{"no rows", plain, "list: the list has no valid row" + again},
		{"doubtful rows alone", plain + "B,gmail.com\n", "list: the list has no valid row" + again},
		{"cut off in a domain", plain + "A,a.example\nB,b.exam", "list: line 3: the line has no end, so the file is cut off" + again},
		{"cut off in a row", plain + "A,a.example\nB", "list: line 3: wrong number of fields" + again},
		{"a quote without an end", plain + "A,a.example\n\"B,b.example\nC,c.example\n", "list: line 3: extraneous or missing \" in quoted-field" + again},
		{"a cell more", plain + "A,a.example\nB,b.example,yes\n", "list: line 3: wrong number of fields" + again},
		{"a cell less", accepted + "A,a.example\n", "list: line 2: wrong number of fields" + again},
		{"capitals", plain + "A,A.Example\n", `list: line 2: the domain "A.Example" must be written "a.example"` + again},
		{"trailing dot", plain + "A,a.example.\n", `list: line 2: the domain "a.example." must be written "a.example"` + again},
		{"another script", plain + "A,môn.example\n", `list: line 2: the domain "môn.example" must be written "xn--mn-8ja.example"` + again},
		{"blank", plain + "A,a.example \n", `list: line 2: "a.example " contains ' ', which is not allowed in a domain name` + again},
		{"wildcard", plain + "A,*.example\n", `list: line 2: "*.example" contains '*', which is not allowed in a domain name` + again},
		{"no domain", plain + "A,\n", "list: line 2: the name is empty" + again},
		{"another column", plain + "A,a.example\nB,y\n", `list: line 3: "y" is not a domain name` + again},
		{"twice", plain + "A,a.example\nB,b.example\nC,a.example\n", `list: line 4: "a.example" appears twice` + again},
		{"another answer", accepted + "A,gmail.com,YES\n", `list: line 2: "YES" below "Accepted with -accept" must be yes or no` + again},
		{"terminal sequence", plain + "A\x1b[2J,a.example\n", `list: line 2: the organisation "A\x1b[2J" has characters that cannot be shown` + again},
		{"line break", plain + "\"A\nB\",a.example\n", `list: line 2: the organisation "A\nB" has characters that cannot be shown` + again},
		{"Windows-1252", plain + "A,a.example\nM\xf4n,b.example\n", `list: line 3: the organisation "M\xf4n" has characters that cannot be shown` + again},
	} {
		list, err := accredited.Read("list", []byte(test.list))
		if err == nil || err.Error() != test.want || list.Rows != nil {
			t.Errorf("%s: got  %v\nwant %s", test.name, err, test.want)
		}
	}
}

// FuzzRead checks that Read refuses a list with an error that names it, or
// returns valid rows. Format must write these rows so that Read returns them
// again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(plain + "\"A, North\",a.example\nYnys Môn,xn--mn-8ja.example\nB,gmail.com\n"))
	f.Add([]byte(accepted + "A,a.example,no\nB,gmail.com,yes\nC,com,no\n"))
	f.Add([]byte(plain + "A,a.example\nB,b.exam"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := accredited.Read("list", data)
		if err != nil {
			if list.Rows != nil || list.Ignored != nil || !strings.HasPrefix(err.Error(), "list: ") || !strings.Contains(err.Error(), ": run postseal import ") {
				t.Fatalf("%d rows beside the error %v", len(list.Rows), err)
			}
			return
		}
		for i, row := range list.Rows {
			name, err := address.NormalizeDomain(row.Domain)
			if err != nil || name != row.Domain || i > 0 && list.Rows[i-1].Domain >= row.Domain || row.Accepted != (accredited.Doubt(row.Domain) != "") {
				t.Fatalf("row %d of %+v: %v", i, list.Rows, err)
			}
		}
		again, err := accredited.Read("list", accredited.Format(list.Rows))
		if err != nil || len(again.Ignored) > 0 || !slices.Equal(again.Rows, list.Rows) {
			t.Fatalf("formatted and read again: %v, got %+v, want %+v", err, again, list)
		}
	})
}
