package main

import (
	"encoding"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/message"
)

// typedSpan is a name in code with its JSON type behind it.
var typedSpan = regexp.MustCompile("`([a-z_]+)` \\((string|number|boolean|array|object)\\b")

// typedNames gives each as "name (type)".
func typedNames(text string) (names []string) {
	for _, match := range typedSpan.FindAllStringSubmatch(text, -1) {
		names = append(names, match[1]+" ("+match[2]+")")
	}
	return names
}

// jsonType is what encoding/json makes of a type.
func jsonType(t *testing.T, of reflect.Type) string {
	t.Helper()
	if of.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return "string"
	}
	switch of.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int:
		return "number"
	case reflect.Slice:
		return "array"
	}
	t.Fatalf("%v: say which JSON type it has", of)
	return ""
}

// jsonFields gives the fields of a struct with their types.
func jsonFields(t *testing.T, of reflect.Type) (names []string, elements map[string]reflect.Type) {
	t.Helper()
	elements = make(map[string]reflect.Type)
	for _, field := range reflect.VisibleFields(of) {
		if field.Anonymous || !field.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name+" ("+jsonType(t, field.Type)+")")
		if field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct {
			elements[name] = field.Type.Elem()
		}
	}
	return names, elements
}

func TestManJSON(t *testing.T) {
	page := readManPage(t, "postseal.8")
	printed := map[string]reflect.Type{
		"lookup -json":  reflect.TypeFor[answer](),
		"explain -json": reflect.TypeFor[explanation](),
		"import -json":  reflect.TypeFor[importReport](),
	}
	var sections []string
	for name := range printed {
		sections = append(sections, name)
	}
	same(t, "JSON", page.below("JSON"), sections)
	for name, of := range printed {
		fields, elements := jsonFields(t, of)
		var documented []string
		section := page.section(t, "JSON/"+name)
		for _, term := range section.terms {
			documented = append(documented, typedNames(term.line)...)
		}
		if !slices.Equal(documented, fields) {
			t.Errorf("%s: the page has %q, the program %q", name, documented, fields)
		}
		for field, of := range elements {
			i := slices.IndexFunc(section.terms, func(term manTerm) bool { return term.name == field })
			want, _ := jsonFields(t, of)
			text := section.terms[i].text
			if field == "removed" { // like those before
				text = section.terms[i-1].text
			}
			same(t, name+": "+field, typedNames(text), want)
		}
	}
}

// TestManCommandsWithJSON holds that no command prints JSON that the page
// says nothing of.
func TestManCommandsWithJSON(t *testing.T) {
	var with []string
	for _, c := range commands {
		if slices.Contains(flagsOf(t, c.name), "-json") {
			with = append(with, c.name+" -json")
		}
	}
	same(t, "JSON", readManPage(t, "postseal.8").below("JSON"), with)
}

func TestManEdits(t *testing.T) {
	var ops []string
	for _, op := range constants(t, "../../milter/message", reflect.TypeFor[message.Op]().Name()) {
		ops = append(ops, op)
	}
	for _, term := range readManPage(t, "postseal.8").section(t, "JSON/explain -json").terms {
		if _, list, ok := strings.Cut(term.text, "The values of `op` are "); ok {
			same(t, "op", codeSpans(list), ops)
			return
		}
	}
	t.Error("the values of op are missing from the page")
}
