// Package mantest compares the man pages of contrib/man with the program.
package mantest

import (
	"encoding"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Page is a man page: the text below each title, as "EVENTS" and
// "EVENTS/started INFO". Titles have no backquotes.
type Page map[string]string

// Read reads a page from a test whose package is two directories below the root.
func Read(t *testing.T, name string) Page {
	t.Helper()
	text, err := os.ReadFile("../../contrib/man/" + name + ".md")
	if err != nil {
		t.Fatal(err)
	}
	page, top := make(Page), ""
	for section := range strings.SplitSeq(string(text), "\n##") {
		title, body, _ := strings.Cut(section, "\n")
		level, title, _ := strings.Cut(strings.ReplaceAll(title, "`", ""), " ")
		if level == "#" {
			title = top + "/" + title
		} else {
			top = title
		}
		if page[title] != "" {
			t.Errorf("%s: two sections %q", name, title)
		}
		page[title] = body
	}
	return page
}

// Below returns the titles of the sections below one.
func (p Page) Below(top string) (titles []string) {
	for title := range p {
		if title, ok := strings.CutPrefix(title, top+"/"); ok {
			titles = append(titles, title)
		}
	}
	return titles
}

// Found returns what the group of a pattern matches.
func Found(text, pattern string) (all []string) {
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	return all
}

// Span matches a code span.
const Span = "`([^`]+)`"

// Terms returns the entries of the definition lists of a section, each as
// Markdown. It begins with the code span that is its name.
func Terms(section string) []string { return Found(section, "(?m)^(`.*\n: (?:.+\n)+)") }

// Names returns the names of the entries.
func Names(section string) []string { return Found(section, "(?m)^"+Span+".*\n: ") }

// Typed returns each entry of a section in the form of Fields: the names that
// are followed by a JSON type. Those after the first are sorted.
func Typed(section string) (entries []string) {
	for _, term := range Terms(section) {
		names := Found(strings.ReplaceAll(term, "`", ""), `([a-z_]+ \((?:string|number|boolean|array|object)\b)`)
		slices.Sort(names[min(1, len(names)):])
		entries = append(entries, strings.Join(names, ") ")+")")
	}
	return entries
}

// Fields returns the fields of a struct with their JSON types. After an object or
// an array of objects it lists their fields, sorted: "list (array) a (string) b
// (number)".
func Fields(of reflect.Type) (fields []string) {
	types := map[reflect.Kind]string{reflect.Bool: "boolean", reflect.Int: "number", reflect.Int64: "number", reflect.Slice: "array", reflect.Map: "object", reflect.Array: "object", reflect.Struct: "object", reflect.Pointer: "object"}
	for _, f := range reflect.VisibleFields(of) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		kind, ok := types[f.Type.Kind()]
		if f.Type.Kind() == reflect.String || f.Type.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			kind, ok = "string", true
		}
		switch {
		case f.Anonymous || !f.IsExported():
			continue
		case !ok:
			panic(f.Type.String() + " has no JSON type here")
		}
		field := name + " (" + kind + ")"
		of := f.Type
		if of.Kind() == reflect.Slice || of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if kind != "string" && of.Kind() == reflect.Struct {
			for _, inner := range slices.Sorted(slices.Values(Fields(of))) {
				field += " " + strings.Join(strings.Fields(inner)[:2], " ")
			}
		}
		fields = append(fields, field)
	}
	return fields
}

// Same compares the names on a page with those of the program, in any order.
func Same(t *testing.T, what string, page, program []string) {
	t.Helper()
	page, program = slices.Sorted(slices.Values(page)), slices.Sorted(slices.Values(program))
	if !slices.Equal(page, program) || len(program) == 0 {
		t.Errorf("%s: the page has %q\nthe program %q", what, page, program)
	}
}
