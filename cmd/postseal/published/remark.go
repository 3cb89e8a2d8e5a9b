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

// remark says what is wrong with a row. The row is counted from 1, as a
// spreadsheet does. cell is the content of its domain cell.
func remark(row int, cell, why string) string {
	if len(cell) > maxQuoted {
		cell = strings.ToValidUTF8(cell[:maxQuoted], "")
	}
	if cell == "" {
		return fmt.Sprintf("row %d: %s", row, why)
	}
	return fmt.Sprintf("row %d: %q %s", row, cell, why)
}

// firstRemarks returns the first remarks and counts the others.
func firstRemarks(remarks []string) []string {
	if more := len(remarks) - maxRemarks; more > 0 {
		return append(remarks[:maxRemarks:maxRemarks], fmt.Sprintf("and %d more rows like these", more))
	}
	return remarks
}
