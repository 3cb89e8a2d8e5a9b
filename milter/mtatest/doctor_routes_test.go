package mtatest_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

func TestDoctorRoutes(tt *testing.T) {
	t := on(tt, changed)
	suffixed := []string{"bob@gmail.com.encrypt.invalid: [secure] x"}
	const ours = `-e 'transport_maps = regexp:{ { /\.encrypt\.invalid$$/ encrypt:$postseal_relay } }`
	for _, i := range []illness{
		{id: "relay-route", name: "no map", main: []string{"transport_maps="},
			ill: arrived{direct: suffixed}, service: "main.cf", fix: ours + "' && "},
		{id: "relay-route", name: "a row without a dot", main: []string{"transport_maps=inline:{encrypt.invalid=encrypt:$postseal_relay}"},
			ill: arrived{direct: suffixed}, service: "main.cf", fix: ours + ", inline:{"},
		{id: "relay-route", name: "parents match subdomains", main: []string{"transport_maps=inline:{.encrypt.invalid=encrypt:$postseal_relay}", "parent_domain_matches_subdomains=transport_maps"},
			ill: arrived{direct: suffixed}, service: "main.cf", fix: ours + ", inline:{"},
		{id: "relay-route", name: "a catch-all before", main: []string{"transport_maps=static:smtp:$OTHER, inline:{.encrypt.invalid=encrypt:$postseal_relay}"},
			ill: arrived{direct: suffixed}, service: "main.cf", fix: ours + ", static:"},
		{id: "relay-route", name: "a pattern without an end before", main: []string{`transport_maps=regexp:{ { /@gmail\.com/ smtp:$OTHER } }, regexp:{ { /\.encrypt\.invalid$$/ encrypt:$postseal_relay } }`},
			ill: arrived{direct: suffixed}, service: "main.cf", fix: ours + ", regexp:{ { /@gmail"},
		{id: "relay-route", name: "no name of a relay", main: []string{"postseal_relay="},
			ill: t.bounced(), service: "main.cf", fix: "HOST: ", mend: func(t *T, f doctorFinding) {
				host, port, _ := net.SplitHostPort(t.relay.Addr)
				_, f.Fix, _ = strings.Cut(f.Fix, "HOST: ")
				f.Fix = strings.Replace(f.Fix, "[HOST]:25", "["+host+"]:"+port, 1)
				t.mend(f)
			}},
		{id: "relay-route", name: "maps of rewrite", master: []string{"rewrite/unix/transport_maps="},
			ill: arrived{direct: suffixed}, service: "rewrite/unix", fix: "-PX rewrite/unix/transport_maps"},
		{id: "encrypt-leg", name: "no smtp_generic_maps", master: []string{"encrypt/unix/smtp_generic_maps"},
			ill: arrived{relay: suffixed}, service: "main.cf", fix: "-P 'encrypt/unix/smtp_generic_maps=pcre:$config_directory/postseal_generic.pcre'"},
		{id: "encrypt-leg", name: "no smtp_header_checks", master: []string{"encrypt/unix/smtp_header_checks"}, subject: "(secure) x",
			ill:     arrived{relay: []string{"bob@gmail.com: (secure) x"}},
			service: "main.cf", fix: "-P 'encrypt/unix/smtp_header_checks=pcre:$config_directory/postseal_header_checks.pcre'",
			healthy: arrived{relay: []string{"bob@gmail.com: [secure] (secure) x"}}},
		{id: "header-lost", name: "header_checks", main: []string{"header_checks=regexp:{{/^Subject: \\[secure\\] (.*)/ REPLACE Subject: $$1}}"},
			ill: arrived{direct: []string{"bob@gmail.com: x"}}, service: "main.cf", fix: `-e 'header_checks = regexp:{ { /^Subject:.*\[secure\]/ DUNNO } }, regexp:{{`},
		{id: "header-lost", name: "the service of the loop", submitted: true, master: []string{"postseal/unix/smtp_header_checks=regexp:$DIR/remove"},
			files: map[string]string{"remove": "/^Subject: \\[secure\\]/ IGNORE\n"},
			ill:   arrived{direct: []string{"bob@gmail.com:"}}, service: "postseal/unix", fix: `-P 'postseal/unix/smtp_header_checks=$postseal_smtp_header_checks'`},
		{id: "filter", name: "content_filter", main: []string{"content_filter=smtp:$OTHER"},
			ill: arrived{direct: suffixed}, service: "main.cf", fix: "-X content_filter && "},
		{id: "filter", name: "header_checks", main: []string{"header_checks=regexp:$DIR/checks"}, files: map[string]string{"checks": "/^Subject:/ FILTER smtp:$OTHER\n"},
			ill: arrived{direct: suffixed}, service: "main.cf", fix: "/etc/checks, then run postfix ", mend: emptied("checks")},
		{id: "filter", name: "pickup", submitted: true, main: []string{"header_checks=regexp:$DIR/checks"}, files: map[string]string{"checks": "/^Subject:/ FILTER smtp:$OTHER\n"},
			ill: inClear, service: "main.cf", fix: "/etc/checks, then run postfix ", mend: emptied("checks")},
		{id: "filter", name: "access map", main: []string{"smtpd_end_of_data_restrictions=check_client_access static:{FILTER smtp:$OTHER}"},
			ill: arrived{direct: suffixed}, service: "main.cf", fix: "from smtpd_end_of_data_restrictions of main.cf, then run postfix ",
			mend: func(t *T, _ doctorFinding) { t.postconf("-X", "smtpd_end_of_data_restrictions") }},
	} {
		t.Run(i.id+" "+i.name, func(t *T) { t.cure(i) })
	}
}

// TestDoctorDeferredRoute has settings with which diverted mail stays in the queue.
func TestDoctorDeferredRoute(tt *testing.T) {
	t := on(tt, changed)
	d := t.serve("enforce", t.statusSocket())
	for _, test := range []struct {
		setting, fix string
		mend         func(*T, doctorFinding)
	}{
		{"defer_transports=encrypt", "-e 'defer_transports = '", (*T).mend},
		{"master_service_disable=encrypt/unix", "remove what matches encrypt/unix from master_service_disable of main.cf",
			func(t *T, _ doctorFinding) { t.postconf("-e", "master_service_disable=") }},
	} {
		t.Run(test.setting, func(t *T) {
			t.settings(test.setting)
			found := t.wantFindings(d, "relay-route delay")
			t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure] x"))
			t.awaitDeferred()
			if len(found) != 1 || !strings.Contains(found[0].Fix, test.fix) {
				t.Fatalf("found %+v", found)
			}
			test.mend(t, found[0])
			t.wantFindings(d)
			if err := errors.Join(t.postfix().Reload(), t.mta.Retry()); err != nil {
				t.Fatal(err)
			}
			t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure] x"}})
		})
	}
}

// TestDoctorTLS has a relay on another host, which offers no TLS.
func TestDoctorTLS(tt *testing.T) {
	t := on(tt, changed)
	d := t.serve("enforce", t.statusSocket())
	t.serviceSetting("encrypt/unix/syslog_name=postfix/encrypt") // master.cf is restored at the end
	_, port, _ := net.SplitHostPort(t.relay.Addr)
	t.settings("postseal_relay=[relay.trust.example]:"+port, "smtp_dns_support_level=enabled", "smtp_host_lookup=dns")
	found := t.wantFindings(d, "encrypt-leg advice")
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure] x"))
	t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure] x"}})

	t.mend(found[0])
	t.wantFindings(d)
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure] x"))
	t.awaitDeferred()
	if !mtatest.Within(func() bool { // Postfix logs it after the message is in the queue again
		return strings.Contains(t.postfix().Log(), "TLS is required, but was not offered by host relay.trust.example")
	}) {
		t.Error(t.postfix().Log())
	}
	t.postconf("-PX", "encrypt/unix/smtp_tls_security_level")
	if err := errors.Join(t.postfix().Reload(), t.mta.Retry()); err != nil {
		t.Fatal(err)
	}
	t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure] x"}})
}

// TestDoctorWithoutPCRE has a Postfix that does not know the tables of contrib.
func TestDoctorWithoutPCRE(tt *testing.T) {
	t := on(tt, changed)
	d := t.serve("enforce", t.statusSocket())
	t.settings("meta_directory=" + t.TempDir())
	code, _, faults := hostCommand(t, "doctor", "-config", d.Config, "-config-directory", filepath.Join(t.mta.Directory(), "etc"))()
	if want := "encrypt-leg: postmap: fatal: unsupported dictionary type: pcre: install the package postfix-pcre\n"; code != 2 || !strings.Contains(faults, want) {
		t.Errorf("exit %d, %s", code, faults)
	}
}

// TestDoctorWords has a marker of the site's own.
func TestDoctorWords(tt *testing.T) {
	t := on(tt, changed)
	d := t.serve("enforce", "[marker]\nwords = [\"secure\", \"in confidence\"]\n"+t.statusSocket())
	t.settings(`header_checks=regexp:{ { /^Subject: \[in confidence\] (.*)/ REPLACE Subject: $$1 } }`)
	found := t.wantFindings(d, "header-lost leak")
	send := func(want arrived) {
		t.Helper()
		t.send([]string{"<bob@gmail.com>"}, mail("Subject: [In Confidence] x"))
		t.wantArrived(want)
	}
	send(arrived{direct: []string{"bob@gmail.com: x"}})
	t.mend(found[0])
	t.wantFindings(d)
	send(arrived{relay: []string{"bob@gmail.com: [secure] [In Confidence] x"}})
}

// TestDoctorFallback stops the relay.
func TestDoctorFallback(tt *testing.T) {
	t := on(tt, changed)
	d := t.serve("enforce", t.statusSocket())
	t.settings("smtp_fallback_relay=" + strings.Replace(t.internet.Addr, "127.0.0.1", "[127.0.0.1]", 1))
	t.serviceSetting("encrypt/unix/smtp_fallback_relay")
	found := t.wantFindings(d, "encrypt-leg leak")
	t.stopRelay()
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure] x"))
	t.wantArrived(inClear)
	t.startRelay()
	t.mend(found[0])
	t.wantFindings(d)
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure] x"))
	t.wantArrived(arrived{relay: inClear.direct})
}

// TestDoctorGeneric has a map for the address of the sender.
func TestDoctorGeneric(tt *testing.T) {
	t := on(tt, changed)
	d := t.serve("enforce", t.statusSocket())
	t.serviceSetting("encrypt/unix/syslog_name=postfix/encrypt") // master.cf is restored at the end
	t.settings("smtp_generic_maps=inline:{ward@trust.example=office@trust.example}")
	wantSenders := func(direct, relayed string) {
		t.Helper()
		t.send([]string{"<bob@gmail.com>", "<a@nhs.net>"}, mail("Subject: [secure] x"))
		atInternet, atRelay, _ := t.settle()
		compare(t, "direct", atInternet, []string{"a@nhs.net: [secure] x"}, nil)
		compare(t, "through the relay", atRelay, []string{"bob@gmail.com: [secure] x"}, nil)
		for _, d := range atInternet {
			if d.From != direct {
				t.Errorf("direct: got sender %q, want %q", d.From, direct)
			}
		}
		for _, d := range atRelay {
			if d.From != relayed {
				t.Errorf("through the relay: got sender %q, want %q", d.From, relayed)
			}
		}
	}
	wantSenders("office@trust.example", "ward@trust.example")
	t.mend(t.wantFindings(d, "generic-not-on-leg advice")[0])
	t.wantFindings(d)
	wantSenders("office@trust.example", "office@trust.example")
}

// TestDoctorEmptySubject diverts a message that has no Subject.
func TestDoctorEmptySubject(tt *testing.T) {
	t := on(tt, changed)
	d := t.serve("enforce", letterPolicies+t.statusSocket())
	t.settings("milter_header_checks=regexp:{{/^(Subject|X-Postseal):/ IGNORE}}")
	found := t.wantFindings(d, "header-lost leak", "header-lost advice")
	t.send([]string{"<bob@gmail.com>"}, mail())
	t.wantArrived(arrived{relay: []string{"bob@gmail.com:"}})
	t.mend(found[0])
	t.mend(t.wantFindings(d, "header-lost advice")[0])
	t.wantFindings(d)
	t.send([]string{"<bob@gmail.com>"}, mail())
	_, relayed, _ := t.settle()
	compare(t, "through the relay", relayed, []string{"bob@gmail.com: [secure] "}, nil)
	if len(relayed) == 0 || len(relayed[0].Header("X-Postseal")) != 1 {
		t.Errorf("no X-Postseal: %v", relayed)
	}
}

// emptied removes the rows of a table.
func emptied(name string) func(*T, doctorFinding) {
	return func(t *T, _ doctorFinding) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(t.mta.Directory(), "etc", name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
