package rules

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
)

// AccreditedRow is an entry of the list of domains accredited to the secure
// email standard, DCB1596.
type AccreditedRow struct {
	Organisation string `json:"organisation"` // for people to read; empty if the list has none
	Domain       string `json:"domain"`       // an exact name, as NormalizeDomain returns it

	// Accepted says that the row is doubtful and was imported all the same.
	Accepted bool `json:"accepted"`
}

// accredited adds the rows of the accredited list.
func (l *loader) accredited(file string) {
	text, err := l.read(file)
	if err != nil {
		l.fault("%w: run postseal import, or take rules.accredited out of the configuration", err)
		return
	}
	list, err := ReadImported(file, text)
	if err != nil {
		l.faults = append(l.faults, err)
		return
	}
	info := &TableInfo{Name: "accredited", File: file, Source: "secure email standard DCB1596, accredited organisations"}
	for _, a := range list.Rows {
		row := &Row{Name: a.Domain, Class: Secure, Note: a.Organisation, Table: info, layer: accreditedLayer}
		if l.table.add(row) == nil && a.Accepted {
			l.table.listWarnings = append(l.table.listWarnings,
				row.warning(doubtOf(a.Domain)+", and was imported with -accept", `to withdraw trust, give it a local row with class = "unknown"`))
		}
	}
	l.table.listWarnings = append(l.table.listWarnings, list.warnings(file)...)
}

// warnings names what does not count in a list that is in use.
func (l AccreditedList) warnings(file string) (found []Warning) {
	named := func(remarks []Remark, fault, remedy string) {
		for _, r := range remarks {
			found = append(found, Warning{file, fmt.Sprintf("row %d", r.Row), r.text() + ": " + fault, remedy})
		}
	}
	for _, doubt := range l.Doubts {
		found = append(found, Warning{file, "the list", doubt, "import the published list with postseal import"})
	}
	named(l.Doubtful, "the row does not count", "remove it, or import the list with -accept")
	named(l.LeftOut, "the row is left out", "correct or remove it, and import the list again")
	return found
}

// acceptedHeader heads the column in which a list that was imported says which
// of its doubtful rows somebody accepted.
const acceptedHeader = "Accepted with -accept"

// FormatAccredited returns the list as CSV in UTF-8, with headers of the
// published list. ReadImported reads the same rows from it.
func FormatAccredited(rows []AccreditedRow) []byte {
	records := [][]string{{"Organisation Name", "Domain name"}}
	for _, row := range rows {
		records = append(records, []string{row.Organisation, row.Domain})
	}
	if slices.ContainsFunc(rows, func(row AccreditedRow) bool { return row.Accepted }) {
		records[0] = append(records[0], acceptedHeader)
		for i, row := range rows {
			records[i+1] = append(records[i+1], map[bool]string{false: "no", true: "yes"}[row.Accepted])
		}
	}
	var b bytes.Buffer
	csv.NewWriter(&b).WriteAll(records) // a bytes.Buffer never fails
	return b.Bytes()
}
