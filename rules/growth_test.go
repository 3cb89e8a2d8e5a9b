//go:build !race

package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/growthtest"
	"github.com/postseal/postseal/rules/table"
)

// TestAddressGrows reads long addresses of several shapes, because a peer can
// send up to a megabyte.
func TestAddressGrows(t *testing.T) {
	r := ruleset(t, load(t, table.Sources{RelayDomain: "encrypt.invalid", Accredited: accreditedList}, nil))
	repeat := func(before, text, after string) func(n int) string {
		return func(n int) string { return before + strings.Repeat(text, n) + after }
	}
	letters := func(n int) string { // all of them different
		var b strings.Builder
		for i := range n {
			b.WriteRune('\u4e00' + rune(i))
		}
		return b.String()
	}
	for _, test := range []struct {
		name string
		text func(n int) string
	}{
		{"local part", repeat("", "a", "@nhs.net")},
		{"quoted pairs", repeat(`"`, `\"`, `"@nhs.net`)},
		{"quoted pairs without an end", repeat(`"`, `\"`, `\`)},
		{"quotes", repeat("", `"`, "@nhs.net")},
		{"quoted strings", repeat("", `"a".`, `"b"@nhs.net`)},
		{"nested comments", func(n int) string { return "a" + strings.Repeat("(", n) + strings.Repeat(")", n) + "@nhs.net" }},
		{"comments without an end", repeat("a@", "(x", "")},
		{"source route", repeat("@a", ",@a", ":a@nhs.net")},
		{"source route without an end", repeat("@a", ",@a", "")},
		{"at signs", repeat("a", "@a", "@nhs.net")},
		{"percent hacks", repeat("a", "%a", "@nhs.net")},
		{"bang path", repeat("", "a!", "a@nhs.net")},
		{"labels", repeat("a@", "a.", "nhs.net")},
		{"labels of another script", repeat("a@", "ä.", "nhs.net")},
		{"label", repeat("a@", "a", ".net")},
		{"label of another script", func(n int) string { return "a@" + letters(n) + ".net" }},
		{"label of one letter of another script", repeat("a@", "ä", ".net")},
		{"combining marks", repeat("a@a", "\u0301\u0323", ".net")},
		{"A-label", repeat("a@xn--", "a", "-.net")},
		{"A-labels", repeat("a@", "xn--bcher-kva.", "net")},
		{"dots", repeat("a@", ".", "net")},
		{"local part of another script", func(n int) string { return letters(n) + "@nhs.net" }},
		{"exchange address", repeat("IMCEASMTP-a", "+40a", "@nhs.net")},
		{"rewritten sender", repeat("SRS0", "=a", "@nhs.net")},
		{"X.400", repeat("", "/C=a", "/@nhs.net")},
		{"DECnet", repeat("a", "::a", "@nhs.net")},
	} {
		t.Run(test.name, func(t *testing.T) {
			growthtest.Linear(t, 2000, func(n int) func() {
				text := test.text(n)
				return func() { r.Classify(text, text, today) }
			})
		})
	}
}

// TestLookAlikesGrow looks up domains in tables with long lists of similar
// names.
func TestLookAlikesGrow(t *testing.T) {
	for _, test := range []struct {
		name, domain string
	}{
		{"near to none", "mail.customer.example.org"},
		{"near to one", "trsut500-hospital.example"},
		{"near to many", "trust5-hospital.example"},
		{"many labels", strings.Repeat("a.", 110) + "trsut500-hospital.example"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tables := make(map[int]*rules.Ruleset)
			growthtest.Linear(t, 2000, func(n int) func() {
				if tables[n] == nil {
					tables[n] = ruleset(t, load(t, table.Sources{Accredited: "list.csv"}, map[string]string{"list.csv": manyRegistered(n)}))
				}
				return func() {
					for range 50 {
						tables[n].Classify("a@"+test.domain, "", today)
					}
				}
			})
		})
	}
}

// TestLoadGrows loads tables of several shapes and lints them.
func TestLoadGrows(t *testing.T) {
	for _, test := range []struct {
		name, row string // %d in a row is its number
	}{
		{"secure", "name = \"trust%d.example\"\nclass = \"secure\""},
		{"secure with all below", "name = \"trust%d.example\"\nclass = \"secure\"\nsubdomains = true"},
		{"below one suffix", "name = \"trust%d.nhs.uk\"\nclass = \"unknown\""},
		{"addresses", "address = \"a%d@x.example\"\nclass = \"secure\""},
		{"retired", "name = \"x%d.gsi.gov.uk\"\nclass = \"secure\""},
		{"public suffixes", "name = \"co.uk\"\nclass = \"secure\"\nsubdomains = true\nnote = \"%d\""},
		{"all of one name", "name = \"trust.example\"\nclass = \"unknown\"\nnote = \"%d\""},
		{"a faulty name", "name = \"trust%d..example\"\nclass = \"secure\""},
		{"no class", "name = \"trust%d.example\""},
		{"an unknown key", "name = \"trust%d.example\"\nclas = \"secure\""},
		{"another class", "name = \"trust%d.example\"\nclass = \"other\""},
		{"hiding the list", "name = \"trust%d-hospital.example\"\nclass = \"unknown\""},
	} {
		t.Run(test.name, func(t *testing.T) {
			growthtest.Linear(t, 500, func(n int) func() {
				var b strings.Builder
				b.WriteString("[table]\nname = \"local\"\n")
				for i := range n {
					fmt.Fprintf(&b, "[[domain]]\n"+test.row+"\n", i)
				}
				texts := map[string]string{"local": b.String(), "list.csv": manyRegistered(n)}
				own := make([]string, n)
				for i := range own {
					own[i] = fmt.Sprintf("own%d.example", i)
				}
				sources := table.Sources{Edition: editions.Default, Files: []string{"local"}, Accredited: "list.csv", LocalDomains: own}
				return func() {
					table, err := table.Load(sources, func(name string) ([]byte, error) { return []byte(texts[name]), nil })
					if err != nil {
						_ = err.Error()
						return
					}
					ruleset(t, table).Lint(today)
				}
			})
		})
	}
}
