package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/config/configtest"
)

// TestClientNetworks uses explain, which reads addresses and networks as serve
// does.
func TestClientNetworks(t *testing.T) {
	for _, test := range []struct {
		network, client string
		want            bool
	}{
		{"10.0.0.0/8", "10.1.2.3", true},
		{"10.0.0.0/8", "::ffff:10.1.2.3", true},
		{"10.0.0.0/8", "::ffff:a01:203", true},
		{"10.0.0.0/8", "11.1.2.3", false},
		{"::ffff:10.0.0.0/104", "10.1.2.3", true},
		{"::ffff:10.0.0.0/104", "::ffff:10.1.2.3", true},
		{"::ffff:10.0.0.0/104", "11.1.2.3", false},
		{"::ffff:10.1.2.3", "10.1.2.3", true},
		{"::ffff:0:0/96", "192.0.2.7", true},
		{"::ffff:0:0/96", "2001:db8::7", false},
		{"0.0.0.0/0", "::ffff:192.0.2.7", true},
		{"::/0", "2001:db8::7", true},
		{"::/0", "192.0.2.7", false},
		{"2001:db8::/32", "IPv6:2001:db8::7", true},
		{"2001:db8::/32", "2001:DB8:0::7", true},
		{"fe80::/10", "fe80::1%eth0", true},
	} {
		config := configtest.Write(t, fmt.Sprintf("[[policy]]\nname = \"inside\"\nclient = [%q]\naction = \"quarantine\"\n[[policy]]\nname = \"rest\"\naction = \"tag\"\n", test.network))
		code, stdout, stderr := runWith("Subject: x\n\n", "explain", "-config", config, "-from", "<>", "-to", "b@gmail.com", "-client", test.client, "-")
		if got := strings.Contains(stdout, "policy inside"); code != exitDone || got != test.want {
			t.Errorf("%s in %s: exit %d, got %t\n%s%s", test.client, test.network, code, got, stdout, stderr)
		}
	}
}

// TestExplainShowsWhatIsOnlyObserved checks that explain shows what mode
// enforce does.
func TestExplainShowsWhatIsOnlyObserved(t *testing.T) {
	config := configtest.Write(t, "[[policy]]\nname = \"trial\"\naction = \"quarantine\"\nmode = \"observe\"\n")
	code, stdout, _ := runWith("Subject: x\n\n", "explain", "-config", config, "-from", "<>", "-to", "b@gmail.com", "-")
	for _, want := range []string{"action  quarantine\n", "policy trial: quarantine\n", "edit: hold: postseal: policy trial\n"} {
		if code != exitDone || !strings.Contains(stdout, want) {
			t.Errorf("exit %d, no %q in %s", code, want, stdout)
		}
	}
}
