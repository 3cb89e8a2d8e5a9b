package daemon

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/config/configtest"
	"github.com/postseal/postseal/rules/table"
)

// TestRollouts replaces all files in one step, as contrib/haproxy and Kubernetes do.
// The old set is removed at once.
func TestRollouts(t *testing.T) {
	yaml, err := os.ReadFile("../../../contrib/kubernetes/postseal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, link, rules string
		config            string
		linked            bool // each file of the folder is a link to that of the set
	}{
		{"contrib/haproxy", "current", "rules.d/local.toml", `rules.files = ["/etc/postseal/current/rules.d/*.toml"]`, false},
		{"ConfigMap", "..data", "rules-local.toml", ofConfigMap(t, string(yaml), "postseal.toml"), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &watched{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 21, 22, 0, 0, 0, time.Local)}
			text := strings.ReplaceAll(test.config, "/etc/postseal/", s.dir+"/")
			put := func(set, text, rules string) {
				t.Helper()
				if err := os.MkdirAll(filepath.Dir(s.file(set+"/"+test.rules)), 0o755); err != nil {
					t.Fatal(err)
				}
				s.put(set+"/postseal.toml", text)
				s.put(set+"/"+test.rules, "table.name = \"local\"\n"+rules)
			}
			use := func(set, old string) {
				t.Helper()
				if err := os.Symlink(set, s.file("new")); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(s.file("new"), s.file(test.link)); err != nil {
					t.Fatal(err)
				}
				if err := os.RemoveAll(s.file(old)); err != nil {
					t.Fatal(err)
				}
			}
			put("..1", text, configtest.Rule("partner.example", "secure", ""))
			use("..1", "..0")
			names := []string{"postseal.toml"}
			if test.linked {
				names = append(names, test.rules)
			}
			for _, name := range names {
				if err := os.Symlink(test.link+"/"+name, s.file(name)); err != nil {
					t.Fatal(err)
				}
			}
			first, err := config.Load(s.file("postseal.toml"))
			if err != nil {
				t.Fatal(err)
			}
			s.daemon = newDaemon(s.file("postseal.toml"), first, jsonLog(&s.log))
			s.remind(s.now)
			s.polls(3)
			s.wantEvents("nothing changed", s.events())

			put("..2", text, configtest.Rule("partner.example", "unknown", ""))
			use("..2", "..1")
			s.polls(2)
			s.wantEvents("other rules", s.events("cause"), "reloaded cause=file changed")
			s.wantClass("a@partner.example", table.Unknown)

			put("..3", "marker.words = [\"sealed\"]\n"+text, configtest.Rule("partner.example", "secure", ""))
			use("..3", "..2")
			s.reload(s.now)
			s.polls(3)
			s.wantEvents("another configuration, with SIGHUP", s.events("cause"), "reloaded cause=SIGHUP")
			s.wantClass("a@partner.example", table.Secure)
			if words := s.current.Load().File.Marker.Words; len(words) != 1 || words[0] != "sealed" {
				t.Errorf("marker.words: got %q", words)
			}

			put("..4", text, "[[domain]\n")
			use("..4", "..3")
			s.polls(3)
			s.wantEvents("faulty rules", s.events("cause"), "reload refused cause=file changed")
			s.wantClass("a@partner.example", table.Secure)
			use("..5", "..4")
			s.polls(3)
			s.wantEvents("a set that is not there", s.events("cause"), "reload refused cause=file changed")
			s.wantClass("a@partner.example", table.Secure)
		})
	}
}

// ofConfigMap returns a value of the manifest's ConfigMap.
func ofConfigMap(t *testing.T, yaml, key string) string {
	t.Helper()
	value := regexp.MustCompile(`(?m)^  ` + regexp.QuoteMeta(key) + `: \|\n((?:    .*\n|\n)+)`).FindStringSubmatch(yaml)
	if value == nil {
		t.Fatalf("no %s", key)
	}
	return regexp.MustCompile(`(?m)^    `).ReplaceAllString(value[1], "")
}
