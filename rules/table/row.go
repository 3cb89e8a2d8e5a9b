package table

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/postseal/postseal/rules/tomlfile"
)

// Info says where rows come from.
type Info struct {
	Name     string
	File     string // empty for rows that the configuration itself makes
	Source   string // the document or decision behind the rows
	Issued   time.Time
	ReviewBy time.Time // zero if the table names no date
}

// ReviewDue reports whether the table's review is due.
func (t *Info) ReviewDue(now time.Time) bool {
	return !t.ReviewBy.IsZero() && !now.Before(t.ReviewBy)
}

// layer is the rank of a row's table. A lower value wins over a higher one.
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
	Name       string // a domain as NormalizeDomain returns it, or a full address
	subdomains bool   // the row is also for every name below Name
	Class      Class
	Expires    time.Time // from this time the row is ignored; zero if it never expires
	Note       string
	source     string // the row's own source; empty if the table's applies
	number     int    // its number in a rule file, from 1; 0 elsewhere
	line       int    // its line in the file; 0 elsewhere
	item       int    // its index in local_domains
	Table      *Info

	layer     layer
	belowOnly bool // Name itself is not covered
	next      *Row // the row of another layer for Name
}

// Origin returns the document or decision behind the row.
func (r *Row) Origin() string { return cmp.Or(r.source, r.Table.Source) }

// Expired reports whether the row no longer counts.
func (r *Row) Expired(now time.Time) bool {
	return !r.Expires.IsZero() && !now.Before(r.Expires)
}

// DaysLeft returns the number of local calendar days until the row expires. ok
// is false if it never does.
func (r *Row) DaysLeft(now time.Time) (days int, ok bool) {
	if r.Expires.IsZero() {
		return 0, false
	}
	date := func(t time.Time) time.Time { // in UTC, because every day there has 24 hours
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return int(date(r.Expires).Sub(date(now.In(time.Local))) / (24 * time.Hour)), true
}

// domain returns the domain of the row.
func (r *Row) domain() string { return r.Name[strings.LastIndexByte(r.Name, '@')+1:] }

// IsAddress reports whether the row is for a single address.
func (r *Row) IsAddress() bool { return strings.Contains(r.Name, "@") }

// IsRelay reports whether the row is the one for recipients that were diverted
// already. No rule file can have a row that covers only what is below a name.
func (r *Row) IsRelay() bool { return r.belowOnly }

// fault returns an error that begins with the row. Only the configuration knows
// the position of an own domain.
func (r *Row) fault(format string, args ...any) error {
	err := fmt.Errorf("%s: %s", r.where(), fmt.Sprintf(format, args...))
	if r.Table.Name == ownDomains && r.Table.File == "" {
		return &tomlfile.Fault{Path: fmt.Sprintf("%s[%d]", ownDomains, r.item), Err: err}
	}
	return err
}

// where returns the row with its file, for errors and warnings.
func (r *Row) where() string {
	if r.Table.File == "" {
		return r.place()
	}
	return r.Table.File + ": " + r.place()
}

// place returns the row's position in its file.
func (r *Row) place() string {
	if r.number > 0 {
		return fmt.Sprintf("line %d: domain %d (%q)", r.line, r.number, r.Name)
	}
	return fmt.Sprintf("%s (%q)", r.Table.Name, r.Name)
}

// Layer returns the rank of the row's table: local, retired, accredited or
// edition, the strongest first.
func (r *Row) Layer() string { return r.layer.String() }

func (r *Row) warning(fault, remedy string) Warning {
	return Warning{r.Table.File, r.place(), fault, remedy}
}
