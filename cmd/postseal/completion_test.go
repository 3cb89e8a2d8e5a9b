package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/mantest"
)

// complete returns what bash offers for the last of the words.
func complete(t *testing.T, dir string, words ...string) (offers []string) {
	t.Helper()
	script, err := os.ReadFile("../../contrib/completion/postseal.bash")
	if err != nil {
		t.Fatal(err)
	}
	bash := exec.Command("bash", "--norc", "-u", "-c", `
		eval "$0" && registered=($(complete -p postseal)) && [[ ${registered[1]} == -F ]] || exit 1
		COMP_WORDS=(postseal "$@") COMP_CWORD=$# COMPREPLY=()
		"${registered[2]}" postseal "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
		((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"`, string(script))
	bash.Args = append(bash.Args, words...)
	bash.Dir = dir
	out, err := bash.Output()
	if err != nil {
		t.Fatalf("bash: %v: %s", err, err.(*exec.ExitError).Stderr)
	}
	for line := range strings.Lines(string(out)) {
		offers = append(offers, strings.TrimSuffix(line, "\n"))
	}
	return offers
}

// TestCompletion compares the completion with the commands and their options.
func TestCompletion(t *testing.T) {
	names := []string{"help", "-h", "-version"}
	for _, c := range commands {
		names = append(names, c.name)
		flags := append(flagsOf(c.name), "-h")
		words := []string{c.name}
		if c.name == "export" {
			words = append(words, "tls-policy")
		}
		mantest.Same(t, c.name, complete(t, "", append(words, "-")...), flags)
		for i, flag := range flags {
			flags[i] = "-" + flag
		}
		mantest.Same(t, c.name, complete(t, "", append(words, "--")...), flags)
	}
	mantest.Same(t, "commands", complete(t, "", ""), names)
	for _, option := range []string{"-level", "-format"} {
		_, _, stderr := runWith("", "export", "tls-policy", option, "?")
		mantest.Same(t, option, complete(t, "", "export", "tls-policy", option, ""), oneOf(stderr))
	}
}

func TestCompletionOfWords(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"list one.csv", "mail"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name  string
		words []string
		want  string // separated by commas
	}{
		{"part of a command", []string{"ex"}, "explain,export"},
		{"two hyphens", []string{"--v"}, "--version"},
		{"part of an option", []string{"import", "-a"}, "-accept"},
		{"what is exported", []string{"export", ""}, "tls-policy,-h"},
		{"part of a value", []string{"export", "tls-policy", "-level", "v"}, "verify"},
		{"a value after =", []string{"export", "tls-policy", "--level", "=", "e"}, "encrypt"},
		{"no value after = yet", []string{"export", "tls-policy", "-format", "="}, "postfix,sendmail"},
		{"a file of an option", []string{"check", "-config", "m"}, "mail"},
		{"a file with a blank", []string{"import", "-accept", "li"}, "list one.csv"},
		{"a message", []string{"explain", "-from", "a", "-to", "b", "ma"}, "mail"},
		{"an address", []string{"explain", "-from", ""}, ""},
		{"an address or domain", []string{"lookup", "ma"}, ""},
		{"no such command", []string{"nonsense", ""}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := strings.Join(complete(t, dir, test.words...), ","); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
