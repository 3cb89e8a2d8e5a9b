package doctor

import "testing"

// contrib is the set-up of contrib/postfix.
const (
	contribMain   = "smtpd_milters = unix:postseal/postseal.sock\nmilter_default_action = tempfail\n"
	contribMaster = `
smtp/inet smtpd
pickup/unix pickup
-o content_filter=postseal:[127.0.0.1]:10026
cleanup/unix cleanup
postseal/unix smtp
127.0.0.1:10026/inet smtpd
-o content_filter=
-o smtpd_proxy_filter=
-o smtpd_milters=unix:postseal/postseal.sock
-o smtpd_milter_maps=
-o milter_default_action=tempfail
-o receive_override_options=no_address_mappings,no_header_body_checks
`
)

func TestPostfixServices(t *testing.T) {
	const reload = " && postfix reload"
	for _, test := range []struct {
		name, main, master string
		want               []string
	}{
		{"contrib", "", "", nil},
		{"two hops of contrib/postfix/README.md", "smtpd_milters = inet:127.0.0.1:11332\ncontent_filter = postseal:[127.0.0.1]:10026", "", nil},
		{"submission without", "", "submission/inet smtpd\n-o smtpd_milters=",
			[]string{"service-without-milter submission/inet: smtpd_milters = -> postconf -PX submission/inet/smtpd_milters" + reload}},
		{"other milters on submission", "smtpd_milters =", "submission/inet smtpd\n-o smtpd_milters={ inet:127.0.0.1:1, connect_timeout=1s }",
			[]string{"service-without-milter main.cf: smtpd_milters = -> postconf -e 'smtpd_milters = unix:postseal/postseal.sock'" + reload,
				"service-without-milter submission/inet: smtpd_milters = { inet:127.0.0.1:1, connect_timeout=1s } -> postconf -P 'submission/inet/smtpd_milters={inet:127.0.0.1:1,connect_timeout=1s},unix:postseal/postseal.sock'" + reload}},
		{"a signer alone on submission", "", "submission/inet smtpd\n-o smtpd_milters=unix:opendkim/opendkim.sock",
			[]string{"service-without-milter submission/inet: smtpd_milters = unix:opendkim/opendkim.sock -> " +
				"postconf -P submission/inet/smtpd_milters=unix:postseal/postseal.sock,unix:opendkim/opendkim.sock" + reload}},
		{"postscreen", "", "smtpd/pass smtpd\n-o smtpd_milters=", []string{"service-without-milter smtpd/pass: smtpd_milters = -> postconf -PX smtpd/pass/smtpd_milters" + reload}},
		{"a content filter after postseal", "content_filter = amavis:[127.0.0.1]:10024",
			"127.0.0.1:10025/inet smtpd\n-o content_filter=\n-o smtpd_milters=\n-o receive_override_options=no_milters", nil},
		{"a port of a program, before the content filter", "content_filter = amavis:[127.0.0.1]:10024",
			"127.0.0.1:10025/inet smtpd\n-o content_filter=\n-o smtpd_milters=\n127.0.0.1:2525/inet smtpd\n-o smtpd_milters=\n",
			[]string{"service-without-milter 127.0.0.1:2525/inet: smtpd_milters = -> postconf -PX 127.0.0.1:2525/inet/smtpd_milters" + reload}},
		{"a content filter before postseal", "smtpd_milters =\ncontent_filter = amavis:[127.0.0.1]:10024",
			"127.0.0.1:10025/inet smtpd\n-o content_filter=\n-o smtpd_milters=unix:postseal/postseal.sock", nil},
		{"a loopback port without a filter", "", "127.0.0.1:10025/inet smtpd\n-o smtpd_milters=",
			[]string{"service-without-milter 127.0.0.1:10025/inet: smtpd_milters = -> postconf -PX 127.0.0.1:10025/inet/smtpd_milters" + reload}},
		{"a proxy", "smtpd_proxy_filter = 127.0.0.1:10024", "127.0.0.1:10025/inet smtpd\n-o smtpd_milters=\n-o smtpd_proxy_filter=",
			[]string{"proxy-filter main.cf: smtpd_proxy_filter = 127.0.0.1:10024 -> postconf -P 127.0.0.1:10025/inet/smtpd_milters=unix:postseal/postseal.sock" + reload}},
		{"a proxy that returns mail to postseal", "smtpd_proxy_filter = 127.0.0.1:10024", "127.0.0.1:10025/inet smtpd\n-o smtpd_proxy_filter=", nil},
		{"maps that keep postseal", "smtpd_milter_maps = inline:{127.0.0.1=unix:postseal/postseal.sock}", "", nil},
		{"maps in a database", "smtpd_milter_maps = ldap:/etc/postfix/x.cf", "",
			[]string{"milter-maps main.cf: smtpd_milter_maps = ldap:/etc/postfix/x.cf -> postconf -X smtpd_milter_maps" + reload}},
		{"quarantine", "milter_default_action = quarantine", "",
			[]string{"default-action main.cf: milter_default_action = quarantine -> postconf -e 'milter_default_action = tempfail'" + reload}},
		{"an action in braces", "smtpd_milters = { unix:postseal/postseal.sock, connect_timeout=1s, default_action=accept }, inet:127.0.0.1:1", "",
			[]string{"default-action main.cf: smtpd_milters = { unix:postseal/postseal.sock, connect_timeout=1s, default_action=accept }, inet:127.0.0.1:1 -> " +
				"postconf -e 'smtpd_milters = { unix:postseal/postseal.sock, connect_timeout=1s }, inet:127.0.0.1:1'" + reload}},
		{"an action of another milter", "smtpd_milters = unix:postseal/postseal.sock, { inet:127.0.0.1:1, default_action=accept }", "", nil},
		{"two pickups", "", "pickup2/unix pickup",
			[]string{"pickup pickup2/unix: content_filter is not set -> postconf -P 'pickup2/unix/content_filter=postseal:[127.0.0.1]:10026'" + reload}},
		{"non_smtpd_milters beside others", "non_smtpd_milters = inet:127.0.0.1:1, unix:/var/spool/postfix/postseal/postseal.sock", "",
			[]string{"non-smtpd-milters main.cf: non_smtpd_milters = inet:127.0.0.1:1, unix:/var/spool/postfix/postseal/postseal.sock -> postconf -e 'non_smtpd_milters = inet:127.0.0.1:1'" + reload}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := fakePostfix(contribMain+test.main, contribMaster+test.master, nil)
			wantFound(t, site(t, p, nil), postfixServices, test.want...)
		})
	}
}
