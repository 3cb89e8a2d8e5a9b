package rules_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules"
)

// FuzzReadAccredited mutates small lists of every kind: minimising large ones
// would take all of the time.
func FuzzReadAccredited(f *testing.F) {
	for _, file := range listFiles(f, "bad", 20) {
		if data := readFile(f, file); len(data) < 4096 {
			f.Add(data)
		}
	}
	f.Add([]byte("\ufeffList of domains\r\n\r\nOrganisation Name,Type,Domain name \r\n\"Example, North\",X,Listed.example \r\nYnys M\xf4n,X,nhs.net\r\n"))
	f.Fuzz(checkRead)
}

// checkRead holds that a list is either refused with a reason or read into
// rows that keep every promise, and that what is written for them reads back
// as the same rows.
func checkRead(t *testing.T, data []byte) {
	rows, leftOut, err := rules.ReadAccredited("list", data)
	if err != nil {
		if rows != nil || !strings.HasPrefix(err.Error(), "list: ") {
			t.Fatalf("%d rows beside the error %v", len(rows), err)
		}
		return
	}
	if len(rows) == 0 {
		t.Fatal("neither rows nor an error")
	}
	for i, row := range rows {
		name, err := rules.NormalizeDomain(row.Domain)
		if err != nil || name != row.Domain || !strings.Contains(name, ".") || name == "nhs.uk" {
			t.Fatalf("row %d is for %q: %v", i, row.Domain, err)
		}
		if i > 0 && rows[i-1].Domain >= row.Domain {
			t.Fatalf("%q is before %q", rows[i-1].Domain, row.Domain)
		}
	}
	again, leftOutAgain, err := rules.ReadAccredited("list", rules.FormatAccredited(rows))
	if err != nil || len(leftOutAgain) > 0 || !slices.Equal(again, rows) {
		t.Fatalf("formatted and read again: %v, left out %q at first and %q then, got %v, want %v", err, leftOut, leftOutAgain, again, rows)
	}
}
