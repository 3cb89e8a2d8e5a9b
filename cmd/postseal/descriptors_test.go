package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/rules/table"
)

// withoutDescriptors calls f while this process can open no file.
func withoutDescriptors(t *testing.T, f func()) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	low := old
	low.Cur = min(old.Cur, 256)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	var taken []*os.File
	for {
		file, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		taken = append(taken, file)
	}
	f()
	for _, file := range taken {
		file.Close()
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
}

// TestOutOfDescriptors holds that no file is blamed, that no rule gets lost, and
// that what changed meanwhile is read afterwards.
func TestOutOfDescriptors(t *testing.T) {
	s := newWatched(t, "", rule("partner.example", "secure", ""))
	s.polls(2)
	s.events()
	withoutDescriptors(t, func() {
		s.polls(5)
		s.reload(s.now)
	})
	s.wantEvents("out of descriptors", s.events("reason"), "reload refused reason=DIR/postseal.toml: "+errDescriptors.Error())
	s.wantClass("a@partner.example", table.Secure)
	s.put("rules.d/local.toml", "table.name = \"local\"\n"+rule("partner.example", "unknown", ""))
	withoutDescriptors(t, func() { s.polls(5) })
	s.wantEvents("changed meanwhile", s.events())
	s.polls(3)
	s.wantEvents("afterwards", s.events(), "reloaded")
	s.wantClass("a@partner.example", table.Unknown)
}

func TestPatterns(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/1.toml", "a/2.toml", "a/x.txt", "b/1.toml", "c.toml", "b/[.toml"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for _, pattern := range []string{
		"*.toml", "./*.toml", "a/*.toml", "*/*.toml", "?/1.toml", "[ab]/[12].toml", "*/none.toml", "*/*/*.toml", "a/*", "*", "b/\\[*", "a//*.toml", dir + "/a/*.toml", dir + "/*/1.toml",
	} {
		got, err := glob(pattern)
		want, _ := filepath.Glob(pattern)
		for i := range want {
			want[i] = filepath.Clean(want[i])
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v, want %q", pattern, got, err, want)
		}
		withoutDescriptors(t, func() {
			if names, err := glob(pattern); !outOfDescriptors(err) {
				t.Errorf("%s: got %q, %v, and nothing can be opened", pattern, names, err)
			}
		})
	}
	for _, pattern := range []string{"[", "none/*.toml", "[/*.toml"} {
		if names, err := glob(pattern); err == nil {
			t.Errorf("%s: got %q", pattern, names)
		}
	}
}

// TestConnectionsLeaveDescriptorsFree holds that connections alone cannot take
// all descriptors.
func TestConnectionsLeaveDescriptorsFree(t *testing.T) {
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old)
	for limit, want := range map[uint64]int{
		100: 50, 256: 256 - ownDescriptors, 1024: 1024 - ownDescriptors, old.Max: milter.DefaultMaxConnections,
	} {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: limit, Max: old.Max}); err != nil {
			t.Fatal(err)
		}
		if got := maxConnections(); got != want {
			t.Errorf("%d files: got %d connections, want %d", limit, got, want)
		}
	}
	if message := errDescriptors.Error(); strings.Contains(message, "readable") {
		t.Error(message)
	}
}
