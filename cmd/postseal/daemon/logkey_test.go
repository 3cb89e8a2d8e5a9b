package daemon

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config/configtest"
)

// TestReloadWithAFaultyKey checks that the configuration and its key stay in
// force.
func TestReloadWithAFaultyKey(t *testing.T) {
	key := filepath.Join(t.TempDir(), "state", "log.key")
	t.Setenv("STATE_DIRECTORY", filepath.Dir(key))
	s := newWatched(t, "[log]\naddresses = \"hash\"\n", configtest.Rule("partner.example", "secure", ""))
	if err := s.current.Load().TakeKey(); err != nil {
		t.Fatal(err)
	}
	before := s.current.Load()
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	s.events()
	s.reload(s.now)
	s.put("rules.d/local.toml", "table.name = \"local\"\n"+configtest.Rule("partner.example", "unknown", ""))
	s.polls(3)
	s.wantEvents("faulty", s.events("cause"), "reload refused cause=SIGHUP", "reload refused cause=file changed")
	if s.current.Load() != before {
		t.Error("another configuration is in force")
	}
	if err := os.Chmod(key, 0o600); err != nil {
		t.Fatal(err)
	}
	s.reload(time.Now())
	s.wantEvents("mended", s.events("cause"), "reloaded cause=SIGHUP")
	if got, want := s.current.Load().Message.Addresses.Key, before.Message.Addresses.Key; string(got) != string(want) || len(got) == 0 {
		t.Error("the key has changed")
	}
}
