package rules

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

const (
	// maxBlankRows is how many blank rows a list may have in one place. Nobody
	// scrolls farther to look for more of it.
	maxBlankRows = 20

	// maxIndent is how many blanks a domain may have before it. More of them
	// move it out of the part of the cell that is shown.
	maxIndent = 8
)

// Words that say of a row, if a cell begins with one, or of all rows below a
// heading, if that has one, that the domain is not accredited any more or yet.
const withdrawnWords = `(?:withdrawn|lapsed|revoked|expired|suspended|removed|pending|not accredited|no longer|do not use)\b`

var (
	withdrawnStart   = regexp.MustCompile(`(?i)^\W*` + withdrawnWords)
	withdrawnHeading = regexp.MustCompile(`(?i)\b` + withdrawnWords)
)

// section finds out whether the rows from this one on are a part of the list.
// A heading of another kind begins the list again, a gap ends it.
func (r *accreditedReader) section(row listRow, filled int) {
	if row.number-r.last > maxBlankRows+1 {
		r.width, r.apart = 0, fmt.Sprintf("stands below more than %d blank rows", maxBlankRows)
	}
	r.last = row.number
	if filled != 1 || r.width == 0 || row.hidden != "" {
		return
	}
	for _, cell := range row.cells {
		text := trimCell(cell.text)
		if _, why := listedDomain(text); text == "" || why == "" {
			continue
		}
		r.apart = ""
		if withdrawnHeading.MatchString(text) {
			r.apart = fmt.Sprintf("stands below the heading %.40q", cleanText(text))
		}
	}
}

// misleading says why the text of a cell is shown as something else than the
// domain that it holds, or as nothing.
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
