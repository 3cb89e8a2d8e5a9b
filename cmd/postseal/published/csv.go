package published

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
)

const (
	maxCSVColumns = 16384   // the most that Excel writes
	maxCSVRow     = 1 << 20 // octets
)

// readCSV passes the rows of a CSV to r. It reads quotes strictly, because an
// unclosed quote would swallow rows.
func readCSV(text []byte, r *reader) error {
	comma, text, err := separator(text)
	if err != nil {
		return err
	}
	rows := newCSVRows(text, comma)
	width, widthBefore := 0, 0
	// columns is how many cells the headers have, or the row below if it has more.
	// rowsSeen is how many of these two rows were read.
	columns, rowsSeen := 0, 0
	var row listRow
	for {
		cells, err := rows.next()
		switch {
		case err == io.EOF && width < widthBefore && !bytes.HasSuffix(bytes.TrimRight(text, " \t"), []byte("\n")):
			return fmt.Errorf("row %d has %d of %d cells and no line end, so the file is cut off: "+fetchAgain, rows.row, width, widthBefore)
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		width, widthBefore = len(cells), width
		row.number, row.cells = rows.row, row.cells[:0]
		for _, cell := range cells {
			row.cells = append(row.cells, listCell{text: cell})
		}
		if row.hidden = ""; rowsSeen > 1 && strings.TrimSpace(strings.Join(cells[min(columns, len(cells)):], "")) != "" {
			row.hidden = "has more cells than there are column headers, so cells are below the wrong header"
		}
		if err := r.row(row); err != nil {
			return err
		}
		if r.domain >= 0 && rowsSeen < 2 {
			columns, rowsSeen = max(columns, len(cells)), rowsSeen+1
		}
	}
}

// csvRows reads a CSV row by row.
type csvRows struct {
	*csv.Reader
	row   int // the number of the last row, as a spreadsheet counts
	inner int // line ends inside cells so far
}

func newCSVRows(text []byte, comma rune) *csvRows {
	rows := &csvRows{Reader: csv.NewReader(bytes.NewReader(text))}
	rows.Comma = comma
	rows.FieldsPerRecord = -1
	rows.ReuseRecord = true
	return rows
}

func (r *csvRows) next() ([]string, error) {
	cells, err := r.Read()
	var fault *csv.ParseError
	if errors.As(err, &fault) {
		return nil, fmt.Errorf("row %d: %w: correct the quotes, or "+fetchAgain, fault.StartLine-r.inner, fault.Err)
	}
	if err != nil {
		return nil, err
	}
	line, _ := r.FieldPos(0)
	r.row = line - r.inner
	for _, cell := range cells {
		r.inner += strings.Count(cell, "\n")
	}
	return cells, nil
}

// sepLine is the line with which a CSV tells Excel its separator.
var sepLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)^"?sep=([^\r\n])"?[ \t]*(?:\r?\n|$)`) })

// separators can stand between cells: a comma, or what Excel writes instead in
// another region, for "Unicode Text", or because somebody chose it.
const separators = ",;\t|"

// separator returns the separator of the cells, and the text without a line
// that names it. Without such a line it is the separator with which the headers
// are found best, or the comma if none finds them.
func separator(text []byte) (comma rune, rest []byte, err error) {
	if named := sepLine().FindSubmatch(text); named != nil {
		comma = rune(named[1][0])
		if !strings.ContainsRune(separators, comma) {
			return 0, nil, fmt.Errorf(`the first line names %q as the separator, which postseal does not support: save the list with commas, as "CSV UTF-8"`, named[1])
		}
		text = text[len(named[0]):]
		return comma, text, checkWidth(text, comma)
	}
	comma = ','
	best, titles := 0, 0
	for _, candidate := range separators {
		if err := checkWidth(text, candidate); err != nil {
			if candidate == ',' {
				return 0, nil, err
			}
			continue
		}
		fit := headerFit(text, candidate)
		if fit > best {
			best, comma = fit, candidate
		}
		if fit > maxCSVColumns+1 { // more than just the title, which any separator finds
			titles++
		}
	}
	if titles > 1 {
		return 0, nil, errors.New(`the title "Domain name" is found with more than one separator between the cells, so programs differ on which column it heads: save the list with commas, as "CSV UTF-8"`)
	}
	return comma, text, nil
}

// headerFit returns how well the headers can be read with a separator. 0 means
// not at all. The exact title is better than any number of columns.
func headerFit(text []byte, comma rune) int {
	rows := newCSVRows(text, comma)
	for seen := 0; seen < headerRows; {
		cells, err := rows.next()
		if err != nil {
			return 0
		}
		if strings.TrimSpace(strings.Join(cells, "")) == "" {
			continue
		}
		seen++
		if found := findColumn(cells, "domain", "domain name"); found.column >= 0 {
			fit := len(cells)
			if found.exact {
				fit += maxCSVColumns
			}
			return fit
		}
	}
	return 0
}

// checkWidth refuses rows for which encoding/csv would use many times the
// memory of the file: it makes several copies of a row, and keeps a record of
// each cell.
func checkWidth(text []byte, comma rune) error {
	cells, octets, quoted := 1, 0, false
	for _, c := range text {
		octets++
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\n':
			cells, octets = 1, 0
		case rune(c) == comma:
			cells++
		}
		if cells > maxCSVColumns || octets > maxCSVRow {
			return fmt.Errorf("a row has more than %d cells or %d MiB, or a quote is never closed: correct the quotes, or "+fetchAgain, maxCSVColumns, maxCSVRow>>20)
		}
	}
	return nil
}
