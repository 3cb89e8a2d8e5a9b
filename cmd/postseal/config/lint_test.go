package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestLintMetrics checks that check warns about metrics.listen if the unit has no
// network and its socket is not enabled, and only then.
func TestLintMetrics(t *testing.T) {
	old := unitDirectories
	defer func() { unitDirectories = old }()
	for _, test := range []struct {
		name, listen string
		units        []string
		want         int
	}{
		{"off", "", []string{"postseal.service"}, 0},
		{"no unit", "inet:127.0.0.1:9899", nil, 0},
		{"not enabled", "inet:127.0.0.1:9899", []string{"postseal.service", "postseal-metrics.socket"}, 1},
		{"enabled", "inet:127.0.0.1:9899", []string{"postseal.service", "postseal.service.wants/postseal-metrics.socket"}, 0},
		{"a unix socket", "unix:/run/postseal/status/metrics", []string{"postseal.service"}, 0},
	} {
		dir := t.TempDir()
		unitDirectories = []string{dir}
		for _, unit := range append(test.units, "postseal.socket") {
			path := filepath.Join(dir, unit)
			os.MkdirAll(filepath.Dir(path), 0o755)
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		c, err := Build(Default, []byte("local_domains = [\"trust.example\"]\n[metrics]\nlisten = \""+test.listen+"\"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if found := c.Lint(time.Now()); len(found) != test.want {
			t.Errorf("%s: got %v", test.name, found)
		}
	}
	if _, err := Build("x", []byte("[metrics]\nlisten = \"9899\"\n")); err == nil {
		t.Error("a port alone was accepted")
	}
}
