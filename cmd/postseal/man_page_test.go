package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// manPage is a page of contrib/man by its sections: "EVENTS", and those of the
// third level below it, as "EVENTS/started INFO".
type manPage map[string]*manSection

type manSection struct {
	terms []manTerm
	text  string
	code  []string // literal blocks, one string each
}

// manTerm is an entry of a definition list. Its name is the first code span.
type manTerm struct{ name, line, text string }

var codeSpan = regexp.MustCompile("`([^`]+)`")

// codeSpans gives what stands between single backquotes.
func codeSpans(text string) (spans []string) {
	for _, match := range codeSpan.FindAllStringSubmatch(text, -1) {
		spans = append(spans, match[1])
	}
	return spans
}

func manPath(page string) string { return filepath.Join("../../contrib/man", page+".md") }

func readManPage(t *testing.T, name string) manPage {
	t.Helper()
	text, err := os.ReadFile(manPath(name))
	if err != nil {
		t.Fatal(err)
	}
	page, section, top := make(manPage), &manSection{}, ""
	for block := range strings.SplitSeq(string(text), "\n\n") {
		block = strings.Trim(block, "\n")
		title := strings.ReplaceAll(strings.TrimLeft(block, "# "), "`", "")
		switch {
		case strings.HasPrefix(block, "### "):
			section = page.add(t, top+"/"+title)
		case strings.HasPrefix(block, "## "):
			top, section = title, page.add(t, title)
		case strings.HasPrefix(block, "    "):
			section.addCode(block)
		default:
			section.addText(block)
		}
	}
	return page
}

func (p manPage) add(t *testing.T, title string) *manSection {
	if p[title] != nil {
		t.Errorf("two sections %q", title)
	}
	p[title] = &manSection{}
	return p[title]
}

// addCode joins literal blocks that only a blank line separates.
func (s *manSection) addCode(block string) {
	s.code = append(s.code, strings.ReplaceAll(block, "\n    ", "\n")[4:]+"\n")
}

func (s *manSection) addText(block string) {
	s.text += block + "\n"
	if line, text, ok := strings.Cut(block, "\n: "); ok {
		for _, name := range codeSpans(line)[:min(1, len(codeSpans(line)))] {
			s.terms = append(s.terms, manTerm{name, line, text})
		}
	}
}

// section fails where there is none.
func (p manPage) section(t *testing.T, title string) *manSection {
	t.Helper()
	if p[title] == nil {
		t.Fatalf("no section %q", title)
	}
	return p[title]
}

// below lists the sections below one of the second level.
func (p manPage) below(top string) (names []string) {
	for title := range p {
		if name, ok := strings.CutPrefix(title, top+"/"); ok {
			names = append(names, name)
		}
	}
	return names
}

// names lists the terms.
func (s *manSection) names() (names []string) {
	for _, term := range s.terms {
		names = append(names, term.name)
	}
	return names
}

// same compares the names that a page or the completion has with those that
// the program has.
func same(t *testing.T, what string, documented, program []string) {
	t.Helper()
	if len(program) == 0 {
		t.Errorf("%s: the program has none, says the test", what)
	}
	for _, name := range program {
		if !slices.Contains(documented, name) {
			t.Errorf("%s: %s is missing", what, name)
		}
	}
	for i, name := range documented {
		if !slices.Contains(program, name) {
			t.Errorf("%s: %s is there, and the program has it not", what, name)
		}
		if slices.Contains(documented[:i], name) {
			t.Errorf("%s: %s appears twice", what, name)
		}
	}
}
