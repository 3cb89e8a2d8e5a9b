package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/config/configtest"
	"github.com/postseal/postseal/rules/table"
)

// exportConfig has an exception of each kind below a secure suffix.
const exportConfig = `
local_domains = ["trust.example", "own.gov.uk"]
[rules]
accredited = "/DIR/accredited.csv"
files = ["/DIR/local.rules"]
`

const exportRules = `
[table]
name = "trust-local"
source = """Decision 2026/14
evil.example encrypt"""
issued = 2026-10-01
[[domain]]
name = "partner.example"
subdomains = true
class = "secure"
[[domain]]
name = "guests.partner.example"
class = "unknown"
[[domain]]
name = "clinic.gov.uk"
subdomains = true
class = "unverified"
[[domain]]
name = "inner.clinic.gov.uk"
class = "secure"
[[domain]]
name = "lapsed.example"
subdomains = true
class = "secure"
expires = 2026-01-01
`

const exportList = "Organisation Name,Domain name\nA,listed.nhs.uk\nA,guests.partner.example\nB,listed.council.gov.uk\n"

// writeExport writes the configuration of a test below a new directory.
func writeExport(t *testing.T, config, local, list string) string {
	t.Helper()
	path := configtest.Write(t, config)
	for name, text := range map[string]string{"local.rules": local, "accredited.csv": list} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// exported runs the command and returns its rows without the comments.
func exported(t *testing.T, config string, options ...string) (comments, rows string) {
	t.Helper()
	code, stdout, stderr := runWith("", append([]string{"export", "tls-policy", "-config", config}, options...)...)
	if code != exitDone || stderr != "" {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	for line := range strings.Lines(stdout) {
		if strings.HasPrefix(line, "#") {
			comments += line
		} else {
			rows += line
		}
	}
	return comments, rows
}

func TestExport(t *testing.T) {
	config := writeExport(t, exportConfig, exportRules, exportList)
	strict := writeExport(t, "[rules]\nedition = \"gp-strict\"\n", "", "")
	for _, test := range []struct {
		name, config, level, format, want string
	}{
		{"postfix", config, "encrypt", "postfix", `
cjsm.net	encrypt
.cjsm.net	encrypt
clinic.gov.uk	may
.clinic.gov.uk	may
gcsx.gov.uk	may
.gcsx.gov.uk	may
gov.uk	encrypt
.gov.uk	encrypt
gse.gov.uk	may
.gse.gov.uk	may
gsi.gov.uk	may
.gsi.gov.uk	may
gsx.gov.uk	may
.gsx.gov.uk	may
guests.partner.example	may
inner.clinic.gov.uk	encrypt
listed.council.gov.uk	encrypt
listed.nhs.uk	encrypt
mod.gov.uk	encrypt
.mod.gov.uk	encrypt
nhs.net	encrypt
.nhs.net	encrypt
own.gov.uk	may
.own.gov.uk	may
parliament.uk	encrypt
.parliament.uk	encrypt
partner.example	encrypt
.partner.example	encrypt
police.uk	encrypt
.police.uk	encrypt
`},
		{"sendmail", config, "encrypt", "sendmail", `
TLS_Rcpt:cjsm.net	ENCR:128
TLS_Rcpt:.cjsm.net	ENCR:128
TLS_Rcpt:clinic.gov.uk	SKIP
TLS_Rcpt:gcsx.gov.uk	SKIP
TLS_Rcpt:gov.uk	ENCR:128
TLS_Rcpt:.gov.uk	ENCR:128
TLS_Rcpt:gse.gov.uk	SKIP
TLS_Rcpt:gsi.gov.uk	SKIP
TLS_Rcpt:gsx.gov.uk	SKIP
TLS_Rcpt:guests.partner.example	SKIP
TLS_Rcpt:.guests.partner.example	ENCR:128
TLS_Rcpt:inner.clinic.gov.uk	ENCR:128
TLS_Rcpt:.inner.clinic.gov.uk	SKIP
TLS_Rcpt:listed.council.gov.uk	ENCR:128
TLS_Rcpt:listed.nhs.uk	ENCR:128
TLS_Rcpt:.listed.nhs.uk	SKIP
TLS_Rcpt:mod.gov.uk	ENCR:128
TLS_Rcpt:.mod.gov.uk	ENCR:128
TLS_Rcpt:nhs.net	ENCR:128
TLS_Rcpt:.nhs.net	ENCR:128
TLS_Rcpt:own.gov.uk	SKIP
TLS_Rcpt:parliament.uk	ENCR:128
TLS_Rcpt:.parliament.uk	ENCR:128
TLS_Rcpt:partner.example	ENCR:128
TLS_Rcpt:.partner.example	ENCR:128
TLS_Rcpt:police.uk	ENCR:128
TLS_Rcpt:.police.uk	ENCR:128
`},
		{"an exact name, postfix", strict, "verify", "postfix", "\nnhs.net\tverify\n"},
		{"an exact name, sendmail", strict, "verify", "sendmail", "\nTLS_Rcpt:nhs.net\tVERIFY:128\nTLS_Rcpt:.nhs.net\tSKIP\n"},
		{"nothing demanded, postfix", strict, "may", "postfix", "\nnhs.net\tmay\n"},
		{"nothing demanded, sendmail", strict, "may", "sendmail", "\nTry_TLS:nhs.net\tYES\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, got := exported(t, test.config, "-level", test.level, "-format", test.format)
			if "\n"+got != test.want {
				t.Errorf("got\n%s\nwant%s", got, test.want)
			}
		})
	}
	if _, got := exported(t, config); strings.Contains(got, "encrypt") || !strings.Contains(got, ".gov.uk\tmay\n") {
		t.Errorf("by default\n%s", got)
	}
}

func TestExportSaysWhereRowsComeFrom(t *testing.T) {
	path := writeExport(t, exportConfig, exportRules, exportList)
	loaded, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := exported(t, path, "-level", "verify")
	want := `# postseal export tls-policy -level verify -format postfix, configuration ` + loaded.Message.Hash + `
# from accredited: secure email standard DCB1596, accredited organisations
# from local_domains: the configuration
# from nhsmail-2022: NHS Digital, guidance for sending secure email (including to patients), 26 July 2022, issued 2022-07-26
# from retired: Sharing sensitive information by email, a guide for health and social care, version 2, November 2019, issued 2019-11-01
# from trust-local: Decision 2026/14 evil.example encrypt, issued 2026-10-01
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// randomTable is a configuration whose names are close together, so that rows
// override one another in every way.
func randomTable(t *testing.T, random *rand.Rand) *config.Config {
	t.Helper()
	local, list, seen := "table.name = \"f\"\n", "Organisation Name,Domain name\n", make(map[string]bool)
	for range 12 {
		name := randomName(random, "ab")
		if seen[name] {
			continue
		}
		seen[name] = true
		classes := []string{"secure", "secure", "secure", "local", "unverified", "unknown", "closed"}
		if !mayTrust(name) {
			classes = classes[4:]
		}
		class := classes[random.IntN(len(classes))]
		local += fmt.Sprintf("[[domain]]\nname = %q\nclass = %q\nsubdomains = %t\n", name, class, random.IntN(2) == 0)
		if random.IntN(4) == 0 {
			local += "expires = 2026-01-01\n"
		}
	}
	listed := make(map[string]bool)
	for range 6 {
		if name := "a." + randomName(random, "ab"); !listed[name] {
			list += "," + name + "\n"
			listed[name] = true
		}
	}
	own := randomName(random, "ab")
	if !mayTrust(own) {
		own = "a.b.example"
	}
	path := writeExport(t, fmt.Sprintf("local_domains = [%q]\n", own)+exportConfig[strings.Index(exportConfig, "[rules]"):], local, list)
	loaded, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// mayTrust reports whether a configuration may trust the name: not a public
// suffix, and not a retired name.
func mayTrust(name string) bool { return name != "gov.uk" && !strings.HasSuffix(name, "gsi.gov.uk") }

// randomName is a top-level domain of the table, or a name below it.
func randomName(random *rand.Rand, labels string) string {
	name := [...]string{"example", "gov.uk", "gsi.gov.uk"}[random.IntN(3)]
	for range random.IntN(4) {
		name = string(labels[random.IntN(len(labels))]) + "." + name
	}
	return name
}

func randomNames(random *rand.Rand, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = randomName(random, "abx")
	}
	return names
}

// text is the output of export for a configuration.
func text(c *config.Config, level, format string) string {
	var b strings.Builder
	for _, row := range newTLSPolicy(c.Message.Rules, level, format, time.Now()) {
		b.WriteString(row.line(level, format))
	}
	return b.String()
}

func wantSecure(c *config.Config, name string) bool {
	row := c.Message.Rules.Table.Lookup(name, time.Now())
	return row != nil && row.Class == table.Secure
}
