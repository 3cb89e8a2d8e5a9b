package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/postseal/postseal/cmd/postseal/config"
)

// TestManPagesRender has groff look for faults, as man does.
func TestManPagesRender(t *testing.T) {
	sources, err := filepath.Glob(manPath("*"))
	if err != nil || len(sources) != 5 {
		t.Fatalf("got %q, %v", sources, err)
	}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		page := strings.TrimSuffix(filepath.Base(source), ".md")
		dot := strings.LastIndexByte(page, '.')
		rendered := filepath.Join(t.TempDir(), page)
		if err := os.WriteFile(rendered, md2man.Render(text), 0o644); err != nil {
			t.Fatal(err)
		}
		man := exec.Command("man", "--warnings", "--local-file", rendered)
		man.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=80")
		var faults bytes.Buffer
		man.Stderr = &faults
		shown, err := man.Output()
		if err != nil || faults.Len() > 0 {
			t.Errorf("%s: %v: %s", page, err, faults.String())
		}
		if title := page[:dot] + "(" + page[dot+1:] + ")"; !strings.HasPrefix(string(shown), title) || !strings.Contains(string(shown), "\nNAME\n       "+page[:dot]+" - ") {
			t.Errorf("%s: no title %s or no NAME in:\n%.200s", page, title, shown)
		}
	}
}

// flagsOf reads the options of a command from what flag prints of its set.
func flagsOf(t *testing.T, command string) (flags []string) {
	t.Helper()
	_, _, usage := runWith("", command, "-h")
	text, options, _ := strings.Cut(usage, "\nOptions:\n")
	for _, match := range regexp.MustCompile(`(?m)^  (-\S+)`).FindAllStringSubmatch(options, -1) {
		flags = append(flags, match[1])
		if synopsis, _, _ := strings.Cut(text, "\n\n"); !regexp.MustCompile(`[\[ ]` + match[1] + `[\] ]`).MatchString(synopsis) {
			t.Errorf("postseal %s -h: the usage lacks %s", command, match[1])
		}
	}
	return flags
}

func TestManCommandsAndOptions(t *testing.T) {
	page := readManPage(t, "postseal.8")
	synopsis := strings.Split(page.section(t, "SYNOPSIS").code[0], "\n")
	common := page.section(t, "COMMANDS").names()
	same(t, "options of all commands", common, []string{"-config", "-h"})
	sections := []string{"help", "-version"}
	for _, c := range commands {
		sections = append(sections, c.name)
		flags := flagsOf(t, c.name)
		same(t, c.name, append(page.section(t, "COMMANDS/"+c.name).names(), "-config"), flags)
		for _, flag := range flags {
			if !regexp.MustCompile(`(?m)^postseal ` + c.name + ` .*[\[ ]` + flag + `[\] ]`).MatchString(strings.Join(synopsis, "\n")) {
				t.Errorf("SYNOPSIS: postseal %s lacks %s", c.name, flag)
			}
		}
	}
	same(t, "commands", page.below("COMMANDS"), sections)
	for _, name := range sections[:2] {
		if code, stdout, _ := runWith("", name); code != exitDone || stdout == "" {
			t.Errorf("postseal %s: exit %d, %s", name, code, stdout)
		}
	}
	if text := page.section(t, "COMMANDS").terms[0].text; !strings.Contains(text, config.Default+" ") {
		t.Errorf("-config: no %s in %s", config.Default, text)
	}
}

// TestManOptionValues takes the values from the message about a wrong one.
func TestManOptionValues(t *testing.T) {
	for _, term := range readManPage(t, "postseal.8").section(t, "COMMANDS/export").terms {
		_, _, stderr := runWith("", "export", "tls-policy", term.name, "?")
		same(t, term.name, codeSpans(term.text), noneOf(t, stderr))
	}
}

// noneOf reads the names in a message such as `"?" is not one of ["a" "b"]`.
func noneOf(t *testing.T, message string) (names []string) {
	t.Helper()
	_, list, ok := strings.Cut(message, "is not one of [")
	if !ok {
		t.Fatalf("no list of values in %q", message)
	}
	list, _, _ = strings.Cut(list, "]")
	for name := range strings.FieldsSeq(list) {
		names = append(names, strings.Trim(name, `"`))
	}
	return names
}

func TestManExitStatus(t *testing.T) {
	var codes []string
	for name, value := range constants(t, ".", "") {
		if strings.HasPrefix(name, "exit") {
			codes = append(codes, value)
		}
	}
	same(t, "EXIT STATUS", readManPage(t, "postseal.8").section(t, "EXIT STATUS").names(), codes)
}
