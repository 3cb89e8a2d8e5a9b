package rules

import (
	"bytes"
	"encoding/csv"
)

// AccreditedRow is an entry of the list of domains accredited to the secure
// email standard, DCB1596.
type AccreditedRow struct {
	Organisation string `json:"organisation"` // for people to read; empty where the list has none
	Domain       string `json:"domain"`       // an exact name, as NormalizeDomain gives it
}

// accredited adds the rows of the accredited list.
func (l *loader) accredited(file string) {
	text, err := l.read(file)
	if err != nil {
		l.fault("%w: run postseal import, or take rules.accredited out of the configuration", err)
		return
	}
	rows, _, err := ReadAccredited(file, text)
	if err != nil {
		l.faults = append(l.faults, err)
		return
	}
	info := &TableInfo{Name: "accredited", File: file, Source: "secure email standard DCB1596, accredited organisations"}
	for _, a := range rows {
		l.table.add(&Row{Name: a.Domain, Class: Secure, Note: a.Organisation, Table: info, layer: accreditedLayer})
	}
}

// FormatAccredited gives the list as CSV in UTF-8, with headers of the
// published list. ReadAccredited reads the same rows from it.
func FormatAccredited(rows []AccreditedRow) []byte {
	records := [][]string{{"Organisation Name", "Domain name"}}
	for _, row := range rows {
		records = append(records, []string{row.Organisation, row.Domain})
	}
	var b bytes.Buffer
	csv.NewWriter(&b).WriteAll(records) // a bytes.Buffer never fails
	return b.Bytes()
}

// AccreditedChanges are the differences between two accredited lists, each
// part in the order of the domains.
type AccreditedChanges struct {
	Added   []AccreditedRow
	Removed []AccreditedRow
	Kept    []AccreditedRow // as the new list has them
	Renamed int             // of Kept, those whose organisation is spelled anew
}

// CompareAccredited compares two lists as ReadAccredited gives them.
func CompareAccredited(old, fresh []AccreditedRow) AccreditedChanges {
	var c AccreditedChanges
	for len(old) > 0 || len(fresh) > 0 {
		switch {
		case len(old) == 0 || len(fresh) > 0 && fresh[0].Domain < old[0].Domain:
			c.Added, fresh = append(c.Added, fresh[0]), fresh[1:]
		case len(fresh) == 0 || old[0].Domain < fresh[0].Domain:
			c.Removed, old = append(c.Removed, old[0]), old[1:]
		default:
			if old[0] != fresh[0] {
				c.Renamed++
			}
			c.Kept = append(c.Kept, fresh[0])
			old, fresh = old[1:], fresh[1:]
		}
	}
	return c
}

// None tells whether the two lists are the same.
func (c AccreditedChanges) None() bool {
	return len(c.Added) == 0 && len(c.Removed) == 0 && c.Renamed == 0
}

// Exceeds tells whether more than a percentage of the old list was removed,
// or added to it.
func (c AccreditedChanges) Exceeds(percent int) bool {
	limit := percent * (len(c.Removed) + len(c.Kept))
	return 100*len(c.Removed) > limit || 100*len(c.Added) > limit
}
