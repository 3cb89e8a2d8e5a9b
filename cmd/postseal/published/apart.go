package published

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

const (
	// maxBlankRows is how many blank rows in sequence a list may have. Nobody
	// scrolls further to look for more of the list.
	maxBlankRows = 20

	// maxIndent is how many blanks a domain may have before it. More blanks
	// move it out of the visible part of the cell.
	maxIndent = 8
)

// Words that say that a domain is not accredited any more, or not yet.
// withdrawnWords exclude a row if a cell begins with one. The words of both
// lists exclude a row if a short cell contains one, and all rows below a
// heading that contains one. An organisation may have one of otherWords in its
// name.
const (
	withdrawnWords = `withdrawn|lapsed|revoked|expired|suspended|removed|pending|not accredited|no longer|do not use`
	otherWords     = `deleted|ceased|terminated|cancell?ed|rejected|refused|failed|inactive|superseded|decommissioned|awaiting|in progress|under review|on hold|` +
		`un-?accredited|de-?accredited|accreditation ended|not compliant|non-? ?compliant|not yet|previously|formerly|leavers|do not send`
)

var (
	withdrawnStart = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)^\W*(?:` + withdrawnWords + `)\b`) })
	// withdrawnAside matches a word after the name of an organisation.
	withdrawnAside = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)(?:[(\[][^)\]]*|\s[-–—]\s*)\b(?:` + withdrawnWords + `)\b`)
	})
	withdrawnHeading = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)\b(?:` + withdrawnWords + `|` + otherWords + `)\b`)
	})
)

// A column with one of these headers may say "no" of a row.
var (
	statusHeader = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^\W*(?:(?:(?:is|currently|still|dcb ?\d*) )*(?:accredited|accreditation|compliant|conformant|active|live|secure)(?: to| with)?(?: dcb ?\d*)?(?: status)?|status)\W*(?:y/n|yes/no)?\W*$`)
	})
	statusNo = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^\W*(?:no?|0|✗|✘|❌|false|fail(?:s|ed)?|not|none|closed|left|applied|tbc|overdue|out of date)\W*$`)
	})
)

// maxStatus is the greatest length of a cell that is a status, in octets. A
// longer cell is text.
const maxStatus = 40

// isBlank matches what people write into a cell that has nothing to say. A tick says
// something.
var isBlank = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)^(?:[\pZ\pP\s]*|n/?a|nil)$`) })

// maxHeader is how many words a column header has. More are a sentence.
const maxHeader = 6

// isWithdrawn reports whether a cell says that its row does not count.
func (r *reader) isWithdrawn(column int, text string) bool {
	switch header := r.headers[len(r.headers)-1]; {
	case withdrawnStart().MatchString(text), column == r.organisation && withdrawnAside().MatchString(text):
		return true
	case column == r.domain, column == r.organisation:
		return false
	case len(text) > maxStatus:
		return false
	case column < len(header) && statusNo().MatchString(text) && statusHeader().MatchString(header[column]):
		return true
	case column < len(header) && !isBlank().MatchString(text) && !statusNo().MatchString(text) &&
		len(headerWords(header[column])) <= maxHeader && withdrawnHeading().MatchString(header[column]): // such as a date below "Withdrawn on"
		return true
	}
	return withdrawnHeading().MatchString(text)
}

// section decides whether the rows from this one on are part of the list. Other
// column headers and a long gap end the list. A new heading resumes it, unless
// the heading says that what follows is not accredited.
func (r *reader) section(row listRow, filled int) {
	if row.number-r.last > maxBlankRows+1 {
		r.width, r.apart = 0, fmt.Sprintf("is below more than %d blank rows", maxBlankRows)
	}
	r.last = row.number
	switch isHeader, same := r.isHeader(row, filled); {
	case isHeader && same:
		r.apart = ""
	case isHeader:
		r.apart = "is below other column headers"
	}
	if filled != 1 || r.width == 0 || row.hidden != "" {
		return
	}
	for _, cell := range row.cells {
		text := trimCell(cell.text)
		if _, why := listedDomain(text); text == "" || why == "" {
			continue
		}
		r.apart = ""
		if withdrawnHeading().MatchString(text) {
			r.apart = fmt.Sprintf("is below the heading %.40q", cleanText(text))
		}
	}
}

// isHeader reports whether a row of the list has column headers, and whether
// they put the domains into the same column as before.
func (r *reader) isHeader(row listRow, filled int) (is, same bool) {
	if _, why := listedDomain(trimCell(row.at(r.domain).text)); why == "" || row.hidden != "" || filled < 2 {
		return false, false
	}
	cells, first := row.texts(), r.headers[len(r.headers)-1]
	domain, organisation := findColumn(cells, "domain", "domain name"), findColumn(cells, "organisation", "organisation name")
	return domain.exact || organisation.exact,
		slices.Equal(headerWords(row.at(r.domain).text), headerWords(first[r.domain]))
}

// misleading says why a cell does not show the domain that it contains.
func misleading(cell string) string {
	if strings.ContainsFunc(cell, func(r rune) bool { return r != '\u200e' && unicode.Is(unicode.Bidi_Control, r) }) {
		return "has characters that change the direction of writing"
	}
	indent, broken := 0, false
	for _, r := range cell {
		if !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) {
			break
		}
		indent++
		broken = broken || r != '\t' && unicode.IsControl(r)
	}
	if indent > maxIndent || broken {
		return "has blanks before it that move it out of sight"
	}
	return ""
}
