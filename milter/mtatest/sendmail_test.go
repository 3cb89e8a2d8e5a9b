package mtatest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

func TestSendmailShowsWhyMailIsHeld(tt *testing.T) {
	t := on(tt, sendmail)
	t.serve("enforce", "[[policy]]\nname = \"hold-unmarked\"\naction = \"quarantine\"\n")
	s := t.send([]string{"<bob@gmail.com>"}, mail("Subject: x"))
	_, _, held := t.settle()
	if len(held) != 1 || !slices.Equal(held[0].Recipients, []string{"bob@gmail.com.encrypt.invalid"}) {
		t.Fatalf("got %v", held)
	}
	queue, err := t.sendmail().Run("-bp", "-qQ")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(queue, s.QueueID()) || !strings.Contains(queue, "QUARANTINE: postseal: policy hold-unmarked") {
		t.Errorf("got %q", queue)
	}
	if err := t.mta.Release(s.QueueID()); err != nil {
		t.Fatal(err)
	}
	if _, err := t.sendmail().Run("-qI" + s.QueueID()); err != nil {
		t.Fatal(err)
	}
	t.wantArrived(arrived{relay: []string{"bob@gmail.com: x"}})
}

// TestSendmailWithoutDSN shows why a recipient is added without ORCPT there.
func TestSendmailWithoutDSN(tt *testing.T) {
	t := onOwn(tt, sendmail, mtatest.Options{Milter: true, MC: "define(`confPRIVACY_FLAGS', `noreceipts')dnl\n"})
	t.serve("enforce", "")
	if s := t.send([]string{"<bob@gmail.com>", "<a@nhs.net>"}, mail("Subject: [secure]")); s.End.Code != 250 {
		t.Errorf("got %v", s)
	}
	direct, relayed, _ := t.settle()
	compare(t, "direct", direct, []string{"a@nhs.net: [secure]"}, nil)
	compare(t, "through the relay", relayed, []string{"bob@gmail.com: [secure]"}, []string{" encrypt"})
}

// TestSendmailAddressInTwoForms sends an address in its plain form and in one
// that is refused. Sendmail would lose the plain one and answer 250: always if
// it comes first, and for a user of its own host also if it comes second.
func TestSendmailAddressInTwoForms(tt *testing.T) {
	t := on(tt, sendmail)
	t.serve("enforce", "")
	const other = "<c@trust.example>"
	for _, test := range []struct{ plain, refused string }{
		{"<bob@gmail.com>", "<bob@gmail.com.>"},
		{"<A@nhs.net>", "<A(x)@NHS.net>"},
		{"<a@nhs.net>", "<@relay.example:a@nhs.net>"},
		{"<root@mx.trust.example>", "<Root(x)@mx.trust.example>"},
		{"<root>", "<(x)root>"},
	} {
		for _, to := range [][]string{{test.plain, other, test.refused}, {test.refused, test.plain, other}} {
			if s := t.send(to, mail("Subject: x")); s.End.Code != 550 {
				t.Errorf("%s: got %v", to, s)
			}
			t.wantArrived(arrived{})
		}
		if s := t.send([]string{test.refused, other}, mail("Subject: x")); s.Recipients[0].Code != 550 || s.End.Code != 250 {
			t.Errorf("%s alone: got %v", test.refused, s)
		}
		t.wantArrived(arrived{direct: []string{"c@trust.example: x"}})
	}
}

func TestSendmailRestoresRecipients(tt *testing.T) {
	t := on(tt, sendmail)
	got, err := t.sendmail().TestRules(nil, "EnvToEncrypt", []string{
		"bob<@gmail.com.encrypt.invalid.>", "bob<@gmail.com.encrypt.invalid>", "bob<@x.gmail.com.ENCRYPT.Invalid.>",
		"bob<@gmail.com.>", "bob<@encrypt.invalid.>", "bob<@encrypt.invalid.gmail.com.>",
	})
	want := []string{
		"bob < @ gmail . com . >", "bob < @ gmail . com >", "bob < @ x . gmail . com . >",
		"bob < @ gmail . com . >", "bob < @ encrypt . invalid . >", "bob < @ encrypt . invalid . gmail . com . >",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// TestSendmailVirtualUsers sends to names of the virtusertable. A name with an
// outside address cannot be diverted, and is refused.
func TestSendmailVirtualUsers(tt *testing.T) {
	t := on(tt, sendmail)
	d := t.serve("enforce", "")
	s := t.send([]string{"<info@virtual.trust.example>", "<desk@virtual.trust.example>"}, mail("Subject: [secure] x"))
	const info = "<info@virtual.trust.example>"
	want := "550 5.7.1 " + info + "... " + info + ": it forwards to bob@gmail.com, which is not known to be secure: check with its owner, or write to that address directly"
	if got := s.Recipients[0].String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	t.wantArrived(arrived{direct: []string{"desk@trust.example: [secure] x"}})
	if e := d.AwaitEvents("readings differ", 1); len(e) != 1 || e[0]["resolved"] != "gmail.com" {
		t.Errorf("got %v", e)
	}
}
