// Package debian_test tests the Debian package.
package debian_test

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

// checkout is a git clone with the current files of this one.
type checkout struct {
	dir string
	env []string // the directory in which it is built
}

func newCheckout(t *testing.T, dir string) checkout {
	t.Helper()
	root, err := mtatest.Root()
	if err != nil {
		t.Fatal(err)
	}
	s := checkout{dir: dir}
	s.sh(t, `tar -C "$0" --exclude=./bin --exclude=./.git -cf - . | tar -xf -`, root)
	s.sh(t, "git init -q")
	s.commit(t)
	return s
}

func (s checkout) commit(t *testing.T) {
	t.Helper()
	s.sh(t, `git add -A && git -c user.name=test -c user.email=test@example.org commit -q -m test`)
}

// command is a line of shell in the clone.
func (s checkout) command(line string, args ...string) *exec.Cmd {
	cmd := exec.Command("sh", append([]string{"-e", "-c", line}, args...)...)
	cmd.Dir = s.dir
	// The settings of the make that runs the tests must not reach the inner make.
	cmd.Env = slices.DeleteFunc(append(os.Environ(), s.env...), func(v string) bool {
		return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS=")
	})
	return cmd
}

// sh runs a line of shell in the clone.
func (s checkout) sh(t *testing.T, line string, args ...string) string {
	t.Helper()
	cmd := s.command(line, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", line, err, out, &stderr)
	}
	return strings.TrimSpace(string(out))
}

// build makes the package, after other commands, and returns its path.
func (s checkout) build(t *testing.T, before ...string) string {
	t.Helper()
	s.sh(t, strings.Join(append(before, "make package"), "\n"))
	packages, err := filepath.Glob(filepath.Join(s.dir, "bin", "postseal_*.deb"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("got %v, %v, want one package", packages, err)
	}
	return packages[0]
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPackage(t *testing.T) {
	here := newCheckout(t, t.TempDir())
	old := here.build(t)

	t.Run("static", func(t *testing.T) {
		program, err := elf.Open(filepath.Join(here.dir, "bin", "postseal"))
		if err != nil {
			t.Fatal(err)
		}
		defer program.Close()
		for _, p := range program.Progs {
			if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
				t.Errorf("the program has a segment %v", p.Type)
			}
		}
	})
	t.Run("reproducible", func(t *testing.T) {
		there := checkout{
			dir: filepath.Join(t.TempDir(), "a-clone-elsewhere"),
			env: []string{"TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "SOURCE_DATE_EPOCH=1"},
		}
		here.sh(t, `umask 077 && git clone -q . "$0"`, there.dir)
		again := there.build(t, "umask 077")
		if filepath.Base(again) != filepath.Base(old) || !bytes.Equal(read(t, again), read(t, old)) {
			t.Errorf("%s and %s differ", old, again)
		}
	})
	t.Run("sbom", func(t *testing.T) { testSBOM(t, here, old) })
	t.Run("changed module", func(t *testing.T) { testChangedModule(t, here) })
	t.Run("lintian", func(t *testing.T) {
		// It makes a file, which is removed with the clone.
		if out := here.sh(t, `TMPDIR=bin lintian --allow-root --tag-display-limit 0 --fail-on error,warning "$0"`, old); out != "" {
			t.Error(out)
		}
	})
	t.Run("systemd", func(t *testing.T) { testSystemd(t, old) })
	t.Run("life", func(t *testing.T) { testLife(t, here, old) })
}
