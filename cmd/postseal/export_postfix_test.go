package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
)

// postfixKeys are the keys for which Postfix searches smtp_tls_policy_maps, in
// order, for the domain of the next hop.
func postfixKeys(name string) []string {
	keys := []string{name}
	for i, c := range name {
		if c == '.' {
			keys = append(keys, name[i:])
		}
	}
	return keys
}

// postmap returns the results of the real postmap -q, for keys that a map has.
func postmap(t *testing.T, keys []string, mapTexts ...string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	files := []string{"-c", dir, "-q", "-"}
	for i, text := range append(mapTexts, "compatibility_level = 3.6\nmyhostname = mx.trust.example\n") {
		file := filepath.Join(dir, fmt.Sprint(i))
		if i == len(mapTexts) {
			file = filepath.Join(dir, "main.cf")
		} else {
			files = append(files, "texthash:"+file)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		// If a file has changed within a second, postmap waits for further changes.
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("postmap", files...)
	cmd.Stdin = strings.NewReader(strings.Join(keys, "\n") + "\n")
	var faults bytes.Buffer
	cmd.Stderr = &faults
	out, err := cmd.Output()
	if faults.Len() > 0 || errors.Is(err, exec.ErrNotFound) {
		t.Fatalf("postmap: %v, %s: make packages installs it", err, &faults)
	}
	found := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		found[key] = value
	}
	return found
}

func TestPostfixFindsWhatTheTableSays(t *testing.T) {
	random := rand.New(rand.NewPCG(2026, 11))
	secure := 0
	for range 40 {
		c := randomTable(t, random)
		names := randomNames(random, 100)
		var keys []string
		for _, name := range names {
			keys = append(keys, postfixKeys(name)...)
		}
		policy := text(c, levelEncrypt, formatPostfix)
		found := postmap(t, keys, policy)
		for _, name := range names {
			got := ""
			for _, key := range postfixKeys(name) {
				if got = found[key]; got != "" {
					break
				}
			}
			want := wantSecure(c, name)
			if (got == levelEncrypt) != want || got == levelMay && want {
				t.Fatalf("%s: got %q, secure is %t\n%s", name, got, want, policy)
			}
			if want {
				secure++
			}
		}
	}
	if secure < 500 || secure > 3500 {
		t.Errorf("%d of 4000 names are secure: the test shows little", secure)
	}
}

// TestPostfixTakesTheFirstMap checks that exceptions must come before the
// export.
func TestPostfixTakesTheFirstMap(t *testing.T) {
	c, err := config.Load(writeExport(t, exportConfig, exportRules, exportList))
	if err != nil {
		t.Fatal(err)
	}
	got := postmap(t, []string{".gov.uk", "nhs.net", "gmail.com"}, ".gov.uk may\n", text(c, levelEncrypt, formatPostfix))
	want := map[string]string{".gov.uk": "may", "nhs.net": "encrypt"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
