package mtatest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

func testQuarantine(t *T) {
	d := t.serve("enforce", `
[[policy]]
name   = "trusted-partner"
sender = ["partner@trust.example"]
action = "accept"

[[policy]]
name   = "hold-unmarked"
marker = ["missing"]
action = "quarantine"

[[policy]]
name   = "rest"
action = "divert"
`)
	s := t.send([]string{"<bob@gmail.com>", "<a@nhs.net>"}, mail("Subject: Results"))
	if s.End.Code != 250 {
		t.Fatal(s)
	}
	direct, relayed, held := t.settle()
	if len(direct)+len(relayed) > 0 || len(held) != 1 || held[0].ID != s.QueueID() {
		t.Fatalf("got %d direct, %d through the relay, held %v", len(direct), len(relayed), held)
	}
	e := decision(t, d, s.QueueID())
	if e["action"] != "quarantine" || e["reason"] != "policy hold-unmarked" {
		t.Errorf("got %v", e)
	}
	if err := t.mta.Release(s.QueueID()); err != nil {
		t.Fatal(err)
	}
	if err := t.mta.Retry(); err != nil {
		t.Fatal(err)
	}
	t.wantArrived(arrived{[]string{"a@nhs.net: Results"}, []string{"bob@gmail.com: {[secure] }Results"}})
}

func testRejectAtTheEnd(t *T) {
	t.serve("enforce", `
[[policy]]
name   = "no"
marker = ["missing"]
action = "reject"
reply  = "100% of such mail needs [secure] in the subject %s"

[[policy]]
name   = "rest"
action = "divert"
`)
	s := t.send([]string{"<a@nhs.net>", "<bob@gmail.com>"}, mail("Subject: Results"))
	want := "550 5.7.1 <bob@gmail.com>: 100% of such mail needs [secure] in the subject %s"
	if s.End.String() != want {
		t.Errorf("got %q, want %q", s.End, want)
	}
	t.wantArrived(arrived{})
}

func testDefaultReplySaysWhatToType(t *T) {
	t.serve("enforce", "[marker]\nwords = [\"encrypt\"]\n[[policy]]\nname = \"no\"\naction = \"reject\"\n")
	s := t.send([]string{"<50%off@gmail.com>", "<b@gmail.com>", "<c@gmail.com>"}, mail("Subject: Results"))
	want := "550 5.7.1 <50%off@gmail.com> <b@gmail.com> and 1 more: not known to be secure: put [encrypt] in the subject and send the message again"
	if s.End.String() != want {
		t.Errorf("got %q, want %q", s.End, want)
	}
}

func testClosedRecipientIsRefused(t *T) {
	d := t.serve("enforce", "")
	s := t.send([]string{"<bob@gmail.com>", "<x@council.gcsx.gov.uk>", "<a@nhs.net>"}, mail("Subject: [secure] x"))
	want := "<x@council.gcsx.gov.uk>: gcsx.gov.uk was switched off in March 2019: use the organisation's gov.uk address"
	if t.onSendmail() { // which itself names the recipient
		want = "<x@council.gcsx.gov.uk>... " + want
	}
	if got := s.Recipients[1].String(); got != "550 5.7.1 "+want {
		t.Errorf("got %q, want %q", got, want)
	}
	if s.Recipients[0].Code != 250 || s.Recipients[2].Code != 250 || s.End.Code != 250 {
		t.Errorf("got %v", s)
	}
	t.wantArrived(arrived{[]string{"a@nhs.net: [secure] x"}, []string{"bob@gmail.com: [secure] x"}})
	if e := d.AwaitEvents("refused recipient", 1); len(e) != 1 || e[0]["address"] != "x@council.gcsx.gov.uk" || e[0]["class"] != "closed" {
		t.Errorf("got %v", e)
	}

	s = t.send([]string{"<x@a.gsi.gov.uk>"}, mail("Subject: x"))
	if s.Recipients[0].Code != 550 || s.End.Code < 500 {
		t.Errorf("all refused: got %v", s)
	}
	t.wantArrived(arrived{})
}

// testLongestRepliesArrive sends the longest texts that check accepts. They
// consist of the character that must be doubled for the MTA.
func testLongestRepliesArrive(t *T) {
	text := strings.Repeat("%", 298) + " x"
	d := t.serve("enforce", fmt.Sprintf("[[policy]]\nname = \"no\"\naction = \"reject\"\nreply = %q\n", text))
	row := fmt.Appendf(nil, "table.name = \"closed\"\n[[domain]]\nname = \"gone.example\"\nclass = \"closed\"\nnote = %q\n", text)
	if err := os.WriteFile(filepath.Join(filepath.Dir(d.Config), "rules.d", "closed.toml"), row, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := d.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Await("reloaded", nil); err != nil {
		t.Fatal(err)
	}
	local := strings.Repeat("x", 60)
	s := t.send([]string{"<" + local + "@gone.example>", "<" + local + "@gmail.com>", "<y" + local + "@gmail.com>", "<b@gmail.com>"}, mail("Subject: x"))
	if got := s.Recipients[0].String(); !strings.HasPrefix(got, "550 5.7.1 <") || !strings.HasSuffix(got, " "+text) {
		t.Errorf("at RCPT: %q", got)
	}
	if want := "550 5.7.1 <" + local + "@gmail.com> <y" + local + "@gmail.com> and 1 more: " + text; s.End.String() != want {
		t.Errorf("at the end:\ngot  %q\nwant %q", s.End, want)
	}
	if got := t.send([]string{"<a@nhs.net>"}, mail("Subject: after")); got.End.Code != 250 {
		t.Errorf("the next message: %v", got)
	}
	t.wantArrived(arrived{direct: []string{"a@nhs.net: after"}})
}
