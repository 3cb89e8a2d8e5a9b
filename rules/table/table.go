package table

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/rules/address"
)

// Table finds the row that decides a recipient's class. It is never changed
// after Load and may be used by any number of goroutines.
type Table struct {
	rows      map[string]*Row
	mailboxes map[address.Mailbox]*Row // of local files alone
	list      []*Row                   // in the order of loading
	layers    [len(layerNames)]int     // rows of each, but those for one address
	doubles   []double
	similar   lookAlikes // of the secure rows

	listWarnings []Warning // of the accredited list
}

// double is a row that was left out, since its layer has one for the name.
type double struct{ left, kept *Row }

// Len is the number of rows.
func (t *Table) Len() int { return len(t.list) }

// Rows are all rows, local ones first, in the order of their files.
func (t *Table) Rows() []*Row { return t.list }

// Tables are the tables that have rows, in the order of their rows.
func (t *Table) Tables() []*Info {
	var tables []*Info
	seen := make(map[*Info]bool)
	for _, row := range t.list {
		if !seen[row.Table] {
			seen[row.Table] = true
			tables = append(tables, row.Table)
		}
	}
	return tables
}

// RowsByFile counts the rows of each file.
func (t *Table) RowsByFile() map[string]int {
	count := make(map[string]int)
	for _, row := range t.list {
		count[row.Table.File]++
	}
	return count
}

// LookupAddress returns the row for an address with a readable domain: the
// one for the very address, or that for its domain.
func (t *Table) LookupAddress(a address.Address, now time.Time) *Row {
	if len(t.mailboxes) > 0 {
		if row := t.mailboxes[a.Mailbox()]; row != nil && !row.Expired(now) {
			return row
		}
	}
	return t.Lookup(a.Domain, now)
}

// Lookup returns the row for a domain that NormalizeDomain gave, or nil where
// none speaks of it. The first layer with a row wins, and inside it the
// longest name; names match on label boundaries.
func (t *Table) Lookup(domain string, now time.Time) *Row {
	return t.walk(domain, now, localLayer, nil)
}

// Below is Lookup for those domains directly below name that no row names. For
// the empty name these are the top-level domains.
func (t *Table) Below(name string, now time.Time) *Row {
	return t.Lookup("*."+name, now) // no row's name holds a "*"
}

// Names lists the names that have rows, expired ones too, each once and sorted.
func (t *Table) Names() []string { return slices.Sorted(maps.Keys(t.rows)) }

// walk asks the strongest layer given and those that are weaker. Where covering is not nil, every row that speaks of the
// domain is put there, the longest name first, expired ones too.
func (t *Table) walk(domain string, now time.Time, strongest layer, covering *[]*Row) *Row {
	var best *Row
	exact := true
	for name := domain; ; exact = false {
		for row := t.rows[name]; row != nil; row = row.next {
			covers := exact && !row.belowOnly || !exact && row.Subdomains
			if !covers || row.layer < strongest {
				continue
			}
			if covering != nil {
				*covering = append(*covering, row)
			}
			if (best == nil || row.layer < best.layer) && !row.Expired(now) {
				best = row
			}
		}
		if best != nil && best.layer == strongest && covering == nil {
			return best
		}
		dot := strings.IndexByte(name, '.')
		if dot < 0 {
			return best
		}
		name = name[dot+1:]
	}
}

// in returns the row that a layer has for the very name.
func (t *Table) in(l layer, name string) *Row {
	for row := t.rows[name]; row != nil; row = row.next {
		if row.layer == l {
			return row
		}
	}
	return nil
}

// add returns the row of the same layer that has the name already, if any.
func (t *Table) add(row *Row) (twin *Row) {
	if twin = t.in(row.layer, row.Name); twin != nil {
		t.doubles = append(t.doubles, double{row, twin})
		return twin
	}
	row.next = t.rows[row.Name]
	t.rows[row.Name] = row
	t.list = append(t.list, row)
	t.layers[row.layer]++
	return nil
}

// addAddress is add for a row of one address.
func (t *Table) addAddress(m address.Mailbox, row *Row) (twin *Row) {
	if twin = t.mailboxes[m]; twin != nil {
		return twin
	}
	t.mailboxes[m] = row
	t.list = append(t.list, row)
	return nil
}

// Halved reports whether a table of so many rows has lost more than half of them.
func Halved(had, left int) bool { return left*2 < had }
