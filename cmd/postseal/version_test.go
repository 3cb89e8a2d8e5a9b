package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/config/configtest"
	"github.com/postseal/postseal/milter/logtest"
)

// checkout copies the sources of the program into a new repository.
func checkout(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"cmd", "milter", "rules"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join("../..", name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"Makefile", "go.mod", "go.sum", ".gitignore"} {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	output(t, dir, "git", "init", "--quiet")
	output(t, dir, "git", "add", ".")
	output(t, dir, "git", "-c", "user.name=tester", "-c", "user.email=tester@trust.example", "commit", "--quiet", "-m", "all")
	return dir
}

// output runs a command without git's environment: a hook's would name the
// repository of the hook.
func output(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GIT_") })
	cmd.Env = append(cmd.Env, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// loggedVersion starts a daemon and reads the line "started".
func loggedVersion(t *testing.T, binary string) string {
	t.Helper()
	daemon := exec.Command(binary, "serve", "-config", configtest.Write(t, "listen = \"inet:127.0.0.1:0\"\n"))
	log, err := daemon.StderrPipe()
	if err == nil {
		err = daemon.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer daemon.Wait()
	defer daemon.Process.Signal(os.Interrupt)
	var line struct{ Msg, Version string }
	if text, err := bufio.NewReader(log).ReadBytes('\n'); err != nil || json.Unmarshal(text, &line) != nil || line.Msg != "started" {
		t.Fatalf("got %s, %v", text, err)
	} else {
		logtest.Check(t, string(text))
	}
	return line.Version
}

// TestVersion builds the program as a release does, and runs it.
func TestVersion(t *testing.T) {
	dir := checkout(t)
	binary := filepath.Join(dir, "bin", "postseal")
	for _, step := range []struct{ name, before, want string }{
		{"a commit", "true", `v0\.0\.0-[0-9]{14}-[0-9a-f]{12}`},
		{"a release", "git tag v1.2.3", `v1\.2\.3`},
		{"modified files", "echo >> go.mod", `v1\.2\.[34].*\+dirty`},
		{"no repository", "rm -rf .git", `\(devel\)`},
	} {
		output(t, dir, "sh", "-c", step.before)
		output(t, dir, "make", "build")
		logged := loggedVersion(t, binary)
		if !regexp.MustCompile("^" + step.want + "$").MatchString(logged) {
			t.Errorf("%s: got the version %q in the log, want %s", step.name, logged, step.want)
		}
		for _, option := range []string{"-version", "--version"} {
			want := "postseal " + logged + ", built with " + runtime.Version() + "\n"
			if got := output(t, dir, binary, option); got != want {
				t.Errorf("%s: postseal %s: got %q, want %q", step.name, option, got, want)
			}
		}
	}
}
