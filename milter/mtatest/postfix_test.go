package mtatest_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNonSMTPDMilters checks why contrib sends mail of sendmail(1) through an
// smtpd. Postfix shows a non_smtpd_milter rewritten recipients, but deletes a
// recipient only by the address that was typed, which it does not show. No
// recipient can therefore be diverted, and the sender gets a bounce.
func TestNonSMTPDMilters(tt *testing.T) {
	t := on(tt, changed)
	t.settings("non_smtpd_milters=unix:postseal/postseal.sock")
	t.serviceSetting("pickup/unix/content_filter")
	t.serve("enforce", "")
	for _, to := range [][]string{
		{"Bob@GMAIL.com"}, {"bob@gmail.com."}, {"bob%gmail.com"}, {"gmail.com!bob"}, {"@route.example:bob@gmail.com"},
		{"a@nhs.net", "bob@gmail.com"}, {"bob%gmail.com@trust.example"}, {"x@y.gsi.gov.uk"},
	} {
		t.Log(to)
		t.submit("Subject: [secure]", to...)
		t.wantArrived(t.bounced())
	}
	t.submit("Subject: [secure]", "root", "a@nhs.net")
	t.wantArrived(arrived{direct: []string{"root@mx.trust.example: [secure]", "a@nhs.net: [secure]"}})
	t.submit("Subject: plain", "bob@gmail.com")
	t.wantArrived(arrived{direct: []string{"bob@gmail.com: plain"}})
}

// TestSiteSettingsDoNotReachOurLegs changes settings for outgoing mail: a
// fallback host, and milters that may fail. Mail of sendmail(1) stays in the
// queue until postseal is up, and then comes in again.
func TestSiteSettingsDoNotReachOurLegs(tt *testing.T) {
	t := on(tt, changed)
	host, port, _ := net.SplitHostPort(t.internet.Addr)
	t.settings("smtp_fallback_relay=["+host+"]:"+port, "smtpd_proxy_filter="+t.internet.Addr, "milter_default_action=accept")
	t.submit("Subject: [secure]", "bob@gmail.com")
	t.awaitDeferred()
	if got := t.internet.Take(); len(got) > 0 {
		t.Errorf("went out unfiltered: %v", got)
	}
	t.serve("enforce", "")
	if err := t.mta.Retry(); err != nil {
		t.Fatal(err)
	}
	t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure]"}})
}

// TestSiteSettingsLeaveSealedMailAlone changes settings for other mail. Mail of
// sendmail(1) without a Subject goes through all of contrib's services, and
// reaches the relay with the marker.
func TestSiteSettingsLeaveSealedMailAlone(tt *testing.T) {
	t := on(tt, changed)
	if err := addAddress("192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	ours, err := t.postfix().Output("postconf", "-h", "transport_maps")
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(t.internet.Addr)
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
		t.Run(name, func(t *T) {
			t.settings(set...)
			t.serve("enforce", letterPolicies)
			t.submit("X-Other: x", "bob@gmail.com")
			t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure] "}})
		})
	}
}

// TestWhatPostfixSendsElsewhere checks what contrib/postfix/README.md says
// about settings that act after the filter.
func TestWhatPostfixSendsElsewhere(tt *testing.T) {
	t := on(tt, changed)
	host, port, _ := net.SplitHostPort(t.internet.Addr)
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
		t.Run(test.name, func(t *T) {
			if test.checks != "" {
				test.setting += t.headerChecks(test.checks)
			}
			t.settings(test.setting)
			t.serve("enforce", "")
			if test.submitted {
				t.submit("Subject: [secure]", "bob@gmail.com")
			} else {
				t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure]"))
			}
			t.wantArrived(test.want)
		})
	}
}

// TestSealedMailWaitsForItsRelay stops the relay. Each of these settings sends
// outgoing mail to another host, which is up.
func TestSealedMailWaitsForItsRelay(tt *testing.T) {
	t := on(tt, changed)
	host, port, _ := net.SplitHostPort(t.internet.Addr)
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
		t.Run(test.name, func(t *T) {
			t.settings(test.main...)
			if test.service != "" {
				t.serviceSetting(test.service)
			}
			t.serve("enforce", "")
			t.stopRelay()
			t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure]"))
			t.awaitDeferred()
			if got := t.internet.Take(); len(got) > 0 {
				t.Errorf("went out unencrypted: %v", got)
			}
			t.startRelay()
			t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure]"}})
		})
	}
}

// TestFallbackTakesSealedMailWithoutOurLine shows why the encrypt service sets
// smtp_fallback_relay.
func TestFallbackTakesSealedMailWithoutOurLine(tt *testing.T) {
	t := on(tt, changed)
	host, port, _ := net.SplitHostPort(t.internet.Addr)
	t.serviceSetting("encrypt/unix/smtp_fallback_relay")
	for _, name := range []string{"smtp_fallback_relay", "fallback_relay"} {
		t.Run(name, func(t *T) {
			t.settings(name + "=[" + host + "]:" + port)
			t.serve("enforce", "")
			t.stopRelay()
			defer t.startRelay()
			t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure]"))
			t.wantArrived(arrived{direct: []string{"bob@gmail.com: [secure]"}})
		})
	}
}

// settings changes main.cf for one test. Each value is "name=value".
func (t *T) settings(values ...string) {
	t.Helper()
	if len(values) > 0 {
		t.change("main.cf", append([]string{"-e"}, values...)...)
	}
}

// serviceSetting changes a setting of a service in master.cf, as in
// "smtp/unix/name=value". Without a value, the setting is removed.
func (t *T) serviceSetting(setting string) {
	t.Helper()
	option := "-P"
	if !strings.Contains(setting, "=") {
		option = "-PX"
	}
	t.change("master.cf", option, setting)
}

// change runs postconf. When the test ends, the file is as before.
func (t *T) change(file string, arguments ...string) {
	t.Helper()
	t.keep(file)
	t.postconf(arguments...)
}

// keep restores a file of the configuration when the test ends, in one step like
// postconf.
func (t *T) keep(file string) {
	t.Helper()
	path := filepath.Join(t.postfix().Directory(), "etc", file)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(os.WriteFile(path+".tmp", before, 0o644), os.Rename(path+".tmp", path)); err != nil {
			t.Error(err)
		}
	})
}

// postlogd blocked for ever if programs logged when they started.
func TestPostfixStartsWithoutWarnings(tt *testing.T) {
	t := on(tt, postfix)
	t.serve("enforce", "")
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure] x"))
	t.settle()
	for line := range strings.Lines(t.postfix().Log()) {
		if strings.Contains(line, "main.cf") || strings.Contains(line, "master.cf") {
			t.Error(line)
		}
	}
}
