package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config/configtest"
)

// TestLint runs check on one faulty file for each warning or error. A .want
// file has the start of each line on standard error, and there must be no
// others. FILE is the faulty file, and LIST an accredited list.
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
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			config := configtest.Write(t, strings.ReplaceAll(string(source), "LIST", freshList(t)))
			bad := config
			if strings.Contains(file, "/lint/rules/") {
				bad = file
				config = configtest.Write(t, "local_domains = [\"dental.example\"]\n[rules]\naccredited = \""+freshList(t)+"\"\nfiles = [\""+file+"\"]\n")
			}
			want := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(text), "FILE", bad)), "\n")
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

// freshList returns a copy of the accredited list with the current time.
func freshList(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "accredited.csv")
	writeFile(t, name, readFile(t, "../../testdata/accredited.csv"))
	return name
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
		{"policies that can all match", "[[policy]]\nname = \"a\"\nsender = [\"news@trust.example\"]\naction = \"accept\"\n[[policy]]\nname = \"b\"\nsender = [\"trust.example\", \"<>\"]\naction = \"divert\"\n[[policy]]\nname = \"c\"\nclient = [\"2001:db8::/32\"]\naction = \"divert\"\n[[policy]]\nname = \"d\"\naction = \"tag\"\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := test.config
			if !strings.Contains(config, "[rules]") {
				config += "[rules]\n"
			}
			config = strings.Replace(config, "[rules]\n", "[rules]\nfiles = [\"/DIR/local.rules\"]\n", 1)
			if !strings.Contains(config, "local_domains") {
				config = "local_domains = [\"dental.example\"]\n" + strings.Replace(config, "[rules]\n", "[rules]\naccredited = \""+freshList(t)+"\"\n", 1)
			}
			path := configtest.Write(t, config)
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
	config := configtest.Write(t, "local_domains = [\"listed.nhs.uk\"]\n[rules]\naccredited = \"/DIR/accredited.csv\"\n")
	list := filepath.Join(filepath.Dir(config), "accredited.csv")
	for _, test := range []struct {
		name string
		age  time.Duration
		want string
	}{
		{"fresh", time.Hour, ""},
		{"as old as allowed", 14*24*time.Hour + time.Hour, ""},
		{"old", 15*24*time.Hour + time.Hour, list + ": the list: warning: imported 15 days ago, which is more than 14: run postseal import with today's list\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			configtest.Put(t, list, "Organisation Name,Domain name\nA,listed.nhs.uk\n", time.Now().Add(-test.age))
			code, _, stderr := runWith("", "check", "-config", config)
			if code != exitDone || stderr != test.want {
				t.Errorf("exit %d, got %q, want %q", code, stderr, test.want)
			}
		})
	}
}

// TestFilesThatAreNotRead checks the warnings about files beside the rule
// files. The configuration and the list are not rule files.
func TestFilesThatAreNotRead(t *testing.T) {
	config := configtest.Write(t, "local_domains = [\"listed.nhs.uk\"]\n[rules]\naccredited = \"/DIR/accredited.csv\"\nfiles = [\"/DIR/*.rules\", \"/DIR/also\", \"/DIR/*.rules\", \"/DIR/sub*/*.rules\"]\n")
	dir := filepath.Dir(config)
	for _, name := range []string{"local.rules", "also", "local.rule", "local.rules.bak", "local.rules~", ".local.rules.swp"} {
		configtest.Put(t, filepath.Join(dir, name), "table.name = \"local\"\n", time.Now())
	}
	configtest.Put(t, filepath.Join(dir, "accredited.csv"), "Organisation Name,Domain name\nA,listed.nhs.uk\n", time.Now())
	if err := os.Mkdir(filepath.Join(dir, "old"), 0o755); err != nil {
		t.Fatal(err)
	}
	const fault = ": the file: warning: postseal does not read it, because no entry of rules.files matches it: rename it to match "
	var want string
	for _, name := range []string{"local.rule", "local.rules.bak", "local.rules~"} {
		want += filepath.Join(dir, name) + fault + dir + "/*.rules, or move it to another directory\n"
	}
	if code, _, stderr := runWith("", "check", "-config", config); code != exitDone || stderr != want {
		t.Errorf("exit %d\ngot  %s\nwant %s", code, stderr, want)
	}
	if code, _, _ := runWith("", "check", "-strict", "-config", config); code != exitFailure {
		t.Errorf("-strict: exit %d", code)
	}
}

func TestCheckListen(t *testing.T) {
	const open = `: warning: anyone who can reach this host can use the socket: write inet:127.0.0.1 and the port, or restrict access with a firewall`
	for _, test := range []struct{ listen, want string }{
		{"inet:127.0.0.1:8899", ""}, {"inet:[::1]:8899", ""}, {"inet:localhost:8899", ""}, {"inet:192.0.2.1:8899", ""}, {"unix:/DIR/postseal.sock", ""},
		{"inet:0.0.0.0:8899", open}, {"inet:[::]:8899", open}, {"inet::8899", open}, {"inet:[::ffff:0.0.0.0]:8899", open},
		{"unix:/DIR/gone/postseal.sock", `: warning: serve cannot start: stat /DIR/gone: no such file or directory: create the directory with mode 0750, postseal's user as its owner and the MTA's group`},
		{"unix:/DIR/postseal.toml", `: warning: serve cannot start: /DIR/postseal.toml exists and is not a socket: move it`},
		{"unix:/tmp/postseal.sock", `: warning: serve cannot start: /tmp is open to all users, and Sendmail refuses such a socket: create a directory for the socket alone, with mode 0750`},
		{"unix:/" + strings.Repeat("x/", 60), `: warning: serve cannot start: the path has 121 octets: choose one of 107 at most`},
		{"unix:/DIR/postseal.toml/postseal.sock", `: warning: serve cannot start: /DIR/postseal.toml is not a directory`},
	} {
		config := configtest.Write(t, "local_domains = [\"trust.example\"]\nlisten = \""+test.listen+"\"\n")
		dir := filepath.Dir(config)
		if err := os.Chmod(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		want := test.want
		if want != "" {
			want = config + ": line 2: listen (\"" + test.listen + "\")" + want + "\n"
		}
		want = strings.ReplaceAll(want, "/DIR/", dir+"/")
		if code, _, stderr := runWith("", "check", "-config", config); code != exitDone || stderr != want {
			t.Errorf("exit %d\ngot  %s\nwant %s", code, stderr, want)
		}
	}
}
