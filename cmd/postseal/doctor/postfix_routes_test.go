package doctor

import (
	"testing"

	"github.com/postseal/postseal/milter/metrics"
	"github.com/postseal/postseal/rules"
)

// The route of contrib/postfix, in tables that fakePostfix knows.
const (
	routeMain   = "transport_maps = regexp:/dev/null\npostseal_relay = [relay.trust.example]:25\ndefault_transport = smtp\nrelay_transport = relay\n"
	routeMaster = `
rewrite/unix trivial-rewrite
smtp/unix smtp
relay/unix smtp
encrypt/unix smtp
-o smtp_fallback_relay=
-o smtp_generic_maps=pcre:generic
-o smtp_header_checks=pcre:subject
-o smtp_tls_security_level=may
`
)

var (
	routeTable   = map[string]string{"bob@example.org.encrypt.invalid": "encrypt:[relay.trust.example]:25"}
	genericTable = map[string]string{"bob@example.org.encrypt.invalid": "bob@example.org"}
	subjectTable = map[string]string{"Subject:": "REPLACE Subject: [secure] ", "Subject: postseal doctor": "REPLACE Subject: [secure] postseal doctor"}
)

const (
	leaveMarked  = `regexp:{ { /^Subject:.*\[secure\]/ DUNNO } }`
	ourRoute     = `regexp:{ { /\.encrypt\.invalid$$/ encrypt:$postseal_relay } }`
	copyGeneric  = "copy contrib/postfix/postseal_generic.pcre to /nonexistent, then run "
	copySubjects = "copy contrib/postfix/postseal_header_checks.pcre to /nonexistent, then run "
)

func TestRoutes(t *testing.T) {
	const reload = " && postfix reload"
	for _, test := range []struct {
		name, main, master string
		tables             map[string]map[string]string
		observing, none    bool
		markers            bool // a policy has add_marker
		want               []string
		severity           Severity // of the first finding
	}{
		{name: "contrib"},
		{name: "a row for parent domains", main: "transport_maps = hash:t", tables: map[string]map[string]string{"hash:t": {".encrypt.invalid": "encrypt:[r]"}}},
		{name: "a row for the domain alone", main: "transport_maps = hash:t", tables: map[string]map[string]string{"hash:t": {"encrypt.invalid": "encrypt:[r]"}}, severity: Loss,
			want: []string{"relay-route main.cf: transport_maps = hash:t -> postconf -e 'transport_maps = " + ourRoute + ", hash:t'" + reload}},
		{name: "parents match subdomains", main: "transport_maps = hash:t\nparent_domain_matches_subdomains = transport_maps",
			tables: map[string]map[string]string{"hash:t": {"encrypt.invalid": "encrypt:[r]"}}},
		{name: "parents match subdomains, and a dot", main: "transport_maps = hash:t\nparent_domain_matches_subdomains = transport_maps\nrelayhost = [smart]", severity: Leak,
			tables: map[string]map[string]string{"hash:t": {".encrypt.invalid": "encrypt:[r]"}},
			want:   []string{"relay-route main.cf: transport_maps = hash:t -> postconf -e 'transport_maps = " + ourRoute + ", hash:t'" + reload}},
		{name: "a pattern does not match a domain", main: "transport_maps = regexp:/dev/null", severity: Loss, tables: map[string]map[string]string{"regexp:/dev/null": {".encrypt.invalid": "encrypt:[r]"}},
			want: []string{"relay-route main.cf: transport_maps = regexp:/dev/null -> postconf -e 'transport_maps = " + ourRoute + ", regexp:/dev/null'" + reload}},
		{name: "a catch-all before", main: "transport_maps = pcre:/dev/null, regexp:/dev/null", tables: map[string]map[string]string{"pcre:/dev/null": {"*": "smtp:[smart]"}}, severity: Leak,
			want: []string{"relay-route main.cf: transport_maps = pcre:/dev/null, regexp:/dev/null -> postconf -e 'transport_maps = " + ourRoute + ", pcre:/dev/null, regexp:/dev/null'" + reload}},
		{name: "a pattern without an end before", main: `transport_maps = regexp:{ { /@gmail\.com/ smtp:[smart] } }, regexp:/dev/null`, severity: Leak,
			tables: map[string]map[string]string{`regexp:{ { /@gmail\.com/ smtp:[smart] } }`: {"x@gmail.com.encrypt.invalid": "smtp:[smart]"}},
			want: []string{`relay-route main.cf: transport_maps = regexp:{ { /@gmail\.com/ smtp:[smart] } }, regexp:/dev/null: x@gmail.com.encrypt.invalid smtp:[smart] -> ` +
				"postconf -e 'transport_maps = " + ourRoute + `, regexp:{ { /@gmail\.com/ smtp:[smart] } }, regexp:/dev/null'` + reload}},
		{name: "patterns of inner and of discarded mail before", master: "discard/unix discard",
			main: `transport_maps = regexp:{ { /@trust\.example/ smtp:[in] } { /^noreply@/ discard: } }, regexp:/dev/null`,
			tables: map[string]map[string]string{`regexp:{ { /@trust\.example/ smtp:[in] } { /^noreply@/ discard: } }`: {
				"x@trust.example.encrypt.invalid": "smtp:[in]", "noreply@example.org.encrypt.invalid": "discard:"}}},
		{name: "no name of a relay", main: "transport_maps = hash:t\npostseal_relay =", severity: Loss, tables: map[string]map[string]string{"hash:t": {".encrypt.invalid": "encrypt:"}},
			want: []string{"relay-route main.cf: transport_maps = hash:t -> with the name of your relay for HOST: postconf -e 'postseal_relay = [HOST]:25' 'transport_maps = " + ourRoute + ", hash:t'" + reload}},
		{name: "deferred", main: "defer_transports = hold, encrypt", master: "qmgr/unix qmgr", severity: Delay,
			want: []string{"relay-route main.cf: defer_transports = hold, encrypt -> postconf -e 'defer_transports = hold'" + reload}},
		{name: "a catch-all after", main: "transport_maps = regexp:/dev/null, pcre:/dev/null", tables: map[string]map[string]string{"pcre:/dev/null": {"*": "smtp:[smart]"}}},
		{name: "no map and a smart host", main: "transport_maps =\nrelayhost = [smart]", severity: Leak,
			want: []string{"relay-route main.cf: transport_maps = -> postconf -e 'transport_maps = " + ourRoute + "'" + reload}},
		{name: "no map, while observing", main: "transport_maps =\nrelayhost = [smart]\npostseal_relay =", severity: Advice, observing: true,
			want: []string{"relay-route main.cf: transport_maps = -> with the name of your relay for HOST: postconf -e 'postseal_relay = [HOST]:25' 'transport_maps = " + ourRoute + "'" + reload}},
		{name: "no relay", main: "transport_maps =\nrelayhost = [smart]", none: true},
		{name: "no service", main: "transport_maps = hash:t", tables: map[string]map[string]string{"hash:t": {".encrypt.invalid": "crypt:[r]"}}, severity: Delay,
			want: []string{"relay-route main.cf: transport_maps = hash:t -> postconf -e 'transport_maps = " + ourRoute + ", hash:t'" + reload}},
		{name: "maps of rewrite", master: "rewrite/unix trivial-rewrite\n-o transport_maps=", severity: Loss,
			want: []string{"relay-route rewrite/unix: transport_maps = -> postconf -PX rewrite/unix/transport_maps" + reload}},
		{name: "an error", main: "transport_maps = hash:t", master: "error/unix error", tables: map[string]map[string]string{"hash:t": {".encrypt.invalid": "error:no relay"}}, severity: Loss,
			want: []string{"relay-route main.cf: transport_maps = hash:t -> postconf -e 'transport_maps = " + ourRoute + ", hash:t'" + reload}},

		{name: "no maps on the leg", master: "encrypt/unix smtp\n-o smtp_tls_security_level=may", severity: Loss, want: []string{
			"encrypt-leg main.cf: smtp_generic_maps = -> " + copyGeneric + "postconf -P 'encrypt/unix/smtp_generic_maps=pcre:$config_directory/postseal_generic.pcre'" + reload,
			"encrypt-leg main.cf: smtp_header_checks = -> " + copySubjects + "postconf -P 'encrypt/unix/smtp_header_checks=pcre:$config_directory/postseal_header_checks.pcre'" + reload}},
		{name: "no maps on the leg, while observing", master: "encrypt/unix smtp\n-o smtp_generic_maps=pcre:generic\n-o smtp_tls_security_level=may", observing: true, severity: Advice, want: []string{
			"encrypt-leg main.cf: smtp_header_checks = -> " + copySubjects + "postconf -P 'encrypt/unix/smtp_header_checks=pcre:$config_directory/postseal_header_checks.pcre'" + reload}},
		{name: "wrong maps on the leg", severity: Loss,
			tables: map[string]map[string]string{"pcre:generic": {"*": "bob@gmail.com"}, "pcre:subject": {"Subject: postseal doctor": "REPLACE Subject: [secure] postseal doctor"}}, want: []string{
				"encrypt-leg encrypt/unix: smtp_generic_maps = pcre:generic -> " + copyGeneric + "postconf -P 'encrypt/unix/smtp_generic_maps=pcre:$config_directory/postseal_generic.pcre,pcre:generic'" + reload,
				"encrypt-leg encrypt/unix: smtp_header_checks = pcre:subject -> " + copySubjects + "postconf -P 'encrypt/unix/smtp_header_checks=pcre:$config_directory/postseal_header_checks.pcre,pcre:subject'" + reload}},
		{name: "a field of the site's own", tables: map[string]map[string]string{"pcre:subject": {"*": "PREPEND X-Encrypt: yes"}}},
		{name: "a fallback host", main: "smtp_fallback_relay = [smart]", master: "encrypt/unix smtp\n-o smtp_generic_maps=pcre:generic\n-o smtp_header_checks=pcre:subject\n-o smtp_tls_security_level=may", severity: Leak,
			want: []string{"encrypt-leg main.cf: smtp_fallback_relay = [smart] -> postconf -P encrypt/unix/smtp_fallback_relay=" + reload}},
		{name: "no TLS", master: "encrypt/unix smtp\n-o smtp_generic_maps=pcre:generic\n-o smtp_header_checks=pcre:subject\n-o smtp_tls_security_level=none", severity: Advice,
			want: []string{"encrypt-leg encrypt/unix: smtp_tls_security_level = none -> postconf -P encrypt/unix/smtp_tls_security_level=encrypt" + reload}},
		{name: "no TLS on this host", master: "encrypt/unix smtp\n-o smtp_generic_maps=pcre:generic\n-o smtp_header_checks=pcre:subject",
			tables: map[string]map[string]string{"regexp:/dev/null": {"*": "encrypt:[127.0.0.1]:25"}}},

		{name: "generic maps of main.cf", main: "smtp_generic_maps = hash:/etc/postfix/generic", severity: Advice,
			want: []string{"generic-not-on-leg main.cf: smtp_generic_maps = hash:/etc/postfix/generic -> postconf -P encrypt/unix/smtp_generic_maps=pcre:generic,hash:/etc/postfix/generic" + reload}},
		{name: "generic maps on the leg", main: "smtp_generic_maps = pcre:generic"},

		{name: "header_checks that remove the marker", main: "header_checks = hash:h, hash:other", severity: Leak,
			tables: map[string]map[string]string{"hash:h": {"Subject: [secure] postseal doctor": "REPLACE Subject: postseal doctor"}, "hash:other": {}},
			want: []string{"header-lost main.cf: header_checks = hash:h, hash:other: REPLACE Subject: postseal doctor for Subject: [secure] postseal doctor -> " +
				"postconf -e 'header_checks = " + leaveMarked + ", hash:h, hash:other'" + reload}},
		{name: "header_checks that leave the marker", main: "header_checks = hash:h",
			tables: map[string]map[string]string{"hash:h": {"Subject: [secure] postseal doctor": "REPLACE Subject: [Secure] postseal doctor", "X-Postseal: tag; marker=missing": "IGNORE"}}},
		{name: "header_checks that only look", main: "header_checks = hash:h", tables: map[string]map[string]string{"hash:h": {"*": "WARN"}}},
		{name: "milter_header_checks", main: "milter_header_checks = hash:h", severity: Leak,
			tables: map[string]map[string]string{"hash:h": {"*": "IGNORE"}},
			want: []string{
				"header-lost main.cf: milter_header_checks = hash:h: IGNORE for Subject: -> postconf -e 'milter_header_checks = regexp:{ { /^Subject:/ DUNNO } }, hash:h'" + reload,
				"header-lost main.cf: milter_header_checks = hash:h: IGNORE for X-Postseal: tag; marker=missing -> postconf -e 'milter_header_checks = regexp:{ { /^X-Postseal:/ DUNNO } }, hash:h'" + reload}},
		{name: "milter_header_checks without a relay", main: "milter_header_checks = hash:h", none: true, tables: map[string]map[string]string{"hash:h": {"Subject:": "STRIP"}}},
		{name: "milter_header_checks with add_marker", main: "milter_header_checks = hash:h", none: true, markers: true, severity: Leak,
			tables: map[string]map[string]string{"hash:h": {"Subject: [secure] postseal doctor": "STRIP"}},
			want: []string{"header-lost main.cf: milter_header_checks = hash:h: STRIP for Subject: [secure] postseal doctor -> " +
				"postconf -e 'milter_header_checks = " + leaveMarked + ", hash:h'" + reload}},
		{name: "smtp_header_checks of the loop", master: "postseal/unix smtp\n-o smtp_header_checks=hash:h", severity: Leak,
			tables: map[string]map[string]string{"hash:h": {"Subject: [secure] postseal doctor": "IGNORE"}},
			want: []string{"header-lost postseal/unix: smtp_header_checks = hash:h: IGNORE for Subject: [secure] postseal doctor -> " +
				"postconf -e 'postseal_smtp_header_checks = regexp:{{/^Subject:.*\\[secure\\]/ DUNNO}},hash:h' && postconf -P 'postseal/unix/smtp_header_checks=$postseal_smtp_header_checks'" + reload}},
		{name: "smtp_header_checks of mail that is not sealed", master: "relay/unix smtp\n-o smtp_header_checks=hash:h",
			tables: map[string]map[string]string{"hash:h": {"Subject: [secure] postseal doctor": "IGNORE"}}},
		{name: "smtp_header_checks with add_marker", master: "smtp/unix smtp\n-o smtp_header_checks=hash:h", markers: true, severity: Leak,
			tables: map[string]map[string]string{"hash:h": {"Subject: [secure] postseal doctor": "IGNORE"}},
			want: []string{"header-lost smtp/unix: smtp_header_checks = hash:h: IGNORE for Subject: [secure] postseal doctor -> " +
				"postconf -e 'smtp_smtp_header_checks = regexp:{{/^Subject:.*\\[secure\\]/ DUNNO}},hash:h' && postconf -P 'smtp/unix/smtp_header_checks=$smtp_smtp_header_checks'" + reload}},

		{name: "a smart host as content filter", main: "content_filter = smtp:[smart]:25", severity: Leak,
			want: []string{"filter main.cf: content_filter = smtp:[smart]:25 -> postconf -X content_filter" + reload}},
		{name: "a filter on another host that returns mail", main: "content_filter = smtp:[filter]:25", master: "10025/inet smtpd\n-o content_filter="},
		{name: "a filter on this host", main: "content_filter = amavis:[127.0.0.1]:10024", master: "127.0.0.1:10025/inet smtpd\n-o content_filter="},
		{name: "a filter on this host that returns nothing", main: "content_filter = amavis:[127.0.0.1]:10024", severity: Leak,
			want: []string{"filter main.cf: content_filter = amavis:[127.0.0.1]:10024 -> postconf -X content_filter" + reload}},
		{name: "a program", main: "content_filter = spamassassin:", master: "spamassassin/unix pipe"},
		{name: "FILTER in header_checks", main: "header_checks = inline:{{x=FILTER smtp:[smart]}}", severity: Leak, tables: map[string]map[string]string{"inline:{{x=FILTER smtp:[smart]}}": {}},
			want: []string{"filter main.cf: header_checks = inline:{{x=FILTER smtp:[smart]}}: x FILTER smtp:[smart] -> remove this row from header_checks of main.cf, then run postfix reload"}},
		{name: "FILTER in an access map", main: "smtpd_recipient_restrictions = check_sender_access hash:access", severity: Leak, tables: map[string]map[string]string{"hash:access": {"a": "filter smtp:[smart]", "b": "OK"}},
			want: []string{"filter main.cf: smtpd_recipient_restrictions = check_sender_access hash:access: a filter smtp:[smart] -> remove this row from access, then run postmap hash:access"}},
		{name: "FILTER to the loop", main: "header_checks = inline:{{x=FILTER postseal:[127.0.0.1]:10026}}", tables: map[string]map[string]string{"inline:{{x=FILTER postseal:[127.0.0.1]:10026}}": {}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tables := map[string]map[string]string{"regexp:/dev/null": routeTable, "pcre:generic": genericTable, "pcre:subject": subjectTable, "hash:/etc/postfix/generic": {}}
			for name, rows := range test.tables {
				tables[name] = rows
			}
			s := site(t, fakePostfix(contribMain+routeMain+test.main, test.master+"\n"+contribMaster+routeMaster, tables), nil)
			s.Postfix.Directory = "/nonexistent"
			if s.Relay = "encrypt.invalid"; test.none {
				s.Relay = ""
			}
			s.Markers = test.markers
			if test.observing {
				s.Own.Status = &metrics.Status{Mode: rules.Observe}
			}
			wantFound(t, s, postfixRoutes, test.want...)
			first := firstSeverity(s, postfixRoutes)
			if len(test.want) > 0 && first != test.severity {
				t.Errorf("severity: got %v, want %v", first, test.severity)
			}
		})
	}
}

// firstSeverity returns the severity of the first finding of checks.
func firstSeverity(s *Site, checks []check) Severity {
	for _, c := range checks {
		if found, _ := c.find(s); len(found) > 0 {
			if found[0].Severity != 0 {
				return found[0].Severity
			}
			return c.severity
		}
	}
	return 0
}
