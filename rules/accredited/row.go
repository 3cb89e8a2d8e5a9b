// Package accredited reads and writes the file with the accredited list that
// import makes for serve: the domains of the organisations accredited to the
// secure email standard, DCB1596.
package accredited

import (
	"bytes"
	"encoding/csv"
	"slices"
)

// Row is an entry of the accredited list.
type Row struct {
	Organisation string `json:"organisation"` // for people to read; empty if the list names none
	Domain       string `json:"domain"`       // an exact name, as NormalizeDomain returns it

	// Accepted says that the row is doubtful but was imported with -accept.
	Accepted bool `json:"accepted"`
}

// acceptedHeader is the header of the column in which an imported list marks
// the doubtful rows that somebody accepted.
const acceptedHeader = "Accepted with -accept"

// headers returns the headers of the columns, which are those of the published
// list. Most lists have no accepted row.
func headers(accepted bool) []string {
	names := []string{"Organisation Name", "Domain name"}
	if accepted {
		names = append(names, acceptedHeader)
	}
	return names
}

// Format returns the list as CSV in UTF-8. Read reads the same rows from it.
func Format(rows []Row) []byte {
	accepted := slices.ContainsFunc(rows, func(row Row) bool { return row.Accepted })
	records := [][]string{headers(accepted)}
	for _, row := range rows {
		cells := []string{row.Organisation, row.Domain}
		if accepted {
			cells = append(cells, map[bool]string{false: "no", true: "yes"}[row.Accepted])
		}
		records = append(records, cells)
	}
	var b bytes.Buffer
	csv.NewWriter(&b).WriteAll(records) // a bytes.Buffer never fails
	return b.Bytes()
}
