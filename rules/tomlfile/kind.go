package tomlfile

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// kind is the kind of value that a key accepts.
type kind uint8

const (
	aText kind = iota
	aNumber
	aBool
	aDate
	aList
	aSection  // [x]
	manyOfOne // [[x]]
)

var (
	timeType = reflect.TypeFor[time.Time]()
	textType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// kindOf panics if a field has a type that this package does not support.
func kindOf(t reflect.Type) kind {
	switch {
	case t == timeType:
		return aDate
	case reflect.PointerTo(t).Implements(textType):
		return aText
	}
	switch t.Kind() {
	case reflect.String:
		return aText
	case reflect.Int:
		return aNumber
	case reflect.Bool:
		return aBool
	case reflect.Struct:
		return aSection
	case reflect.Slice:
		if kindOf(t.Elem()) == aSection {
			return manyOfOne
		}
		return aList
	}
	panic("no TOML for the type " + t.String())
}

var plainDate = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

// isKind reports whether the value is of the kind. A date must have no time of
// day, and a year from 1970 on: an earlier date would be treated as no date.
func (d *decoder) isKind(path string, value any, want kind) bool {
	switch v := value.(type) {
	case string:
		return want == aText
	case int64:
		return want == aNumber && math.MinInt <= v && v <= math.MaxInt
	case bool:
		return want == aBool
	case time.Time:
		return want == aDate && plainDate.MatchString(d.Places.value(path)) && v.Year() >= 1970
	case map[string]any:
		return want == aSection
	case []map[string]any:
		return want == manyOfOne
	case []any: // a list of inline tables, which its items show, or an empty list
		return want == aList || want == manyOfOne
	}
	return false
}

// wrongKind says what to write instead of a value.
func (d *decoder) wrongKind(path string, value any, want kind) {
	key, name, written := lastKey(path), display(path), d.Places.value(path)
	switch want {
	case manyOfOne:
		d.fault(path, "%s: write [[%s]], with two brackets on each side, before the keys of each row", name, name)
		return
	case aSection:
		if isItem(path) {
			d.fault(path, "%s is not a string: write each as [[%s]] with its keys below", name, withoutIndexes(path))
			return
		}
		d.fault(path, "%s is a section: write [%s], with one bracket on each side, and its keys below", name, name)
		return
	}
	wants := [...]string{
		aText: "a string in quotes", aNumber: "a number, without quotes", aBool: "true or false, without quotes",
		aDate: "a date without a time or quotes, as in 2027-01-31", aList: "a list, in square brackets",
	}[want]
	if _, isFloat := value.(float64); isFloat && want == aNumber {
		wants = "a whole number"
	}
	if remedy := remedyFor(value, written, want); remedy != "" && isItem(path) {
		d.fault(path, "%s must be %s: write %s", name, wants, remedy)
	} else if remedy != "" {
		d.fault(path, "%s must be %s: write %s = %s", name, wants, key, remedy)
	} else {
		d.fault(path, "%s must be %s", name, wants)
	}
}

// remedyFor returns the value that was probably meant, or "".
func remedyFor(value any, written string, want kind) string {
	text, isText := value.(string)
	list, isList := value.([]any)
	switch {
	case written == "" || strings.ContainsAny(written, "\n{"):
		return "" // a section, or more than fits into a line
	case want == aList && !isList:
		if _, isInt := value.(int64); isText || isInt {
			return "[" + written + "]"
		}
		return fmt.Sprintf("[%q]", written)
	case want == aText && isList && len(list) == 1:
		if only, ok := list[0].(string); ok {
			return fmt.Sprintf("%q", only)
		}
	case want == aText && !isList && !isText:
		return fmt.Sprintf("%q", written)
	case want == aNumber && isNumber(text), want == aBool && (text == "true" || text == "false"):
		return text
	case want == aBool && isText:
		return map[string]string{"yes": "true", "on": "true", "no": "false", "off": "false"}[strings.ToLower(text)]
	case want == aDate && isText:
		return isoDate(text)
	case want == aDate:
		return isoDate(written)
	}
	return ""
}

func isNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == "" && (text == "0" || text[0] != '0')
}

// dateForms are how people write dates. The day comes before the month, as in
// British use.
var dateForms = []string{
	time.DateOnly, "2006-1-2", "2006/1/2", "2006.1.2", "20060102",
	"2/1/2006", "2.1.2006", "2-1-2006", "2 January 2006", "2 Jan 2006", "2-Jan-2006", "January 2, 2006",
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04", "2006-01-02 15:04",
}

// isoDate returns a date in TOML's form, or "".
func isoDate(text string) string {
	for _, form := range dateForms {
		if t, err := time.Parse(form, strings.TrimSpace(text)); err == nil && t.Year() >= 1970 {
			return t.Format(time.DateOnly)
		}
	}
	return ""
}

func isItem(path string) bool { return strings.HasSuffix(path, "]") }

// display returns a path in words. Keys are as in the manual, because the line
// already identifies the row. Items of lists have numbers from 1.
func display(path string) string {
	name := withoutIndexes(path)
	if !isItem(path) {
		return name
	}
	number, _ := strconv.Atoi(path[strings.LastIndexByte(path, '[')+1 : len(path)-1])
	return fmt.Sprintf("item %d of %s", number+1, name)
}

// lastKey returns the key of a path, without its sections.
func lastKey(path string) string {
	return path[strings.LastIndexByte(path, '.')+1:]
}
