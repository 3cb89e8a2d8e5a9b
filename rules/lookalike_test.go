package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/table"
)

const similarRows = `
[table]
name = "local"
[[domain]]
name = "partner-hospice.org.uk"
class = "secure"
[[domain]]
name = "stjohns.org"
class = "secure"
[[domain]]
name = "tiny.example"
class = "secure"
[[domain]]
name = "lapsed-practice.example"
class = "secure"
expires = 2026-01-01
[[domain]]
name = "nhs.com"
class = "unknown"
`

func TestLookAlikes(t *testing.T) {
	r := ruleset(t, load(t, table.Sources{
		Files: []string{"local"}, Accredited: accreditedList, LocalDomains: []string{"trust.example"}, RelayDomain: "encrypt.invalid",
	}, map[string]string{"local": similarRows}))
	for _, test := range []struct{ name, domain, want string }{
		{"top-level domain with swapped letters", "nhs.nte", "nhs.net"},
		{"below it", "x.nhs.nte", "x.nhs.net"},
		{"a letter too few", "nhs.ne", "nhs.net"},
		{"a letter too many", "nhss.net", "nhs.net"},
		{"another letter", "nhd.net", "nhs.net"},
		{"swapped letters", "nsh.net", "nhs.net"},
		{"upper case", "NSH.Net", "nhs.net"},
		{"a council below a slip", "council.gvo.uk", "council.gov.uk"},
		{"a top-level domain that is none", "council.gov.ku", "council.gov.uk"},
		{"co.uk", "gov.co.uk", "gov.uk"},
		{"below co.uk", "council.gov.co.uk", "council.gov.uk"},
		{"uk.com", "gov.uk.com", "gov.uk"},
		{"below uk.com", "council.gov.uk.com", "council.gov.uk"},
		{"com for net", "cjsm.com", "cjsm.net"},
		{"org.uk for net", "nhs.org.uk", "nhs.net"},
		{"an accredited name of nhs.uk, with me.uk", "listed.nhs.me.uk", "listed.nhs.uk"},
		{"an accredited name of nhs.uk, with co.uk", "listed.nhs.co.uk", "listed.nhs.uk"},
		{"no accredited name of nhs.uk, with co.uk", "x.nhs.co.uk", "x.nhs.net"},
		{"com after net", "nhs.net.com", "nhs.net"},
		{"co.uk after net", "nhs.net.co.uk", "nhs.net"},
		{"co.uk after an accredited name", "listed.nhs.uk.co.uk", "listed.nhs.uk"},
		{"uk after net", "nhs.net.uk", "nhs.net"},
		{"police", "force.polcie.uk", "force.police.uk"},
		{"parliament", "parliment.uk", "parliament.uk"},
		{"accredited", "amublance.example", "ambulance.example"},
		{"below an accredited name that is listed too", "ops.amublance.example", "ops.ambulance.example"},
		{"accredited, com after uk", "listed.nhs.uk.com", "listed.nhs.uk"},
		{"accredited, a slip in the suffix", "listed.nsh.uk", "listed.nhs.uk"},
		{"local row", "partner-hospise.org.uk", "partner-hospice.org.uk"},
		{"local row, a letter too many", "partner-hospicee.org.uk", "partner-hospice.org.uk"},
		{"own label of an accredited name of nhs.uk", "lsited.nhs.uk", "listed.nhs.uk"},
		{"own label of one, another script", "l\u0456sted.nhs.uk", "listed.nhs.uk"},
		{"own label and suffix too many", "listed.nhs.uk.com", "listed.nhs.uk"},
		{"three labels below nhs.uk, the first", "secrue.unlisted-parent.nhs.uk", "secure.unlisted-parent.nhs.uk"},
		{"three labels below nhs.uk, the second", "secure.unlistedparent.nhs.uk", "secure.unlisted-parent.nhs.uk"},
		{"three labels, the first", "reserach.university.example", "research.university.example"},
		{"three labels, the second", "research.univresity.example", "research.university.example"},
		{"no dot before gov.uk", "hastingsgov.uk", "hastings.gov.uk"},
		{"no dot before gov.uk, below a council", "mail.hastingsgov.uk", "mail.hastings.gov.uk"},
		{"no dot in gov.uk", "barnsley.govuk", "barnsley.gov.uk"},
		{"hyphen before gov.uk", "iow-gov.uk", "iow.gov.uk"},
		{"hyphen in gov.uk", "barnsley.gov-uk", "barnsley.gov.uk"},
		{"underscore before police.uk", "force_police.uk", "force.police.uk"},
		{"no dot before police.uk", "forcepolice.uk", "force.police.uk"},
		{"no dot in an accredited name", "listednhs.uk", "listed.nhs.uk"},
		{"hyphen in an accredited name", "listed-nhs.uk", "listed.nhs.uk"},
		{"no dot in nhs.uk", "listed.nhsuk", "listed.nhs.uk"},
		{"Cyrillic letter", "nһs.net", "nhs.net"},
		{"accent", "council.gòv.uk", "council.gov.uk"},
		{"Cyrillic letter in an accredited name", "аmbulance.example", "ambulance.example"},

		{"secure itself", "nhs.net", ""},
		{"far away", "gmail.com", ""},
		{"two edits", "nss.nte", ""},
		{"not on a label boundary", "evilnhs.net", ""},
		{"as a label", "nhs.net.example.com", ""},
		{"Scotland's NHS", "nhs.scot", ""},
		{"Wales's NHS", "nhs.wales", ""},
		{"Scotland's government", "gov.scot", ""},
		{"Wales's government", "gov.wales", ""},
		{"Ireland's government", "health.gov.ie", ""},
		{"Ukraine's government", "moz.gov.ua", ""},
		{"another country's parliament", "parliament.ug", ""},
		{"Sri Lanka's government", "gov.lk", ""},
		{"Colombia's government", "gov.co", ""},
		{"Northern Ireland", "x.hscni.net", ""},
		{"defence's other name", "digital.mod.uk", ""},
		{"a public suffix", "net.uk", ""},
		{"a company", "shop.co.uk", ""},
		{"below nhs.uk", "x.nhs.uk", ""},
		{"far from a name of nhs.uk", "lisetd2.nhs.uk", ""},
		{"below a slip of a name of nhs.uk", "x.lsited.nhs.uk", ""},
		{"nhs.uk itself", "nhs.uk", ""},
		{"a campaign's name", "localgov.uk", ""},
		{"a short name before gov", "mygov.uk", ""},
		{"a name that is no suffix", "nhsnet.example", ""},
		{"below an accredited name", "x.ambulance.example", ""},
		{"below a slip of an accredited name", "x.amublance.example", ""},
		{"the neighbour of a short name", "tinny.example", ""},
		{"the charity of another country", "stjohns.org.uk", ""},
		{"a row covers it", "nhs.com", ""},
		{"an expired row covers it", "lapsed-practice.example", ""},
		{"near an expired row", "lapsed-practise.example", ""},
		{"no such domain", "nhsnet", ""},
		{"near the relay domain", "x.encryptt.invalid", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := r.Classify("a@"+test.domain, "", today)
			if got.Meant != test.want {
				t.Errorf("got %q, want %q", got.Meant, test.want)
			}
			if test.want != "" && (got.Class != table.Unknown || got.RowName() != "" && got.RowName() != "nhs.uk") {
				t.Errorf("got %v by row %q", got.Class, got.RowName())
			}
		})
	}
	if got := r.Classify("a%gmail.com@nhs.net", "", today); got.Meant != "" {
		t.Errorf("a secure domain with a route: got %q", got.Meant)
	}
	for _, resolved := range []string{"a@gmail.com", "a@nhs.net"} { // as if it were a CNAME
		if got := r.Classify("a@nhs.nte", resolved, today); got.Meant != "nhs.net" || got.Class != table.Unknown {
			t.Errorf("the MTA reads %s: got %q, %v", resolved, got.Meant, got.Class)
		}
	}
}

// TestLookAlikesSuggestSecureNames checks that a domain that is not secure,
// such as nhs.uk, is never suggested. Names that look like it are still found.
func TestLookAlikesSuggestSecureNames(t *testing.T) {
	names := []string{"nhs.uk", "nhs.net", "slam.nhs.uk", "listed.nhs.uk", "lapsed.nhs.uk", "x.nhs.net", "gov.uk", "x.mod.uk", "mod.gov.uk", "police.uk", "parliament.uk", "cjsm.net", "gsi.gov.uk", "x.gsi.gov.uk", "ambulance.example"}
	local := "table.name = \"local\"\n[[domain]]\nname = \"lapsed.nhs.uk\"\nclass = \"secure\"\nexpires = 2026-01-01\n"
	found := 0
	for _, edition := range editions.Names() {
		r := ruleset(t, load(t, table.Sources{Edition: edition, Accredited: accreditedList, Files: []string{"local"}}, map[string]string{"local": local}))
		for _, name := range names {
			typed := []string{strings.TrimSuffix(name, ".uk") + ".com", strings.TrimSuffix(name, ".net") + ".org.uk"}
			for _, suffix := range []string{"com", "org", "net", "info", "uk", "co.uk", "org.uk", "net.uk", "me.uk", "uk.com", "uk.net"} {
				typed = append(typed, name+"."+suffix)
			}
			for i := range len(name) - 1 {
				typed = append(typed, name[:i]+name[i+1:], name[:i]+string(name[i+1])+string(name[i])+name[i+2:])
			}
			for _, domain := range typed {
				got := r.Classify("a@"+domain, "", today)
				if got.LooksLike() {
					found++
				}
				if meant := got.Meant; meant != "" && r.Classify("a@"+meant, "", today).Class != table.Secure {
					t.Errorf("%s, %s: %s is meant", edition, domain, meant)
				}
			}
		}
		if got := r.Classify("a@nhs.uk.com", "", today); !got.LooksLike() || got.Meant != "" {
			t.Errorf("%s: nhs.uk.com: %v", edition, got.Findings)
		}
	}
	if found < 100 {
		t.Errorf("only %d look-alikes", found)
	}
}

// TestLookAlikesByEdition checks that only secure names of the edition are
// suggested.
func TestLookAlikesByEdition(t *testing.T) {
	for _, test := range []struct{ edition, domain, want string }{
		{"gp-strict", "nhs.nte", "nhs.net"},
		{"gp-strict", "x.nhs.nte", ""},
		{"gp-strict", "gov.co.uk", ""},
		{"nhsmail-2019", "digital.mod.co.uk", "digital.mod.uk"},
		{"nhsmail-2019", "mod.co.uk", "mod.uk"},
		{"nhsmail-2022", "mod.co.uk", ""},
	} {
		r := ruleset(t, load(t, table.Sources{Edition: test.edition}, nil))
		if got := r.Classify("a@"+test.domain, "", today).Meant; got != test.want {
			t.Errorf("%s: %s: got %q, want %q", test.edition, test.domain, got, test.want)
		}
	}
}

// TestEveryEditIsFound makes all names one edit away from an accredited one.
func TestEveryEditIsFound(t *testing.T) {
	r := ruleset(t, load(t, table.Sources{Accredited: accreditedList}, nil))
	const name, rest = "pharmacy", ".example"
	var near []string
	for i := range len(name) + 1 {
		near = append(near, name[:i]+"q"+name[i:])
		if i < len(name) {
			near = append(near, name[:i]+name[i+1:], name[:i]+"q"+name[i+1:])
		}
		if i+1 < len(name) {
			near = append(near, name[:i]+name[i+1:i+2]+name[i:i+1]+name[i+2:])
		}
	}
	for _, label := range near {
		if got := r.Classify("a@"+label+rest, "", today).Meant; got != name+rest {
			t.Errorf("%s: got %q", label, got)
		}
	}
	for _, label := range []string{"phramcay", "pharm", "qpharmacyq", "hparmayc"} {
		if got := r.Classify("a@"+label+rest, "", today).Meant; got != "" {
			t.Errorf("%s: got %q", label, got)
		}
	}
}

// BenchmarkLookAlike classes unknown recipients beside 40,000 registered
// names, the worst case of the index.
func BenchmarkLookAlike(b *testing.B) {
	csv := manyRegistered(40_000)
	r := ruleset(b, load(b, table.Sources{Accredited: "list.csv"}, map[string]string{"list.csv": csv}))
	for _, domain := range []string{"gmail.com", "mail.customer7.example.org", "trsut500-hospital.example"} {
		b.Run(domain, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Classify("a@"+domain, "", today)
			}
		})
	}
}

// manyRegistered is a list of n accredited names, each registered by itself.
func manyRegistered(n int) string {
	var b strings.Builder
	b.WriteString("Organisation Name,Domain name\n")
	for i := range n {
		fmt.Fprintf(&b, "Organisation %d,trust%d-hospital.example\n", i, i)
	}
	return b.String()
}
