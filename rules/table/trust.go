package table

import (
	"strings"

	"github.com/postseal/postseal/rules/address"
)

// trustedSuffixes are the public suffixes that an edition trusts as a whole. A
// local row may trust them too.
var trustedSuffixes = map[string]bool{"gov.uk": true, "police.uk": true, "pnn.police.uk": true, "mod.uk": true}

// trusts reports whether mail to the class needs nothing.
func (c Class) trusts() bool { return c == Local || c == Secure }

// refuseWideTrust refuses the site's rows that make more names secure than
// anybody can have meant.
func (l *loader) refuseWideTrust() {
	gone := l.table.retired()
	for _, row := range l.table.list {
		if row.layer != localLayer || !row.Class.trusts() {
			continue
		}
		fault := func(format string, args ...any) { l.faults = append(l.faults, row.fault(format, args...)) }
		switch {
		case !row.subdomains || !address.IsOpenToAnybody(row.Name):
		case row.Name == "nhs.uk":
			fault("nhs.uk as a whole is not %s: an nhs.uk domain is secure if the accredited list has it: name the domains that you mean", row.Class)
		case !trustedSuffixes[row.Name] || row.Class == Local:
			fault("anybody can have a name below the public suffix %s: name the domains that you mean", row.Name)
		}
		switch retired := l.table.retiredBy(row, gone); {
		case len(retired) == 0:
		case address.IsAtOrBelow(row.domain(), retired[0]):
			fault("the retired name %s cannot be %s: remove the row, and use the organisation's new domain", retired[0], row.Class)
		default:
			fault("the retired names %s would be %s with it: name the domains that you mean, or add a row for each retired name with class = \"closed\" and subdomains = true",
				strings.Join(retired, ", "), row.Class)
		}
	}
}

// retired returns the rows of the retired names.
func (t *Table) retired() (rows []*Row) {
	for _, row := range t.list {
		if row.layer == retiredLayer {
			rows = append(rows, row)
		}
	}
	return rows
}

// retiredBy returns those of the retired names that the local row decides, for
// the name itself or for names below it.
func (t *Table) retiredBy(row *Row, gone []*Row) (names []string) {
	for _, retired := range gone {
		if address.IsAtOrBelow(row.domain(), retired.Name) || row.subdomains && t.localSuffix(retired.Name, row) == row {
			names = append(names, retired.Name)
		}
	}
	return names
}

// localSuffix returns the local row that decides for the names below name:
// either the given one, or one that never expires.
func (t *Table) localSuffix(name string, given *Row) *Row {
	for {
		if row := t.in(localLayer, name); row != nil && row.subdomains && (row == given || row.Expires.IsZero()) {
			return row
		}
		_, parent, ok := strings.Cut(name, ".")
		if !ok {
			return nil
		}
		name = parent
	}
}
