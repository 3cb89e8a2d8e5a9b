package rules

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxListSize is the greatest size of an accredited list, and of each part of
// a workbook once it is unpacked, in octets: a thousand times the real one.
const MaxListSize = 64 << 20

const (
	// minDomainShare is the share of rows, in per cent, that must hold a
	// domain name before a column is taken for the list's: the published list
	// has once been read by the wrong column.
	minDomainShare = 90

	// headerRows is how many rows are searched for the column headers.
	headerRows = 10

	// maxRemarks is how many rows are named before the rest is only counted.
	maxRemarks = 10
)

const fetchAgain = "fetch the accredited list again"

var errNoDomainColumn = fmt.Errorf("no column in the first %d rows is headed \"Domain name\": "+fetchAgain, headerRows)

// ReadAccredited reads the accredited list as it is published, or as
// FormatAccredited gives it: a CSV or an XLSX workbook, which its content
// tells apart. It finds the columns by their headers and returns the rows in
// the order of their domains, of each domain the first. Rows without a domain
// name are left out, which trusts nobody, and named in leftOut. The error
// names every fault for which the list is refused, each with the list's name.
func ReadAccredited(name string, data []byte) (rows []AccreditedRow, leftOut []string, err error) {
	r := accreditedReader{domain: -1, organisation: -1, organisations: make(map[string]string)}
	switch {
	case len(data) > MaxListSize:
		err = fmt.Errorf("the list is larger than %d MiB: "+fetchAgain, MaxListSize>>20)
	case bytes.HasPrefix(data, []byte(zipMagic)):
		err = readXLSX(data, r.row)
	default:
		err = readCSV(data, r.row)
	}
	faults := r.check()
	if err != nil {
		faults = []string{err.Error()}
	}
	if len(faults) > 0 {
		return nil, nil, errors.New(name + ": " + strings.Join(faults, "\n"+name+": "))
	}
	slices.SortStableFunc(r.rows, func(a, b AccreditedRow) int { return strings.Compare(a.Domain, b.Domain) })
	rows = slices.CompactFunc(r.rows, func(a, b AccreditedRow) bool { return a.Domain == b.Domain })
	return rows, r.leftOut.texts(), nil
}

// accreditedReader gathers a list row by row.
type accreditedReader struct {
	domain, organisation int               // columns; negative where there is none
	headers              int               // rows up to the one with the column headers
	cells                int               // rows below it
	rows                 []AccreditedRow   // of these, the ones with a domain name
	organisations        map[string]string // one copy of each for all of its rows
	leftOut              remarks
	suffixes             remarks
}

// row takes the next row of the list. Number counts as a spreadsheet does.
func (r *accreditedReader) row(number int, cells []string) error {
	if !slices.ContainsFunc(cells, func(cell string) bool { return trimCell(cell) != "" }) {
		return nil
	}
	if r.domain < 0 {
		return r.header(number, cells)
	}
	r.cells++
	cell := trimCell(at(cells, r.domain))
	name, ok := listedDomain(cell)
	switch {
	case !ok:
		r.leftOut.add("row %d: %.80q is no domain name", number, cell)
		return nil
	case isRegistrySuffix(name):
		r.suffixes.add("row %d: %q is a public suffix, not an organisation's domain: "+fetchAgain, number, name)
	}
	// The clone lets go of the rest of the row that the name is a part of.
	r.rows = append(r.rows, AccreditedRow{r.intern(at(cells, r.organisation)), strings.Clone(name)})
	return nil
}

// header finds the columns, or passes over a row that comes before them.
func (r *accreditedReader) header(number int, cells []string) error {
	if r.headers++; r.headers > headerRows {
		return errNoDomainColumn
	}
	var twin int
	r.domain, twin = findColumn(cells, "domain", "domain name")
	if twin >= 0 {
		return fmt.Errorf("row %d: the columns headed %.80q and %.80q may both be the domains: take one of them out, or head it otherwise", number, cells[r.domain], cells[twin])
	}
	r.organisation, _ = findColumn(cells, "organisation", "organisation name")
	return nil
}

// check names the faults of the list as a whole.
func (r *accreditedReader) check() []string {
	switch {
	case r.headers == 0:
		return []string{"the list is empty: " + fetchAgain}
	case r.domain < 0:
		return []string{errNoDomainColumn.Error()}
	case r.cells == 0:
		return []string{"no row follows the column headers: " + fetchAgain}
	}
	faults := r.suffixes.texts()
	if len(r.rows)*100 < r.cells*minDomainShare {
		faults = append(faults, r.leftOut.texts()...)
		faults = append(faults, fmt.Sprintf("only %d of %d rows have a domain name below \"Domain name\": "+fetchAgain, len(r.rows), r.cells))
	}
	return faults
}

func (r *accreditedReader) intern(cell string) string {
	name := cleanText(cell)
	if known, ok := r.organisations[name]; ok {
		return known
	}
	name = strings.Clone(name)
	r.organisations[name] = name
	return name
}

// remarks are on single rows. A damaged list may have one for each row, so
// that only the first are kept.
type remarks struct {
	first []string
	more  int
}

func (r *remarks) add(format string, args ...any) {
	if len(r.first) == maxRemarks {
		r.more++
		return
	}
	r.first = append(r.first, fmt.Sprintf(format, args...))
}

func (r *remarks) texts() []string {
	texts := slices.Clone(r.first)
	if r.more > 0 {
		texts = append(texts, fmt.Sprintf("and so in %d more rows", r.more))
	}
	return texts
}
