package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/postseal/postseal/rules"
)

// importReport is the object that import -json prints.
type importReport struct {
	List      string                `json:"list"`
	Added     []rules.AccreditedRow `json:"added"`
	Removed   []rules.AccreditedRow `json:"removed"`
	Kept      int                   `json:"kept"`
	Renamed   int                   `json:"renamed"`
	LeftOut   []string              `json:"left_out"`
	Unchanged bool                  `json:"unchanged"`
	Held      bool                  `json:"held"`
	Written   bool                  `json:"written"`
}

// show prints the differences to standard output and the summary to standard
// error.
func (i *listImport) show(std stdio, asJSON bool) error {
	for _, remark := range i.leftOut {
		fmt.Fprintf(std.err, "postseal import: %s: %s: left out\n", i.name, remark)
	}
	c := i.changes
	fmt.Fprintf(std.err, "postseal import: %s: %d domains: %d added, %d removed, %d kept", i.name, len(i.fresh), len(c.Added), len(c.Removed), len(c.Kept))
	if c.Renamed > 0 {
		fmt.Fprintf(std.err, " (%d with the organisation spelled anew)", c.Renamed)
	}
	fmt.Fprintf(std.err, "\npostseal import: %s: %s\n", i.list, i.outcome())
	if asJSON {
		encoder := json.NewEncoder(std.out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(i.report())
	}
	return showChanges(std.out, c)
}

func (i *listImport) outcome() string {
	switch {
	case i.held != "":
		return "held: " + i.held + ": look at the differences, then import again with -accept"
	case i.changes.None() && i.dryRun:
		return "unchanged"
	case i.changes.None():
		return "unchanged, its time is now"
	case i.dryRun:
		return "not written, since -dry-run was given"
	}
	c := i.changes
	if had, left := len(c.Kept)+len(c.Removed), len(c.Kept)+len(c.Added); halved(had, left) {
		return "written: reload postseal, which does not take so short a list by itself"
	}
	return "written: where postseal runs, it takes the list up by itself"
}

func (i *listImport) report() importReport {
	return importReport{
		List:      i.list,
		Added:     append([]rules.AccreditedRow{}, i.changes.Added...), // [] and not null
		Removed:   append([]rules.AccreditedRow{}, i.changes.Removed...),
		Kept:      len(i.changes.Kept),
		Renamed:   i.changes.Renamed,
		LeftOut:   append([]string{}, i.leftOut...),
		Unchanged: i.changes.None(),
		Held:      i.held != "",
		Written:   i.written,
	}
}

// organisationChanges are what changes for one organisation.
type organisationChanges struct {
	name  string
	lines []string
	kept  int
}

// showChanges prints the organisations for which something changes. Spellings
// that differ only in case are one organisation.
func showChanges(w io.Writer, c rules.AccreditedChanges) error {
	groups := make(map[string]*organisationChanges)
	group := func(row rules.AccreditedRow) *organisationChanges {
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
		g.lines = append(g.lines, "  + "+row.Domain)
	}
	for _, row := range c.Removed {
		g := group(row)
		g.lines = append(g.lines, "  - "+row.Domain)
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		g := groups[key]
		if len(g.lines) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s (%d kept)\n%s\n", g.name, g.kept, strings.Join(g.lines, "\n")); err != nil {
			return err
		}
	}
	return nil
}
