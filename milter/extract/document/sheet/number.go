// Package sheet shows the cells of spreadsheets as their reader sees them.
package sheet

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Format is a number format of a spreadsheet.
type Format struct {
	date   bool
	digits string // what groups digits, such as "000 000 0000"; "" if nothing does
}

// NewFormat reads a number format's code.
func NewFormat(code string) Format {
	section := firstSection(code)
	shown := plain(section)
	if isDate(section) {
		return Format{date: true}
	}
	if strings.Count(shown, "0")+strings.Count(shown, "#")+strings.Count(shown, "?") < 2 || strings.ContainsAny(shown, ".,%Ee@*/") {
		return Format{}
	}
	return Format{digits: shown}
}

// Builtin returns the format that a number means without a code of its own.
func Builtin(id int) Format {
	isDate := id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 || id >= 50 && id <= 58
	return Format{date: isDate}
}

// firstSection returns the section for positive numbers.
func firstSection(code string) string {
	quoted := false
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '"':
			quoted = !quoted
		case '\\':
			i++
		case ';':
			if !quoted {
				return code[:i]
			}
		}
	}
	return code
}

// isDate reports whether a format shows a date or time.
func isDate(section string) bool {
	quoted := false
	for i := 0; i < len(section); i++ {
		switch c := section[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\\' || c == '_' || c == '*':
			i++
		case c == '[':
			end := strings.IndexByte(section[i:], ']')
			if end < 0 {
				return false
			}
			inside := strings.ToLower(section[i+1 : i+end])
			if inside != "" && strings.Trim(inside, "hms") == "" {
				return true
			}
			i += end
		case strings.IndexByte("ymdhsYMDHS", c) >= 0:
			return !strings.HasPrefix(strings.ToLower(section), "general") && !strings.HasPrefix(strings.ToLower(section), "standard")
		}
	}
	return false
}

// literalDigit marks a digit that is not a place for one.
const literalDigit = '\x00'

// plain returns a section with its literal text, and without its colours and
// conditions. A literal digit or sign is left out, because it is not a place.
func plain(section string) string {
	var b strings.Builder
	quoted := false
	literal := func(c byte) {
		if strings.IndexByte("0#?.,%Ee@*/", c) < 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte(literalDigit)
		}
	}
	for i := 0; i < len(section); i++ {
		switch c := section[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
			literal(c)
		case c == '\\' && i+1 < len(section):
			i++
			literal(section[i])
		case c == '_' && i+1 < len(section):
			i++
			b.WriteByte(' ')
		case c == '[':
			if end := strings.IndexByte(section[i:], ']'); end > 0 {
				i += end
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// IsDate reports whether the format shows a date or time.
func (f Format) IsDate() bool { return f.date }

// Show returns a number as the format shows it: its digits and what groups
// them. It returns nothing for a date.
func (f Format) Show(v float64) string {
	if f.date || math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if f.digits == "" || v < 0 || v != math.Trunc(v) || len(text) > 20 {
		return text
	}
	return f.group(text)
}

// group puts digits in their places, from the right. The first place takes all
// that are left.
func (f Format) group(digits string) string {
	places := []rune(f.digits)
	first := slices.IndexFunc(places, isPlace)
	var out []rune
	take := func() {
		out = append(out, rune(digits[len(digits)-1]))
		digits = digits[:len(digits)-1]
	}
	for i, place := range slices.Backward(places) {
		switch {
		case !isPlace(place) && place != literalDigit:
			out = append(out, place)
		case !isPlace(place):
		case digits != "":
			take()
		case place == '0':
			out = append(out, '0')
		}
		for i == first && digits != "" {
			take()
		}
	}
	slices.Reverse(out)
	return string(out)
}

func isPlace(r rune) bool { return r == '0' || r == '#' || r == '?' }
