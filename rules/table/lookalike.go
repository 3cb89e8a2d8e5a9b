package table

import (
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/rules/similar"
	"golang.org/x/net/publicsuffix"
)

// minSimilar is the shortest first label of a local or accredited name that has
// look-alikes. Names that are similar to a shorter one belong to other
// organisations.
const minSimilar = 6

// swappedSuffixes are what people write instead of a national domain's own
// suffix, or after it. Countries' suffixes are not among them: gov.ie is
// another government.
var swappedSuffixes = []string{"com", "org", "net", "info", "uk", "co.uk", "org.uk", "net.uk", "me.uk", "uk.com", "uk.net"}

// lookAlikes are the secure names that others can be mistaken for.
type lookAlikes struct {
	national map[string]string // the secure names of the edition, by first label
	dotless  []dotless
}

// newLookAlikes adds the names of secure rows, and their registered domains, to the
// names of the accredited list, and indexes them all.
func newLookAlikes(t *Table) lookAlikes {
	l := lookAlikes{national: make(map[string]string)}
	names := make(map[string]bool)
	for _, row := range t.rows {
		for ; row != nil; row = row.next {
			name := registered(row.Name)
			first, rest, _ := strings.Cut(name, ".")
			if row.Class != Secure || row.IsRelay() || rest == "" {
				continue
			}
			if above := t.rows[rest]; row.layer == editionLayer && (above == nil || above.Class != Secure) {
				l.national[first] = name // not mod.gov.uk, which gov.uk covers
				names[name] = true
			} else if row.layer != editionLayer {
				for _, name := range []string{name, row.Name} { // such as secure.unlisted.nhs.uk beside unlisted.nhs.uk
					if hasLookAlikes(name) {
						names[name] = true
					}
				}
			}
		}
	}
	list := &t.accredited.names
	for i := range t.accredited.n {
		name, _ := list.at(i)
		if short := registered(name); short != name && hasLookAlikes(short) {
			names[short] = true
		}
	}
	for name := range names {
		list.add(name, "")
	}
	list.index()
	l.dotless = dotlessForms(l.national)
	return l
}

// hasLookAlikes reports whether the first label of a local or accredited name is long
// enough.
func hasLookAlikes(name string) bool {
	first, rest, _ := strings.Cut(name, ".")
	return rest != "" && len(first)-strings.Count(first, "-") >= minSimilar // gmc-uk is short
}

// registered returns the part of a name that somebody registered below a public
// suffix. It returns the whole name if that is such a suffix itself, such as
// gov.uk.
func registered(name string) string {
	suffix, _ := publicsuffix.PublicSuffix(name)
	if len(name) <= len(suffix) {
		return name
	}
	return name[strings.LastIndexByte(name[:len(name)-len(suffix)-1], '.')+1:]
}

// near returns the names that are one edit away and that others are mistaken for.
func (t *Table) near(name string) (found []string) {
	for _, i := range t.accredited.names.near(name) {
		if other, _ := t.accredited.names.at(i); i >= t.accredited.n || hasLookAlikes(other) {
			found = append(found, other)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// isOtherNumber reports whether two names differ only in digits: gp-y02.nhs.uk
// and gp-y03.nhs.uk are two practices.
func isOtherNumber(a, b string) bool {
	digits := func(r rune) bool { return '0' <= r && r <= '9' }
	drop := func(s string) string {
		return strings.Map(func(r rune) rune {
			if digits(r) {
				return -1
			}
			return r
		}, s)
	}
	return (strings.ContainsFunc(a, digits) || strings.ContainsFunc(b, digits)) && drop(a) == drop(b)
}

// LookAlike reports whether a domain is easily mistaken for another. row is the
// row that decides the domain, or nil. meant is the other domain if that is
// secure: the sender must not be told to write to a domain that is not.
func (t *Table) LookAlike(domain string, row *Row, now time.Time) (meant string, found bool) {
	if row != nil && row.layer != editionLayer {
		return "", false
	}
	meant = t.lookAlike(domain, now)
	if meant != "" && !t.isSecure(meant, now) {
		return "", true
	}
	return meant, meant != ""
}

// lookAlike returns the domain that a domain without a row is easily mistaken
// for, or "". That domain may not be secure itself, as nhs.uk is not. If a row
// covers the domain, even an expired one, the sender meant it.
func (t *Table) lookAlike(domain string, now time.Time) string {
	if domain == "" || t.isKnown(domain) {
		return ""
	}
	if folded := similar.FoldDomain(domain); folded != domain && t.isSecure(folded, now) {
		return folded
	}
	if meant := t.suffixTooMany(domain, now); meant != "" {
		return meant
	}
	// Another suffix, as in gov.co.uk.
	name := registered(domain)
	first, suffix, _ := strings.Cut(name, ".")
	if slices.Contains(swappedSuffixes, suffix) && t.similar.national[first] != "" {
		// A name that is itself in the table is likelier than one that only its
		// suffix makes secure.
		for _, other := range []string{first + ".uk", t.similar.national[first]} {
			if meant := strings.TrimSuffix(domain, name) + other; t.isSecure(meant, now) {
				return meant
			}
		}
	}
	if meant := t.lostDot(domain, now); meant != "" {
		return meant
	}
	return t.oneEditAway(domain, now)
}

// suffixTooMany returns gov.uk for gov.uk.com and the like, or "".
// stjohn.org.uk is not stjohn.org.
func (t *Table) suffixTooMany(domain string, now time.Time) string {
	for _, extra := range swappedSuffixes {
		shorter, ok := strings.CutSuffix(domain, "."+extra)
		if !ok || shorter == "" {
			continue
		}
		row := t.Lookup(shorter, now)
		if row != nil && (row.layer == editionLayer || row.Class == Secure && t.isDistinct(shorter)) {
			return shorter
		}
	}
	return ""
}

// isDistinct reports whether a domain's suffix shows where it belongs, as in gov.uk.
func (t *Table) isDistinct(domain string) bool {
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return strings.Contains(suffix, ".") || t.similar.isNational(registered(domain))
}

// isKnown reports whether a row covers the domain. An edition's row of class
// unknown counts only for its own name: that for all names below nhs.uk says
// nothing about any one of them.
func (t *Table) isKnown(domain string) bool {
	for name, more := domain, true; more; _, name, more = strings.Cut(name, ".") {
		if t.accredited.find(name) != nil {
			return true
		}
		for row := t.rows[name]; row != nil; row = row.next {
			if name == domain || row.layer != editionLayer || row.Class != Unknown {
				return true
			}
		}
	}
	return false
}

// oneEditAway looks for a slip in each suffix of the domain that has a dot. It
// leaves out public suffixes, because many names share them.
func (t *Table) oneEditAway(domain string, now time.Time) string {
	for name := domain; strings.Contains(name, "."); _, name, _ = strings.Cut(name, ".") {
		if public, _ := publicsuffix.PublicSuffix(name); public == name {
			break
		}
		for _, other := range t.near(name) {
			meant := strings.TrimSuffix(domain, name) + other
			if t.similar.mayBeSlip(name, other) && !isOtherNumber(name, other) && t.isSecure(meant, now) {
				return meant
			}
		}
	}
	return ""
}

// mayBeSlip reports whether a different top-level domain can be a slip. One
// that exists is not a slip, unless the name is a national one below a generic
// domain: gov.ua is another government, but nhs.ne is a slip.
func (l *lookAlikes) mayBeSlip(name, other string) bool {
	typed, meant := name[strings.LastIndexByte(name, '.')+1:], other[strings.LastIndexByte(other, '.')+1:]
	if typed == meant {
		return true
	}
	_, exists := publicsuffix.PublicSuffix(typed)
	return !exists || l.isNational(other) && len(meant) > len("uk")
}

func (l *lookAlikes) isNational(name string) bool {
	first, _, _ := strings.Cut(name, ".")
	return l.national[first] == name
}

func (t *Table) isSecure(domain string, now time.Time) bool {
	row := t.Lookup(domain, now)
	return row != nil && row.Class == Secure
}
