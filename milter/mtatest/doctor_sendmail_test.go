package mtatest_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/milter/mtatest"
)

// ailment is a setting of Sendmail that bypasses or defeats postseal.
type ailment struct {
	id, name string
	change   []string // pairs: a text of sendmail.cf, and what it becomes
	args     []string // of the daemon
	aliases  string
	stale    bool     // the text of the aliases is empty, but not their database
	noSubmit bool     // submit.cf is missing
	submitCF []string // pairs: submit.cf is sendmail.cf, with these changes
	down     bool     // the daemon is down while the effect is shown
	slow     bool     // the daemon does not answer, or after the fix only after two seconds
	effect   func(*T) // sends mail, and says where it goes
	severity string   // of the finding, if it is not leak
	setting  string   // a part of it
	fix      string   // a part of it
	also     []string // ids of the findings beside it
	healthy  func(*T) // the same after the fix, if not all mail is sealed as usual
}

// sends sends a message, and wants it at these hosts.
func sends(to string, want arrived) func(*T) {
	return func(t *T) {
		t.Helper()
		t.send([]string{"<" + to + ">"}, mail("Subject: [secure] x"))
		t.wantArrived(want)
	}
}

// submits does the same with sendmail(1).
func submits(want arrived) func(*T) {
	return func(t *T) {
		t.Helper()
		t.submit("Subject: [secure] x", "bob@gmail.com")
		t.wantArrived(want)
	}
}

// unmarked wants a message at the relay without X-Postseal-Relay.
func unmarked(t *T) {
	t.Helper()
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure] x"))
	_, relayed, _ := t.settle()
	compare(t, "through the relay", relayed, []string{"bob@gmail.com: [secure] x"}, nil)
}

// fallsBack stops the relay, and wants a message at 127.0.0.2.
func fallsBack(t *T) {
	t.Helper()
	_, port, _ := net.SplitHostPort(t.relay.Addr)
	other, err := mtatest.StartSinkAt("127.0.0.2:" + port)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Stop()
	t.stopRelay()
	defer t.startRelay()
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure] x"))
	t.wantArrived(arrived{})
	if got := other.Take(); len(got) != 1 || got[0].Recipients[0].Address != "bob@gmail.com" {
		t.Errorf("got %+v at the fallback host", got)
	}
}

// answers begins a session, and wants this answer.
func answers(code int) func(*T) {
	return func(t *T) {
		t.Helper()
		c := t.dial()
		defer c.Close()
		if _, err := c.Say("EHLO client.trust.example"); err != nil {
			t.Fatal(err)
		}
		say(t, c, code, "MAIL FROM:<ward@trust.example>")
	}
}

// bounces sends mail that comes back to its sender, and wants notices at these addresses
// and at the sender.
func bounces(sender string, at ...string) func(*T) {
	return func(t *T) {
		t.Helper()
		t.sendFrom("<"+sender+">", []string{"<nobody@nhs.net>"}, mail("Subject: [secure] x"))
		direct, relayed, _ := t.settle()
		var got []string
		for _, d := range append(direct, relayed...) {
			got = append(got, d.Recipients[0].Address)
			if !strings.Contains(string(d.Data), "550 5.1.1 <nobody@") {
				t.Errorf("no SMTP session in %s", d.Data)
			}
		}
		if !strings.HasPrefix(sender, "nobody@") {
			at = append(slices.Clone(at), sender)
		}
		slices.Sort(got)
		slices.Sort(at)
		if !slices.Equal(got, at) {
			t.Errorf("notices to %q, want %q", got, at)
		}
	}
}

var sealedBob = arrived{relay: []string{"bob@gmail.com: [secure] x"}}

// recover shows that the setting has its effect, that doctor names it, and that
// doctor finds nothing when it is gone.
func (t *T) recover(a ailment) {
	t.Helper()
	cf, submit := filepath.Join(t.mta.Directory(), "sendmail.cf"), filepath.Join(t.mta.Directory(), "submit.cf")
	before, err := os.ReadFile(cf)
	submitted, submitErr := os.ReadFile(submit)
	if err := errors.Join(err, submitErr); err != nil {
		t.Fatal(err)
	}
	set := func(text, aliases string, args ...string) {
		t.Helper()
		aliasFile := filepath.Join(t.mta.Directory(), "aliases")
		err := errors.Join(os.WriteFile(cf, []byte(text), 0o644), os.WriteFile(aliasFile, []byte(aliases), 0o644), os.WriteFile(submit, submitted, 0o644))
		if err == nil {
			_, err = t.sendmail().Run("-bi")
		}
		if err := errors.Join(err, t.sendmail().Restart(args...)); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < len(a.change); i += 2 {
		if !strings.Contains(string(before), a.change[i]) {
			t.Fatalf("no %q in sendmail.cf", a.change[i])
		}
	}
	set(strings.NewReplacer(a.change...).Replace(string(before)), a.aliases, a.args...)
	defer set(string(before), "")
	if a.stale {
		if err := os.WriteFile(filepath.Join(t.mta.Directory(), "aliases"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if a.submitCF != nil {
		if err := os.WriteFile(submit, []byte(strings.NewReplacer(a.submitCF...).Replace(string(before))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if a.noSubmit {
		if err := os.Remove(submit); err != nil {
			t.Fatal(err)
		}
	}

	d := t.startDaemon("enforce", t.statusSocket())
	stop := func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
		if !a.slow { // Sendmail breaks the session
			wantNoFault(t, d)
		}
	}
	found := t.doctor(d)
	want := append([]string{a.id}, a.also...)
	got := idsOf(found)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("found %+v\nwant %q", found, want)
	}
	if a.severity == "" {
		a.severity = "leak"
	}
	for _, f := range found {
		if f.ID == a.id && (f.Severity != a.severity || !strings.Contains(f.Setting, a.setting) || !strings.Contains(f.Fix, a.fix)) {
			t.Errorf("got %+v, want severity %q, setting %q, fix %q", f, a.severity, a.setting, a.fix)
		}
	}
	if a.down {
		stop()
	}
	if a.effect == nil {
		a.effect = sends("bob@gmail.com", inClear)
	}
	pause := func() {
		if err := d.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	if a.slow {
		pause()
	}
	a.effect(t)
	d.Signal(syscall.SIGCONT)
	if a.down {
		d = t.startDaemon("enforce", t.statusSocket())
	}
	defer stop()

	set(string(before), "")
	if found := t.doctor(d); len(found) > 0 {
		t.Errorf("still found: %+v", found)
	}
	if a.healthy == nil {
		a.healthy = sends("bob@gmail.com", sealedBob)
	}
	if a.slow {
		pause()
		time.AfterFunc(2*time.Second, func() { d.Signal(syscall.SIGCONT) })
	}
	a.healthy(t)
}

func TestDoctorSendmailFilter(tt *testing.T) {
	t := onOwn(tt, sendmail, mtatest.Options{Milter: true})
	other := startPlace(t, "other")
	other.filter.Store(&filter{end: func(m *gomilter.Modifier) error { return m.AddRecipient("eve@gmail.com") }})
	port := "Addr=127.0.0.1, Port="
	for _, a := range []ailment{
		{id: "filter-list", name: "none", change: []string{"O InputMailFilters=postseal", ""},
			setting: "O InputMailFilters=", fix: "define(`confINPUT_MAIL_FILTERS', `postseal')"},
		{id: "filter-list", name: "no filter", change: []string{"O InputMailFilters=postseal", "", "\nXpostseal", "\n#Xpostseal"},
			setting: "no line X", fix: "include(`/etc/mail/postseal.m4')dnl"},
		{id: "filter-list", name: "after postseal", change: []string{"O InputMailFilters=postseal", "O InputMailFilters=postseal, other", "\nXpostseal", other.line() + "\nXpostseal"},
			setting: "O InputMailFilters=postseal, other", fix: "before the include of postseal.m4",
			effect: sends("bob@gmail.com", arrived{[]string{"eve@gmail.com: [secure] x"}, sealedBob.relay})},
		{id: "filter-list", name: "at a port", change: []string{port, "InputMailFilters=, " + port},
			setting: "O DaemonPortOptions=Name=MTA, InputMailFilters=", fix: "InputMailFilters=postseal"},
		{id: "filter-flag", name: "none", change: []string{", F=T,", ","}, down: true, setting: "Xpostseal without F=T", fix: "write F=T"},
		{id: "filter-list", name: "after postseal at a port", change: []string{port, "I=postseal;other, " + port, "\nXpostseal", other.line() + "\nXpostseal"},
			setting: "I=postseal;other", fix: "name other before postseal",
			effect: sends("bob@gmail.com", arrived{[]string{"eve@gmail.com: [secure] x"}, sealedBob.relay})},
		{id: "other-milters", name: "before postseal", change: []string{"O InputMailFilters=postseal", "O InputMailFilters=other;postseal", "\nXpostseal", other.line() + "\nXpostseal"},
			severity: "advice", setting: "O InputMailFilters=other;postseal", fix: "on a host before this one",
			effect: sends("bob@gmail.com", arrived{[]string{"eve@gmail.com: [secure] x"}, sealedBob.relay})},
		{id: "filter-flag", name: "a second name of the socket", change: []string{"O InputMailFilters=postseal", "O InputMailFilters=second", "\nXpostseal", "\nXsecond, S=local:" + t.mta.SocketDir() + "/postseal.sock, T=R:1m\nXpostseal"},
			down: true, setting: "Xsecond without F=T", fix: "INPUT_MAIL_FILTER of second"},
		{id: "filter-flag", name: "a short time", change: []string{"T=S:30s;R:30s;E:5m", "T=R:1s"}, severity: "delay", setting: "Xpostseal T=R:1s;E:300s", fix: "T=S:30s;R:30s;E:5m", slow: true, effect: answers(451), healthy: answers(250)},
		{id: "submit-cf", name: "missing", noSubmit: true, setting: "submit.cf is missing", fix: "make -C /etc/mail",
			effect: submits(inClear), healthy: submits(sealedBob)},
	} {
		t.Run(a.id+" "+a.name, func(t *T) { t.recover(a) })
	}
}

// line is the line of sendmail.cf for the filter.
func (p *place) line() string {
	_, address, _ := strings.Cut(p.socket, ":")
	host, port, _ := net.SplitHostPort(address)
	return fmt.Sprintf("\nXother, S=inet:%s@%s, F=T", port, host)
}

// TestDoctorSendmailDebian is about settings that need the DNS, in which alias.nhs.net
// is a CNAME of gmail.com.
func TestDoctorSendmailDebian(tt *testing.T) {
	t := onOwn(tt, debian, mtatest.Options{Milter: true})
	const hub = "DHesmtp:[127.0.0.1]"
	toHub := func(name string) func(*T) {
		return sends(name+"@mx.trust.example", arrived{direct: []string{name + "@[127.0.0.1]: [secure] x"}})
	}
	leads := func(t *T) {
		t.send([]string{"<a@alias.nhs.net>"}, mail("Subject: [secure] x"))
		if err := t.mta.Retry(); err != nil {
			t.Fatal(err)
		}
		t.wantArrived(arrived{direct: []string{"a@gmail.com: [secure] x"}})
	}
	refused := sends("a@alias.nhs.net", arrived{})
	if err := t.sendmail().MakeMap("onlyrelay", ".encrypt.invalid\tencrypt:[127.0.0.1]\n"); err != nil {
		t.Fatal(err)
	}
	byDNS := []string{"Kmailertable hash " + t.mta.Directory() + "/mailertable", "Kmailertable hash " + t.mta.Directory() + "/onlyrelay"}
	ours := sends("a@trust.example", arrived{direct: []string{"a@trust.example: [secure] x"}})
	forward := filepath.Join(t.mta.Directory(), "forward.")
	if err := os.WriteFile(forward+"root", []byte("bob@gmail.com\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, a := range []ailment{
		{id: "delivery-mode", name: "sendmail.cf", change: []string{"O DeliveryMode=background", "O DeliveryMode=deferred"},
			setting: "O DeliveryMode=deferred", fix: "define(`confDELIVERY_MODE', `background')",
			effect: leads, healthy: refused},
		{id: "delivery-mode", name: "argument", args: []string{"-odd"}, setting: "O DeliveryMode=d", fix: "from the arguments of sendmail", effect: leads, healthy: refused},
		{id: "submit-cf", name: "another file", submitCF: byDNS, setting: "x@example.org: mailer esmtp, host example.org.", fix: "FEATURE(`msp', `[127.0.0.1]')",
			effect: submits(inClear), healthy: submits(sealedBob)},
		{id: "local-domains", name: "in the DNS", change: byDNS,
			setting: `local_domains has "trust.example"`, fix: "or name it in /etc/mail/local-host-names", effect: ours, healthy: ours},
		{id: "alias-out", name: "forward", change: []string{hub, "DH", "O ForwardPath=$z/.forward.$w:$z/.forward", "O ForwardPath=" + forward + "$u"},
			setting: "bob@gmail.com", fix: "from " + forward + "root", effect: sends("root@mx.trust.example", inClear), healthy: toHub("root")},
		{id: "alias-out", name: "MAIL_HUB", change: []string{hub, "DHesmtp:hub.example"}, setting: "DHesmtp:hub.example", fix: "delete MAIL_HUB",
			effect: sends("root@mx.trust.example", arrived{direct: []string{"root@hub.example: [secure] x"}}), healthy: toHub("root")},
	} {
		t.Run(a.id+" "+a.name, func(t *T) { t.recover(a) })
	}
}

// TestDoctorSendmailSocket makes Sendmail distrust the socket.
func TestDoctorSendmailSocket(tt *testing.T) {
	t := on(tt, sendmail)
	d := t.serve("enforce", t.statusSocket())
	defer os.Chmod(t.mta.SocketDir(), 0o750)
	for _, test := range []struct {
		mode os.FileMode
		code int
		want []string
	}{{0o777, 451, []string{"socket delay"}}, {0o750, 250, nil}} {
		if err := os.Chmod(t.mta.SocketDir(), test.mode); err != nil {
			t.Fatal(err)
		}
		t.wantFindings(d, test.want...)
		answers(test.code)(t)
	}
}

// TestDoctorSendmailUnknownUsers sends to a local user who does not exist.
func TestDoctorSendmailUnknownUsers(tt *testing.T) {
	t := onOwn(tt, debian, mtatest.Options{Milter: true, MC: "undefine(`MAIL_HUB')define(`LUSER_RELAY', `esmtp:[127.0.0.1]')dnl\n"})
	want := func(host string) func(*T) {
		return sends("no-such@mx.trust.example", arrived{direct: []string{"no-such@" + host + ": [secure] x"}})
	}
	t.recover(ailment{
		id: "alias-out", change: []string{"DLesmtp:[127.0.0.1]", "DLesmtp:hub.example"}, setting: "DLesmtp:hub.example", fix: "delete LUSER_RELAY",
		effect: want("hub.example"), healthy: want("[127.0.0.1]"),
	})
}

// TestDoctorSendmailBcc shows that Debian's Sendmail cannot add copies: it was built
// without the option, and does not start with it.
func TestDoctorSendmailBcc(t *testing.T) {
	t.Parallel()
	files, err := mtatest.UnpackSendmail(root, t.TempDir())
	if err == nil {
		err = files.Configure("FEATURE(`bcc', `', `', `copy@gmail.com')dnl\nMAILER(`smtp')dnl\n")
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = files.TestRules(nil, "canonify", []string{"a@nhs.net"})
	if err == nil || !strings.Contains(err.Error(), "unknown option name AddBcc") {
		t.Errorf("got %v: if this Sendmail has the option, show what it does and that doctor finds it", err)
	}
}

func TestDoctorSendmailRoutes(tt *testing.T) {
	t := onOwn(tt, sendmail, mtatest.Options{Milter: true})
	dir := t.mta.Directory()
	if err := t.sendmail().MakeMap("norow", ".\tesmtp:[127.0.0.1]\n"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "list"), []byte("bob@gmail.com\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := t.sendmail().MakeMapOf("btree", "userdb", "team:maildrop\tbob@gmail.com\n"); err != nil {
		t.Fatal(err)
	}
	const rule = "R< encrypt : $+ > $*\t$# "
	suffixed := []string{"bob@gmail.com.encrypt.invalid: [secure] x"}
	desk := sends("team@mx.trust.example", arrived{direct: []string{"team@[127.0.0.1]: [secure] x"}})
	for _, a := range []ailment{
		{id: "relay-route", name: "another mailer", change: []string{rule + "encrypt", rule + "esmtp"},
			setting: "x@example.org.encrypt.invalid: mailer esmtp", fix: "include postseal.m4", effect: sends("bob@gmail.com", arrived{direct: suffixed})},
		{id: "relay-route", name: "no row", change: []string{"Kmailertable hash " + dir + "/mailertable", "Kmailertable hash " + dir + "/norow"},
			severity: "delay", setting: "host [255.255.255.255]", fix: ".encrypt.invalid\tencrypt:[RELAY]",
			effect: func(t *T) {
				t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure] x"))
				t.awaitDeferred()
			},
			healthy: func(t *T) {
				if err := t.mta.Retry(); err != nil {
					t.Fatal(err)
				}
				t.wantArrived(sealedBob)
			}},
		{id: "fallback", name: "smart host", change: []string{"O InputMailFilters", "O FallbackSmartHost=[127.0.0.2]\nO InputMailFilters"},
			setting: "O FallbackSmartHost=[127.0.0.2]", fix: "delete O FallbackSmartHost", effect: fallsBack},
		{id: "fallback", name: "MX host", change: []string{"O InputMailFilters", "O FallbackMXhost=[127.0.0.2]\nO InputMailFilters", "F=mDFMuXaY0", "F=mDFMuXaY"},
			also: []string{"encrypt-leg"}, setting: "O FallbackMXhost=[127.0.0.2]", fix: "the flag 0", effect: fallsBack},
		{id: "encrypt-leg", name: "flag", change: []string{"F=mDFMuXaY0", "F=mDFMuXa0"}, setting: "Mencrypt F=mDFMuXa0, and H?Y?", fix: "the flag Y", effect: unmarked},
		{id: "encrypt-leg", name: "field", change: []string{"\nH?Y?X-Postseal-Relay", "\n#"}, setting: "no line H", fix: "H?Y?X-Postseal-Relay: encrypt", effect: unmarked},
		{id: "encrypt-leg", name: "ruleset", change: []string{"R=EnvToEncrypt/", "R=EnvToSMTP/"}, setting: "Mencrypt R=EnvToSMTP", fix: "the ruleset EnvToEncrypt",
			severity: "loss", effect: sends("bob@gmail.com", arrived{relay: suffixed})},
		{id: "alias-out", name: "alias", aliases: "team: bob@gmail.com\n", setting: "team: bob@gmail.com", fix: "run newaliases",
			effect: sends("team@mx.trust.example", inClear), healthy: desk},
		{id: "alias-out", name: "alias in an old database", aliases: "team: bob@gmail.com\n", stale: true, setting: "team: bob@gmail.com", fix: "run newaliases",
			effect: sends("team@mx.trust.example", inClear), healthy: desk},
		{id: "alias-out", name: "user database", change: []string{"O InputMailFilters", "O UserDatabaseSpec=" + dir + "/userdb.db\nO InputMailFilters"},
			severity: "advice", setting: "O UserDatabaseSpec=", fix: "make sure that " + dir + "/userdb.db returns only",
			effect: sends("team@mx.trust.example", inClear), healthy: desk},
		{id: "local-domains", name: "delivered here", change: []string{"Cwlocalhost", "Cwlocalhost gmail.com"}, severity: "delay",
			setting: "class w has gmail.com", fix: `add "gmail.com" to local_domains`, effect: sends("bob@gmail.com", sealedBob)},
		{id: "notices", name: "PostmasterCopy", change: []string{"O InputMailFilters", "O PostmasterCopy=bob@gmail.com\nO InputMailFilters"},
			setting: "O PostmasterCopy=bob@gmail.com", fix: "define(`confCOPY_ERRORS_TO', `postmaster')", effect: bounces("ward@trust.example", "bob@gmail.com"), healthy: bounces("ward@trust.example")},
		{id: "notices", name: "DoubleBounceAddress", change: []string{"O InputMailFilters", "O DoubleBounceAddress=bob@gmail.com\nO InputMailFilters"},
			setting: "O DoubleBounceAddress=bob@gmail.com", fix: "define(`confDOUBLE_BOUNCE_ADDRESS', `postmaster')", effect: bounces("nobody@trust.example", "bob@gmail.com"), healthy: bounces("nobody@trust.example", "postmaster@[127.0.0.1]")},
		{id: "alias-out", name: "include", aliases: "team: :include:" + dir + "/list\n", setting: "bob@gmail.com", fix: "from " + dir + "/list",
			effect: sends("team@mx.trust.example", inClear), healthy: desk},
	} {
		t.Run(a.id+" "+a.name, func(t *T) { t.recover(a) })
	}
}
