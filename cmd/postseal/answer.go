package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/table"
)

// answer is one line of lookup -json. Its keys are never renamed within a
// major version.
type answer struct {
	Input       string      `json:"input"`
	Domain      string      `json:"domain"`
	Class       table.Class `json:"class"`
	Row         string      `json:"row"`
	Table       string      `json:"table"`
	Layer       string      `json:"layer"`
	Source      string      `json:"source"`
	Issued      string      `json:"issued"`  // of the table, as 2006-01-02; empty if the table has no date
	Expires     string      `json:"expires"` // of the row, likewise
	Note        string      `json:"note"`
	NeedsMarker bool        `json:"needs_marker"`
	Reason      string      `json:"reason"`
	ToDo        string      `json:"to_do"`
	Lost        []lostRow   `json:"lost"` // the strongest first
}

// lostRow is a row that would have decided if there were no stronger one.
type lostRow struct {
	Row   string      `json:"row"`
	Table string      `json:"table"`
	Layer string      `json:"layer"`
	Class table.Class `json:"class"`
	Why   string      `json:"why"`
}

// aliases is a warning about the site's own addresses that no table can replace.
const aliases = "the MTA may complete the name or expand an alias, and send the mail out: run postseal on the last outgoing host"

// look classes an address, with or without angle brackets, or a domain.
func look(r *rules.Ruleset, input string, now time.Time) answer {
	text := address.TrimAngles(input)
	if strings.Contains(text, ".") && !strings.Contains(text, "@") {
		text = `" "@` + text // no row for an address has this local part
	}
	got := r.Classify(text, "", now)
	a := answer{
		Input: input, Domain: got.Address.Domain, Class: got.Class, Row: got.RowName(),
		NeedsMarker: got.Class.NeedsMarker(), Reason: got.Reason(), ToDo: toDo(got, r.Marker.Text()), Lost: []lostRow{},
	}
	if row := got.Row; row != nil {
		a.Table, a.Layer, a.Source, a.Note = row.Table.Name, row.Layer(), row.Origin(), row.Note
		a.Issued, a.Expires = day(row.Table.Issued), day(row.Expires)
	}
	switch {
	case got.Fault == address.NoDomain:
		a.Reason = "a bare name cannot be classed: " + aliases
	case got.Class == table.Local:
		a.Reason += "; " + aliases
	case got.Unsafe() && a.Domain != "":
		a.Reason += "; the address is refused because " + string(got.Fault)
	}
	if a.Domain == "" {
		return a
	}
	for _, row := range r.Table.Lost(a.Domain, got.Row, now) {
		a.Lost = append(a.Lost, lostRow{row.Name, row.Table.Name, row.Layer(), row.Class, row.Why})
	}
	return a
}

// toDo returns what the sender must do.
func toDo(r rules.Recipient, marker string) string {
	switch {
	case r.Class == table.Closed:
		return "no mail can be sent there"
	case r.Unsafe():
		return "write the address as name@domain"
	case r.Class.NeedsMarker():
		return "put " + marker + " in the subject of personal or confidential mail"
	}
	return "nothing"
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func (a answer) text() string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %-7s %s\n", name, value)
		}
	}
	fmt.Fprintln(&b, a.Input)
	line("class", a.Class.String())
	line("row", a.Row)
	line("table", a.Table)
	line("layer", a.Layer)
	line("source", a.Source)
	line("issued", a.Issued)
	line("expires", a.Expires)
	line("reason", a.Reason) // the row's note, if it has one
	for _, lost := range a.Lost {
		line("lost", fmt.Sprintf("%s of %s, %s: %s", lost.Row, lost.Table, lost.Class, lost.Why))
	}
	line("to do", a.ToDo)
	return b.String()
}
