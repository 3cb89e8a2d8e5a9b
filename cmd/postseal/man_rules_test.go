package main

import (
	"go/ast"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/config/configtest"
	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

// put writes a file beside another.
func put(t *testing.T, beside, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(filepath.Dir(beside), name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tomlKeys walks the tags of a type of the package's source.
func tomlKeys(t *testing.T, types []*ast.TypeSpec, expr ast.Expr, prefix string) (keys []string) {
	t.Helper()
	switch e := expr.(type) {
	case *ast.ArrayType:
		return tomlKeys(t, types, e.Elt, prefix)
	case *ast.Ident:
		if i := slices.IndexFunc(types, func(s *ast.TypeSpec) bool { return s.Name.Name == e.Name }); i >= 0 {
			if _, ok := types[i].Type.(*ast.StructType); ok {
				return tomlKeys(t, types, types[i].Type, prefix)
			}
		}
	case *ast.StructType:
		if prefix != "" {
			prefix += "."
		}
		for _, field := range e.Fields.List {
			tag, err := strconv.Unquote(field.Tag.Value)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, tomlKeys(t, types, field.Type, prefix+reflect.StructTag(tag).Get("toml"))...)
		}
		return keys
	}
	return []string{prefix}
}

func TestManRuleFileKeys(t *testing.T) {
	types := find[*ast.TypeSpec](t, "../../rules/table")
	keys := tomlKeys(t, types, ast.NewIdent("ruleFile"), "")
	same(t, "RULE FILES", readManPage(t, "postseal-rules.5").below("RULE FILES"), keys)
}

// TestManRuleFileExamples loads each in a file with what must be there.
func TestManRuleFileExamples(t *testing.T) {
	page := readManPage(t, "postseal-rules.5")
	for _, title := range page.below("RULE FILES") {
		example := exampleOf(t, page, "RULE FILES/"+title)
		table, key, _ := strings.Cut(title, ".")
		if !strings.HasPrefix(example, key+" = ") {
			t.Errorf("%s: the example is %s", title, example)
		}
		text := ""
		for header, lines := range map[string][]string{"[table]": {`name = "x"`}, "[[domain]]": {`name = "x.example"`, `class = "secure"`}} {
			text += header + "\n"
			for _, line := range lines {
				replaced := strings.HasPrefix(line, key+" ") || key == "address" && strings.HasPrefix(line, "name ")
				if strings.Trim(header, "[]") != table || !replaced {
					text += line + "\n"
				}
			}
			if strings.Trim(header, "[]") == table {
				text += example + "\n"
			}
		}
		path := configtest.Write(t, "[rules]\nfiles = [\"/DIR/local.rules\"]\n")
		put(t, path, "local.rules", text)
		if _, err := config.Load(path); err != nil {
			t.Errorf("%s: %v", title, err)
		}
	}
}

func TestManClassesAndLayers(t *testing.T) {
	page := readManPage(t, "postseal-rules.5")
	same(t, "CLASSES", page.section(t, "CLASSES").names(), valuesOf(t, reflect.TypeFor[table.Class]()))
	layers := stringList(t, "../../rules/table", "layerNames")
	if got := page.section(t, "LAYERS").names(); !slices.Equal(got, layers) {
		t.Errorf("the page has the layers %q, the program, from the strongest, %q", got, layers)
	}
}

// TestManEditions holds the domains that the page calls secure against the
// tables.
func TestManEditions(t *testing.T) {
	section := readManPage(t, "postseal-rules.5").section(t, "EDITIONS")
	same(t, "EDITIONS", section.names(), editions.Names())
	for _, edition := range section.terms {
		loaded, err := table.Load(table.Sources{Edition: edition.name}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var trusted []string
		for _, row := range loaded.Rows() {
			switch {
			case row.Class == table.Secure:
				trusted = append(trusted, row.Name)
			case row.Class == table.Closed && !strings.Contains(section.text, row.Name):
				t.Errorf("the retired name %s is missing", row.Name)
			}
		}
		_, list, _ := strings.Cut(edition.text, "Secure")
		_, list, _ = strings.Cut(list, ": ")
		list, _, _ = strings.Cut(list, ". ")
		named := slices.DeleteFunc(strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }), func(word string) bool { return !strings.Contains(strings.TrimSuffix(word, "."), ".") })
		same(t, edition.name, named, trusted)
	}
}

// TestManTrustedSuffixes asks the loader for each suffix that the page names.
func TestManTrustedSuffixes(t *testing.T) {
	text := readManPage(t, "postseal-rules.5").section(t, "REFUSED ROWS").text
	_, list, _ := strings.Cut(text, "because an edition trusts them: ")
	list, _, _ = strings.Cut(strings.ReplaceAll(list, " and ", ", "), ". ")
	for _, name := range append(strings.Split(list, ", "), "co.uk", "nhs.uk") {
		path := configtest.Write(t, "[rules]\nfiles = [\"/DIR/local.rules\"]\n")
		rows := configtest.Rule(name, "secure", "subdomains = true")
		for _, retired := range []string{"gsi", "gcsx", "gsx", "gse"} {
			rows += configtest.Rule(retired+".gov.uk", "closed", "subdomains = true")
		}
		put(t, path, "local.rules", "[table]\nname = \"local\"\n"+rows)
		_, err := config.Load(path)
		if trusted := !strings.HasSuffix(name, "co.uk") && name != "nhs.uk"; trusted != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestManNearMisses(t *testing.T) {
	var kinds []string
	for _, kind := range constants(t, "../../rules/marker", "Kind") {
		kinds = append(kinds, kind)
	}
	section := readManPage(t, "postseal.8").section(t, "NEAR MISSES")
	same(t, "NEAR MISSES", section.names(), kinds)
	reader, err := marker.NewReader([]string{"secure"}, marker.ShippedOthers(), marker.Anywhere)
	if err != nil {
		t.Fatal(err)
	}
	// The samples of the page, as far as it has some, are of their kind.
	samples := 0
	for _, term := range section.terms {
		for _, sample := range codeSpans(term.text) {
			if sample == "marker.position" {
				continue
			}
			samples++
			if got := reader.Read([]marker.Subject{{Text: sample + " results"}}); string(got.Kind) != term.name {
				t.Errorf("%s: %q reads as %q", term.name, sample, got.Kind)
			}
		}
	}
	if samples < 20 {
		t.Errorf("only %d samples", samples)
	}
}
