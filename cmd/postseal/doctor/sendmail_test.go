package doctor

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// contribCF is what contrib makes, as far as the checks look at it.
const contribCF = `# comment
DHesmtp:[127.0.0.1]
H?Y?X-Postseal-Relay: encrypt
O DeliveryMode=background
O DaemonPortOptions=Name=MTA, Addr=127.0.0.1
O InputMailFilters=postseal
Xpostseal, S=local:/var/spool/postfix/postseal/postseal.sock, F=T, T=S:30s;R:30s;E:5m
Mencrypt,	P=[IPC], F=mDFMuXaY0, S=EnvFromSMTP/HdrFromSMTP, E=\r\n, L=990,
		R=EnvToEncrypt/EnvToSMTP,
		A=TCP $h
`

// fakeSendmail makes a Sendmail without its program. It answers as with contrib's
// rules, and expands names as verified says.
func fakeSendmail(cf, verified string) *Sendmail {
	m := parseSendmail(cf)
	m.names = []string{"root"}
	m.verifySubmit = fakeVerify("x@example.org... deliverable: mailer relay, host [127.0.0.1], user x@example.org\n")
	m.test = fakeTest("$# encrypt $@ [ 192 . 0 . 2 . 1 ] $: x < @ example . org . encrypt . invalid . >", "x@example.org")
	m.verify = fakeVerify(verified)
	m.debug = func() (string, error) { return "Xpostseal: R=30\nXpostseal: E=300\nXsecond: R=60\n", nil }
	return m
}

func fakeVerify(out string) func(...string) (string, error) {
	return func(...string) (string, error) { return out, nil }
}

func fakeTest(parsed, tried string) func(string) (string, error) {
	return func(line string) (string, error) {
		if strings.HasPrefix(line, "/try ") {
			return fmt.Sprintf("Rcode = 0, addr = %s\n> ", tried), nil
		}
		return "> parse            input: x\nparse            returns: " + parsed + "\n> ", nil
	}
}

func TestSendmailFilter(t *testing.T) {
	const (
		cannot = "include(`/etc/mail/postseal.m4')dnl directly before the MAILER lines of sendmail.mc" + remake
		second = "Xother, S=inet:1@localhost\n"
		advice = "other-milters sendmail.cf: O "
		hop    = ` -> run a filter that changes recipients on a host before this one: "Other milters" in contrib/postfix/README.md`
	)
	for _, test := range []struct {
		name, old, new string // in contribCF
		want           []string
	}{
		{"contrib", "", "", nil},
		{"no filter", "Xpostseal,", "#", []string{"filter-list sendmail.cf: no line X has the socket of postseal, unix:/var/spool/postfix/postseal/postseal.sock -> write " + cannot}},
		{"another socket", "local:/var", "local:/run", []string{"filter-list sendmail.cf: no line X has the socket of postseal, unix:/var/spool/postfix/postseal/postseal.sock -> write " + cannot}},
		{"not in the list", "O InputMailFilters=postseal", "O InputMailFilters=other, more", []string{"filter-list sendmail.cf: O InputMailFilters=other, more -> write define(`confINPUT_MAIL_FILTERS', `other, more, postseal')dnl as the last line before the MAILER lines of sendmail.mc" + remake}},
		{"no list", "O InputMailFilters=postseal", "", []string{"filter-list sendmail.cf: O InputMailFilters= -> write define(`confINPUT_MAIL_FILTERS', `postseal')dnl as the last line before the MAILER lines of sendmail.mc" + remake}},
		{"the last list counts", "O InputMailFilters=postseal", "O InputMailFilters=other\nO inputmailfilters=postseal", nil},
		{"before postseal", "O InputMailFilters=postseal", second + "O InputMailFilters=other,postseal", []string{advice + "InputMailFilters=other,postseal" + hop}},
		{"before postseal, with a semicolon", "O InputMailFilters=postseal", second + "O InputMailFilters=other;postseal", []string{advice + "InputMailFilters=other;postseal" + hop}},
		{"a comment", "O InputMailFilters=postseal", "O InputMailFilters=postseal\t# , other", nil},
		{"a comment that goes on", "O InputMailFilters=postseal", "O InputMailFilters=postseal\n#O DeliveryMode=d\n , other", nil},
		{"two names of the socket", "O InputMailFilters=postseal", "Xsecond, S=local:/var/spool/postfix/postseal/postseal.sock, F=T\nO InputMailFilters=second", nil},
		{"two names of the socket, one without the flag", "O InputMailFilters=postseal", "Xsecond, S=local:/var/spool/postfix/postseal/postseal.sock\nO InputMailFilters=second",
			[]string{"filter-flag sendmail.cf: Xsecond without F=T -> write F=T into the line INPUT_MAIL_FILTER of second" + remake}},
		{"after postseal", "O InputMailFilters=postseal", second + "O InputMailFilters=postseal,other",
			[]string{"filter-list sendmail.cf: O InputMailFilters=postseal,other -> move the line INPUT_MAIL_FILTER of other in sendmail.mc before the include of postseal.m4" + remake + ". A filter that changes recipients must run on a host before this one"}},
		{"a signer after postseal", "O InputMailFilters=postseal", "Xsigner, S=local:/run/opendkim/opendkim.sock\nO InputMailFilters=postseal, signer", nil},
		{"a port", "Addr=127.0.0.1", "Addr=127.0.0.1, InputMailFilters=other;more",
			[]string{"filter-list sendmail.cf: O DaemonPortOptions=Name=MTA, Addr=127.0.0.1, InputMailFilters=other;more -> in the line DAEMON_OPTIONS of sendmail.mc, write InputMailFilters=other;more;postseal" + remake}},
		{"a port without filters", "Addr=127.0.0.1", "i=",
			[]string{"filter-list sendmail.cf: O DaemonPortOptions=Name=MTA, i= -> in the line DAEMON_OPTIONS of sendmail.mc, write InputMailFilters=postseal" + remake}},
		{"a port with postseal", "Addr=127.0.0.1", "I=other; postseal", []string{advice + "DaemonPortOptions=Name=MTA, I=other; postseal" + hop}},
		{"a port with postseal first", "Addr=127.0.0.1", "I=postseal;other",
			[]string{"filter-list sendmail.cf: O DaemonPortOptions=Name=MTA, I=postseal;other -> in the line DAEMON_OPTIONS of sendmail.mc, name other before postseal" + remake + ". A filter that changes recipients must run on a host before this one"}},
		{"a signer before postseal", "O InputMailFilters=postseal", "Xdkim, S=local:/run/opendkim/opendkim.sock\nO InputMailFilters=dkim,postseal", nil},
		{"no flag", ", F=T", "", []string{"filter-flag sendmail.cf: Xpostseal without F=T -> write F=T into the line INPUT_MAIL_FILTER of postseal" + remake}},
		{"the flag R", "F=T", "F=R", []string{"filter-flag sendmail.cf: Xpostseal has F=R -> write F=T into the line INPUT_MAIL_FILTER of postseal" + remake}},
		{"the flag 4", "F=T", "F=4", nil},
		{"deferred", "=background", "=deferred", []string{"delivery-mode sendmail.cf: O DeliveryMode=deferred -> write define(`confDELIVERY_MODE', `background')dnl into sendmail.mc" + remake}},
		{"deferred, in the old form", "O DeliveryMode=background", "Odd", []string{"delivery-mode sendmail.cf: O DeliveryMode=d -> write define(`confDELIVERY_MODE', `background')dnl into sendmail.mc" + remake}},
		{"deferred at a port", "Addr=127.0.0.1", "DeliveryMode=d", []string{"delivery-mode sendmail.cf: O DaemonPortOptions=Name=MTA, DeliveryMode=d -> in the line DAEMON_OPTIONS of sendmail.mc, write DeliveryMode=b" + remake}},
		{"deferred at a port that has delayLA", "Addr=127.0.0.1", "DeliveryMode=d, delayLA=5, deliveryx=6", []string{"delivery-mode sendmail.cf: O DaemonPortOptions=Name=MTA, DeliveryMode=d, delayLA=5, deliveryx=6 -> in the line DAEMON_OPTIONS of sendmail.mc, write DeliveryMode=b" + remake}},
		{"queue only", "=background", "=queueonly", nil},
		{"bcc", "O DeliveryMode=background", "O AddBcc=true", []string{"bcc sendmail.cf: O AddBcc=true -> delete the line FEATURE(`bcc') of sendmail.mc" + remake}},
		{"no bcc", "O DeliveryMode=background", "O AddBcc=false", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := fakeSendmail(strings.Replace(contribCF, test.old, test.new, 1), "")
			wantFound(t, site(t, nil, m), sendmailFilter, test.want...)
		})
	}
}

func TestSendmailArguments(t *testing.T) {
	m := fakeSendmail(contribCF, "")
	m.options = append(m.options, argumentsOf("sendmail -bd -odd")...)
	wantFound(t, site(t, nil, m), sendmailFilter,
		"delivery-mode arguments of the daemon: O DeliveryMode=d -> remove the option from the arguments of sendmail, such as DAEMON_PARMS in /etc/mail/sendmail.conf, then run systemctl restart sendmail")
}

func TestSendmailSocket(t *testing.T) {
	const times = "filter-flag sendmail.cf: Xpostseal T=R:%s -> write T=S:30s;R:30s;E:5m into the line INPUT_MAIL_FILTER of postseal" + remake
	for out, want := range map[string]string{
		"Xother: R=1\nXpostseal: E=300\n":                        fmt.Sprintf(times, "10s;E:300s"),
		"Xpostseal: R=30\nXpostseal: E=20\n":                     fmt.Sprintf(times, "30s;E:20s"),
		"Xother: R=1\nXpostseal: R=60\n":                         "",
		"Xother: local socket name /x unsafe\nXpostseal: R=60\n": "",
		"Xpostseal: R=60\nXpostseal: local socket name /a b unsafe\n": "socket sendmail.cf: Xpostseal S=local:/var/spool/postfix/postseal/postseal.sock -> " +
			"namei -l '/a b' shows the modes: remove the write permission of group and others from each directory, and give RunAsUser access to the socket",
	} {
		m := fakeSendmail(contribCF, "")
		m.debug = func() (string, error) { return out, nil }
		var all []string
		if want != "" {
			all = append(all, want)
		}
		wantFound(t, site(t, nil, m), sendmailFilter, all...)
	}
}

// TestSendmailSigner breaks a signature with the marker.
func TestSendmailSigner(t *testing.T) {
	s := site(t, nil, fakeSendmail(strings.Replace(contribCF, "O InputMailFilters=postseal", "Xdkim, S=inet:8891@localhost\nO InputMailFilters=dkim,postseal", 1), ""))
	s.Markers = true
	wantFound(t, s, sendmailFilter, "other-milters sendmail.cf: O InputMailFilters=dkim,postseal -> move the line INPUT_MAIL_FILTER of dkim in sendmail.mc after the include of postseal.m4"+remake)
}

func TestSendmailDomains(t *testing.T) {
	const asked = `local-domains postseal: local_domains has "trust.example" -> remove "trust.example" from local_domains in /etc/postseal/postseal.toml, or name it in /etc/mail/local-host-names, /etc/mail/relay-domains or /etc/mail/mailertable`
	names := t.TempDir() + "/local-host-names"
	if err := os.WriteFile(names, []byte("# ours\nmx.trust.example\nexample.net\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	own := func(class, domain string) string {
		return "local-domains sendmail.cf: class " + class + " has " + domain + ` -> add "` + domain + `" to local_domains in /etc/postseal/postseal.toml, and run systemctl reload postseal`
	}
	for _, test := range []struct {
		name, cf, host string
		want           []string
	}{
		{"a route", "", "[ 10 . 0 . 0 . 1 ]", nil},
		{"the DNS", "", "trust . example .", []string{asked}},
		{"the DNS, of a relay domain", "FR-o " + names + "\nCR$={VirtHost} trust.example\n", "trust . example .", nil},
		{"own domains", "Cwlocalhost\nCw localhost.localdomain [192.0.2.1] example.org\nC{VirtHost}example.com\nFw-o " + names + " %[^\\#]\nF{VirtHost}@ldap:-k (x) -h ldap.example.org /x.y\n", "[ 10 . 0 . 0 . 1 ]",
			[]string{own("w", "example.org"), own("w", "example.net"), own("VirtHost", "example.com")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := fakeSendmail(contribCF+test.cf, "")
			m.test = fakeTest("$# esmtp $@ "+test.host+" $: x < @ trust . example . >", "")
			s := site(t, nil, m)
			s.Own.File = "/etc/postseal/postseal.toml"
			wantFound(t, s, slices.DeleteFunc(slices.Clone(sendmailRoutes), func(c check) bool { return c.id != "local-domains" }), test.want...)
		})
	}
}

func TestSendmailNotices(t *testing.T) {
	m := fakeSendmail(contribCF+"O PostmasterCopy=postmaster, bob@gmail.com\nO DoubleBounceAddress=a@trust.example\n", "")
	wantFound(t, site(t, nil, m), sendmailRoutes, "notices sendmail.cf: O PostmasterCopy=postmaster, bob@gmail.com -> write define(`confCOPY_ERRORS_TO', `postmaster')dnl into sendmail.mc"+remake)
}

// TestSendmailReadsAnotherFile looks at a file that is not the daemon's.
func TestSendmailReadsAnotherFile(t *testing.T) {
	pid := t.TempDir() + "/pid"
	for arguments, want := range map[string]string{
		"sendmail -bd -q10m":                 "",
		"sendmail -C /etc/mail/sendmail.cf":  "",
		"sendmail -C/etc/mail/other.cf -bd":  "the daemon reads /etc/mail/other.cf, and not /etc/mail/sendmail.cf: name it with -sendmail-cf",
		"sendmail -bd -C /etc/mail/other.cf": "the daemon reads /etc/mail/other.cf, and not /etc/mail/sendmail.cf: name it with -sendmail-cf",
	} {
		if err := os.WriteFile(pid, []byte("1\n"+arguments+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		m := parseSendmail("O PidFile=" + pid + "\n")
		m.File = "/etc/mail/sendmail.cf"
		if err := m.readArguments(); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%s: got %v, want %q", arguments, err, want)
		}
	}
}

func TestSubmitCF(t *testing.T) {
	m := fakeSendmail(contribCF, "")
	m.verifySubmit = nil
	m.callers = callersIn("/etc/cron.d/x", `# sendmail -Am
5 * * * * root report --password=secret | /usr/sbin/sendmail -i -Am boss@trust.example; rm x
smtp stream tcp nowait root /usr/sbin/sendmail sendmail -bs -Am
php_admin_value[sendmail_path] = "/usr/sbin/sendmail -t -Am"
5 * * * * root report | sendmail -t -C /etc/mail/sendmail.cf
5 * * * * root report | sendmail -bm -C/etc/mail/sendmail.cf boss@trust.example
5 * * * * root sendmail -Am -q
5 * * * * root sendmail -C /etc/mail/sendmail.cf -bp
5 * * * * root report | sendmail -Ac boss@trust.example
;sendmail_path = sendmail -Am
`)
	wantFound(t, site(t, nil, m), sendmailFilter,
		"submit-cf submit.cf: submit.cf is missing -> make -C /etc/mail",
		"submit-cf /etc/cron.d/x: /usr/sbin/sendmail -i -Am boss@trust.example -> remove -Am, or -C with sendmail.cf, from this command in /etc/cron.d/x",
		`submit-cf /etc/cron.d/x: /usr/sbin/sendmail -t -Am" -> remove -Am, or -C with sendmail.cf, from this command in /etc/cron.d/x`,
		"submit-cf /etc/cron.d/x: sendmail -t -C /etc/mail/sendmail.cf -> remove -Am, or -C with sendmail.cf, from this command in /etc/cron.d/x",
		"submit-cf /etc/cron.d/x: sendmail -bm -C/etc/mail/sendmail.cf boss@trust.example -> remove -Am, or -C with sendmail.cf, from this command in /etc/cron.d/x")

	for _, way := range []string{"mailer esmtp, host example.org.", "mailer relay, host [192.0.2.1]"} {
		m = fakeSendmail(contribCF, "")
		m.verifySubmit = fakeVerify("x@example.org... deliverable: " + way + ", user x@example.org\n")
		wantFound(t, site(t, nil, m), sendmailFilter,
			"submit-cf submit.cf: x@example.org: "+way+" -> write FEATURE(`msp', `[127.0.0.1]')dnl into /etc/mail/submit.mc, then run make -C /etc/mail")
	}
}

func TestSendmailOptions(t *testing.T) {
	m := parseSendmail("O deliverym=i\nOVbackup.example\nO DaemonPortOptions=Name=A,\n\tAddr=127.0.0.1\nOOName=B\nD{long}x y\nDLlocal:z\n")
	for name, test := range map[string]struct{ got, want any }{
		"cut short":    {m.last("DeliveryMode", 'd').value, "i"},
		"one letter":   {m.last("FallbackMXhost", 'V').value, "backup.example"},
		"several":      {m.all("DaemonPortOptions", 'O'), []equate{{"DaemonPortOptions", "Name=A, Addr=127.0.0.1", false}, {"O", "Name=B", false}}},
		"not set":      {m.last("FallbackSmartHost", 0), equate{}},
		"arguments":    {argumentsOf("/usr/sbin/sendmail -bd -odd -q10m -O FallbackSmartHost=x -OAddBcc=true"), []equate{{"d", "d", true}, {"FallbackSmartHost", "x", true}, {"AddBcc", "true", true}}},
		"two mailers":  {parseSendmail("Mencrypt, F=a\nMencrypt, F=b\n").mailer("encrypt")['F'], "b"},
		"overridden":   {parseSendmail("O DaemonPortOptions=Port=25\n").withArguments("sendmail -bd -ODaemonPortOptions=Port=26").all("DaemonPortOptions", 'O'), []equate{{"DaemonPortOptions", "Port=26", true}}},
		"long macro":   {m.macros["long"], "x y"},
		"macro letter": {m.macros["L"], "local:z"},
	} {
		if !reflect.DeepEqual(test.got, test.want) {
			t.Errorf("%s: got %v, want %v", name, test.got, test.want)
		}
	}
}

func (m *Sendmail) withArguments(line string) *Sendmail {
	m.options = append(m.options, argumentsOf(line)...)
	return m
}

func TestSendmailRoutes(t *testing.T) {
	const (
		route    = "include postseal.m4, with the relay domain encrypt.invalid in its rules, directly before the MAILER lines of sendmail.mc" + remake + ". In /etc/mail/mailertable, .encrypt.invalid must have the mailer encrypt"
		row      = "write the row \".encrypt.invalid\tencrypt:[RELAY]\" into /etc/mail/mailertable, with the name of your relay, then run make -C /etc/mail"
		field    = "use postseal.m4 of contrib, which has the line H?Y?X-Postseal-Relay: encrypt," + remake
		fallback = "give the mailer encrypt in postseal.m4 the flag 0, as in contrib, or delete confFALLBACK_MX from sendmail.mc" + remake
		flag0    = "encrypt-leg sendmail.cf: Mencrypt F=mDFMuXaY -> give the mailer encrypt in postseal.m4 the flag 0" + remake
	)
	sealed := "$# encrypt $@ [ 192 . 0 . 2 . 1 ] $: x < @ example . org . encrypt . invalid . >"
	for _, test := range []struct {
		name, old, new string // in contribCF
		parsed, tried  string
		want           []string
	}{
		{"contrib", "", "", sealed, "x@example.org", nil},
		{"another mailer", "", "", "$# esmtp $@ [ hub . example ] $: x < @ example . org . encrypt . invalid . >", "x@example.org",
			[]string{"relay-route sendmail.cf: x@example.org.encrypt.invalid: mailer esmtp, host [hub.example] -> " + route}},
		{"no row", "", "", "$# encrypt $@ [ 255 . 255 . 255 . 255 ] $: x < @ example . org . encrypt . invalid . >", "x@example.org",
			[]string{"relay-route sendmail.cf: x@example.org.encrypt.invalid: mailer encrypt, host [255.255.255.255] -> " + row}},
		{"an error", "", "", "$# error $@ 5 . 1 . 2 $: no", "x@example.org",
			[]string{"relay-route sendmail.cf: x@example.org.encrypt.invalid: mailer error, host 5.1.2 -> " + route}},
		{"fallback smart host", "O DeliveryMode=background", "O FallbackSmartHost=hub.example", sealed, "x@example.org",
			[]string{"fallback sendmail.cf: O FallbackSmartHost=hub.example -> delete O FallbackSmartHost from LOCAL_CONFIG in sendmail.mc, and confFALLBACK_SMARTHOST" + remake}},
		{"fallback MX host", "O DeliveryMode=background", "O FallbackMXhost=hub.example", sealed, "x@example.org", nil},
		{"fallback MX host without the flag", "mDFMuXaY0", "mDFMuXaY\nOVhub.example", sealed, "x@example.org",
			[]string{"fallback sendmail.cf: O FallbackMXhost=hub.example -> " + fallback, flag0}},
		{"no mailer", "Mencrypt", "Mother", sealed, "x@example.org",
			[]string{"encrypt-leg sendmail.cf: no line Mencrypt -> write include(`/etc/mail/postseal.m4')dnl directly before the MAILER lines of sendmail.mc" + remake}},
		{"no field", "H?Y?", "#", sealed, "x@example.org", []string{"encrypt-leg sendmail.cf: no line H for X-Postseal-Relay -> " + field}},
		{"another flag", "H?Y?", "H?Z?", sealed, "x@example.org",
			[]string{"encrypt-leg sendmail.cf: Mencrypt F=mDFMuXaY0, and H?Z?X-Postseal-Relay -> give the mailer encrypt in postseal.m4 the flag Z" + remake}},
		{"no flag", "H?Y?", "H", sealed, "x@example.org", nil},
		{"a wrong ruleset", "", "", sealed, "x@example.org.encrypt.invalid",
			[]string{"encrypt-leg sendmail.cf: Mencrypt R=EnvToEncrypt/EnvToSMTP: x@example.org.encrypt.invalid instead of x@example.org -> use the ruleset EnvToEncrypt of postseal.m4, with the relay domain encrypt.invalid," + remake}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cf := contribCF
			if test.new != "" {
				cf = strings.Replace(cf, test.old, test.new, 1)
			}
			if strings.Contains(test.new, "\n") { // the rest of the mailer's line
				first, second, _ := strings.Cut(test.new, "\n")
				cf = second + "\n" + strings.Replace(contribCF, test.old, first, 1)
			}
			m := fakeSendmail(cf, "")
			m.test = fakeTest(test.parsed, test.tried)
			wantFound(t, site(t, nil, m), sendmailRoutes, test.want...)
		})
	}
}

func TestSendmailAliases(t *testing.T) {
	const (
		alias  = "remove the outside addresses from the alias and run newaliases, or give the domain of bob@gmail.com a row of its class in a rule file"
		listed = ", or give the domain of carol@gmail.com a row of its class in a rule file"
		hub    = " from sendmail.mc" + remake + ", or give the host a row of its class in a rule file"
	)
	for _, test := range []struct {
		name, cf, verified string
		want               []string
	}{
		{"inside", "", "team... aliased to ward, a@nhs.net, b@trust.example, |/bin/cat, :include:/x@gmail.com, /var/x@gmail.com\n", nil},
		{"programs and files", "", `team... aliased to "|/bin/x a, b@gmail.com", "/var/x@gmail.com"` + "\n" +
			"\"|/bin/x a, b@gmail.com\"... deliverable: mailer prog, user |/bin/x a, b@gmail.com\n/var/x@gmail.com... deliverable: mailer *file*, user /var/x@gmail.com\n", nil},
		{"quotes", "", `team... aliased to "Smith, Bob" <bob@gmail.com>, "a b"@nhs.net` + "\n", []string{`alias-out aliases: team: bob@gmail.com -> ` + alias}},
		{"a quoted local part", "", `team... aliased to "b b"@gmail.com` + "\n", []string{`alias-out aliases: team: "b b"@gmail.com -> ` + strings.Replace(alias, "bob", `"b b"`, 1)}},
		{"an alias", "", "team... aliased to bob@gmail.com, ward\nbob@gmail.com... deliverable: mailer esmtp, host [127.0.0.1], user bob@gmail.com\n",
			[]string{"alias-out aliases: team: bob@gmail.com -> " + alias}},
		{"a phrase", "", `team... aliased to "Bob" <bob@gmail.com>` + "\n", []string{`alias-out aliases: team: bob@gmail.com -> ` + alias}},
		{"a list", "", "/etc/list: line 2: sending to carol@gmail.com\n", []string{"alias-out /etc/list: carol@gmail.com -> remove the outside addresses from /etc/list" + listed}},
		{"a long list", "", "team... aliased to :include:/etc/list, bob@gmail.com, ward, carol@gmail.com\n/etc/list: line 1: sending to carol@gmail.com\n/etc/list: line 2: sending to dave@gmail.com\n",
			[]string{"alias-out aliases: team: bob@gmail.com, and 1 more -> " + alias, "alias-out /etc/list: carol@gmail.com, and 1 more -> remove the outside addresses from /etc/list" + listed}},
		{"a .forward file", "", "/home/c/.forward: line 1: forwarding to \\c, carol@gmail.com\n",
			[]string{"alias-out /home/c/.forward: carol@gmail.com -> remove the outside addresses from /home/c/.forward" + listed}},
		{"a table behind an alias", "", "team... aliased to info@trust.example\nbob@gmail.com... deliverable: mailer esmtp, host gmail.com., user bob@gmail.com\n",
			[]string{"alias-out sendmail.cf: a local name leads to bob@gmail.com -> remove the address from the alias or the table that names it, or give the domain of bob@gmail.com a row of its class in a rule file"}},
		{"a hub", "", "root... deliverable: mailer esmtp, host [192.0.2.1], user root@[192.0.2.1]\n", nil},
		{"an error", "DLerror:5.1.1:\"550 no such user, see help.example.org\"\n", "", nil},
		{"hubs inside", "DHesmtp:[mail.trust.example]\nDLlocal:root\nDR[10.1.2.3]\n", "", nil},
		{"hubs outside", "DHesmtp:[mail.example.org]\nDLesmtp:bob@hub.example\nDR192.0.2.1\n", "",
			[]string{"alias-out sendmail.cf: DLesmtp:bob@hub.example -> delete LUSER_RELAY" + hub, "alias-out sendmail.cf: DHesmtp:[mail.example.org] -> delete MAIL_HUB" + hub,
				"alias-out sendmail.cf: DR192.0.2.1 -> delete LOCAL_RELAY" + hub}},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantFound(t, site(t, nil, fakeSendmail(contribCF+test.cf, test.verified)), sendmailRoutes, test.want...)
		})
	}
}
