package mtatest_test

import (
	"errors"
	"net"
	"strings"
	"testing"
)

// TestNonSMTPDMilters holds why contrib sends mail of sendmail(1) through an
// smtpd: as a non_smtpd_milter, the filter is shown rewritten recipients, and
// Postfix deletes a recipient only by what was typed. What can be guessed is
// deleted; a source route cannot, and goes out beside the sealed copy.
func TestNonSMTPDMilters(t *testing.T) {
	settings(t, "non_smtpd_milters=unix:postseal/postseal.sock")
	if err := errors.Join(postfix.Run("postconf", "-PX", "pickup/unix/content_filter"), postfix.Run("postfix", "reload")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := postfix.Run("postconf", "-P", "pickup/unix/content_filter="+postfix.ContentFilter); err != nil {
			t.Error(err)
		}
	})
	start(t, "enforce", "")
	for _, test := range []struct {
		to   string
		want arrived
	}{
		{"Bob@GMAIL.com", arrived{relay: []string{"Bob@GMAIL.com: [secure]"}}},
		{"bob@gmail.com.", arrived{relay: []string{"bob@gmail.com: [secure]"}}},
		{"bob%gmail.com", arrived{relay: []string{"bob@gmail.com: [secure]"}}},
		{"gmail.com!bob", arrived{relay: []string{"bob@gmail.com: [secure]"}}},
		{"root", arrived{direct: []string{"root@mx.trust.example: [secure]"}}},
		{"bob%gmail.com@trust.example", arrived{direct: []string{"ward@trust.example: Undelivered Mail Returned to Sender"}}},
		{"x@y.gsi.gov.uk", arrived{direct: []string{"ward@trust.example: Undelivered Mail Returned to Sender"}}},
		{"@route.example:bob@gmail.com", arrived{[]string{"bob@gmail.com: [secure]"}, []string{"bob@gmail.com: [secure]"}}},
	} {
		submit(t, "Subject: [secure]", test.to)
		t.Log(test.to)
		wantArrived(t, test.want)
	}
}

// TestSiteSettingsDoNotReachOurLegs sets what a site may have for mail that
// leaves: a host to fall back to, and TLS that neither leg offers. Mail for a
// relay that is down waits for it, and mail of sendmail(1) comes in again.
func TestSiteSettingsDoNotReachOurLegs(t *testing.T) {
	host, port, _ := net.SplitHostPort(internet.Addr)
	settings(t, "smtp_fallback_relay=["+host+"]:"+port, "smtpd_proxy_filter="+internet.Addr)
	t.Run("sendmail(1) while postseal is down", func(t *testing.T) {
		internet.Take()
		submit(t, "Subject: [secure]", "bob@gmail.com")
		awaitDeferred(t)
	})
	start(t, "enforce", "")
	t.Run("the relay is down", func(t *testing.T) {
		stopRelay(t)
		if err := mta.Retry(); err != nil {
			t.Fatal(err)
		}
		until(t, func() bool { return strings.Contains(postfix.Log(), "postfix/encrypt/smtp") },
			func() string { return "the leg to the relay was not tried" })
		awaitDeferred(t)
		if got := internet.Take(); len(got) > 0 {
			t.Errorf("went out in clear: %v", got)
		}
		startRelay(t)
		wantArrived(t, arrived{relay: []string{"bob@gmail.com: [secure]"}})
	})
}

// settings changes main.cf of the private Postfix for one test. Each value is
// "name=value".
func settings(t *testing.T, values ...string) {
	t.Helper()
	var undo [][]string
	for _, value := range values {
		name, _, _ := strings.Cut(value, "=")
		before, err := postfix.Output("postconf", "-n", name)
		if err != nil {
			t.Fatal(err)
		}
		if before = strings.TrimSpace(before); before == "" {
			undo = append(undo, []string{"-X", name})
		} else {
			undo = append(undo, []string{"-e", before})
		}
	}
	if err := errors.Join(postfix.Run("postconf", append([]string{"-e"}, values...)...), postfix.Run("postfix", "reload")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, arguments := range undo {
			if err := postfix.Run("postconf", arguments...); err != nil {
				t.Error(err)
			}
		}
		if err := postfix.Run("postfix", "reload"); err != nil {
			t.Error(err)
		}
	})
}

// postlogd waited for itself for ever where programs logged as they started.
func TestPostfixStartsWithoutWarnings(t *testing.T) {
	start(t, "enforce", "")
	send(t, []string{"<bob@gmail.com>"}, mail("Subject: [secure] x"))
	settle(t)
	for line := range strings.Lines(postfix.Log()) {
		if strings.Contains(line, "main.cf") || strings.Contains(line, "master.cf") {
			t.Error(line)
		}
	}
}
