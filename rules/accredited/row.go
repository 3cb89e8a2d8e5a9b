// Package accredited reads the list of organisations accredited to the secure
// email standard, DCB1596, as it is published and as import writes it.
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

// Format returns the list as CSV in UTF-8, with the headers of the published
// list. ReadImported reads the same rows from it.
func Format(rows []Row) []byte {
	records := [][]string{{"Organisation Name", "Domain name"}}
	for _, row := range rows {
		records = append(records, []string{row.Organisation, row.Domain})
	}
	if slices.ContainsFunc(rows, func(row Row) bool { return row.Accepted }) {
		records[0] = append(records[0], acceptedHeader)
		for i, row := range rows {
			records[i+1] = append(records[i+1], map[bool]string{false: "no", true: "yes"}[row.Accepted])
		}
	}
	var b bytes.Buffer
	csv.NewWriter(&b).WriteAll(records) // a bytes.Buffer never fails
	return b.Bytes()
}
