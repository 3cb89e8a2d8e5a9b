package rules_test

import (
	"bufio"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

// accreditedList is a list in the form that import writes.
const accreditedList = "../testdata/accredited.csv"

var today = time.Date(2026, 11, 21, 12, 0, 0, 0, time.Local)

// load builds a table. files maps the names of local rule files to their texts.
func load(t testing.TB, s table.Sources, files map[string]string) *table.Table {
	t.Helper()
	loaded, err := loadFiles(s, files)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func loadFiles(s table.Sources, files map[string]string) (*table.Table, error) {
	if s.Edition == "" {
		s.Edition = editions.Default
	}
	return table.Load(s, func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		if strings.HasSuffix(name, ".missing") {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		return os.ReadFile(name)
	})
}

// ruleset builds a ruleset from a table and the shipped policies.
func ruleset(t testing.TB, table *table.Table, policies ...rules.Policy) *rules.Ruleset {
	t.Helper()
	marker, err := marker.NewReader([]string{"secure"}, nil, marker.Anywhere)
	if err != nil {
		t.Fatal(err)
	}
	if policies == nil {
		policies = rules.ShippedPolicies()
	}
	r, err := rules.NewRuleset(table, marker, "encrypt.invalid", policies)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTruthTable(t *testing.T) {
	f, err := os.Open("../testdata/truth-table.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := []string{"nhsmail-2022", "nhsmail-2019", "gp-strict"}
	var rulesets []*rules.Ruleset
	for _, edition := range all {
		table := load(t, table.Sources{Edition: edition, Accredited: accreditedList}, nil)
		rulesets = append(rulesets, ruleset(t, table))
	}
	rows := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Split(lines.Text(), "\t")
		if strings.HasPrefix(fields[0], "#") {
			continue
		}
		rows++
		for i, edition := range all {
			for _, address := range []string{fields[0], strings.ToUpper(fields[0]), fields[0] + "."} {
				if got := rulesets[i].Classify(address, "", today).Class.String(); got != fields[i+1] {
					t.Errorf("%s: %s: got %s, want %s", edition, address, got, fields[i+1])
				}
			}
		}
	}
	if rows < 30 {
		t.Errorf("only %d rows were read", rows)
	}
}

func TestLayers(t *testing.T) {
	files := map[string]string{"local.toml": `
[table]
name = "local"
[[domain]]
name = "council.gov.uk"
class = "unknown"
[[domain]]
name = "x.gsi.gov.uk"
class = "unknown"
[[domain]]
name = "listed.nhs.uk"
class = "unverified"
[[domain]]
name = "partner.example"
subdomains = true
class = "secure"
[[domain]]
name = "guests.partner.example"
class = "unknown"
[[domain]]
name = "lapsed.example"
class = "secure"
expires = 2026-11-21
[[domain]]
name = "renewed.example"
class = "secure"
expires = 2026-11-22
[[domain]]
name = "visitors.trust.example"
class = "unknown"
[[domain]]
name = "trust.example"
class = "closed"
[[domain]]
name = "bücher.example"
class = "secure"
`}
	r := ruleset(t, load(t, table.Sources{
		Files: []string{"local.toml"}, Accredited: accreditedList,
		LocalDomains: []string{"trust.example", "Ward.Example."}, RelayDomain: "encrypt.invalid",
	}, files))
	for _, test := range []struct{ name, address, want, table string }{
		{"a local row withdraws trust from an edition", "a@council.gov.uk", "unknown", "local"},
		{"and not from its neighbours", "a@x.council.gov.uk", "secure", "nhsmail-2022"},
		{"a local row outranks a retired name", "a@x.gsi.gov.uk", "unknown", "local"},
		{"a local row outranks the accredited list", "a@listed.nhs.uk", "unverified", "local"},
		{"a suffix", "a@b.c.partner.example", "secure", "local"},
		{"an exact name beats its parent", "a@guests.partner.example", "unknown", "local"},
		{"but not for what is below it", "a@x.guests.partner.example", "secure", "local"},
		{"expired today", "a@lapsed.example", "unknown", ""},
		{"expires tomorrow", "a@renewed.example", "secure", "local"},
		{"own domain", "a@ward.example", "local", "local_domains"},
		{"below the own domain", "a@x.ward.example", "local", "local_domains"},
		{"a local row inside the own domain", "a@visitors.trust.example", "unknown", "local"},
		{"a local row for the own domain itself", "a@trust.example", "closed", "local"},
		{"bears the relay domain", "a@gmail.com.encrypt.invalid", "secure", "relay"},
		{"the relay domain itself", "a@encrypt.invalid", "unknown", ""},
		{"U-label", "a@bücher.example", "secure", "local"},
		{"A-label", "a@XN--BCHER-KVA.example", "secure", "local"},
		{"full-width letters are read as others", "a@ｎhs.net", "unknown", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := r.Classify(test.address, "", today)
			table := ""
			if got.Row != nil {
				table = got.Row.Table.Name
			}
			if got.Class.String() != test.want || table != test.table {
				t.Errorf("got %s by table %q, want %s by %q", got.Class, table, test.want, test.table)
			}
		})
	}
}

func TestRowExpiresAtLocalMidnight(t *testing.T) {
	table := load(t, table.Sources{Files: []string{"f"}}, map[string]string{"f": `
table.name = "f"
[[domain]]
name = "summer.example"
class = "secure"
expires = 2027-07-01
`})
	midnight := time.Date(2027, 7, 1, 0, 0, 0, 0, time.Local)
	if table.Lookup("summer.example", midnight.Add(-time.Second)) == nil {
		t.Error("expired before midnight")
	}
	if table.Lookup("summer.example", midnight) != nil {
		t.Error("not expired at midnight")
	}
}

func TestFaultsOfTables(t *testing.T) {
	const head = "[table]\nname = \"f\"\n"
	for _, test := range []struct {
		name    string
		text    string
		sources table.Sources
		want    string
	}{
		{"not TOML", "[table\n", table.Sources{}, `f.toml: line 1, column 7: the closing bracket is missing: write [table]`},
		{"unknown key", head + "[[domain]]\nname = \"x.example\"\nclass = \"secure\"\nsubdomain = true\n", table.Sources{}, `f.toml: line 6, column 1: unknown key domain.subdomain: did you mean subdomains?`},
		{"unknown class", head + "[[domain]]\nname = \"x.example\"\nclass = \"safe\"\n", table.Sources{}, `line 5, column 1: domain.class: "safe" is not one of`},
		{"no class", head + "[[domain]]\nname = \"x.example\"\n", table.Sources{}, `f.toml: line 3, column 1: domain 1 ("x.example"): class is missing`},
		{"no name", head + "[[domain]]\nclass = \"secure\"\n", table.Sources{}, `f.toml: line 3, column 1: domain 1 (""): name is missing: write name = "a domain" or address = "an address"`},
		{"no table name", "[[domain]]\nname = \"x.example\"\nclass = \"secure\"\n", table.Sources{}, `f.toml: table.name is missing`},
		{"wildcard", head + "[[domain]]\nname = \"*.x.example\"\nclass = \"secure\"\n", table.Sources{}, `domain 1 ("*.x.example"): a name cannot have a wildcard or a blank: write "x.example", and subdomains = true`},
		{"blank", head + "[[domain]]\nname = \"x .example\"\nclass = \"secure\"\n", table.Sources{}, `"x .example" contains ' ', which is not allowed in a domain name`},
		{"address", head + "[[domain]]\nname = \"a@x.example\"\nclass = \"secure\"\n", table.Sources{}, `domain 1 ("a@x.example"): a name must be a domain: for an address, use address = "…"`},
		{"twice", head + "[[domain]]\nname = \"x.example\"\nclass = \"secure\"\n[[domain]]\nname = \"X.example.\"\nclass = \"unknown\"\n", table.Sources{}, `domain 2 ("X.example."): duplicates f.toml: line 3: domain 1 ("x.example"): remove one of the two rows`},
		{"no such edition", head, table.Sources{Edition: "nhsmail-1999"}, `edition "nhsmail-1999" is not known: choose one of gp-strict, nhsmail-2019, nhsmail-2022`},
		{"the retired names are no edition", head, table.Sources{Edition: "retired"}, `edition "retired" is not known`},
		{"several own domains in one text", head, table.Sources{LocalDomains: []string{"a.example, b.example;c.example"}}, `local_domains: "a.example, b.example;c.example": 3 domains in one string: put each in quotes, "a.example", "b.example", "c.example"`},
		{"own domain with a page", head, table.Sources{LocalDomains: []string{"https://www.trust.example/mail"}}, `this is the address of a web page: write the domain alone, "trust.example"`},
		{"own domain an IP address", head, table.Sources{LocalDomains: []string{"192.0.2.1"}}, `local_domains: "192.0.2.1": this is an IP address: write a domain`},
		{"own domain an empty text", head, table.Sources{LocalDomains: []string{""}}, `local_domains: "": a domain is missing: write one between the quotes, or delete them`},
		{"several names", head + "[[domain]]\nclass = \"secure\"\nname = \"a.example b.example\"\n", table.Sources{}, `f.toml: line 5, column 1: domain 1 ("a.example b.example"): 2 domains in one string: write a row for each of them`},
		{"a page", head + "[[domain]]\nname = \"x.example:8080\"\nclass = \"secure\"\n", table.Sources{}, `f.toml: line 4, column 1: domain 1 ("x.example:8080"): this is the address of a web page: write the domain alone, "x.example"`},
		{"an IP address", head + "[[domain]]\nname = \"[2001:db8::1]\"\nclass = \"secure\"\n", table.Sources{}, `("[2001:db8::1]"): this is an IP address: write a domain`},
		{"wildcard in an address", head + "[[domain]]\naddress = \"*@x.example\"\nclass = \"secure\"\n", table.Sources{}, `f.toml: line 4, column 1: domain 1 ("*@x.example"): an address cannot have a wildcard: for all addresses of a domain, write the domain alone, "x.example"`},
		{"address with a name", head + "[[domain]]\naddress = \"Bob <bob@x.example>\"\nclass = \"secure\"\n", table.Sources{}, `write the address alone, "bob@x.example"`},
		{"bad own domain", head, table.Sources{LocalDomains: []string{"*.trust.example"}}, `local_domains: "*.trust.example": a domain covers every name below it: write "trust.example", without a wildcard`},
		{"bad relay domain", head, table.Sources{RelayDomain: "encrypt..invalid"}, `relay.domain "encrypt..invalid": this is not a domain: write a domain that nothing else uses, such as encrypt.invalid`},
		{"relay domain with a wildcard", head, table.Sources{RelayDomain: "*.invalid"}, `relay.domain "*.invalid": this is not a domain`},
		{"relay domain an IP address", head, table.Sources{RelayDomain: "[192.0.2.1]"}, `relay.domain "[192.0.2.1]": this is an IP address: write a domain`},
		{"relay domain an own one", head, table.Sources{RelayDomain: "trust.example", LocalDomains: []string{"trust.example"}}, `relay.domain "trust.example": duplicates local_domains ("trust.example"): write a domain that nothing else uses`},
		{"file gone", head, table.Sources{Files: []string{"x.missing"}}, `x.missing: file does not exist: make the file readable`},
		{"list gone", head, table.Sources{Accredited: "list.missing"}, `list.missing: file does not exist: run postseal import`},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.sources.Files = append(test.sources.Files, "f.toml")
			_, err := loadFiles(test.sources, map[string]string{"f.toml": test.text})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestEveryFaultIsNamed(t *testing.T) {
	_, err := loadFiles(table.Sources{Edition: "x", Files: []string{"a.missing", "b.missing"}, LocalDomains: []string{"@"}}, nil)
	for _, want := range []string{"edition", "a.missing", "b.missing", "local_domains"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
