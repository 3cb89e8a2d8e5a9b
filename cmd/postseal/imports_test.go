package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/postseal/postseal/"

// isTestPackage reports whether a package is imported only by tests.
func isTestPackage(name string) bool {
	return strings.HasPrefix(name, "milter/mtatest") ||
		slices.Contains([]string{"rules/growthtest", "rules/rulestest", "milter/extract/sinktest", "milter/logtest", "milter/mantest", "cmd/postseal/config/configtest"}, name)
}

// imports returns the packages of the project that each package imports.
func imports(t *testing.T) (program, tests map[string][]string) {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", module+"...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	ours := func(lists ...[]string) (names []string) {
		for _, name := range slices.Concat(lists...) {
			if name, ok := strings.CutPrefix(name, module); ok {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	program, tests = make(map[string][]string), make(map[string][]string)
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		program[name], tests[name] = ours(p.Imports), ours(p.TestImports, p.XTestImports)
	}
	return program, tests
}

// TestImportsRunOneWay checks that cmd imports milter, and milter imports
// rules, never the reverse, and that no package imports its parent.
func TestImportsRunOneWay(t *testing.T) {
	program, tests := imports(t)
	order := []string{"rules", "milter", "cmd"}
	rank := func(name string) int {
		tree, _, _ := strings.Cut(name, "/")
		return slices.Index(order, tree)
	}
	if len(program) < 15 {
		t.Fatalf("got %d packages", len(program))
	}
	for name := range program {
		for _, imported := range slices.Concat(program[name], tests[name]) {
			isOwn := imported == name // an external test
			if rank(name) < 0 || rank(imported) > rank(name) {
				t.Errorf("%s imports %s: imports run from cmd to milter to rules", name, imported)
			}
			if !isOwn && strings.HasPrefix(name, imported+"/") && !isTestPackage(name) {
				t.Errorf("%s imports %s: a package imports those below it, not the one above", name, imported)
			}
		}
		for _, imported := range program[name] {
			if isTestPackage(imported) && !isTestPackage(name) {
				t.Errorf("%s imports %s, which is for tests", name, imported)
			}
		}
	}
}

// importLine is a line of the table: a package, the packages that it imports,
// and its subject.
var importLine = regexp.MustCompile(`(?m)^//\t([\w/]+) +([\w/, ]*): \S.*$`)

// TestImportsAreAsSketched checks the tables in rules/doc.go and milter/doc.go.
func TestImportsAreAsSketched(t *testing.T) {
	program, _ := imports(t)
	for _, tree := range []string{"rules", "milter"} {
		text, err := os.ReadFile("../../" + tree + "/doc.go")
		if err != nil {
			t.Fatal(err)
		}
		sketched := make(map[string]bool)
		for _, line := range importLine.FindAllStringSubmatch(string(text), -1) {
			name := tree
			if line[1] != tree {
				name = path.Join(tree, line[1])
			}
			sketched[name] = true
			var want, got []string
			for _, imported := range strings.Split(line[2], ", ") {
				if imported != "" {
					want = append(want, path.Join(tree, imported))
				}
			}
			for _, imported := range program[name] {
				if strings.HasPrefix(imported, tree+"/") {
					got = append(got, imported)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s/doc.go: %s imports %q, not %q", tree, name, got, want)
			}
		}
		for name := range program {
			if (name == tree || strings.HasPrefix(name, tree+"/")) && !isTestPackage(name) && !sketched[name] {
				t.Errorf("%s/doc.go: %s is missing", tree, name)
			}
		}
	}
}
