package rules

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/rules/address"
)

// TableInfo says where rows come from.
type TableInfo struct {
	Name     string
	File     string // empty for rows that the configuration itself makes
	Source   string // the document or decision behind the rows
	Issued   time.Time
	ReviewBy time.Time // zero where the table does not say
}

// ReviewDue tells whether the day of the table's review has come.
func (t *TableInfo) ReviewDue(now time.Time) bool {
	return !t.ReviewBy.IsZero() && !now.Before(t.ReviewBy)
}

// layer is the rank of a row's table: a lower one wins over all above it.
type layer uint8

const (
	localLayer layer = iota // local files, local_domains and the relay domain
	retiredLayer
	accreditedLayer
	editionLayer
)

var layerNames = [...]string{"local", "retired", "accredited", "edition"}

func (l layer) String() string { return layerNames[l] }

// Row is an entry of the table.
type Row struct {
	Name       string // a domain as NormalizeDomain gives it, or a full address
	Subdomains bool   // every name below Name too
	Class      Class
	Expires    time.Time // from then on the row no longer counts; zero for never
	Note       string
	Source     string // the row's own; empty where the table's holds
	Number     int    // its place in a rule file, from 1; 0 elsewhere
	Line       int    // of that file; 0 elsewhere
	item       int    // of local_domains, from 0
	Table      *TableInfo

	layer     layer
	belowOnly bool // not Name itself
	next      *Row // another layer's row for Name
}

// Origin is the document or decision behind the row.
func (r *Row) Origin() string { return cmp.Or(r.Source, r.Table.Source) }

// Expired tells whether the row no longer counts.
func (r *Row) Expired(now time.Time) bool {
	return !r.Expires.IsZero() && !now.Before(r.Expires)
}

// DaysLeft is the number of local calendar days until the row expires; ok is
// false where it never does.
func (r *Row) DaysLeft(now time.Time) (days int, ok bool) {
	if r.Expires.IsZero() {
		return 0, false
	}
	date := func(t time.Time) time.Time { // in UTC every day has 24 hours
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return int(date(r.Expires).Sub(date(now.In(time.Local))) / (24 * time.Hour)), true
}

// domain is the domain that the row speaks of.
func (r *Row) domain() string { return r.Name[strings.LastIndexByte(r.Name, '@')+1:] }

// isAddress tells whether the row is for one address alone.
func (r *Row) isAddress() bool { return strings.Contains(r.Name, "@") }

// isRelay tells whether the row is the one for recipients that were diverted
// already: no rule file can leave a name out and speak of what is below it.
func (r *Row) isRelay() bool { return r.belowOnly }

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
func (t *Table) Tables() []*TableInfo {
	var tables []*TableInfo
	seen := make(map[*TableInfo]bool)
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
