package table

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/rules/address"
)

// Table finds the row that decides a recipient's class. It never changes after
// Load, and may be used by several goroutines at once.
type Table struct {
	rows       map[string]*Row          // without those of the accredited list
	mailboxes  map[address.Mailbox]*Row // of local files only
	list       []*Row                   // in the order of loading, without those of the accredited list
	accredited accreditedRows
	doubles    []double
	similar    lookAlikes // of the secure rows

	listWarnings []Warning // of the accredited list
}

// double is a row that was left out because its layer already has one for the
// name.
type double struct{ left, kept *Row }

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.list) + t.accredited.n }

// Rows returns the rows of the rule files and of the configuration, local ones first,
// in the order of their files. The rows of the accredited list are not among them:
// they are all alike, and never expire.
func (t *Table) Rows() []*Row { return t.list }

// all returns all rows, from the strongest layer to the weakest.
func (t *Table) all() iter.Seq[*Row] {
	return func(yield func(*Row) bool) {
		weaker := slices.IndexFunc(t.list, func(row *Row) bool { return row.layer > accreditedLayer })
		if weaker < 0 {
			weaker = len(t.list)
		}
		for _, row := range t.list[:weaker] {
			if !yield(row) {
				return
			}
		}
		for i := range t.accredited.n {
			if !yield(t.accredited.row(i)) {
				return
			}
		}
		for _, row := range t.list[weaker:] {
			if !yield(row) {
				return
			}
		}
	}
}

// Tables returns the tables that have rows, in the order of their rows.
func (t *Table) Tables() []*Info {
	var tables []*Info
	seen := make(map[*Info]bool)
	add := func(info *Info) {
		if info != nil && !seen[info] {
			seen[info] = true
			tables = append(tables, info)
		}
	}
	for _, row := range t.list {
		if row.layer > accreditedLayer {
			add(t.accredited.info)
		}
		add(row.Table)
	}
	add(t.accredited.info)
	return tables
}

// RowsByFile counts the rows of each file.
func (t *Table) RowsByFile() map[string]int {
	count := make(map[string]int)
	for _, row := range t.list {
		count[row.Table.File]++
	}
	if t.accredited.n > 0 {
		count[t.accredited.info.File] += t.accredited.n
	}
	return count
}

// LookupAddress returns the row for an address with a readable domain: the row
// for the exact address, or the row for its domain.
func (t *Table) LookupAddress(a address.Address, now time.Time) *Row {
	if len(t.mailboxes) > 0 {
		if row := t.mailboxes[a.Mailbox()]; row != nil && !row.Expired(now) {
			return row
		}
	}
	return t.Lookup(a.Domain, now)
}

// Lookup returns the row for a domain that NormalizeDomain returned, or nil if
// no row covers it. The first layer with a row wins, and in a layer the longest
// name. Names match on label boundaries.
func (t *Table) Lookup(domain string, now time.Time) *Row {
	return t.walk(domain, now, localLayer, nil)
}

// Below is Lookup for those domains directly below name that have no row of
// their own. If name is empty, these are the top-level domains.
func (t *Table) Below(name string, now time.Time) *Row {
	return t.Lookup("*."+name, now) // no row's name contains "*"
}

// Names returns the names that have rows, including expired ones, sorted and
// each once.
func (t *Table) Names() []string {
	names := slices.Collect(maps.Keys(t.rows))
	for i := range t.accredited.n {
		name, _ := t.accredited.names.at(i)
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// walk searches the given layer and weaker ones. If covering is not nil, it
// adds every row that covers the domain, including expired ones, the longest
// name first.
func (t *Table) walk(domain string, now time.Time, strongest layer, covering *[]*Row) *Row {
	var best *Row
	exact := true
	for name := domain; ; exact = false {
		for row := t.rows[name]; row != nil; row = row.next {
			covers := exact && !row.belowOnly || !exact && row.subdomains
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
		if exact && (best == nil || best.layer > accreditedLayer || covering != nil) {
			if row := t.accredited.find(name); row != nil {
				if covering != nil {
					*covering = append(*covering, row)
				}
				if best == nil || best.layer > accreditedLayer {
					best = row
				}
			}
		}
		dot := strings.IndexByte(name, '.')
		if dot < 0 {
			return best
		}
		name = name[dot+1:]
	}
}

// in returns the layer's row for exactly this name.
func (t *Table) in(l layer, name string) *Row {
	for row := t.rows[name]; row != nil; row = row.next {
		if row.layer == l {
			return row
		}
	}
	return nil
}

// add adds a row, or returns the row of the same layer that already has the
// name.
func (t *Table) add(row *Row) (twin *Row) {
	if twin = t.in(row.layer, row.Name); twin != nil {
		t.doubles = append(t.doubles, double{row, twin})
		return twin
	}
	row.next = t.rows[row.Name]
	t.rows[row.Name] = row
	t.list = append(t.list, row)
	return nil
}

// addAddress is like add, for a row of one address.
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
