package daemon

import (
	"syscall"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/config/configtest"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/rules/table"
)

// TestOutOfDescriptors checks that no file is blamed, that no row is lost, and
// that changed files are read afterwards.
func TestOutOfDescriptors(t *testing.T) {
	s := newWatched(t, "", configtest.Rule("partner.example", "secure", ""))
	s.polls(2)
	s.events()
	configtest.WithoutDescriptors(t, func() {
		s.polls(5)
		s.reload(s.now)
	})
	s.wantEvents("out of descriptors", s.events("reason"), "reload refused reason=DIR/postseal.toml: no file descriptors are left to read the configuration: find the process that holds them, or raise LimitNOFILE= in postseal.service")
	s.wantClass("a@partner.example", table.Secure)
	s.put("rules.d/local.toml", "table.name = \"local\"\n"+configtest.Rule("partner.example", "unknown", ""))
	configtest.WithoutDescriptors(t, func() { s.polls(5) })
	s.wantEvents("changed meanwhile", s.events())
	s.polls(3)
	s.wantEvents("afterwards", s.events(), "reloaded")
	s.wantClass("a@partner.example", table.Unknown)
}

// TestConnectionsLeaveDescriptorsFree checks that connections cannot use all
// descriptors.
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
}
