package published_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/published"
	"github.com/postseal/postseal/rules/accredited"
	"github.com/postseal/postseal/rules/address"
)

// FuzzReadPublished mutates small lists of every kind. Minimising large ones
// takes too long.
func FuzzReadPublished(f *testing.F) {
	for _, file := range listFiles(f, "bad", 18) {
		if data := readFile(f, file); len(data) < 4096 {
			f.Add(data)
		}
	}
	f.Add([]byte("\ufeffList of domains\r\n\r\nOrganisation Name,Type,Domain name \r\n\"Example, North\",X,Listed.example \r\nYnys M\xf4n,X,nhs.net\r\n"))
	f.Fuzz(checkRead)
}

// checkRead checks that a list is refused with a reason, or read into valid
// rows. The file that is written for them, and for accepted rows, must read
// back as the same rows.
func checkRead(t *testing.T, data []byte) {
	list, err := published.Read("list", data)
	if err != nil {
		if list.Rows != nil || !strings.HasPrefix(err.Error(), "list: ") {
			t.Fatalf("%d rows beside the error %v", len(list.Rows), err)
		}
		return
	}
	if len(list.Rows)+len(list.Doubtful) == 0 {
		t.Fatal("neither rows nor an error")
	}
	for _, row := range list.Rows {
		if row.Accepted || !strings.Contains(row.Domain, ".") || row.Domain == "nhs.uk" || address.IsConsumerMail(row.Domain) || strings.HasPrefix(row.Domain, "www.") {
			t.Fatalf("%+v counts by itself", row)
		}
	}
	list.Accept(func(string) bool { return true })
	for i, row := range list.Rows {
		name, err := address.NormalizeDomain(row.Domain)
		if err != nil || name != row.Domain {
			t.Fatalf("row %d is for %q: %v", i, row.Domain, err)
		}
		if i > 0 && list.Rows[i-1].Domain >= row.Domain {
			t.Fatalf("%q is before %q", list.Rows[i-1].Domain, row.Domain)
		}
	}
	again, err := accredited.Read("list", accredited.Format(list.Rows))
	if err != nil || len(again.Ignored) > 0 || !slices.Equal(again.Rows, list.Rows) {
		t.Fatalf("formatted and read again: %v, got %+v, want %+v", err, again, list)
	}
}
