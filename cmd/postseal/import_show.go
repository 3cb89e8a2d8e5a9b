package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/postseal/postseal/rules/accredited"
	"github.com/postseal/postseal/rules/table"
)

// How much is shown without -v.
const (
	maxShownDomains       = 5 // of an organisation
	maxShownOrganisations = 50
)

// importReport is the object that import -json prints.
type importReport struct {
	List      string           `json:"list"`
	Added     []accredited.Row `json:"added"`
	Removed   []accredited.Row `json:"removed"`
	Kept      int              `json:"kept"`
	LeftOut   []string         `json:"left_out"`
	Doubtful  []string         `json:"doubtful"`
	Reasons   []string         `json:"reasons"`
	Unchanged bool             `json:"unchanged"`
	Held      bool             `json:"held"`
	Written   bool             `json:"written"`
}

// show prints the differences to standard output. It prints the doubtful rows, the
// rows that are left out and the summary to standard error.
func (i *listImport) show(std stdio, asJSON bool) error {
	i.showRows(std.err, i.doubtful, "needs -accept")
	i.showRows(std.err, i.fresh.LeftOut, "left out")
	var err error
	switch {
	case asJSON:
		err = newEncoder(std.out).Encode(i.report())
	case i.verbose:
		err = showChanges(std.out, i.changes)
	case !i.first: // for a first list, that is every organisation
		err = sumUpChanges(std.out, i.changes)
	}
	fmt.Fprintf(std.err, "postseal import: %s: %s\n", i.name, i.sumUp())
	return err
}

// showRows prints every row, because -accept trusts the doubtful ones.
func (i *listImport) showRows(w io.Writer, rows []string, what string) {
	if i.accept && what == "needs -accept" {
		what = "accepted"
	}
	for _, row := range rows {
		fmt.Fprintf(w, "postseal import: %s: %s: %s\n", i.name, row, what)
	}
}

// sumUp returns the summary: the contents of the list, and the result.
func (i *listImport) sumUp() string {
	c := i.changes
	var b strings.Builder
	b.WriteString(counted(len(i.fresh.Rows), "domain"))
	if i.first {
		b.WriteString(" in a first list")
	} else {
		fmt.Fprintf(&b, " (%d added, %d removed, %d kept)", len(c.Added), len(c.Removed), len(c.Kept))
	}
	if n := len(i.fresh.LeftOut); n > 0 {
		b.WriteString(", " + counted(n, "row") + " left out")
	}
	return b.String() + ": " + i.outcome()
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (i *listImport) outcome() string {
	had, left := len(i.changes.Kept)+len(i.changes.Removed), len(i.fresh.Rows)
	switch {
	case len(i.held) > 0:
		return fmt.Sprintf("held: %s: %s is unchanged: check the rows and the differences, then import again with -accept", strings.Join(i.held, "; "), i.list)
	case i.unchanged && i.dryRun:
		return "unchanged"
	case i.dryRun:
		return "not written to " + i.list + ", because of -dry-run"
	case i.unchanged:
		return "unchanged: the timestamp of " + i.list + " is updated"
	case table.Halved(had, left):
		return "written to " + i.list + ": more than half of the rows are gone: run systemctl reload postseal to load it"
	}
	return "written to " + i.list + ": a running postseal loads it automatically"
}

func (i *listImport) report() importReport {
	return importReport{ // with [] and not null
		List:      i.list,
		Added:     append([]accredited.Row{}, i.changes.Added...),
		Removed:   append([]accredited.Row{}, i.changes.Removed...),
		Kept:      len(i.changes.Kept),
		LeftOut:   append([]string{}, i.fresh.LeftOut...),
		Doubtful:  append([]string{}, i.doubtful...),
		Reasons:   append([]string{}, i.held...),
		Unchanged: i.unchanged,
		Held:      len(i.held) > 0,
		Written:   i.written,
	}
}

// organisationChanges are the changes for one organisation.
type organisationChanges struct {
	name           string
	added, removed []string
	kept           int
}

// byOrganisation returns the organisations that have changes.
// Spellings that differ only in case are one organisation.
func byOrganisation(c accredited.Changes) (changed []*organisationChanges) {
	groups := make(map[string]*organisationChanges)
	group := func(row accredited.Row) *organisationChanges {
		key := strings.ToLower(row.Organisation)
		if groups[key] == nil {
			groups[key] = &organisationChanges{name: cmp.Or(row.Organisation, "(no organisation)")}
		}
		return groups[key]
	}
	for _, row := range c.Kept {
		group(row).kept++
	}
	for _, row := range c.Added {
		g := group(row)
		g.added = append(g.added, row.Domain)
	}
	for _, row := range c.Removed {
		g := group(row)
		g.removed = append(g.removed, row.Domain)
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		if g := groups[key]; len(g.added)+len(g.removed) > 0 {
			changed = append(changed, g)
		}
	}
	return changed
}

// showChanges prints every domain that changes.
func showChanges(w io.Writer, c accredited.Changes) error {
	for _, g := range byOrganisation(c) {
		var b strings.Builder
		fmt.Fprintf(&b, "%s (%d kept)\n", g.name, g.kept)
		for _, domain := range g.added {
			fmt.Fprintf(&b, "  + %s\n", domain)
		}
		for _, domain := range g.removed {
			fmt.Fprintf(&b, "  - %s\n", domain)
		}
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// sumUpChanges prints one line for each organisation.
func sumUpChanges(w io.Writer, c accredited.Changes) error {
	changed := byOrganisation(c)
	for n, g := range changed {
		if n == maxShownOrganisations {
			_, err := fmt.Fprintf(w, "and %d more organisations: -v shows them all\n", len(changed)-n)
			return err
		}
		var domains []string
		for _, domain := range g.added {
			domains = append(domains, "+"+domain)
		}
		for _, domain := range g.removed {
			domains = append(domains, "-"+domain)
		}
		if more := len(domains) - maxShownDomains; more > 0 {
			domains = append(domains[:maxShownDomains], fmt.Sprintf("and %d more", more))
		}
		if _, err := fmt.Fprintf(w, "%s: %d added, %d removed, %d kept: %s\n", g.name, len(g.added), len(g.removed), g.kept, strings.Join(domains, " ")); err != nil {
			return err
		}
	}
	return nil
}
