package table_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/table"
)

func TestLost(t *testing.T) {
	files := map[string]string{"f": `
table.name = "f"
[[domain]]
name = "x.gsi.gov.uk"
class = "unverified"
[[domain]]
name = "guests.trust.gov.uk"
subdomains = true
class = "unknown"
[[domain]]
name = "old.gov.uk"
class = "closed"
expires = 2026-11-21
`, "list.csv": "Organisation Name,Domain name\n,x.gsi.gov.uk\n,a.police.uk\n"}
	loaded, err := table.Load(table.Sources{
		Edition: editions.Default, Files: []string{"f"}, Accredited: "list.csv", LocalDomains: []string{"trust.gov.uk"}, RelayDomain: "encrypt.invalid",
	}, func(name string) ([]byte, error) { return []byte(files[name]), nil })
	if err != nil {
		t.Fatal(err)
	}
	today := time.Date(2026, 11, 21, 12, 0, 0, 0, time.Local)
	for _, test := range []struct {
		name, domain string
		want         []string
	}{
		{"no row at all", "gmail.com", nil},
		{"nothing but the row that decides", "nhs.net", nil},
		{"each layer, the strongest first", "x.gsi.gov.uk", []string{
			"gsi.gov.uk retired: layer local overrides layer retired",
			"x.gsi.gov.uk accredited: layer local overrides layer accredited",
			"gov.uk edition: layer local overrides layer edition"}},
		{"names of one layer", "a.guests.trust.gov.uk", []string{
			"trust.gov.uk local: the longer name guests.trust.gov.uk overrides it",
			"gov.uk edition: layer local overrides layer edition"}},
		{"expired", "old.gov.uk", []string{"old.gov.uk local: it expired on 2026-11-21"}},
		{"an exact name says nothing of what is below it", "b.a.police.uk", nil},
		{"mod.gov.uk below gov.uk", "x.mod.gov.uk", []string{"gov.uk edition: the longer name mod.gov.uk overrides it"}},
		{"the relay domain says nothing of itself", "encrypt.invalid", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, lost := range loaded.Lost(test.domain, loaded.Lookup(test.domain, today), today) {
				got = append(got, fmt.Sprintf("%s %s: %s", lost.Name, lost.Layer(), lost.Why))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
