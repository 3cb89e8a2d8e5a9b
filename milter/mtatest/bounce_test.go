package mtatest_test

import (
	"bytes"
	"testing"
)

// mailBody is in what mail() makes.
var mailBody = []byte("trailing blanks")

// TestBounceHasNoBody has mail of an outside sender bounce, sealed and direct.
// Bounces pass no filter of smtpd.
func TestBounceHasNoBody(t *testing.T) {
	t.Run("Postfix", testBounceHasNoBody)
	t.Run("Sendmail", func(t *testing.T) { onSendmailOf(t, testBounceHasNoBody) })
}

func testBounceHasNoBody(t *testing.T) {
	start(t, "enforce", "")
	for _, test := range []struct{ name, parameters, to string }{
		{"sealed", "", "<nobody@gmail.com>"},
		{"sealed, the whole message asked for", " RET=FULL", "<nobody@gmail.com> NOTIFY=FAILURE"},
		{"direct", "", "<nobody@nhs.net>"},
		{"direct, the whole message asked for", " RET=FULL", "<nobody@nhs.net>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if bytes.Contains(bounceOf(t, test.parameters, test.to), mailBody) {
				t.Error("the bounce returns the body")
			}
		})
	}
}

// TestWhatBouncesHoldWithoutOurLine holds why main.cf has bounce_size_limit,
// and which other settings do not do.
func TestWhatBouncesHoldWithoutOurLine(t *testing.T) {
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
		t.Run(test.name, func(t *testing.T) {
			settings(t, append(test.main, "bounce_size_limit=50000")...)
			if test.service != "" {
				serviceSetting(t, test.service)
			}
			start(t, "enforce", "")
			if got := bytes.Contains(bounceOf(t, "", "<nobody@gmail.com>"), mailBody); got != test.holdsBody {
				t.Errorf("holds the body: got %t", got)
			}
		})
	}
}

// bounceOf returns the bounce of a marked message of an outside sender.
func bounceOf(t *testing.T, parameters, to string) []byte {
	t.Helper()
	s, err := dial(t).Send("<carer@example.org>"+parameters, []string{to}, mail("Subject: [secure] x"))
	if err != nil || s.End.Code != 250 {
		t.Fatalf("got %v, %v", s, err)
	}
	direct, relayed, _ := settle(t)
	if len(relayed) > 0 || len(direct) != 1 || direct[0].From != "" || direct[0].Recipients[0].Address != "carer@example.org" {
		t.Fatalf("got %q and %q, want a bounce alone", direct, relayed)
	}
	return direct[0].Data
}
