package tomlfile

import (
	"reflect"
	"slices"
	"strings"
)

// schema contains the keys that a file can have, by the path of their section.
// "" is the top level.
type schema map[string]section

type section struct {
	keys  []string
	isRow bool // it is written as [[x]]
}

func newSchema(t reflect.Type) schema {
	s := make(schema)
	s.add("", t, false)
	return s
}

func (s schema) add(path string, t reflect.Type, isRow bool) {
	s[path] = section{fieldsOf(t), isRow}
	for i, key := range s[path].keys {
		field := t.Field(i).Type
		switch kindOf(indirect(field)) {
		case aSection:
			s.add(join(path, key), field, false)
		case manyOfOne:
			s.add(join(path, key), field.Elem(), true)
		}
	}
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// header returns how a section is written, or "" for the top level.
func (s schema) header(path string) string {
	switch {
	case path == "":
		return ""
	case s[path].isRow:
		return "[[" + path + "]]"
	}
	return "[" + path + "]"
}

// unknown says what an unknown key may mean.
func (d *decoder) unknown(where, path, key string, here []string) {
	section := withoutIndexes(path)
	name := withoutIndexes(where)
	switch near, elsewhere := Nearest(key, here), d.schema.having(key, section); {
	case near != "" && strings.EqualFold(near, key):
		d.fault(where, "unknown key %s: keys are case-sensitive: write %s", name, near)
	case len(elsewhere) == 1 && elsewhere[0] == "":
		d.fault(where, "unknown key %s: %s has no section: put it above the first [section]", name, key)
	case near != "":
		d.fault(where, "unknown key %s: did you mean %s?", name, near)
	case len(elsewhere) > 0:
		d.fault(where, "unknown key %s: put %s below %s", name, key, strings.Join(elsewhere, " or "))
	case section == "":
		d.fault(where, "unknown key %s: the keys and sections are %s", name, list(here))
	default:
		d.fault(where, "unknown key %s: the keys of %s are %s", name, d.schema.header(section), list(here))
	}
}

// having returns the headers of the other sections that have the key. "" is the
// top level.
func (s schema) having(key, section string) (headers []string) {
	for path, other := range s {
		if path != section && slices.Contains(other.keys, key) {
			headers = append(headers, s.header(path))
		}
	}
	slices.Sort(headers)
	if slices.Contains(headers, "") {
		return []string{""}
	}
	return headers
}

func list(keys []string) string {
	last := len(keys) - 1
	if last < 1 {
		return strings.Join(keys, "")
	}
	return strings.Join(keys[:last], ", ") + " and " + keys[last]
}

// withoutIndexes returns a path as the manual has it.
func withoutIndexes(path string) string {
	var b strings.Builder
	inside := false
	for _, r := range path {
		switch {
		case r == '[':
			inside = true
		case r == ']':
			inside = false
		case !inside:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Nearest returns the known word that the given one is a slip of, or "". A
// difference in case is not a slip, and a hyphen equals an underscore.
func Nearest(word string, known []string) string {
	folded := strings.ToLower(strings.ReplaceAll(word, "-", "_"))
	best, least := "", 1+max(1, len(word)/3)
	for _, k := range known {
		if n := slips(folded, k); n < least {
			best, least = k, n
		}
	}
	return best
}

// slips counts the letters that are added, missing, wrong, or exchanged with
// their neighbour.
func slips(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
