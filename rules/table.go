package rules

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// TableInfo says where rows come from.
type TableInfo struct {
	Name     string
	Source   string // the document or decision behind the rows
	Issued   time.Time
	ReviewBy time.Time // zero where the table does not say
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
	Name       string // as NormalizeDomain gives it
	Subdomains bool   // every name below Name too
	Class      Class
	Expires    time.Time // from then on the row no longer counts; zero for never
	Note       string
	Table      *TableInfo

	layer     layer
	belowOnly bool // not Name itself
	next      *Row // another layer's row for Name
}

// Table finds the row that decides a domain's class. It is never changed
// after Load and may be used by any number of goroutines.
type Table struct {
	rows    map[string]*Row
	size    int
	similar lookAlikes // of the secure rows
}

// Len is the number of rows.
func (t *Table) Len() int { return t.size }

// Lookup returns the row for a domain that NormalizeDomain gave, or nil where
// none speaks of it. The first layer with a row wins, and inside it the
// longest name; names match on label boundaries.
func (t *Table) Lookup(domain string, now time.Time) *Row { return t.walk(domain, now, nil) }

// Below is Lookup for those domains directly below name that no row names. For
// the empty name these are the top-level domains.
func (t *Table) Below(name string, now time.Time) *Row {
	return t.Lookup("*."+name, now) // no row's name holds a "*"
}

// Names lists the names that have rows, expired ones too, each once and sorted.
func (t *Table) Names() []string { return slices.Sorted(maps.Keys(t.rows)) }

// walk is Lookup. Where covering is not nil, every row that speaks of the
// domain is put there, the longest name first, expired ones too.
func (t *Table) walk(domain string, now time.Time, covering *[]*Row) *Row {
	var best *Row
	exact := true
	for name := domain; ; exact = false {
		for row := t.rows[name]; row != nil; row = row.next {
			covers := exact && !row.belowOnly || !exact && row.Subdomains
			if !covers {
				continue
			}
			if covering != nil {
				*covering = append(*covering, row)
			}
			if (best == nil || row.layer < best.layer) && !row.expired(now) {
				best = row
			}
		}
		if best != nil && best.layer == localLayer && covering == nil {
			return best
		}
		dot := strings.IndexByte(name, '.')
		if dot < 0 {
			return best
		}
		name = name[dot+1:]
	}
}

func (r *Row) expired(now time.Time) bool {
	return !r.Expires.IsZero() && !now.Before(r.Expires)
}

// add returns the row of the same layer that has the name already, if any.
func (t *Table) add(row *Row) (twin *Row) {
	for other := t.rows[row.Name]; other != nil; other = other.next {
		if other.layer == row.layer {
			return other
		}
	}
	row.next = t.rows[row.Name]
	t.rows[row.Name] = row
	t.size++
	return nil
}
