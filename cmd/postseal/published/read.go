// Package published reads the list of organisations accredited to the secure
// email standard, DCB1596, as it is published: CSV or XLSX, with all that is in
// such files.
package published

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/postseal/postseal/rules/accredited"
)

// A list beyond these limits is refused. The published list has about 300 rows
// and 30 KB. With these limits and those on a workbook's XML, reading a list
// needs at most 32 MiB of live memory, whatever the file contains.
const (
	// MaxListSize is the greatest size of the file, and of all parts of a
	// workbook together after unpacking, in octets.
	MaxListSize = 8 << 20

	maxRows = 50_000
)

const (
	// minDomainShare is the percentage of rows that must have a domain name in
	// the column of the list. A published list was once read by the wrong
	// column.
	minDomainShare = 90

	// headerRows is how many rows are searched for the column headers.
	headerRows = 10
)

const (
	fetchAgain = "fetch the accredited list again"
	saveAsCSV  = `open it in Excel or LibreOffice, save the sheet with the list as "CSV UTF-8", and import that file`
)

// List is the content of a list file.
type List struct {
	Rows     []accredited.Row // sorted by domain, only the first of each domain
	Doubtful []string         // rows that nobody can have meant; they count only if they are accepted
	Doubts   []string         // about the list as a whole
	LeftOut  []string         // rows without a domain name, or that a person would not regard as part of the list

	doubtful []accredited.Row // the rows of Doubtful
}

// Read reads the accredited list as it is published, a CSV or an XLSX workbook.
// It recognises the format by the content, and finds the columns by their
// headers. The error names every fault for which the list is refused, each with
// the list's name.
func Read(name string, data []byte) (List, error) {
	r := newReader()
	var err error
	switch {
	case len(data) > MaxListSize:
		err = fmt.Errorf("the file is larger than %d MiB: import the accredited list alone, as CSV or XLSX", MaxListSize>>20)
	case bytes.HasPrefix(data, []byte(zipMagic)):
		err = readXLSX(data, r)
	default:
		err = readText(data, r)
	}
	faults := r.check()
	if err != nil {
		faults = []string{err.Error()}
	}
	if len(faults) > 0 {
		return List{}, errors.New(name + ": " + strings.Join(faults, "\n"+name+": "))
	}
	if r.formulas > 0 {
		r.list.Doubts = append(r.list.Doubts, fmt.Sprintf("%d of the domains are formulas, for which Excel may show something other than the saved values: replace them with their values", r.formulas))
	}
	if r.others > 0 {
		r.list.Doubts = append(r.list.Doubts, fmt.Sprintf("rows with another domain in a second domain column, which postseal does not read: %d", r.others))
	}
	r.list.Rows = distinct(r.list.Rows)
	for _, row := range r.list.Rows {
		if r.withdrawn[row.Domain] {
			r.list.Doubts = append(r.list.Doubts, fmt.Sprintf("%q is in a row that is left out and in one that is not", row.Domain))
		}
	}
	return r.list, nil
}

// distinct sorts rows by domain and keeps the first for each domain.
func distinct(rows []accredited.Row) []accredited.Row {
	slices.SortStableFunc(rows, func(a, b accredited.Row) int { return strings.Compare(a.Domain, b.Domain) })
	return slices.CompactFunc(rows, func(a, b accredited.Row) bool { return a.Domain == b.Domain })
}

// Accept makes those doubtful rows count for which accepted returns true, and
// returns the others.
func (l *List) Accept(accepted func(domain string) bool) (left []string) {
	rest := l.doubtful[:0]
	for i, row := range l.doubtful {
		if !accepted(row.Domain) {
			left, rest = append(left, l.Doubtful[i]), append(rest, row)
			continue
		}
		row.Accepted = true
		l.Rows = append(l.Rows, row)
	}
	l.Rows, l.doubtful, l.Doubtful = distinct(l.Rows), rest, left
	return left
}

// reader collects a list row by row.
type reader struct {
	domain        int // columns; negative if there is none
	other         int // a second column whose header says that it has domains
	organisation  int
	width         int               // how many columns have headers
	headers       [][]string        // the rows up to the one with the column headers
	seen          int               // rows, including blank ones
	last          int               // the number of the last row that is not blank
	apart         string            // why the following rows are not part of the list; empty if they are
	cells         int               // rows below the headers that may have a domain
	good          int               // of these, those with a domain name
	full          int               // of these, those with a third cell or more
	formulas      int               // of these, those that are formulas
	others        int               // of these, those with another domain in the second column
	organisations map[string]string // one copy of each name for all of its rows
	withdrawn     map[string]bool   // the domains of rows that a person would not regard as part of the list
	list          List
}

func newReader() *reader {
	return &reader{domain: -1, other: -1, organisation: -1, organisations: make(map[string]string), withdrawn: make(map[string]bool)}
}

// listRow is a row of a file.
type listRow struct {
	number int // as a spreadsheet counts
	cells  []listCell
	hidden string // why the row cannot be seen, or is garbled; empty otherwise
}

type listCell struct {
	text  string
	fault string // why a person would not read the text; empty if a person would

	formula bool // whether the text is the saved value of a formula
}

func (r listRow) at(column int) listCell {
	if column < 0 || column >= len(r.cells) {
		return listCell{}
	}
	return r.cells[column]
}

// filled returns how many cells are not blank.
func (r listRow) filled() (n int) {
	for _, cell := range r.cells {
		if cell.fault != "" || trimCell(cell.text) != "" {
			n++
		}
	}
	return n
}

func (r listRow) texts() []string {
	texts := make([]string, len(r.cells))
	for i, cell := range r.cells {
		texts[i] = cell.text
	}
	return texts
}

// row reads the next row of the list.
func (r *reader) row(row listRow) error {
	if r.seen++; r.seen > maxRows {
		return fmt.Errorf("the list has more than %d rows: delete the rows after the list, and import it again", maxRows)
	}
	filled := row.filled()
	switch {
	case filled == 0, r.domain < 0 && row.hidden != "":
		return nil
	case r.domain < 0:
		return r.header(row)
	}
	cell := trimCell(row.at(r.domain).text)
	r.section(row, filled)
	if why := r.unseen(row); why != "" {
		if name, fault := listedDomain(cell); fault == "" && why != row.hidden {
			r.withdrawn[name] = true
		}
		r.list.LeftOut = append(r.list.LeftOut, remark(row.number, cell, why))
		return nil
	}
	r.cells++
	name, why := listedDomain(cell)
	if why == "" {
		why = r.footer(row, filled)
	}
	r.add(row, cell, name, why)
	return nil
}

// footer says why a row with a domain is a note below the list and not part of
// it. Such a row has only the domain, or only the domain and a text in the
// column of the organisation, and the rows before it have more.
func (r *reader) footer(row listRow, filled int) string {
	if filled > 2 {
		r.full++
	}
	hasText := filled == 2 && r.organisation >= 0 && trimCell(row.at(r.organisation).text) != ""
	switch {
	case filled == 1 && r.width > 2:
		return "is alone in its row, like a footer"
	case hasText && r.cells > listRows && r.full*100 >= (r.cells-1)*minDomainShare:
		return "has only text beside it, like a footer"
	}
	return ""
}

// add adds a row to the part of the list that it belongs to. If why is not
// empty, the row is left out for that reason.
func (r *reader) add(row listRow, cell, name, why string) {
	doubt := ""
	if why == "" || why == notADomain && !strings.Contains(name, ".") { // such as a bare top-level domain
		doubt = accredited.Doubt(name)
	}
	if why == "" {
		r.good++
	}
	if doubt == "" && why == "" && row.at(r.domain).formula {
		r.formulas++
	}
	if other, fault := listedDomain(trimCell(row.at(r.other).text)); why == "" && fault == "" && other != name {
		r.others++
	}
	// strings.Clone frees the rest of the row that the name is part of.
	entry := accredited.Row{Organisation: r.intern(row.at(r.organisation).text), Domain: strings.Clone(name)}
	switch {
	case doubt != "":
		r.list.Doubtful = append(r.list.Doubtful, remark(row.number, cell, doubt))
		r.list.doubtful = append(r.list.doubtful, entry)
	case why != "":
		r.list.LeftOut = append(r.list.LeftOut, remark(row.number, cell, why))
	default:
		r.list.Rows = append(r.list.Rows, entry)
	}
}

// unseen says why a person who reads the list would not regard the row as part
// of it.
func (r *reader) unseen(row listRow) string {
	switch domain := row.at(r.domain); {
	case row.hidden != "":
		return row.hidden
	case domain.fault != "":
		return domain.fault
	case r.apart != "":
		return r.apart
	case r.isComment(row):
		return "is commented out with #"
	case misleading(domain.text) != "":
		return misleading(domain.text)
	case row.at(r.organisation).fault == isStruck:
		return "belongs to an organisation whose name is struck through"
	}
	for i, cell := range row.cells {
		if text := trimCell(cell.text); r.isWithdrawn(i, text) {
			return fmt.Sprintf("is marked %.40q", cleanText(text))
		}
	}
	return ""
}

// isComment reports whether somebody has put a "#" before the row. A number can follow
// a "#" in a cell, and spreadsheets write errors such as #N/A and #REF!.
func (r *reader) isComment(row listRow) bool {
	for _, cell := range row.cells {
		if text := trimCell(cell.text); text != "" {
			return len(text) > 1 && text[0] == '#' && (text[1] < '0' || text[1] > '9') && text != "#N/A" && !strings.HasSuffix(text, "!") && text != "#NAME?"
		}
	}
	return false
}

// header finds the columns, or skips a row that comes before the column
// headers.
func (r *reader) header(row listRow) error {
	cells := row.texts()
	r.headers = append(r.headers, cells)
	if len(r.headers) > headerRows {
		return r.noDomainColumn()
	}
	domain := findColumn(cells, "domain", "domain name")
	if domain.column < 0 {
		r.title(cells)
	}
	if domain.twin >= 0 {
		return fmt.Errorf("row %d: the columns headed %.80q and %.80q may both contain the domains: remove one of them, or rename its header", row.number, cells[domain.column], cells[domain.twin])
	}
	r.domain, r.width, r.last = domain.column, row.filled(), row.number
	r.other = otherColumn(cells, r.domain)
	r.organisation = findColumn(cells, "organisation", "organisation name").column
	return nil
}

// title adds a doubt if a row above the column headers says that the rows below do not
// count. Such a row can also be a note about a few of them.
func (r *reader) title(cells []string) {
	for _, cell := range cells {
		if withdrawnHeading().MatchString(cut(cell)) {
			r.list.Doubts = append(r.list.Doubts, fmt.Sprintf("the list has the title %.80q", cleanText(cell)))
		}
	}
}

// otherColumn finds a second column whose header mentions domains.
func otherColumn(cells []string, domain int) int {
	for i, cell := range cells {
		isLike := slices.ContainsFunc(headerWords(cell), func(w string) bool { return strings.HasPrefix(w, "domain") })
		if domain >= 0 && i != domain && isLike {
			return i
		}
	}
	return -1
}

// domains returns how many rows name a domain.
func (r *reader) domains() int { return len(r.list.Rows) + len(r.list.Doubtful) }

func (r *reader) noDomainColumn() error {
	var read []string
	for _, cell := range r.headers[0] {
		if text := cleanText(cell); text != "" && len(read) < 4 {
			read = append(read, fmt.Sprintf("%.40q", text))
		}
	}
	return fmt.Errorf(`no column in the first %d rows is headed "Domain name", and the first row reads %s: import the accredited list with its column headers, as it is published`,
		headerRows, strings.Join(read, ", "))
}

// check returns the faults of the list as a whole.
func (r *reader) check() []string {
	switch {
	case len(r.headers) == 0:
		return []string{"the list is empty: " + fetchAgain}
	case r.domain < 0:
		return []string{r.noDomainColumn().Error()}
	case r.cells == 0 && len(r.list.LeftOut) > 0:
		return append(firstRemarks(r.list.LeftOut), "no visible row follows the column headers: "+fetchAgain)
	case r.cells == 0:
		return []string{"no row follows the column headers: " + fetchAgain}
	case r.good*100 < r.cells*minDomainShare:
		return append(firstRemarks(r.list.LeftOut), fmt.Sprintf("only %d of %d rows have a domain name below \"Domain name\": correct the rows, or %s", r.good, r.cells, fetchAgain))
	}
	return nil
}

func (r *reader) intern(cell string) string {
	name := cleanText(cell)
	if known, ok := r.organisations[name]; ok {
		return known
	}
	name = strings.Clone(name)
	r.organisations[name] = name
	return name
}
