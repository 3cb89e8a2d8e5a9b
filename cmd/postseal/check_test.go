package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLint runs check on one bad file for each finding. A .want file holds
// what each line on standard error must say, and there are no others; FILE
// stands for the bad file.
func TestLint(t *testing.T) {
	files, err := filepath.Glob("../../testdata/lint/*/*.toml")
	if err != nil || len(files) < 30 {
		t.Fatalf("got %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".toml"), func(t *testing.T) {
			text, err := os.ReadFile(strings.TrimSuffix(file, ".toml") + ".want")
			if err != nil {
				t.Fatal(err)
			}
			config := file
			if strings.Contains(file, "/lint/rules/") {
				config = write(t, "[rules]\nmax_age = 0\naccredited = \"../../testdata/accredited.csv\"\nfiles = [\""+file+"\"]\n")
			}
			want := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(text), "FILE", file)), "\n")
			exit, strict := exitConfig, exitConfig
			if strings.Contains(want[0], ": warning: ") {
				exit, strict = exitDone, exitFailure
			}
			code, _, stderr := runWith("", "check", "-config", config)
			got := strings.Split(strings.TrimSpace(stderr), "\n")
			if code != exit || len(got) != len(want) {
				t.Fatalf("exit %d, got\n%s", code, stderr)
			}
			for i := range want {
				if !strings.Contains(got[i], want[i]) {
					t.Errorf("got  %s\nwant %s", got[i], want[i])
				}
			}
			code, _, stderr = runWith("", "check", "-strict", "-config", config)
			if code != strict || strings.Contains(stderr, ": warning: ") {
				t.Errorf("-strict: exit %d, %s", code, stderr)
			}
		})
	}
}

func TestNothingToLint(t *testing.T) {
	for _, test := range []struct{ name, config, rules string }{
		{"shipped", "", ""},
		{"an override that says why", "", "[[domain]]\nname = \"listed.nhs.uk\"\nclass = \"unknown\"\nnote = \"breach, IG 2026/20\"\n"},
		{"an override that ends", "", "[[domain]]\nname = \"listed.nhs.uk\"\nclass = \"unknown\"\nexpires = 2099-01-01\n"},
		{"trust in a name", "", "[[domain]]\nname = \"hospice.example\"\nclass = \"secure\"\n"},
		{"a suffix below a public one", "[rules]\nedition = \"gp-strict\"\n", "[[domain]]\nname = \"council.gov.uk\"\nsubdomains = true\nclass = \"secure\"\n"},
		{"an exact name beside a suffix", "", "[[domain]]\nname = \"cjsm.net\"\nclass = \"unknown\"\n"},
		{"a retired name kept closed", "", "[[domain]]\nname = \"gsi.gov.uk\"\nsubdomains = true\nclass = \"closed\"\n"},
		{"a name in another script", "", "[[domain]]\nname = \"больница.example\"\nclass = \"secure\"\n"},
		{"a withdrawn suffix", "", "[[domain]]\nname = \"com\"\nsubdomains = true\nclass = \"unverified\"\n"},
		{"an own name with no registry", "local_domains = [\"trust.internal\", \"internal\"]\n", ""},
		{"a trusted name with no registry", "", "[[domain]]\nname = \"internal\"\nsubdomains = true\nclass = \"secure\"\n"},
		{"a network before a wider one", "[[policy]]\nname = \"a\"\nclient = [\"192.0.2.0/25\"]\naction = \"accept\"\n[[policy]]\nname = \"b\"\nclient = [\"192.0.2.0/24\"]\naction = \"divert\"\n[[policy]]\nname = \"c\"\naction = \"tag\"\n", ""},
		{"policies that each have their turn", "[[policy]]\nname = \"a\"\nsender = [\"news@trust.example\"]\naction = \"accept\"\n[[policy]]\nname = \"b\"\nsender = [\"trust.example\", \"<>\"]\naction = \"divert\"\n[[policy]]\nname = \"c\"\nclient = [\"2001:db8::/32\"]\naction = \"divert\"\n[[policy]]\nname = \"d\"\naction = \"tag\"\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := test.config
			if !strings.Contains(config, "[rules]") {
				config += "[rules]\n"
			}
			config = strings.Replace(config, "[rules]\n", "[rules]\nfiles = [\"/DIR/local.rules\"]\nmax_age = 0\n", 1)
			if !strings.Contains(config, "local_domains") {
				config = strings.Replace(config, "max_age", "accredited = \"../../testdata/accredited.csv\"\nmax_age", 1)
			}
			path := write(t, config)
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), "local.rules"), []byte("table.name = \"local\"\n"+test.rules), 0o644); err != nil {
				t.Fatal(err)
			}
			if code, _, stderr := runWith("", "check", "-strict", "-config", path); code != exitDone || stderr != "" {
				t.Errorf("exit %d, %s", code, stderr)
			}
		})
	}
}

func TestCheckOldList(t *testing.T) {
	config := write(t, "[rules]\naccredited = \"/DIR/accredited.csv\"\nmax_age = 7\n")
	list := filepath.Join(filepath.Dir(config), "accredited.csv")
	for _, test := range []struct {
		name string
		age  time.Duration
		want string
	}{
		{"fresh", time.Hour, ""},
		{"old", 9*24*time.Hour + time.Hour, list + ": the list: warning: imported 9 days ago, more than rules.max_age = 7: run postseal import with the list of today\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			putFile(t, list, "Domain name\nlisted.nhs.uk\n", time.Now().Add(-test.age))
			code, _, stderr := runWith("", "check", "-config", config)
			if code != exitDone || stderr != test.want {
				t.Errorf("exit %d, got %q, want %q", code, stderr, test.want)
			}
		})
	}
}
