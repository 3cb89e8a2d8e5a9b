package mtatest_test

import (
	"bytes"
	"testing"
)

// mailBody is in each message of mail().
var mailBody = []byte("trailing blanks")

// TestBounceHasNoBody makes mail of an outside sender bounce, diverted and
// direct. Bounces do not pass the filter.
func TestBounceHasNoBody(t *testing.T) {
	onEach(t, []*world{postfix, sendmail, debian}, testBounceHasNoBody)
}

func testBounceHasNoBody(t *T) {
	t.serve("enforce", "")
	for _, test := range []struct{ name, parameters, to string }{
		{"sealed", "", "<nobody@gmail.com>"},
		{"sealed, the whole message asked for", " RET=FULL", "<nobody@gmail.com> NOTIFY=FAILURE"},
		{"direct", "", "<nobody@nhs.net>"},
		{"direct, the whole message asked for", " RET=FULL", "<nobody@nhs.net>"},
	} {
		t.Run(test.name, func(t *T) {
			if bytes.Contains(t.bounceOf(test.parameters, test.to), mailBody) {
				t.Error("the bounce returns the body")
			}
		})
	}
}

// TestWhatBouncesHoldWithoutOurLine shows why main.cf has bounce_size_limit,
// and which other settings are not enough.
func TestWhatBouncesHoldWithoutOurLine(tt *testing.T) {
	t := on(tt, changed)
	for _, test := range []struct {
		name, service string
		main          []string
		holdsBody     bool
	}{
		{"Postfix's default", "", nil, true},
		{"on the leg", "encrypt/unix/bounce_size_limit=1", nil, true},
		{"on cleanup", "cleanup/unix/bounce_size_limit=1", nil, true},
		{"on bounce", "bounce/unix/bounce_size_limit=1", nil, false},
		{"postseal asked about bounces", "", []string{"internal_mail_filter_classes=bounce", "non_smtpd_milters=unix:postseal/postseal.sock"}, true},
	} {
		t.Run(test.name, func(t *T) {
			t.settings(append(test.main, "bounce_size_limit=50000")...)
			if test.service != "" {
				t.serviceSetting(test.service)
			}
			t.serve("enforce", "")
			if got := bytes.Contains(t.bounceOf("", "<nobody@gmail.com>"), mailBody); got != test.holdsBody {
				t.Errorf("holds the body: got %t", got)
			}
		})
	}
}

// bounceOf returns the bounce of a marked message of an outside sender.
func (t *T) bounceOf(parameters, to string) []byte {
	t.Helper()
	if s := t.sendFrom("<carer@example.org>"+parameters, []string{to}, mail("Subject: [secure] x")); s.End.Code != 250 {
		t.Fatalf("got %v", s)
	}
	direct, relayed, _ := t.settle()
	if len(relayed) > 0 || len(direct) != 1 || direct[0].From != "" || direct[0].Recipients[0].Address != "carer@example.org" {
		t.Fatalf("got %q and %q, want a bounce alone", direct, relayed)
	}
	return direct[0].Data
}
