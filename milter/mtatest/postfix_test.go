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
	if err := errors.Join(postfix.Run("postconf", "-PX", "pickup/unix/content_filter"), postfix.Reload()); err != nil {
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
// leaves: a host to fall back to, and TLS that neither leg offers. Mail of
// sendmail(1) waits for postseal, and comes in again.
func TestSiteSettingsDoNotReachOurLegs(t *testing.T) {
	host, port, _ := net.SplitHostPort(internet.Addr)
	settings(t, "smtp_fallback_relay=["+host+"]:"+port, "smtpd_proxy_filter="+internet.Addr)
	submit(t, "Subject: [secure]", "bob@gmail.com")
	awaitDeferred(t)
	if got := internet.Take(); len(got) > 0 {
		t.Errorf("went out unfiltered: %v", got)
	}
	start(t, "enforce", "")
	if err := mta.Retry(); err != nil {
		t.Fatal(err)
	}
	wantArrived(t, arrived{relay: []string{"bob@gmail.com: [secure]"}})
}

// TestSealedMailWaitsForItsRelay has the relay down and another host up, to
// which each of these settings sends what leaves.
func TestSealedMailWaitsForItsRelay(t *testing.T) {
	host, port, _ := net.SplitHostPort(internet.Addr)
	other := "[" + host + "]:" + port
	for _, test := range []struct {
		name, service string
		main          []string
	}{
		{"smtp_fallback_relay", "", []string{"smtp_fallback_relay=" + other}},
		{"fallback_relay, its old name", "", []string{"fallback_relay=" + other}},
		{"smtp_fallback_relay of another service", "smtp/unix/smtp_fallback_relay=" + other, nil},
		{"relayhost and its kin", "", []string{"relayhost=" + other, "sender_dependent_relayhost_maps=static:" + other,
			"sender_dependent_default_transport_maps=static:smtp:" + other}},
	} {
		t.Run(test.name, func(t *testing.T) {
			settings(t, test.main...)
			if test.service != "" {
				serviceSetting(t, test.service)
			}
			start(t, "enforce", "")
			stopRelay(t)
			send(t, []string{"<bob@gmail.com>"}, mail("Subject: [secure]"))
			awaitDeferred(t)
			if got := internet.Take(); len(got) > 0 {
				t.Errorf("went out in clear: %v", got)
			}
			startRelay(t)
			wantArrived(t, arrived{relay: []string{"bob@gmail.com: [secure]"}})
		})
	}
}

// TestFallbackTakesSealedMailWithoutOurLine holds why the leg has an
// smtp_fallback_relay of its own.
func TestFallbackTakesSealedMailWithoutOurLine(t *testing.T) {
	host, port, _ := net.SplitHostPort(internet.Addr)
	serviceSetting(t, "encrypt/unix/smtp_fallback_relay")
	for _, name := range []string{"smtp_fallback_relay", "fallback_relay"} {
		t.Run(name, func(t *testing.T) {
			settings(t, name+"=["+host+"]:"+port)
			start(t, "enforce", "")
			stopRelay(t)
			defer startRelay(t)
			send(t, []string{"<bob@gmail.com>"}, mail("Subject: [secure]"))
			wantArrived(t, arrived{direct: []string{"bob@gmail.com: [secure]"}})
		})
	}
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
	if len(values) == 0 {
		return
	}
	if err := errors.Join(postfix.Run("postconf", append([]string{"-e"}, values...)...), postfix.Reload()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, arguments := range undo {
			if err := postfix.Run("postconf", arguments...); err != nil {
				t.Error(err)
			}
		}
		if err := postfix.Reload(); err != nil {
			t.Error(err)
		}
	})
}

// serviceSetting is settings for a service of master.cf, as in
// "smtp/unix/name=value". Without a value, the setting goes.
func serviceSetting(t *testing.T, setting string) {
	t.Helper()
	name, _, set := strings.Cut(setting, "=")
	before, _ := postfix.Output("postconf", "-P", name) // an error if it is not set
	undo := []string{"-P", strings.TrimSpace(before)}
	if !strings.HasPrefix(before, name+" =") {
		undo = []string{"-PX", name}
	}
	change := []string{"-P", setting}
	if !set {
		change = []string{"-PX", name}
	}
	if err := errors.Join(postfix.Run("postconf", change...), postfix.Reload()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(postfix.Run("postconf", undo...), postfix.Reload()); err != nil {
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
