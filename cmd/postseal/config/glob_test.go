package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/config/configtest"
)

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
		configtest.WithoutDescriptors(t, func() {
			if names, err := glob(pattern); !OutOfDescriptors(err) {
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
