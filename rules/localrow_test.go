package rules_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/rules/table"
)

func TestAddressRows(t *testing.T) {
	r := ruleset(t, load(t, table.Sources{
		Files: []string{"f"}, Accredited: accreditedList, LocalDomains: []string{"trust.example"},
	}, map[string]string{"f": `
table.name = "local"
table.source = "IG group"
[[domain]]
address = "Clinic@Partner.example"
class = "secure"
source = "IG 2026/15"
[[domain]]
address = "Clinic@Bücher.example"
class = "secure"
[[domain]]
name = "partner.example"
subdomains = true
class = "unverified"
[[domain]]
address = "old.clinic@council.gov.uk"
class = "unknown"
[[domain]]
address = "shared@trust.example"
class = "unverified"
[[domain]]
address = "lapsed@partner.example"
class = "secure"
expires = 2026-11-21
[[domain]]
address = '"two words"@partner.example'
class = "closed"
[[domain]]
address = "größe@partner.example"
class = "secure"
`}))
	for _, test := range []struct{ name, address, resolved, want, row, source string }{
		{"the address", "clinic@partner.example", "", "secure", "clinic@partner.example", "IG 2026/15"},
		{"in capitals", "CLINIC@PARTNER.EXAMPLE", "", "secure", "clinic@partner.example", "IG 2026/15"},
		{"in quotes", `"clin\ic"@partner.example`, "", "secure", "clinic@partner.example", "IG 2026/15"},
		{"with a trailing dot", "clinic@partner.example.", "", "secure", "clinic@partner.example", "IG 2026/15"},
		{"another of the domain", "clinic2@partner.example", "", "unverified", "partner.example", "IG group"},
		{"with an extension", "clinic+x@partner.example", "", "unverified", "partner.example", "IG group"},
		{"below the domain", "clinic@x.partner.example", "", "unverified", "partner.example", "IG group"},
		{"internationalised domain", "clinic@xn--bcher-kva.example", "", "secure", "clinic@xn--bcher-kva.example", "IG group"},
		{"withdrawn from an edition", "Old.Clinic@council.gov.uk", "", "unknown", "old.clinic@council.gov.uk", "IG group"},
		{"and not from its neighbours", "new.clinic@council.gov.uk", "", "secure", "gov.uk", "NHS Digital, guidance for sending secure email (including to patients), 26 July 2022"},
		{"inside the own domain", "shared@trust.example", "", "unverified", "shared@trust.example", "IG group"},
		{"expired", "lapsed@partner.example", "", "unverified", "partner.example", "IG group"},
		{"quotes that are needed", `"Two Words"@partner.example`, "", "closed", "two words@partner.example", "IG group"},
		{"a letter that folds to an ASCII one", "clinic@partner.example\u212a", "", "unknown", "", ""},
		{"a letter beyond ASCII", "größe@partner.example", "", "secure", "größe@partner.example", "IG group"},
		{"whose case counts", "GRÖSSE@partner.example", "", "unverified", "partner.example", "IG group"},
		{"the MTA reads another local part", "clinic@partner.example", "other@partner.example", "unverified", "partner.example", "IG group"},
		{"the MTA reads a trusted one", "other@partner.example", "clinic@partner.example", "unverified", "partner.example", "IG group"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := r.Classify(test.address, test.resolved, today)
			source := ""
			if got.Row != nil {
				source = got.Row.Origin()
			}
			if got.Class.String() != test.want || got.RowName() != test.row || source != test.source {
				t.Errorf("got %s by %q of %q, want %s by %q of %q", got.Class, got.RowName(), source, test.want, test.row, test.source)
			}
			if strings.Contains(test.row, "@") && strings.Contains(got.Reason(), "@") {
				t.Errorf("the reason, which is logged, shows the address: %s", got.Reason())
			}
		})
	}
}

func TestDaysLeft(t *testing.T) {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	defer func(zone *time.Location) { time.Local = zone }(time.Local)
	time.Local = london
	expires := time.Date(2027, 4, 1, 0, 0, 0, 0, london)
	for _, test := range []struct {
		name string
		now  time.Time
		want int
	}{
		{"over the day with 23 hours", time.Date(2027, 3, 25, 0, 0, 0, 0, london), 7},
		{"at the end of a day", time.Date(2027, 3, 31, 23, 59, 59, 0, london), 1},
		{"on the day", expires, 0},
		{"at the end of that day", expires.Add(24*time.Hour - 1), 0},
		{"after it", expires.AddDate(0, 0, 3), -3},
		{"in another zone, where it is the day before", time.Date(2027, 3, 31, 23, 30, 0, 0, time.UTC), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			row := &table.Row{Expires: expires}
			if got, ok := row.DaysLeft(test.now); got != test.want || !ok {
				t.Errorf("got %d, %v, want %d", got, ok, test.want)
			}
			if got, want := row.Expired(test.now), test.want <= 0; got != want {
				t.Errorf("expired: got %v, want %v", got, want)
			}
		})
	}
	if _, ok := (&table.Row{}).DaysLeft(expires); ok {
		t.Error("a row that never expires has days left")
	}
}

// TestSuffixWithRetiredNames trusts a suffix. Its retired names must stay
// closed.
func TestSuffixWithRetiredNames(t *testing.T) {
	text := "table.name = \"f\"\n[[domain]]\nname = \"gov.uk\"\nsubdomains = true\nclass = \"secure\"\n"
	for _, name := range []string{"gsi", "gcsx", "gsx", "gse"} {
		text += "[[domain]]\nname = \"" + name + ".gov.uk\"\nsubdomains = true\nclass = \"closed\"\n"
	}
	r := ruleset(t, load(t, table.Sources{Edition: "gp-strict", Files: []string{"f"}}, map[string]string{"f": text}))
	for address, want := range map[string]table.Class{"a@council.gov.uk": table.Secure, "a@x.gsi.gov.uk": table.Closed} {
		if got := r.Classify(address, "", today).Class; got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}

// FuzzRuleFile checks that a rule file loads or causes an error, and that a
// file that loads does not trust a public suffix or a retired name.
func FuzzRuleFile(f *testing.F) {
	const head = "table.name = \"f\"\n[[domain]]\nclass = \"secure\"\n"
	for _, row := range []string{`name = "*. nhs.uk"`, "name = \"uk\"\nsubdomains = true", `address = "a@x.example"`, `name = "clіnic.example"`, "name = \"x.example\"\nexpires = 2026-11-21"} {
		f.Add(head + row + "\n")
	}
	names, err := filepath.Glob("../testdata/lint/rules/*.toml")
	if err != nil || len(names) == 0 {
		f.Fatalf("%d rule files, %v", len(names), err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		loaded, err := loadFiles(table.Sources{Files: []string{"f"}}, map[string]string{"f": text})
		if err != nil {
			for fault := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(fault, "f: ") {
					t.Errorf("the fault %q does not name the file", fault)
				}
			}
			return
		}
		r := ruleset(t, loaded)
		r.Lint(today)
		for _, suffix := range []string{"nhs.uk", "com", "x.gsi.gov.uk"} {
			got := r.Classify("a@nobody-names-this."+suffix, "", today)
			if got.Class < table.Unverified && !strings.Contains(strings.ToLower(text), "nobody") {
				t.Errorf("%s: got %s", suffix, got.Class)
			}
		}
	})
}

// TestTableNamedRelay checks that only the relay's own row marks a recipient as
// diverted, whatever name a rule file has.
func TestTableNamedRelay(t *testing.T) {
	r := ruleset(t, load(t, table.Sources{Files: []string{"f"}, RelayDomain: "encrypt.invalid"}, map[string]string{"f": `
table.name = "relay"
[[domain]]
name = "partner.example"
class = "secure"
`}))
	for _, test := range []struct {
		address string
		want    table.Class
		bears   bool
	}{
		{"a@partner.example", table.Secure, false},
		{"a%gmail.com@partner.example", table.Unknown, false},
		{"a%b@gmail.com.encrypt.invalid", table.Secure, true},
	} {
		got := r.Classify(test.address, "", today)
		if got.Class != test.want || bearsRelay(got) != test.bears {
			t.Errorf("%s: got %v, %v", test.address, got.Class, bearsRelay(got))
		}
	}
}
