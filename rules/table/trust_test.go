package table

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/editions"
)

// TestRowsForPublicSuffixes checks that rule files and local_domains cannot
// trust all names below a suffix that is open to strangers.
func TestRowsForPublicSuffixes(t *testing.T) {
	for _, test := range []struct {
		name   string
		refuse bool
	}{
		{"com", true}, {"uk", true}, {"co.uk", true}, {"sch.uk", true}, {"scot", true},
		{"np", true}, {"ck", true}, {"mm", true}, {"bd", true}, {"er", true}, {"fk", true}, {"jm", true}, {"kh", true}, {"pg", true},
		{"com.np", true}, {"kawasaki.jp", true}, {"hackney.sch.uk", true},
		{"uk.com", true}, {"eu.com", true}, {"gb.net", true}, {"github.io", true}, {"compute.amazonaws.com", true},
		{"onmicrosoft.com", true}, {"onmicrosoft.us", true},
		{"gov.scot", false}, {"service.gov.uk", false}, {"trust.onmicrosoft.com", false}, {"clinic.uk.com", false},
		{"clinic.com.np", false}, {"clinic.example", false}, {"trust.internal", false}, {"internal", false}, {"www.ck", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := fmt.Sprintf("table.name = \"t\"\n[[domain]]\nname = %q\nsubdomains = true\nclass = \"secure\"\n", test.name)
			read := func(string) ([]byte, error) { return []byte(file), nil }
			for place, s := range map[string]Sources{
				"a rule file":   {Edition: editions.Default, Files: []string{"file"}},
				"local_domains": {Edition: editions.Default, LocalDomains: []string{test.name}},
			} {
				_, err := Load(s, read)
				if refused := err != nil && strings.Contains(err.Error(), "anybody can have a name below"); refused != test.refuse {
					t.Errorf("%s: got %v", place, err)
				}
			}
		})
	}
}
