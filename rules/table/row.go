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
	ReviewBy time.Time // zero where the table does not say
}

// ReviewDue tells whether the day of the table's review has come.
func (t *Info) ReviewDue(now time.Time) bool {
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
	Table      *Info

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

// IsAddress tells whether the row is for one address alone.
func (r *Row) IsAddress() bool { return strings.Contains(r.Name, "@") }

// IsRelay tells whether the row is the one for recipients that were diverted
// already: no rule file can leave a name out and speak of what is below it.
func (r *Row) IsRelay() bool { return r.belowOnly }

// fault names the row before what is wrong with it. The place of an own domain
// is known to the configuration alone.
func (r *Row) fault(format string, args ...any) error {
	err := fmt.Errorf("%s: %s", r.where(), fmt.Sprintf(format, args...))
	if r.Table.Name == ownDomains && r.Table.File == "" {
		return &tomlfile.Fault{Path: fmt.Sprintf("%s[%d]", ownDomains, r.item), Err: err}
	}
	return err
}

// where names the row with its file, as errors and findings do.
func (r *Row) where() string {
	if r.Table.File == "" {
		return r.place()
	}
	return r.Table.File + ": " + r.place()
}

// place names the row inside its file.
func (r *Row) place() string {
	if r.Number > 0 {
		return fmt.Sprintf("line %d: domain %d (%q)", r.Line, r.Number, r.Name)
	}
	return fmt.Sprintf("%s (%q)", r.Table.Name, r.Name)
}

// Layer is the rank of the row's table: local, retired, accredited or
// edition, the strongest first.
func (r *Row) Layer() string { return r.layer.String() }

func (r *Row) warning(fault, remedy string) Warning {
	return Warning{r.Table.File, r.place(), fault, remedy}
}
