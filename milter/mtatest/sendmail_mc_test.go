package mtatest_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/milter/mtatest"
)

// mailertable comes before the include.
const mailertable = "FEATURE(`mailertable')dnl\n"

func includeLine() string {
	return "include(`" + filepath.Join(root, "contrib", "sendmail", "postseal.m4") + "')dnl\n"
}

// TestSendmailMCAroundTheInclude puts lines of a site before and after the
// include. m4 must name the line that would let mail bypass postseal, and
// Sendmail must not start with the file, because Debian's make installs it
// despite the error.
func TestSendmailMCAroundTheInclude(t *testing.T) {
	t.Parallel()
	files, err := mtatest.UnpackSendmail(root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const (
		noFilter = "confINPUT_MAIL_FILTERS does not name postseal"
		noPort   = "InputMailFilters in a DAEMON_OPTIONS line does not name postseal"
		deferred = "delivery mode deferred"
		removed  = "confFALLBACK_SMARTHOST is removed"
	)
	include := mailertable + includeLine()
	wantMC(t, files, includeLine()+"MAILER(`smtp')dnl\n", "FEATURE(mailertable) is missing")
	for _, test := range []struct{ line, after, before string }{
		{"", "", ""},
		{"define(`confINPUT_MAIL_FILTERS', `other')dnl\n", noFilter, ""},
		{"define(`confINPUT_MAIL_FILTERS', `other, postseal2')dnl\n", noFilter, ""},
		{"define(`confINPUT_MAIL_FILTERS', `other,postseal , third')dnl\n", "", ""},
		{"undefine(`confINPUT_MAIL_FILTERS')dnl\n", noFilter, ""},
		{"INPUT_MAIL_FILTER(`other', `S=local:/run/other')dnl\n", "", ""},
		{"DAEMON_OPTIONS(`Name=X, Addr=127.0.0.1, InputMailFilters=other')dnl\n", noPort, noPort},
		{"DAEMON_OPTIONS(`InputMailFilters = other;postseal2, Name=X')dnl\n", noPort, noPort},
		{"DAEMON_OPTIONS(`Name=X, I=')dnl\n", noPort, noPort},
		{"DAEMON_OPTIONS(`Name=X, inputmailfilters=other')dnl\n", noPort, noPort},
		{"DAEMON_OPTIONS(`I=other;postseal-2;x, Name=X')dnl\n", noPort, noPort},
		{"DAEMON_OPTIONS(`Name=X, InputMailFilters=other;postseal')dnl\n", "", ""},
		{"DAEMON_OPTIONS(`i = other; postseal;x, Name=X')dnl\n", "", ""},
		{"DAEMON_OPTIONS(`Name=X, I=postseal, M=E')DAEMON_OPTIONS(`Name=Y, I=other')dnl\n", noPort, noPort},
		{"define(`confDELIVERY_MODE', `deferred')dnl\n", deferred, deferred},
		{"define(`confDELIVERY_MODE', `d')dnl\n", deferred, deferred},
		{"DAEMON_OPTIONS(`Name=X, DeliveryMode=d')dnl\n", deferred, deferred},
		{"DAEMON_OPTIONS(`Name=X, deliverymode=d')dnl\n", deferred, deferred},
		{"define(`confDELIVERY_MODE', `queueonly')dnl\n", "", ""},
		{"define(`confFALLBACK_SMARTHOST', `[127.0.0.1]')dnl\n", removed, removed},
		{"define(`confFALLBACK_MX', `[127.0.0.1]')dnl\n", "", ""},
	} {
		t.Run(strings.TrimSuffix(test.line, "dnl\n"), func(t *testing.T) {
			wantMC(t, files, include+test.line+"MAILER(`smtp')dnl\n", test.after)
			wantMC(t, files, test.line+include+"MAILER(`smtp')dnl\n", test.before)
		})
	}
}

// TestSendmailMCWithoutTheFilter deletes the filter's line, as "Removing
// postseal" in contrib/sendmail says. The route to the relay stays.
func TestSendmailMCWithoutTheFilter(t *testing.T) {
	t.Parallel()
	files, err := mtatest.UnpackSendmail(root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "contrib", "sendmail", "postseal.m4"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile("(?m)^INPUT_MAIL_FILTER.*\n")
	wantMC(t, files, mailertable+line.ReplaceAllString(string(text), "")+"MAILER(`smtp')dnl\n", "")
}

// TestSendmailMCRoutesSealedMailFirst adds a site's lines that route all mail,
// and complete all names. Only the relay may get diverted mail.
func TestSendmailMCRoutesSealedMailFirst(t *testing.T) {
	t.Parallel()
	files, err := mtatest.UnpackSendmail(root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	table := "FEATURE(`mailertable', `hash " + filepath.Join(files.Dir, "mailertable") + "')dnl\n"
	for _, lines := range []string{
		"define(`SMART_HOST', `hub.trust.example')dnl\n",
		"LOCAL_RULE_0\nR$* < @ $+ > $*\t$#esmtp $@ hub.trust.example $: $1 < @ $2 > $3\n",
		"LOCAL_RULE_3\nR$* < @ $+ > $*\t$@ $1 < @ $2 . trust.example. > $3\n",
		"LOCAL_NET_CONFIG\nR$* < @ $+ > $*\t$#esmtp $@ hub.trust.example $: $1 < @ $2 > $3\n",
	} {
		for _, mc := range []string{lines + table + includeLine(), table + includeLine() + lines} {
			if err := errors.Join(files.Configure(mc+"MAILER(`smtp')dnl\n"), files.MakeMap("mailertable", ".encrypt.invalid\tencrypt:[relay]\n")); err != nil {
				t.Fatal(err)
			}
			got, err := files.TestRules(nil, "canonify,parse", []string{"bob@gmail.com.encrypt.invalid", "a@nhs.net"})
			if err != nil || got[0] != "$# encrypt $@ [ relay ] $: bob < @ gmail . com . encrypt . invalid . >" || strings.HasPrefix(got[1], "$# encrypt") {
				t.Errorf("%s: got %q, %v", mc, got, err)
			}
		}
	}
}

// TestSendmailSealedMailWaitsForItsRow sends all mail for which the mailertable
// has no row to a smart host.
func TestSendmailSealedMailWaitsForItsRow(t *testing.T) {
	table := filepath.Join(t.TempDir(), "table")
	options := mtatest.Options{Milter: true, MCAfter: "FEATURE(`mailertable', `hash -o " + table + "')dnl\n" +
		"define(`SMART_HOST', `esmtp:[127.0.0.1]')dnl\n"}
	onOwnSendmails(t, options, func(t *T) {
		t.Cleanup(func() { os.Remove(table + ".db") })
		t.serve("enforce", "")
		t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure]"))
		t.awaitDeferred()
		compare(t, "direct", t.internet.Take(), nil, nil)
		name, err := filepath.Rel(t.mta.Directory(), table)
		if err := errors.Join(err, t.sendmail().MakeMap(name, ".encrypt.invalid\tencrypt:[127.0.0.1]\n"), t.mta.Retry()); err != nil {
			t.Fatal(err)
		}
		t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure]"}})
	})
}

// wantMC makes sendmail.cf and compares the error of m4. Sendmail may read the
// file only if the error is about a setting that is removed.
func wantMC(t testing.TB, files *mtatest.SendmailFiles, lines, fault string) {
	t.Helper()
	err := files.Configure(lines)
	switch {
	case fault == "" && err != nil:
		t.Fatalf("got %v", err)
	case fault != "" && (err == nil || !strings.Contains(err.Error(), "postseal.m4: ") || !strings.Contains(err.Error(), fault)):
		t.Fatalf("got %v, want %q", err, fault)
	}
	made, err := os.ReadFile(filepath.Join(files.Dir, "sendmail.cf"))
	if err != nil || strings.Contains(string(made), "\nO FallbackSmartHost") {
		t.Errorf("got %v, or a fallback smart host", err)
	}
	_, err = files.TestRules(nil, "canonify", []string{"a@nhs.net"})
	starts := fault == "" || strings.Contains(fault, "is removed")
	if starts != (err == nil) || !starts && !strings.Contains(err.Error(), `"postseal.m4: `) {
		t.Errorf("Sendmail starts: got %v", err)
	}
}

// onOwnSendmails runs a test on a Sendmail of its own in both configurations.
func onOwnSendmails(t *testing.T, o mtatest.Options, test func(*T)) {
	t.Parallel()
	for _, w := range []*world{sendmail, debian} {
		t.Run(w.name, func(t *testing.T) { test(onOwn(t, w, o)) })
	}
}

// TestSendmailSealedMailWaitsForItsRelay stops the relay. Each of these settings
// names another host for mail that cannot go out.
func TestSendmailSealedMailWaitsForItsRelay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, after string
		hosts       int // the names with which the mailer was called
	}{
		{"FallbackMXhost", "define(`confFALLBACK_MX', `[127.0.0.2]')dnl\n", 1},
		{"FallbackMXhost that has MX records", "define(`confFALLBACK_MX', `fallback.example')dnl\n", 1},
		// This shows why postseal.m4 removes the setting: m4 does not see it here.
		{"FallbackSmartHost unknown to m4", "LOCAL_CONFIG\nO FallbackSmartHost=[localhost]\n", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			onOwnSendmails(t, mtatest.Options{Milter: true, MCAfter: test.after}, func(t *T) {
				t.serve("enforce", "")
				t.stopRelay()
				t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure]"))
				t.awaitDeferred()
				out, err := t.sendmail().Run("-v", "-q")
				if err != nil {
					t.Fatal(err)
				}
				if n := strings.Count(out, "via encrypt..."); n != test.hosts {
					t.Errorf("got %d connections, want %d: %s", n, test.hosts, out)
				}
				t.startRelay()
				t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure]"}})
			})
		})
	}
}

// TestSendmailLegMarksWithoutVerdict deletes X-Postseal from mail before it
// goes to the relay. X-Postseal-Relay stays unless a filter deletes it by name.
func TestSendmailLegMarksWithoutVerdict(t *testing.T) {
	remover := startPlace(t, "remover")
	onOwnSendmails(t, mtatest.Options{Milter: true, MCAfter: remover.mc}, func(t *T) {
		t.serve("enforce", letterPolicies)
		for _, test := range []struct {
			removed, header, subject string
			leg                      []string
		}{
			{"X-Postseal", "X-Other: x", ":", []string{" encrypt"}},
			{"X-Postseal", "Subject: x", ": x", []string{" encrypt"}},
			{"X-Postseal-Relay", "Subject: x", ": x", nil},
		} {
			remover.filter.Store(&filter{end: func(m *gomilter.Modifier) error { return m.ChangeHeader(1, test.removed, "") }})
			t.send([]string{"<bob@gmail.com>", "<a@nhs.net>"}, mail(test.header))
			direct, relayed, _ := t.settle()
			compare(t, "direct", direct, []string{"a@nhs.net" + test.subject}, nil)
			compare(t, "through the relay", relayed, []string{"bob@gmail.com" + test.subject}, test.leg)
			for _, d := range append(direct, relayed...) {
				if v := d.Header(test.removed); len(v) > 0 {
					t.Errorf("%s is still there: %q", test.removed, v)
				}
			}
		}
	})
}
