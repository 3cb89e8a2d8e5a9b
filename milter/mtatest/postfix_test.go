package mtatest_test

import (
	"errors"
	"net"
	"strings"
	"testing"
)

// TestNonSMTPDMilters checks why contrib sends mail of sendmail(1) through an
// smtpd. Postfix shows a non_smtpd_milter rewritten recipients, but deletes a
// recipient only by the address that was typed, which it does not show. No
// recipient can therefore be diverted, and the sender gets a bounce.
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
	for _, to := range [][]string{
		{"Bob@GMAIL.com"}, {"bob@gmail.com."}, {"bob%gmail.com"}, {"gmail.com!bob"}, {"@route.example:bob@gmail.com"},
		{"a@nhs.net", "bob@gmail.com"}, {"bob%gmail.com@trust.example"}, {"x@y.gsi.gov.uk"},
	} {
		t.Log(to)
		submit(t, "Subject: [secure]", to...)
		wantArrived(t, bounced())
	}
	submit(t, "Subject: [secure]", "root", "a@nhs.net")
	wantArrived(t, arrived{direct: []string{"root@mx.trust.example: [secure]", "a@nhs.net: [secure]"}})
	submit(t, "Subject: plain", "bob@gmail.com")
	wantArrived(t, arrived{direct: []string{"bob@gmail.com: plain"}})
}

// TestSiteSettingsDoNotReachOurLegs sets what a site may have for mail that
// leaves: a host to fall back to, and milters that it can do without. Mail of
// sendmail(1) waits for postseal, and comes in again.
func TestSiteSettingsDoNotReachOurLegs(t *testing.T) {
	host, port, _ := net.SplitHostPort(internet.Addr)
	settings(t, "smtp_fallback_relay=["+host+"]:"+port, "smtpd_proxy_filter="+internet.Addr, "milter_default_action=accept")
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

// TestSiteSettingsLeaveSealedMailAlone sets what a site may have for other mail.
// Mail of sendmail(1) without a Subject goes through all services of ours, and
// comes to the relay marked.
func TestSiteSettingsLeaveSealedMailAlone(t *testing.T) {
	if err := addAddress("192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	ours, err := postfix.Output("postconf", "-h", "transport_maps")
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(internet.Addr)
	for _, set := range [][]string{
		{"transport_maps=" + strings.TrimSpace(ours) + ", static:smtp:[" + host + "]:" + port},
		{"parent_domain_matches_subdomains=transport_maps"},
		{"smtpd_milter_maps=static:DISABLE"},
		{"milter_macro_v=8.17.1"},
		{"smtp_tls_wrappermode=yes"},
		{"smtpd_tls_wrappermode=yes"},
		{"smtpd_upstream_proxy_protocol=haproxy"},
		{"smtpd_reject_unlisted_sender=yes", "local_recipient_maps=inline:{x=y}"},
		{"inet_interfaces=192.0.2.1"},
	} {
		name, _, _ := strings.Cut(set[0], "=")
		t.Run(name, func(t *testing.T) {
			settings(t, set...)
			start(t, "enforce", letterPolicies)
			submit(t, "X-Other: x", "bob@gmail.com")
			wantArrived(t, arrived{relay: []string{"bob@gmail.com: [secure] "}})
		})
	}
}

// TestWhatPostfixSendsElsewhere holds what contrib/postfix/README.md says of
// settings that act after the filter.
func TestWhatPostfixSendsElsewhere(t *testing.T) {
	host, port, _ := net.SplitHostPort(internet.Addr)
	other := "smtp:[" + host + "]:" + port
	for _, test := range []struct {
		name, setting string // the setting ends in the map, if there is one
		checks        string // the map
		submitted     bool   // by sendmail(1)
		want          arrived
	}{
		{"always_bcc", "always_bcc=archive@example.org", "", false,
			arrived{[]string{"archive@example.org: [secure]"}, []string{"bob@gmail.com: [secure]"}}},
		{"REDIRECT", "smtpd_recipient_restrictions=check_recipient_access pcre:", "/./ REDIRECT archive@example.org", false,
			arrived{direct: []string{"archive@example.org: [secure]"}}},
		{"content_filter", "content_filter=" + other, "", false,
			arrived{direct: []string{"bob@gmail.com.encrypt.invalid: [secure]"}}},
		{"FILTER", "header_checks=pcre:", "/^Subject:/ FILTER " + other, true,
			arrived{direct: []string{"bob@gmail.com: [secure]"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.checks != "" {
				test.setting += headerChecks(t, test.checks)
			}
			settings(t, test.setting)
			start(t, "enforce", "")
			if test.submitted {
				submit(t, "Subject: [secure]", "bob@gmail.com")
			} else {
				send(t, []string{"<bob@gmail.com>"}, mail("Subject: [secure]"))
			}
			wantArrived(t, test.want)
		})
	}
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
