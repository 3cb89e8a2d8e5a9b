package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/config/configtest"
)

const hashing = "local_domains = [\"trust.example\"]\n[log]\naddresses = \"hash\"\n"

// newState makes a directory for the key, as systemd does.
func newState(t *testing.T) (key string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	t.Setenv("STATE_DIRECTORY", dir)
	return filepath.Join(dir, "log.key")
}

// taken loads the configuration as serve does, and returns its key.
func taken(t *testing.T, path string) string {
	t.Helper()
	c, err := config.Load(path)
	if err == nil {
		err = c.TakeKey()
	}
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(c.Message.Addresses.Key)
}

func TestKeyIsMadeOnce(t *testing.T) {
	path, key := configtest.Write(t, hashing), newState(t)
	var all sync.Map
	var group sync.WaitGroup
	for range 8 { // daemons that start at the same time
		group.Go(func() { all.Store(taken(t, path), true) })
	}
	group.Wait()
	first := taken(t, path)
	if len(first) != 64 || strings.Trim(first, first[:1]) == "" {
		t.Errorf("got the key %q", first)
	}
	all.Range(func(other, _ any) bool {
		if other != first {
			t.Errorf("got the keys %s and %s", first, other)
		}
		return true
	})
	info, err := os.Stat(key)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("got mode %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Dir(key)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got mode %v of the directory, %v", info.Mode(), err)
	}
	if files, _ := os.ReadDir(filepath.Dir(key)); len(files) != 1 {
		t.Errorf("got %v beside the key", files)
	}
	// A removed key is replaced.
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if again := taken(t, path); again == first {
		t.Error("the key did not change")
	}
}

func TestNoKeyWithoutHash(t *testing.T) {
	for _, format := range []string{"full", "domain"} {
		key := newState(t)
		if got := taken(t, configtest.Write(t, strings.Replace(hashing, "hash", format, 1))); got != "" {
			t.Errorf("%s: got the key %q", format, got)
		}
		if _, err := os.Stat(filepath.Dir(key)); err == nil {
			t.Errorf("%s: the directory was made", format)
		}
	}
}

// TestFaultyKeys checks that serve and check refuse a faulty key, or one that
// others may know, and that the other commands do not need a key.
func TestFaultyKeys(t *testing.T) {
	good := strings.Repeat("0123456789abcdef", 4) + "\n"
	const digits = "KEY must contain 64 hexadecimal digits, but has %d octets: restore the key from a copy, or remove the file, and serve makes a new key, which changes every hash"
	const readable = "KEY has mode %s, so others may know the key: if nobody has read it, run chmod 0600; otherwise remove the file, and serve makes a new key, which changes every hash"
	put := func(text string, mode os.FileMode) func(string) error {
		return func(key string) error {
			if err := os.WriteFile(key, []byte(text), 0o600); err != nil {
				return err
			}
			return os.Chmod(key, mode)
		}
	}
	for _, test := range []struct {
		name string
		make func(key string) error
		want string
	}{
		{"empty", put("", 0o600), fmt.Sprintf(digits, 0)},
		{"short", put(good[:32]+"\n", 0o600), fmt.Sprintf(digits, 33)},
		{"long", put(good+good, 0o600), fmt.Sprintf(digits, 130)},
		{"no digits", put(strings.Repeat("x", 64), 0o600), fmt.Sprintf(digits, 64)},
		{"for all to read", put(good, 0o644), fmt.Sprintf(readable, "0644")},
		{"for the group to read", put(good, 0o640), fmt.Sprintf(readable, "0640")},
		{"for all to write", put(good, 0o602), fmt.Sprintf(readable, "0602")},
		{"a symbolic link", func(key string) error {
			return errors.Join(put(good, 0o600)(key+".real"), os.Symlink(key+".real", key))
		}, "KEY is a symbolic link: replace it with the file itself"},
		{"a directory", func(key string) error { return os.Mkdir(key, 0o700) }, "KEY is not a regular file: remove it, and serve makes a new key"},
	} {
		config, key := configtest.Write(t, hashing), newState(t)
		if err := os.Mkdir(filepath.Dir(key), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := test.make(key); err != nil {
			t.Fatal(err)
		}
		want := config + `: log.addresses = "hash" needs its key: ` + strings.ReplaceAll(test.want, "KEY", key) + "\n"
		for _, command := range []string{"serve", "check"} {
			if code, stdout, stderr := runWith("", command, "-config", config); code != exitConfig || stderr != "postseal "+command+": "+want {
				t.Errorf("%s, %s: exit %d\ngot  %s%s\nwant %s", test.name, command, code, stdout, stderr, want)
			}
		}
		for _, args := range [][]string{{"explain", "-config", config, "-from", "<>", "-to", "a@nhs.net", "-"}, {"lookup", "-config", config, "nhs.net"}, {"export", "-config", config, "tls-policy"}} {
			if code, _, stderr := runWith("Subject: x\n\n", args...); code != exitDone {
				t.Errorf("%s, %s: exit %d: %s", test.name, args[0], code, stderr)
			}
		}
	}
}

// TestCheckMakesNoKey checks that check changes nothing, even before the first
// start.
func TestCheckMakesNoKey(t *testing.T) {
	config, key := configtest.Write(t, hashing), newState(t)
	if code, _, stderr := runWith("", "check", "-config", config); code != exitDone {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if _, err := os.Stat(filepath.Dir(key)); err == nil {
		t.Error("the directory was made")
	}
}

func TestDirectoryThatCannotBeMade(t *testing.T) {
	config := configtest.Write(t, hashing)
	t.Setenv("STATE_DIRECTORY", filepath.Join(t.TempDir(), "none", "state"))
	code, _, stderr := runWith("", "serve", "-config", config)
	if code != exitConfig || !strings.Contains(stderr, "create the directory with install -d -m 0700 -o USER, for the user of serve") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
