package table

import (
	"hash/maphash"
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

// lookAlikes finds the registered domains of secure rows that are one edit away
// from a name. Two names are one edit away only if they can be made equal by
// leaving out at most one character of each.
type lookAlikes struct {
	seed      maphash.Seed
	names     []string          // registered domains of secure rows
	longest   int               // the length of the longest name, in octets
	deletions []uint64          // half of the hash of a deletion, and the index of its name; sorted
	national  map[string]string // the secure names of the edition, by first label
	dotless   []dotless
}

// newLookAlikes uses eight octets for each character of a name.
func newLookAlikes(t *Table) lookAlikes {
	l := lookAlikes{seed: maphash.MakeSeed(), national: make(map[string]string)}
	for _, row := range t.rows {
		for ; row != nil; row = row.next {
			name := registered(row.Name)
			first, rest, _ := strings.Cut(name, ".")
			if row.Class != Secure || row.IsRelay() || rest == "" {
				continue
			}
			if above := t.rows[rest]; row.layer == editionLayer && (above == nil || above.Class != Secure) {
				l.national[first] = name // not mod.gov.uk, which gov.uk covers
				l.names = append(l.names, name)
			} else if row.layer != editionLayer {
				l.add(name)
				l.add(row.Name) // such as secure.unlisted.nhs.uk beside unlisted.nhs.uk
			}
		}
	}
	l.dotless = dotlessForms(l.national)
	slices.Sort(l.names)
	l.names = slices.Compact(l.names)
	size := 0
	for _, name := range l.names {
		size += len(name) + 1
		l.longest = max(l.longest, len(name))
	}
	l.deletions = make([]uint64, 0, size)
	for i, name := range l.names {
		for _, hash := range l.deletionsOf(name) {
			l.deletions = append(l.deletions, hash|uint64(i))
		}
	}
	slices.Sort(l.deletions)
	return l
}

// add adds a local or accredited name, unless its first label is too short.
func (l *lookAlikes) add(name string) {
	first, _, _ := strings.Cut(name, ".")
	if len(first)-strings.Count(first, "-") >= minSimilar { // gmc-uk is short
		l.names = append(l.names, name)
	}
}

// registered returns the part of a name that somebody registered below a public
// suffix. It returns the whole name if that is such a suffix itself, such as
// gov.uk.
func registered(name string) string {
	if short, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return short
	}
	return name
}

// deletionsOf returns the hashes, in the upper halves, of a name and of each
// text that is left if one character is removed.
func (l *lookAlikes) deletionsOf(name string) []uint64 {
	const upper = 0xffffffff << 32
	hashes := append(make([]uint64, 0, len(name)+1), maphash.String(l.seed, name)&upper)
	var h maphash.Hash
	h.SetSeed(l.seed)
	for i := range len(name) {
		h.Reset()
		h.WriteString(name[:i])
		h.WriteString(name[i+1:])
		hashes = append(hashes, h.Sum64()&upper)
	}
	return hashes
}

// near returns the names that are one edit away.
func (l *lookAlikes) near(name string) []string {
	if len(name) > l.longest+1 {
		return nil
	}
	var found []string
	for _, hash := range l.deletionsOf(name) {
		i, _ := slices.BinarySearch(l.deletions, hash)
		for ; i < len(l.deletions) && l.deletions[i]>>32 == hash>>32; i++ {
			other := l.names[uint32(l.deletions[i])]
			if similar.OneEdit([]byte(name), []byte(other)) && !slices.Contains(found, other) {
				found = append(found, other)
			}
		}
	}
	slices.Sort(found)
	return found
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
		for _, other := range t.similar.near(name) {
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
