package accredited

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postseal/postseal/rules/address"
)

// List is the content of a list that import wrote.
type List struct {
	Rows    []Row     // sorted by domain
	Ignored []Ignored // doubtful rows that nobody accepted
}

// Ignored is a row of a list that does not count.
type Ignored struct {
	Line   int
	Domain string
	Why    string // as Doubt says it
}

// Read reads a list that Format made, and nothing else. The error names the
// list, the line and the remedy.
func Read(name string, data []byte) (list List, err error) {
	list.Ignored, err = Scan(name, data, func(row Row) { list.Rows = append(list.Rows, row) })
	if err != nil {
		return List{}, err
	}
	slices.SortFunc(list.Rows, func(a, b Row) int { return strings.Compare(a.Domain, b.Domain) })
	return list, nil
}

// Scan is Read for a long list: it passes each row to use instead of keeping all, in
// the order of the file. The rows do not count if there is an error.
func Scan(name string, data []byte, use func(Row)) (ignored []Ignored, err error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("%s: the list is empty: %s", name, importAgain)
	}
	first, _, _ := bytes.Cut(data, []byte("\n"))
	first = bytes.TrimSuffix(first, []byte("\r"))
	if string(first) != strings.Join(headers(false), ",") && string(first) != strings.Join(headers(true), ",") {
		return nil, fmt.Errorf("%s: line 1: this is not a list that postseal import wrote: run postseal import %[1]s, which replaces the file; to keep the file, name another one in rules.accredited first", name)
	}
	r := newReader(data)
	rows, ignored, err := r.scan(use)
	if err == nil && !bytes.HasSuffix(data, []byte("\n")) {
		err = errors.New("the line has no end, so the file is cut off")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: line %d: %w: %s", name, r.line, err, importAgain)
	}
	if rows == 0 {
		return nil, fmt.Errorf("%s: the list has no valid row: %s", name, importAgain)
	}
	return ignored, nil
}

const importAgain = "run postseal import with today's list"

type reader struct {
	*csv.Reader
	data []byte
	line int             // of the last row
	last string          // the domain of the last row
	seen map[string]bool // the domains so far, once they are not in order
}

func newReader(data []byte) reader {
	r := reader{Reader: csv.NewReader(bytes.NewReader(data)), data: data}
	r.ReuseRecord = true
	return r
}

func (r *reader) scan(use func(Row)) (rows int, ignored []Ignored, err error) {
	for {
		cells, err := r.Read()
		var fault *csv.ParseError
		switch {
		case err == io.EOF:
			return rows, ignored, nil
		case errors.As(err, &fault):
			r.line = fault.StartLine
			return 0, nil, fault.Err
		}
		if r.line, _ = r.FieldPos(0); r.line == 1 {
			continue // the column headers
		}
		row, err := readRow(cells)
		if err == nil && r.isTwin(row.Domain) {
			err = fmt.Errorf("%q appears twice", row.Domain)
		}
		if err != nil {
			return 0, nil, err
		}
		if why := Doubt(row.Domain); why != "" && !row.Accepted {
			ignored = append(ignored, Ignored{r.line, row.Domain, why})
		} else {
			row.Accepted = why != ""
			rows++
			use(row)
		}
	}
}

// isTwin reports whether a domain appears again. Format sorts a list, so that only
// lists that somebody edited need the memory for all domains.
func (r *reader) isTwin(domain string) bool {
	sorted := domain > r.last
	r.last = domain
	switch {
	case r.seen == nil && sorted:
		return false
	case r.seen == nil:
		r.seen = make(map[string]bool)
		for again := newReader(r.data); ; {
			cells, _ := again.Read() // was read before
			if line, _ := again.FieldPos(0); line == r.line {
				break
			}
			r.seen[cells[1]] = true
		}
	}
	twin := r.seen[domain]
	r.seen[domain] = true
	return twin
}

// readRow reads a row with as many cells as there are columns.
func readRow(cells []string) (Row, error) {
	row := Row{Organisation: cells[0], Domain: cells[1]}
	isHidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if !utf8.ValidString(row.Organisation) || strings.ContainsFunc(row.Organisation, isHidden) {
		return row, fmt.Errorf("the organisation %.80q has characters that cannot be shown", row.Organisation)
	}
	switch name, err := address.NormalizeDomain(row.Domain); {
	case err != nil:
		return row, err
	case name != row.Domain:
		return row, fmt.Errorf("the domain %q must be written %q", row.Domain, name)
	case !strings.Contains(name, ".") && Doubt(name) == "":
		return row, fmt.Errorf("%q is not a domain name", name)
	}
	if len(cells) > 2 {
		if row.Accepted = cells[2] == "yes"; !row.Accepted && cells[2] != "no" {
			return row, fmt.Errorf("%.80q below %q must be yes or no", cells[2], acceptedHeader)
		}
	}
	return row, nil
}

// Doubt says why nobody can have meant to trust the name. It is empty if there
// is no reason.
func Doubt(name string) string {
	switch {
	case name == "":
		return ""
	case address.IsConsumerMail(name):
		return "is a consumer mail service, where anybody can have an address"
	case address.IsOpenToAnybody(name):
		return "is a public suffix, not an organisation's domain"
	}
	return ""
}
