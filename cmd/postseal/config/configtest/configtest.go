// Package configtest writes configurations for tests.
package configtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Rule is a row of a rule file.
func Rule(name, class, more string) string {
	return fmt.Sprintf("[[domain]]\nname = %q\nclass = %q\n%s\n", name, class, more)
}

// Put writes a file in one step and sets the time of its change.
func Put(t *testing.T, path, text string, modified time.Time) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path+".new", modified, modified); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// Write writes a configuration to a new folder, whose path replaces /DIR/ in it.
func Write(t testing.TB, text string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "postseal.toml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "/DIR/", dir+"/")), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// WithoutDescriptors calls f while this process can open no file.
func WithoutDescriptors(t *testing.T, f func()) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	f()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
}
