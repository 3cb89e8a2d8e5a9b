package doctor

import (
	"fmt"
	"reflect"
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
	m.submit, m.names = "/etc/mail/submit.cf", []string{"root"}
	m.test = fakeTest("$# encrypt $@ [ 192 . 0 . 2 . 1 ] $: x < @ example . org . encrypt . invalid . >", "x@example.org")
	m.verify = func([]string) (string, error) { return verified, nil }
	return m
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
		{"before postseal", "O InputMailFilters=postseal", second + "O InputMailFilters=other,postseal", nil},
		{"after postseal", "O InputMailFilters=postseal", second + "O InputMailFilters=postseal,other",
			[]string{"filter-list sendmail.cf: O InputMailFilters=postseal,other -> move the line INPUT_MAIL_FILTER of other in sendmail.mc before the include of postseal.m4" + remake + ". A filter that changes recipients must run on a host before this one"}},
		{"a signer after postseal", "O InputMailFilters=postseal", "Xsigner, S=local:/run/opendkim/opendkim.sock\nO InputMailFilters=postseal, signer", nil},
		{"a port", "Addr=127.0.0.1", "Addr=127.0.0.1, InputMailFilters=other;more",
			[]string{"filter-list sendmail.cf: O DaemonPortOptions=Name=MTA, Addr=127.0.0.1, InputMailFilters=other;more -> in the line DAEMON_OPTIONS of sendmail.mc, write InputMailFilters=other;more;postseal" + remake}},
		{"a port without filters", "Addr=127.0.0.1", "i=",
			[]string{"filter-list sendmail.cf: O DaemonPortOptions=Name=MTA, i= -> in the line DAEMON_OPTIONS of sendmail.mc, write InputMailFilters=postseal" + remake}},
		{"a port with postseal", "Addr=127.0.0.1", "I=other; postseal", nil},
		{"no flag", ", F=T", "", []string{"filter-flag sendmail.cf: Xpostseal without F=T -> write F=T into the line INPUT_MAIL_FILTER of postseal" + remake}},
		{"the flag R", "F=T", "F=R", []string{"filter-flag sendmail.cf: Xpostseal has F=R -> write F=T into the line INPUT_MAIL_FILTER of postseal" + remake}},
		{"the flag 4", "F=T", "F=4", nil},
		{"deferred", "=background", "=deferred", []string{"delivery-mode sendmail.cf: O DeliveryMode=deferred -> write define(`confDELIVERY_MODE', `background')dnl into sendmail.mc" + remake}},
		{"deferred, in the old form", "O DeliveryMode=background", "Odd", []string{"delivery-mode sendmail.cf: O DeliveryMode=d -> write define(`confDELIVERY_MODE', `background')dnl into sendmail.mc" + remake}},
		{"deferred at a port", "Addr=127.0.0.1", "DeliveryMode=d", []string{"delivery-mode sendmail.cf: O DaemonPortOptions=Name=MTA, DeliveryMode=d -> in the line DAEMON_OPTIONS of sendmail.mc, write DeliveryMode=b" + remake}},
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

func TestSubmitCF(t *testing.T) {
	m := fakeSendmail(contribCF, "")
	m.submit = ""
	m.callers = callersIn("/etc/cron.d/x", `# sendmail -Am
5 * * * * root report | /usr/sbin/sendmail -i -Am boss@trust.example
5 * * * * root report | sendmail -t -C /etc/mail/sendmail.cf
5 * * * * root report | sendmail -bm -C/etc/mail/sendmail.cf boss@trust.example
5 * * * * root sendmail -Am -q
5 * * * * root sendmail -C /etc/mail/sendmail.cf -bp
5 * * * * root report | sendmail -Ac boss@trust.example
;sendmail_path = sendmail -Am
`)
	wantFound(t, site(t, nil, m), sendmailFilter,
		"submit-cf submit.cf: submit.cf is missing -> make -C /etc/mail",
		"submit-cf /etc/cron.d/x: 5 * * * * root report | /usr/sbin/sendmail -i -Am boss@trust.example -> remove -Am, or -C with sendmail.cf, from this line of /etc/cron.d/x",
		"submit-cf /etc/cron.d/x: 5 * * * * root report | sendmail -t -C /etc/mail/sendmail.cf -> remove -Am, or -C with sendmail.cf, from this line of /etc/cron.d/x",
		"submit-cf /etc/cron.d/x: 5 * * * * root report | sendmail -bm -C/etc/mail/sendmail.cf boss@trust.example -> remove -Am, or -C with sendmail.cf, from this line of /etc/cron.d/x")
}

func TestSendmailOptions(t *testing.T) {
	m := parseSendmail("O deliverym=i\nOVbackup.example\nO DaemonPortOptions=Name=A,\n\tAddr=127.0.0.1\nOOName=B\nD{long}x y\nDLlocal:z\n")
	for name, test := range map[string]struct{ got, want any }{
		"cut short":    {m.last("DeliveryMode", 'd'), "i"},
		"one letter":   {m.last("FallbackMXhost", 'V'), "backup.example"},
		"several":      {m.option("DaemonPortOptions", 'O'), []string{"Name=A, Addr=127.0.0.1", "Name=B"}},
		"not set":      {m.last("FallbackSmartHost", 0), ""},
		"long macro":   {m.macros["long"], "x y"},
		"macro letter": {m.macros["L"], "local:z"},
	} {
		if !reflect.DeepEqual(test.got, test.want) {
			t.Errorf("%s: got %q, want %q", name, test.got, test.want)
		}
	}
}
