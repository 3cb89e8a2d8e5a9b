package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestKeyOfAnotherUser(t *testing.T) {
	key := filepath.Join(t.TempDir(), "log.key")
	if err := os.WriteFile(key, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(key)
	if err != nil {
		t.Fatal(err)
	}
	self := os.Geteuid()
	for user, want := range map[int]bool{self: true, 0: true, self + 1: false} {
		if err := checkKeyFile(key, info, user); (err == nil) != want {
			t.Errorf("the file of user %d, read by %d: %v", self, user, err)
		}
	}
}
