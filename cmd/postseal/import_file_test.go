package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A pipe delivers the list in pieces, and is read to its end.
func TestImportFromPipe(t *testing.T) {
	s := newSite(t)
	r, w := io.Pipe()
	go func() {
		for piece := range slices.Chunk([]byte(tenRows), 7) {
			w.Write(piece)
		}
		w.Close()
	}()
	code, _, stderr := s.importing(r, "-accept", "-")
	if code != exitDone || string(readFile(t, s.list)) != tenRows {
		t.Errorf("code %d: %s", code, stderr)
	}
	r, w = io.Pipe()
	go func() {
		w.Write([]byte(tenRows)[:200])
		w.CloseWithError(io.ErrUnexpectedEOF)
	}()
	if code, _, stderr = s.importing(r, "-"); code != exitFailure || string(readFile(t, s.list)) != tenRows {
		t.Errorf("broken pipe: code %d: %s", code, stderr)
	}
}

// An identical list updates the file's timestamp. A list that is held does not.
func TestImportUpdatesTheTimestamp(t *testing.T) {
	long := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name, fresh string
		args        []string
		renewed     bool
	}{
		{"same", tenRows, nil, true},
		{"same, dry run", tenRows, []string{"-dry-run"}, false},
		{"changed", edit("j.example", "jj.example"), nil, true},
		{"held", edit("example\n", "org.example\n"), nil, false},
		{"damaged", "Domain name\n", nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t)
			writeFile(t, s.list, []byte(tenRows))
			if err := os.Chtimes(s.list, long, long); err != nil {
				t.Fatal(err)
			}
			_, _, stderr := s.importing(strings.NewReader(test.fresh), append(test.args, "-")...)
			info, err := os.Stat(s.list)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.ModTime().After(long); got != test.renewed {
				t.Errorf("renewed %t, want %t: %s", got, test.renewed, stderr)
			}
		})
	}
}

func TestImportKeepsOwnerAndMode(t *testing.T) {
	const uid, gid = 12345, 23456
	changed := strings.NewReader(edit("j.example", "jj.example"))
	s := newSite(t)
	writeFile(t, s.list, []byte(tenRows))
	if err := os.Chmod(s.list, 0o640); err != nil {
		t.Fatal(err)
	}
	owned := os.Geteuid() == 0
	if owned {
		if err := os.Chown(s.list, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, stderr := s.importing(changed, "-"); code != exitDone {
		t.Fatalf("code %d: %s", code, stderr)
	}
	info, err := os.Stat(s.list)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o640 {
		t.Errorf("mode %v", info.Mode())
	}
	if !owned {
		t.Skip("only root can try the owner; the mode is good")
	}
	if stat := info.Sys().(*syscall.Stat_t); stat.Uid != uid || stat.Gid != gid {
		t.Errorf("owner %d:%d", stat.Uid, stat.Gid)
	}
}

// Everybody can read a new list, whatever the umask.
func TestImportModeOfNewList(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	s := newSite(t)
	if code, _, stderr := s.importing(strings.NewReader(firstList(minFirstList)), "-"); code != exitDone {
		t.Fatalf("code %d: %s", code, stderr)
	}
	if info, err := os.Stat(s.list); err != nil || info.Mode() != 0o644 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
}

// A symbolic link stays, and its target is replaced.
func TestImportThroughSymbolicLink(t *testing.T) {
	s := newSite(t)
	target := filepath.Join(s.dir, "elsewhere.csv")
	if err := os.Symlink("../elsewhere.csv", s.list); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := s.importing(strings.NewReader(tenRows), "-")
	if code != exitFailure || !strings.Contains(stderr, "accredited.csv is a broken symbolic link") {
		t.Errorf("dangling: code %d: %s", code, stderr)
	}
	writeFile(t, target, []byte(tenRows))
	fresh := edit("j.example", "jj.example")
	if code, _, stderr = s.importing(strings.NewReader(fresh), "-"); code != exitDone {
		t.Fatalf("code %d: %s", code, stderr)
	}
	if link, err := os.Readlink(s.list); err != nil || link != "../elsewhere.csv" {
		t.Errorf("the link is now %q, %v", link, err)
	}
	if got := string(readFile(t, target)); got != fresh {
		t.Errorf("got\n%s", got)
	}
}

// Each of many simultaneous imports finds a whole list and writes a whole list.
func TestSimultaneousImports(t *testing.T) {
	s := newSite(t)
	other := edit("j.example", "jj.example")
	writeFile(t, s.list, []byte(tenRows))
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for range 5 {
				if code, _, stderr := s.importing(strings.NewReader([]string{tenRows, other}[i%2]), "-"); code != exitDone {
					t.Errorf("code %d: %s", code, stderr)
				}
			}
		})
	}
	group.Wait()
	if got := string(readFile(t, s.list)); got != tenRows && got != other {
		t.Errorf("the list is now\n%s", got)
	}
	if got := s.left(t); len(got) != 1 {
		t.Errorf("the directory has %q", got)
	}
}
