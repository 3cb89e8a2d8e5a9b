package mtatest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
