package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/config/configtest"
)

// TestOneFileUnderTwoNames checks that a file with two names is read once. Its
// rows were refused as duplicates.
func TestOneFileUnderTwoNames(t *testing.T) {
	for _, files := range []string{
		`"/DIR/*.rules", "/DIR/local.rules"`,
		`"/DIR/local.rules", "/DIR/other.rules", "/DIR/l*.rules"`,
		`"/DIR/l*.rules", "/DIR/o*.rules", "/DIR/*.rules"`,
		`"/DIR/local.rules", "/DIR/./local.rules"`,
		`"/DIR/link", "/DIR/*.rules"`,
	} {
		config := configtest.Write(t, "local_domains = [\"trust.example\"]\n[rules]\nfiles = ["+files+"]\n")
		dir := filepath.Dir(config)
		for _, name := range []string{"local", "other"} {
			text := "table.name = \"" + name + "\"\n[[domain]]\nname = \"" + name + ".example\"\nclass = \"secure\"\n"
			if err := os.WriteFile(filepath.Join(dir, name+".rules"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("local.rules", filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := runWith("", "check", "-config", config)
		if code != exitDone || stderr != "" || !strings.Contains(stdout, ": good: ") {
			t.Errorf("%s: exit %d, %s%s", files, code, stdout, stderr)
		}
	}
}

func TestCheckRelativePattern(t *testing.T) {
	config := configtest.Write(t, "local_domains = [\"trust.example\"]\n[rules]\nfiles = [\"a*.toml\"]\n")
	t.Chdir(t.TempDir())
	want := config + ": line 3: rules.files (\"a*.toml\"): warning: a relative pattern depends on the directory in which a command runs: write an absolute path\n"
	if code, _, stderr := runWith("", "check", "-config", config); code != exitDone || stderr != want {
		t.Errorf("exit %d, %s", code, stderr)
	}
}
