package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// sources parses the files of a package, without its tests.
func sources(t *testing.T, dir string) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v", dir, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// find walks a package's top level and functions.
func find[T ast.Node](t *testing.T, dir string) (found []T) {
	t.Helper()
	for _, file := range sources(t, dir) {
		ast.Inspect(file, func(n ast.Node) bool {
			if node, ok := n.(T); ok {
				found = append(found, node)
			}
			return true
		})
	}
	return found
}

// constants gives the values of a package's constants that are of the named
// type, empty for those without one, and are literals.
func constants(t *testing.T, dir, typeName string) map[string]string {
	t.Helper()
	values := make(map[string]string)
	for _, spec := range find[*ast.ValueSpec](t, dir) {
		if name, _ := spec.Type.(*ast.Ident); name == nil && typeName != "" || name != nil && name.Name != typeName {
			continue
		}
		for i, value := range spec.Values {
			if literal, ok := value.(*ast.BasicLit); ok {
				values[spec.Names[i].Name] = unquoteLiteral(t, literal)
			}
		}
	}
	return values
}

func unquoteLiteral(t *testing.T, literal *ast.BasicLit) string {
	t.Helper()
	if literal.Kind != token.STRING {
		return literal.Value
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// stringList gives the elements of the package's variable that is a list of
// string literals.
func stringList(t *testing.T, dir, variable string) (list []string) {
	t.Helper()
	for _, spec := range find[*ast.ValueSpec](t, dir) {
		if spec.Names[0].Name != variable {
			continue
		}
		for _, element := range spec.Values[0].(*ast.CompositeLit).Elts {
			list = append(list, unquoteLiteral(t, element.(*ast.BasicLit)))
		}
	}
	return list
}
