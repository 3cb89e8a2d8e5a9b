package doctor

import (
	"errors"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/metrics"
	"github.com/postseal/postseal/rules"
)

func TestOwn(t *testing.T) {
	const look = "systemctl status postseal.socket postseal and journalctl -u postseal -n 50 say why. Then run systemctl restart postseal"
	const rows = "postseal check names each row: renew or remove it"
	for _, test := range []struct {
		name   string
		change func(*Own)
		want   []string
	}{
		{"good", func(*Own) {}, nil},
		{"down", func(o *Own) { o.Status, o.Fault = nil, "the daemon cannot be asked: x" },
			[]string{"not-running postseal: the daemon cannot be asked: x -> " + look}},
		{"another configuration", func(o *Own) { o.Hash = "2" },
			[]string{"configuration-differs postseal: configuration 1 in force, 2 in p.toml -> systemctl reload postseal"}},
		{"observe", func(o *Own) { o.Status.Mode = rules.Observe },
			[]string{`observe postseal: mode = "observe" -> after the trial, write mode = "enforce" into p.toml and run postseal check && systemctl reload postseal`}},
		{"an old list", func(o *Own) { o.Status.ListImported = "2026-11-14T11:00:00Z" },
			[]string{"list-old postseal: the accredited list is 15 days old -> download the list and run postseal import LIST.csv"}},
		{"a list of two weeks", func(o *Own) { o.Status.ListImported = "2026-11-15T11:00:00Z" }, nil},
		{"rows", func(o *Own) { o.Status.RowsExpired, o.Status.NextExpiry = 2, "2026-12-10" },
			[]string{"row-expires postseal: expired rows: 2 -> " + rows, "row-expires postseal: a row expires on 2026-12-10 -> " + rows}},
		{"a row that expires in 15 days", func(o *Own) { o.Status.NextExpiry = "2026-12-14" }, nil},
		{"a row of next year", func(o *Own) { o.Status.NextExpiry = "2027-01-31" }, nil},
		{"queue", func(o *Own) {
			o.Queue = Queue{Held: 2, OldestHeld: 2 * time.Hour, Sealed: 1, OldestSealed: 90 * time.Minute}
		}, []string{
			`held-mail queue: held messages: 2, the oldest for 2h0m0s -> look at each message, then release or delete it: "Held mail" in contrib/postfix/README.md or contrib/sendmail/README.md`,
			"sealed-mail queue: sealed messages that wait for the relay: 1, the oldest for 1h30m0s -> look in the MTA's log for the reason, and check the relay and the route to it",
		}},
		{"an hour", func(o *Own) { o.Queue = Queue{Held: 2, OldestHeld: time.Hour, Sealed: 1, OldestSealed: time.Hour} }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := site(t, nil, nil)
			s.Own = Own{File: "p.toml", Hash: "1", Mode: rules.Enforce, MaxListAge: 14, Soon: 14, Status: &metrics.Status{Config: "1", Mode: rules.Enforce}}
			test.change(&s.Own)
			wantFound(t, s, own, test.want...)
		})
	}
}

// TestLook checks the order of findings, and that a fault hides none.
func TestLook(t *testing.T) {
	s := site(t, fakePostfix(contribMain+"mydestination = trust.example\nmilter_default_action = reject\nreceive_override_options = no_milters", contribMaster, nil), nil)
	s.Own = Own{Hash: "1", Status: &metrics.Status{Mode: rules.Observe, Config: "1"}, Queue: Queue{Fault: errors.New("postqueue is down")}}
	found, err := s.Look([]ID{"no-milters"})
	if err == nil || err.Error() != "held-mail: postqueue is down" {
		t.Errorf("got %v", err)
	}
	var got []string
	for _, f := range found {
		text := string(f.ID) + " " + f.Severity.String()
		if f.Accepted {
			text += " accepted"
		}
		got = append(got, text)
	}
	want := []string{"default-action loss", "observe advice", "no-milters leak accepted"}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}
