package table

import (
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/rules/address"
)

// dotless is the end of a domain that has lost a dot of a national name. For
// example, hastingsgov.uk has lost the dot before gov.uk.
type dotless struct {
	end   string // the end of the domain
	meant string // what it stands for, with the dot before it
	word  bool   // nothing replaces the dot: end is the end of a word
}

// dotlessForms returns the ends for the names that are public suffixes. Below
// those, each body has its own name before the dot.
func dotlessForms(national map[string]string) (forms []dotless) {
	for _, name := range national {
		if is, _ := address.IsPublicSuffix(name); !is {
			continue
		}
		whole := "." + name
		for at := range whole {
			if whole[at] != '.' {
				continue
			}
			for _, instead := range []string{"", "-", "_"} {
				forms = append(forms, dotless{whole[:at] + instead + whole[at+1:], whole, at == 0 && instead == ""})
			}
		}
	}
	slices.SortFunc(forms, func(a, b dotless) int { // the longest first
		if len(a.end) != len(b.end) {
			return len(b.end) - len(a.end)
		}
		return strings.Compare(a.end, b.end)
	})
	return forms
}

// compounds are words before "gov" in the names of companies and campaigns, as
// in localgov.uk.
var compounds = []string{"civic", "data", "digital", "good", "local", "multi", "open", "self", "smart", "tech"}

// minCompound is how many letters must come before a national name that has
// lost its dot: egov.uk and mygov.uk are names of their own.
const minCompound = 4

// lostDot returns the domain with the missing dot before or in its national
// suffix, or "".
func (t *Table) lostDot(domain string, now time.Time) string {
	for _, form := range t.similar.dotless {
		before, ok := strings.CutSuffix(domain, form.end)
		if !ok || before == "" || strings.ContainsRune(".-_", rune(before[len(before)-1])) {
			continue
		}
		if label := before[strings.LastIndexByte(before, '.')+1:]; form.word && (len(label) < minCompound || slices.Contains(compounds, label)) {
			continue
		}
		if meant := before + form.meant; t.isSecure(meant, now) {
			return meant
		}
	}
	return ""
}
