package rules_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/table"
)

// slips are the kinds of typing mistakes, each with a function that returns all
// such mistakes in a name.
var slips = []struct {
	kind string // as in postseal(8)
	make func(name string) []string
}{
	{"a letter left out", at(func(n string, i int) string { return n[:i] + n[i+1:] })},
	{"a letter doubled", at(func(n string, i int) string { return n[:i+1] + n[i:] })},
	{"another letter", at(func(n string, i int) string { return n[:i] + string('a'+(n[i]-'a'+7)%26) + n[i+1:] })},
	{"two letters swapped", at(func(n string, i int) string {
		if i+1 == len(n) || n[i+1] == '.' || n[i] == n[i+1] {
			return n
		}
		return n[:i] + n[i+1:i+2] + n[i:i+1] + n[i+2:]
	})},
	{"a dot left out", atDot("")},
	{"a hyphen instead of a dot", atDot("-")},
	{"another suffix", func(n string) (typed []string) {
		for _, suffix := range []string{"com", "org", "co.uk", "org.uk", "net.uk"} {
			typed = append(typed, n[:strings.LastIndexByte(n, '.')+1]+suffix)
		}
		return typed
	}},
	{"an extra suffix", func(n string) []string { return []string{n + ".com", n + ".co.uk", n + ".org", n + ".uk"} }},
	{"a letter of another script", at(func(n string, i int) string {
		other, ok := map[byte]string{'a': "\u0430", 'c': "\u0441", 'e': "\u0435", 'o': "\u043e", 'p': "\u0440", 's': "\u0455"}[n[i]]
		if !ok {
			return n
		}
		return n[:i] + other + n[i+1:]
	})},
}

// at makes a mistake at every letter.
func at(edit func(name string, i int) string) func(string) []string {
	return func(name string) (typed []string) {
		for i := range name {
			if name[i] != '.' && name[i] != '-' {
				typed = append(typed, edit(name, i))
			}
		}
		return typed
	}
}

func atDot(instead string) func(string) []string {
	return func(name string) (typed []string) {
		for i := range name {
			if name[i] == '.' {
				typed = append(typed, name[:i]+instead+name[i+1:])
			}
		}
		return typed
	}
}

// TestRecallOfLookAlikes makes every mistake of every kind, and compares the
// shares that are found with postseal(8). A mistake that makes another secure
// name, or no domain, is not counted.
func TestRecallOfLookAlikes(t *testing.T) {
	national := []string{"nhs.net", "hastings.gov.uk", "force.police.uk", "firm.cjsm.net", "parliament.uk"}
	listed := []string{"eastmoor.nhs.uk", "north-dale.nhs.uk", "secure.abc.nhs.uk", "riverside-hospice.org.uk", "pharmacy-group.co.uk", "dental-practice.com", "research.university.ac.uk", "ambulance.org"}
	var csv strings.Builder
	csv.WriteString("Organisation Name,Domain name\n")
	for i, name := range listed {
		fmt.Fprintf(&csv, "Organisation %d,%s\n", i, name)
	}
	r := ruleset(t, load(t, table.Sources{Accredited: "list"}, map[string]string{"list": csv.String()}))
	recall := func(names []string, make func(string) []string) int {
		found, all := 0, 0
		for _, name := range names {
			for _, typed := range make(name) {
				got := r.Classify("a@"+typed, "", today)
				if got.Class == table.Secure || got.Address.Domain == "" || !strings.Contains(typed, ".") {
					continue
				}
				all++
				if got.LooksLike() {
					found++
				}
			}
		}
		if all < 5 {
			t.Fatalf("only %d slips", all)
		}
		return 100 * found / all
	}
	got := make(map[string][2]int)
	for _, slip := range slips {
		got[slip.kind] = [2]int{recall(national, slip.make), recall(listed, slip.make)}
	}
	page, err := os.ReadFile("../contrib/man/postseal.8.md")
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string][2]int)
	for _, m := range regexp.MustCompile(`(?m)^\| (a[^|]*|two[^|]*) \| (\d+) % \| (\d+) % \|$`).FindAllStringSubmatch(string(page), -1) {
		first, _ := strconv.Atoi(m[2])
		second, _ := strconv.Atoi(m[3])
		want[m[1]] = [2]int{first, second}
	}
	if !maps.Equal(got, want) {
		for _, slip := range slips {
			t.Logf("| %s | %d %% | %d %% |", slip.kind, got[slip.kind][0], got[slip.kind][1])
		}
		t.Errorf("the page says %v", want)
	}
}

// publicBodies are domains of trusts, councils, colleges and charities that are
// close in a list or similar.
var publicBodies = strings.Fields(`
	leedsth.nhs.uk leedscommunityhealthcare.nhs.uk leedsandyorkpft.nhs.uk bradfordhospitals.nhs.uk
	southtees.nhs.uk stsft.nhs.uk newcastle-hospitals.nhs.uk northumbria.nhs.uk cntw.nhs.uk tewv.nhs.uk
	gloshospitals.nhs.uk ghc.nhs.uk somersetft.nhs.uk uhbw.nhs.uk nbt.nhs.uk awp.nhs.uk oxfordhealth.nhs.uk ouh.nhs.uk
	royalberkshire.nhs.uk berkshire.nhs.uk buckshealthcare.nhs.uk porthosp.nhs.uk uhs.nhs.uk southernhealth.nhs.uk
	gosh.nhs.uk gstt.nhs.uk kch.nhs.uk slam.nhs.uk oxleas.nhs.uk elft.nhs.uk bartshealth.nhs.uk uclh.nhs.uk whittington.nhs.uk
	royalfree.nhs.uk moorfields.nhs.uk rmh.nhs.uk rbht.nhs.uk rbh.nhs.uk imperial.nhs.uk chelwest.nhs.uk stgeorges.nhs.uk
	merseycare.nhs.uk alderhey.nhs.uk liverpoolft.nhs.uk srft.nhs.uk mft.nhs.uk christie.nhs.uk pat.nhs.uk boltonft.nhs.uk
	uhb.nhs.uk uhl-tr.nhs.uk leicspart.nhs.uk nuh.nhs.uk nottshc.nhs.uk ulh.nhs.uk lpft.nhs.uk lincs-chs.nhs.uk
	midyorks.nhs.uk swyt.nhs.uk cht.nhs.uk calderdale.nhs.uk york.nhs.uk humber.nhs.uk hey.nhs.uk nlg.nhs.uk
	cornwall.nhs.uk plymouth.nhs.uk rdehospital.nhs.uk devonpartnership.nhs.uk torbay.nhs.uk swast.nhs.uk scas.nhs.uk secamb.nhs.uk
	eastamb.nhs.uk emas.nhs.uk wmas.nhs.uk nwas.nhs.uk yas.nhs.uk neas.nhs.uk londonambulance.nhs.uk
	bma.org.uk bda.org bps.org.uk rcn.org.uk rcm.org.uk rcp.ac.uk rcpe.ac.uk rcgp.org.uk rcog.org.uk rcr.ac.uk rcem.ac.uk
	gmc-uk.org gdc-uk.org nmc.org.uk hcpc-uk.org nice.org.uk cqc.org.uk hee.nhs.uk england.nhs.uk nhsbsa.nhs.uk
	mariecurie.org.uk macmillan.org.uk mind.org.uk scope.org.uk sense.org.uk shelter.org.uk crisis.org.uk stjohn.org.uk
	redcross.org.uk ageuk.org.uk barnardos.org.uk nspcc.org.uk rnib.org.uk rnid.org.uk samaritans.org sands.org.uk
	gov.scot gov.wales nhs.scot hscni.net nhs.wales senedd.wales parliament.scot police.scot niassembly.gov.uk
	gov.ie health.gov.ie hse.ie garda.ie gov.im gov.gg gov.je mygov.scot localgov.co.uk local.gov.uk lgo.org.uk
	ox.ac.uk cam.ac.uk ucl.ac.uk kcl.ac.uk qmul.ac.uk le.ac.uk leeds.ac.uk bradford.ac.uk york.ac.uk hull.ac.uk
`)

// TestPrecisionOfLookAlikes checks that none of these is a look-alike: a public
// body, if all the others are on the list, and well-known services.
func TestPrecisionOfLookAlikes(t *testing.T) {
	others := append(slices.Clone(publicBodies), "gmail.com", "outlook.com", "hotmail.co.uk", "yahoo.co.uk", "icloud.com", "me.com",
		"btinternet.com", "localgov.uk", "opengov.uk", "mygov.uk", "datagov.uk", "evilnhs.net", "chs.example", "gp-y02001.nhs.uk")
	for _, edition := range editions.Names() {
		for left := range 4 { // of four bodies, one is not listed
			var csv strings.Builder
			csv.WriteString("Organisation Name,Domain name\nPractice,gp-y02002.nhs.uk\n")
			for i, name := range publicBodies {
				if i%4 != left {
					fmt.Fprintf(&csv, "Organisation %d,%s\n", i, name)
				}
			}
			r := ruleset(t, load(t, table.Sources{Edition: edition, Accredited: "list"}, map[string]string{"list": csv.String()}))
			for _, name := range others {
				if got := r.Classify("a@"+name, "", today); got.LooksLike() {
					t.Errorf("%s: %s is taken for a look-alike of %q", edition, name, got.Meant)
				}
			}
		}
	}
}
