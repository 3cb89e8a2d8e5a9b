package published

import (
	"fmt"
	"strings"
)

const (
	// maxRemarks is how many rows of a refused list are named. The rest are
	// only counted.
	maxRemarks = 10

	// maxQuoted is how much of a cell a remark quotes, in octets.
	maxQuoted = 80
)

// Remark is a remark on one row of a list.
type Remark struct {
	Row  int    // as a spreadsheet counts rows, from 1
	Cell string // the content of the row's domain cell
	Why  string // what is wrong with it
}

func newRemark(row int, cell, why string) Remark {
	if len(cell) > maxQuoted {
		cell = strings.ToValidUTF8(cell[:maxQuoted], "")
	}
	return Remark{row, strings.Clone(cell), why} // strings.Clone frees the rest of the row
}

// Text returns the remark without the row.
func (r Remark) Text() string {
	if r.Cell == "" {
		return r.Why
	}
	return fmt.Sprintf("%q %s", r.Cell, r.Why)
}

// String returns the remark with the row.
func (r Remark) String() string { return fmt.Sprintf("row %d: %s", r.Row, r.Text()) }

// remarkTexts names the first rows and counts the others.
func remarkTexts(remarks []Remark) []string {
	var texts []string
	for i, r := range remarks {
		if i == maxRemarks {
			return append(texts, fmt.Sprintf("and %d more rows like these", len(remarks)-i))
		}
		texts = append(texts, r.String())
	}
	return texts
}
