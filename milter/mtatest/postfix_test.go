package mtatest_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// letterPolicies follow the guidance to the letter: all that needs the
// marker goes through the relay.
const letterPolicies = `
[[policy]]
name   = "guidance"
action = "divert"
`

func testSecureRecipientsGetItByteForByte(t *testing.T) {
	plain := startAnother(t, false)
	message := mail("Subject: Clinic  list\t", "X-Folded: one\r\n\ttwo\r\n  three", "x-ODD:  value", "Subject:second")
	to := []string{"<a@nhs.net>", "<b@listed.nhs.uk>", "<c@trust.example>", "<d@sub.trust.example>"}

	start(t, "enforce", "")
	c, err := mtatest.Dial(plain.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if s, err := c.Send(sender+" BODY=8BITMIME", to, message); err != nil || s.End.Code != 250 {
		t.Fatalf("without the filter: %v, %v", s, err)
	}
	if _, err := mtatest.Settle(plain, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	without := internet.Take()
	if s := send(t, to, message); s.End.Code != 250 {
		t.Fatalf("with the filter: %v", s)
	}
	direct, relayed, _ := settle(t)
	if len(relayed) > 0 || len(direct) != len(without) || len(direct) == 0 {
		t.Fatalf("got %d direct and %d through the relay, want %d and 0", len(direct), len(relayed), len(without))
	}
	for _, d := range append(direct, without...) {
		wantBytes(t, d, message)
	}
}

func testUnknownRecipientIsTagged(t *testing.T) {
	d := start(t, "enforce", "")
	for _, test := range []struct {
		name   string
		header []string
	}{
		{"no field", nil},
		{"one forged", []string{"X-Postseal: accept; marker=present"}},
		{"several forged, odd case", []string{"x-postseal: 1", "X-POSTSEAL : 2", "X-Postseal:\r\n 3"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			message := mail(append(test.header, "Subject: Parking")...)
			s := send(t, []string{"<bob@gmail.com>", "<a@nhs.net>"}, message)
			if s.End.Code != 250 {
				t.Fatal(s)
			}
			direct, relayed, _ := settle(t)
			if len(direct) == 0 || len(relayed) > 0 {
				t.Fatalf("got %d direct and %d through the relay", len(direct), len(relayed))
			}
			for _, got := range direct {
				if v := got.Header("X-Postseal"); !slices.Equal(v, []string{" tag; marker=missing"}) {
					t.Errorf("X-Postseal: got %q", v)
				}
			}
			if e := decision(t, d, s.QueueID()); e["action"] != "tag" || e["marker"] != "missing" || e["mode"] != "enforce" {
				t.Errorf("got %v", e)
			}
		})
	}
}

func testForgedVerdictIsRemovedFromSecureMail(t *testing.T) {
	start(t, "enforce", "")
	send(t, []string{"<a@nhs.net>"}, mail("X-Postseal: tag", "Subject: x", "x-postseal: again"))
	direct, _, _ := settle(t)
	if len(direct) != 1 {
		t.Fatalf("got %d deliveries", len(direct))
	}
	wantBytes(t, direct[0], mail("Subject: x"))
}

func testMarkedMailIsSplit(t *testing.T) {
	start(t, "enforce", "")
	for _, test := range []struct {
		name      string
		parameter string
		subject   string
		to        []string
		want      arrived
	}{
		{
			name: "mixed recipients", subject: "Subject: [secure] Results",
			to:   []string{"<a@nhs.net>", "<bob@gmail.com>", "<c@trust.example>", "<d@example.org>"},
			want: arrived{[]string{"a@nhs.net: [secure] Results", "c@trust.example: [secure] Results"}, []string{"bob@gmail.com: [secure] Results", "d@example.org: [secure] Results"}},
		},
		{
			name: "near miss", subject: "Subject: (Secure) Results",
			to:   []string{"<a@nhs.net>", "<bob@gmail.com>"},
			want: arrived{[]string{"a@nhs.net: (Secure) Results"}, []string{"bob@gmail.com: {[secure] }(Secure) Results"}},
		},
		{
			name: "mixed case", subject: "Subject: [SECURE] x",
			to:   []string{"<Bob@GMail.COM>", "<A@NHS.Net>"},
			want: arrived{[]string{"A@NHS.Net: [SECURE] x"}, []string{"Bob@GMail.COM: [SECURE] x"}},
		},
		{
			name: "odd local parts", subject: "Subject: [secure] x",
			to:   []string{`<"a b"@gmail.com>`, `<"a@b"@gmail.com>`, `<"q\"uote"@gmail.com>`, "<o'brien+tag@gmail.com>", "<50%off@gmail.com>", "<a!b@gmail.com>", "<x=y@gmail.com>"},
			want: arrived{nil, []string{"a b@gmail.com: [secure] x", "a@b@gmail.com: [secure] x", `q"uote@gmail.com: [secure] x`, "o'brien+tag@gmail.com: [secure] x", "50%off@gmail.com: [secure] x", "a!b@gmail.com: [secure] x", "x=y@gmail.com: [secure] x"}},
		},
		{
			name: "the same recipient twice", subject: "Subject: [secure] x",
			to:   []string{"<bob@gmail.com>", "<a@nhs.net>", "<bob@gmail.com>", "<a@nhs.net>"},
			want: arrived{[]string{"a@nhs.net: [secure] x"}, []string{"bob@gmail.com: [secure] x"}},
		},
		{
			name: "SMTPUTF8", subject: "Subject: [secure] caf\xc3\xa9", parameter: " SMTPUTF8",
			to:   []string{"<b\xc3\xbcb@gmail.com>", "<bob@b\xc3\xbccher.example>", "<a@nhs.net>"},
			want: arrived{[]string{"a@nhs.net: [secure] caf\xc3\xa9"}, []string{"b\xc3\xbcb@gmail.com: [secure] caf\xc3\xa9", "bob@b\xc3\xbccher.example: [secure] caf\xc3\xa9"}},
		},
		{
			name: "marker in an encoded word, Q", subject: "Subject: =?utf-8?Q?=5Bsecure=5D_caf=C3=A9?=",
			to:   []string{"<bob@gmail.com>"},
			want: arrived{nil, []string{"bob@gmail.com: =?utf-8?Q?=5Bsecure=5D_caf=C3=A9?="}},
		},
		{
			name: "marker in an encoded word, B", subject: "Subject: Re: =?UTF-8?B?UmU6IFtTZWN1cmVdIGNhZsOp?=",
			to:   []string{"<bob@gmail.com>"},
			want: arrived{nil, []string{"bob@gmail.com: Re: =?UTF-8?B?UmU6IFtTZWN1cmVdIGNhZsOp?="}},
		},
		{
			name: "marker in an encoded word that is broken", subject: "Subject: =?utf-8?B?W3NlY3VyZV0!!?=",
			to:   []string{"<bob@gmail.com>"},
			want: arrived{nil, []string{"bob@gmail.com: {[secure] }=?utf-8?B?W3NlY3VyZV0!!?="}},
		},
		{
			name: "folded", subject: "Subject: a long one\r\n [secure] and more",
			to:   []string{"<bob@gmail.com>"},
			want: arrived{nil, []string{"bob@gmail.com: a long one\r\n [secure] and more"}},
		},
		{
			name: "one of two fields", subject: "Subject: [secure] one\r\nSubject: two",
			to:   []string{"<bob@gmail.com>"},
			want: arrived{nil, []string{"bob@gmail.com: [secure] one| {[secure] }two"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			code := 250
			if mta == sendmail && test.parameter == " SMTPUTF8" { // Debian's has none
				code, test.want = 555, arrived{}
			}
			s, err := dial(t).Send(sender+" BODY=8BITMIME"+test.parameter, test.to, mail(test.subject))
			if err != nil || s.End.Code != code {
				t.Fatalf("got %v, %v", s, err)
			}
			wantArrived(t, test.want)
		})
	}
}

func testDecisionNamesTheNearMiss(t *testing.T) {
	d := start(t, "observe", "")
	for _, test := range []struct{ subject, want string }{
		{"Subject: [secure] x", ""},
		{"Subject: [sec\r\n ure] x", "blanks-inside"},
		{"Subject: =?x-none?Q?=5Bsecure=5D?=", "undecodable"},
	} {
		s := send(t, []string{"<bob@gmail.com>"}, mail(test.subject))
		if e := decision(t, d, s.QueueID()); e["near_miss"] != test.want {
			t.Errorf("%s: got %v, want %q", test.subject, e["near_miss"], test.want)
		}
	}
}

func testDivertedMailKeepsDSN(t *testing.T) {
	start(t, "enforce", "")
	send(t, []string{"<bob@gmail.com>", "<o+x@gmail.com> NOTIFY=NEVER ORCPT=rfc822;Old@example.org"}, mail("Subject: [secure]"))
	_, relayed, _ := settle(t)
	got := make(map[string]string)
	for _, d := range relayed {
		for _, r := range d.Recipients {
			got[r.Address] = fmt.Sprint(r.OriginalRecipient, r.Notify)
		}
		if d.From != "ward@trust.example" {
			t.Errorf("sender: got %q", d.From)
		}
	}
	want := map[string]string{"bob@gmail.com": "bob@gmail.com[]", "o+x@gmail.com": "Old@example.org[NEVER]"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func testDivertedWithoutSubjectIsMarkedOnTheLeg(t *testing.T) {
	start(t, "enforce", letterPolicies)
	send(t, []string{"<bob@gmail.com>", "<a@nhs.net>"}, mail())
	wantArrived(t, arrived{[]string{"a@nhs.net:"}, []string{"bob@gmail.com:{ [secure]}"}})
	send(t, []string{"<bob@gmail.com>"}, mail("Subject: plain"))
	wantArrived(t, arrived{nil, []string{"bob@gmail.com: {[secure] }plain"}})
}

func testAddMarker(t *testing.T) {
	start(t, "enforce", `
[relay]
domain = ""
[[policy]]
name       = "smart-host"
action     = "tag"
add_marker = true
`)
	for _, test := range []struct{ subject, want string }{
		{"Subject: Results", " [secure] Results"},
		{"Subject:   Results ", " [secure] Results "},
		{"Subject: a\r\n\tfolded", " [secure] a\r\n\tfolded"},
		{"Subject: [SECURE] Results", " [SECURE] Results"},
		{"Subject: (secure) Results", " [secure] (secure) Results"},
		{"Subject: [secure] 1\r\nSubject: 2", " [secure] 1| [secure] 2"},
		{"X-Other: no subject", " [secure]"},
	} {
		send(t, []string{"<bob@gmail.com>"}, mail(test.subject))
		wantArrived(t, arrived{direct: []string{"bob@gmail.com:" + test.want}})
	}
}

func testQuarantine(t *testing.T) {
	d := start(t, "enforce", `
[[policy]]
name   = "trusted-partner"
sender = ["partner@trust.example"]
action = "accept"

[[policy]]
name   = "hold-unmarked"
marker = ["missing"]
action = "quarantine"

[[policy]]
name   = "rest"
action = "divert"
`)
	s := send(t, []string{"<bob@gmail.com>", "<a@nhs.net>"}, mail("Subject: Results"))
	if s.End.Code != 250 {
		t.Fatal(s)
	}
	direct, relayed, held := settle(t)
	if len(direct)+len(relayed) > 0 || len(held) != 1 || held[0].ID != s.QueueID() {
		t.Fatalf("got %d direct, %d through the relay, held %v", len(direct), len(relayed), held)
	}
	e := decision(t, d, s.QueueID())
	if e["action"] != "quarantine" || e["reason"] != "policy hold-unmarked" {
		t.Errorf("got %v", e)
	}
	if err := mta.Release(s.QueueID()); err != nil {
		t.Fatal(err)
	}
	if err := mta.Retry(); err != nil {
		t.Fatal(err)
	}
	wantArrived(t, arrived{[]string{"a@nhs.net: Results"}, []string{"bob@gmail.com: {[secure] }Results"}})
}

func testRejectAtTheEnd(t *testing.T) {
	start(t, "enforce", `
[[policy]]
name   = "no"
marker = ["missing"]
action = "reject"
reply  = "100% of such mail needs [secure] in the subject %s"

[[policy]]
name   = "rest"
action = "divert"
`)
	s := send(t, []string{"<a@nhs.net>", "<bob@gmail.com>"}, mail("Subject: Results"))
	want := "550 5.7.1 <bob@gmail.com>: 100% of such mail needs [secure] in the subject %s"
	if s.End.String() != want {
		t.Errorf("got %q, want %q", s.End, want)
	}
	wantArrived(t, arrived{})
}

func testDefaultReplySaysWhatToType(t *testing.T) {
	start(t, "enforce", "[marker]\nwords = [\"encrypt\"]\n[[policy]]\nname = \"no\"\naction = \"reject\"\n")
	s := send(t, []string{"<50%off@gmail.com>", "<b@gmail.com>", "<c@gmail.com>"}, mail("Subject: Results"))
	want := "550 5.7.1 <50%off@gmail.com> <b@gmail.com> and 1 more: not known to be secure: put [encrypt] in the subject and send the message again"
	if s.End.String() != want {
		t.Errorf("got %q, want %q", s.End, want)
	}
}

func testClosedRecipientIsRefused(t *testing.T) {
	d := start(t, "enforce", "")
	s := send(t, []string{"<bob@gmail.com>", "<x@council.gcsx.gov.uk>", "<a@nhs.net>"}, mail("Subject: [secure] x"))
	want := "<x@council.gcsx.gov.uk>: gcsx.gov.uk was switched off in March 2019: use the organisation's gov.uk address"
	if mta == sendmail { // which names the recipient by itself
		want = "<x@council.gcsx.gov.uk>... " + want
	}
	if got := s.Recipients[1].String(); got != "550 5.7.1 "+want {
		t.Errorf("got %q, want %q", got, want)
	}
	if s.Recipients[0].Code != 250 || s.Recipients[2].Code != 250 || s.End.Code != 250 {
		t.Errorf("got %v", s)
	}
	wantArrived(t, arrived{[]string{"a@nhs.net: [secure] x"}, []string{"bob@gmail.com: [secure] x"}})
	if e := d.AwaitEvents("refused recipient", 1); len(e) != 1 || e[0]["address"] != "x@council.gcsx.gov.uk" || e[0]["class"] != "closed" {
		t.Errorf("got %v", e)
	}

	s = send(t, []string{"<x@a.gsi.gov.uk>"}, mail("Subject: x"))
	if s.Recipients[0].Code != 550 || s.End.Code < 500 {
		t.Errorf("all refused: got %v", s)
	}
	wantArrived(t, arrived{})
}

func testMessagesOfOneConnection(t *testing.T) {
	d := start(t, "enforce", `
[[policy]]
name   = "marked"
marker = ["present"]
action = "divert"
[[policy]]
name      = "refused"
sender    = ["refused@trust.example"]
action    = "reject"
[[policy]]
name   = "rest"
action = "tag"
`)
	c := dial(t)
	step := func(from, subject string, to ...string) mtatest.Sent {
		t.Helper()
		s, err := c.Send(from, to, mail(subject))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	step(sender, "Subject: [secure] 1", "<bob@gmail.com>", "<a@nhs.net>")
	wantArrived(t, arrived{[]string{"a@nhs.net: [secure] 1"}, []string{"bob@gmail.com: [secure] 1"}})
	step(sender, "Subject: 2", "<bob@gmail.com>")
	wantArrived(t, arrived{direct: []string{"bob@gmail.com: 2"}})
	step(sender, "Subject: [secure] 3", "<eve@gmail.com>")
	wantArrived(t, arrived{relay: []string{"eve@gmail.com: [secure] 3"}})

	// RSET after MAIL, after RCPT, and after a refused RCPT; a second EHLO.
	say(t, c, 250, "MAIL FROM:"+sender)
	say(t, c, 250, "RSET")
	say(t, c, 250, "MAIL FROM:"+sender)
	say(t, c, 250, "RCPT TO:<forgotten@gmail.com>")
	say(t, c, 250, "RSET")
	step(sender, "Subject: 4", "<a@nhs.net>")
	say(t, c, 250, "MAIL FROM:"+sender)
	say(t, c, 250, "RCPT TO:<forgotten@gmail.com>")
	say(t, c, 550, "RCPT TO:<x@y.gsi.gov.uk>")
	say(t, c, 250, "EHLO again.example")
	step(sender, "Subject: [secure] 5", "<b@nhs.net>")
	say(t, c, 250, "RSET", "NOOP", "HELO third.example")
	wantArrived(t, arrived{direct: []string{"a@nhs.net: 4", "b@nhs.net: [secure] 5"}})

	// A rejected message, then good ones.
	if s := step("<refused@trust.example>", "Subject: 6", "<bob@gmail.com>"); s.End.Code != 550 {
		t.Errorf("got %v", s)
	}
	step(sender, "Subject: 7", "<bob@gmail.com>")
	step(sender, "Subject: [secure] 8", "<bob@gmail.com>")
	wantArrived(t, arrived{[]string{"bob@gmail.com: 7"}, []string{"bob@gmail.com: [secure] 8"}})

	if n := len(d.AwaitEvents("decision", 8)); n != 8 {
		t.Errorf("got %d decision lines, want 8", n)
	}
}

func testPipelining(t *testing.T) {
	start(t, "enforce", "")
	c := dial(t)
	for i, subject := range []string{"[secure] one", "two", "[secure] three"} {
		say(t, c, 354, "MAIL FROM:"+sender, "RCPT TO:<x@a.gsi.gov.uk>", "RCPT TO:<bob@gmail.com>", "RCPT TO:<a@nhs.net>", "DATA")
		say(t, c, 250, fmt.Sprintf("Subject: %s\r\nX-N: %d\r\n\r\nbody\r\n.", subject, i))
	}
	wantArrived(t, arrived{
		[]string{"a@nhs.net: [secure] one", "a@nhs.net: two", "bob@gmail.com: two", "a@nhs.net: [secure] three"},
		[]string{"bob@gmail.com: [secure] one", "bob@gmail.com: [secure] three"},
	})
}

func testSendmailCommand(t *testing.T) {
	start(t, "enforce", "")
	submit(t, "Subject: plain", "bob@gmail.com", "a@nhs.net")
	wantArrived(t, arrived{direct: []string{"bob@gmail.com: plain", "a@nhs.net: plain"}})
	submit(t, "Subject: [secure] x", "Bob@GMAIL.com", "a@nhs.net", "root")
	wantArrived(t, arrived{[]string{"a@nhs.net: [secure] x", "root@" + ownHost() + ": [secure] x"}, []string{"Bob@GMAIL.com: [secure] x"}})
	// What is refused comes back as a bounce.
	for _, to := range []string{"bob%gmail.com@trust.example", `"bob@gmail.com"@trust.example`, "x@y.gsi.gov.uk"} {
		submit(t, "Subject: [secure] back", to)
		wantArrived(t, bounced())
	}
}

// testSendmailCommandOddForms sends what either sendmail(1) takes for
// bob@gmail.com before anybody sees it.
func testSendmailCommandOddForms(t *testing.T) {
	start(t, "enforce", "")
	for _, to := range []string{"@route.example:bob@gmail.com", "bob@gmail.com.", "bob%gmail.com", "gmail.com!bob", "Bob (comment) <bob@gmail.com>"} {
		submit(t, "Subject: [secure] odd", to)
		wantArrived(t, arrived{relay: []string{"bob@gmail.com: [secure] odd"}})
	}
}

func submit(t *testing.T, header string, to ...string) {
	t.Helper()
	if err := mta.Submit("ward@trust.example", to, []byte(header+"\n\nx\n")); err != nil {
		t.Fatal(err)
	}
}

// ownHost is the domain of the MTA's own users as it stands where they go.
func ownHost() string {
	if mta == sendmail {
		return "[127.0.0.1]" // its hub
	}
	return "mx.trust.example"
}

// bounced is a message that came back.
func bounced() arrived {
	if mta == sendmail {
		return arrived{direct: []string{"ward@trust.example: Returned mail: see transcript for details"}}
	}
	return arrived{direct: []string{"ward@trust.example: Undelivered Mail Returned to Sender"}}
}

// TestNonSMTPDMilters holds why contrib sends mail of sendmail(1) through an
// smtpd: as a non_smtpd_milter, the filter is shown rewritten recipients, and
// Postfix deletes a recipient only by what was typed. What can be guessed is
// deleted; a source route cannot, and goes out beside the sealed copy.
func TestNonSMTPDMilters(t *testing.T) {
	settings(t, "non_smtpd_milters=unix:postseal/postseal.sock")
	if err := errors.Join(postfix.Run("postconf", "-PX", "pickup/unix/content_filter"), postfix.Run("postfix", "reload")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := postfix.Run("postconf", "-P", "pickup/unix/content_filter="+postfix.ContentFilter); err != nil {
			t.Error(err)
		}
	})
	start(t, "enforce", "")
	for _, test := range []struct {
		to   string
		want arrived
	}{
		{"Bob@GMAIL.com", arrived{relay: []string{"Bob@GMAIL.com: [secure]"}}},
		{"bob@gmail.com.", arrived{relay: []string{"bob@gmail.com: [secure]"}}},
		{"bob%gmail.com", arrived{relay: []string{"bob@gmail.com: [secure]"}}},
		{"gmail.com!bob", arrived{relay: []string{"bob@gmail.com: [secure]"}}},
		{"root", arrived{direct: []string{"root@mx.trust.example: [secure]"}}},
		{"bob%gmail.com@trust.example", arrived{direct: []string{"ward@trust.example: Undelivered Mail Returned to Sender"}}},
		{"x@y.gsi.gov.uk", arrived{direct: []string{"ward@trust.example: Undelivered Mail Returned to Sender"}}},
		{"@route.example:bob@gmail.com", arrived{[]string{"bob@gmail.com: [secure]"}, []string{"bob@gmail.com: [secure]"}}},
	} {
		submit(t, "Subject: [secure]", test.to)
		t.Log(test.to)
		wantArrived(t, test.want)
	}
}

// settings changes main.cf of the private Postfix for one test. Each value is
// "name=value"; names that were not set go again.
func settings(t *testing.T, values ...string) {
	t.Helper()
	if err := errors.Join(postfix.Run("postconf", append([]string{"-e"}, values...)...), postfix.Run("postfix", "reload")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, value := range values {
			name, _, _ := strings.Cut(value, "=")
			if err := postfix.Run("postconf", "-X", name); err != nil {
				t.Error(err)
			}
		}
		if err := postfix.Run("postfix", "reload"); err != nil {
			t.Error(err)
		}
	})
}

// awaitDeferred waits until the one message in the queue has been tried.
func awaitDeferred(t *testing.T) {
	t.Helper()
	var queue []mtatest.Queued
	var err error
	until(t, func() bool {
		queue, err = mta.Queue()
		return err == nil && len(queue) == 1 && queue[0].Queue == "deferred"
	}, func() string { return fmt.Sprintf("not deferred: %v, %v\n%s", queue, err, mta.Log()) })
}

// TestSiteSettingsDoNotReachOurLegs sets what a site may have for mail that
// leaves: a host to fall back to, and TLS that neither leg offers. Mail for a
// relay that is down waits for it, and mail of sendmail(1) comes in again.
func TestSiteSettingsDoNotReachOurLegs(t *testing.T) {
	host, port, _ := net.SplitHostPort(internet.Addr)
	settings(t, "smtp_fallback_relay=["+host+"]:"+port, "smtpd_proxy_filter="+internet.Addr)
	t.Run("sendmail(1) while postseal is down", func(t *testing.T) {
		internet.Take()
		submit(t, "Subject: [secure]", "bob@gmail.com")
		awaitDeferred(t)
	})
	start(t, "enforce", "")
	t.Run("the relay is down", func(t *testing.T) {
		addr := relay.Addr
		if err := relay.Stop(); err != nil {
			t.Fatal(err)
		}
		if err := mta.Retry(); err != nil {
			t.Fatal(err)
		}
		until(t, func() bool { return strings.Contains(postfix.Log(), "postfix/encrypt/smtp") },
			func() string { return "the leg to the relay was not tried" })
		awaitDeferred(t)
		if got := internet.Take(); len(got) > 0 {
			t.Errorf("went out in clear: %v", got)
		}
		var err error
		if relay, err = mtatest.StartSinkAt(addr); err != nil {
			t.Fatal(err)
		}
		if err := mta.Retry(); err != nil {
			t.Fatal(err)
		}
		wantArrived(t, arrived{relay: []string{"bob@gmail.com: [secure]"}})
	})
}

func testSendmailCommandWhileDown(t *testing.T) {
	internet.Take()
	submit(t, "Subject: waits", "a@nhs.net")
	awaitDeferred(t)
	if got := internet.Take(); len(got) > 0 {
		t.Fatalf("delivered while the filter was down: %v", got)
	}
	start(t, "enforce", "")
	if err := mta.Retry(); err != nil {
		t.Fatal(err)
	}
	wantArrived(t, arrived{direct: []string{"a@nhs.net: waits"}})
}

func testObserveChangesNothing(t *testing.T) {
	d := start(t, "observe", `
[[policy]]
name   = "no"
marker = ["missing"]
action = "reject"
[[policy]]
name   = "rest"
action = "divert"
`)
	for _, test := range []struct {
		subject, action string
		to              []string
	}{
		{"Subject: x", "reject", []string{"<bob@gmail.com>", "<a@nhs.net>"}},
		{"Subject: [secure] x", "divert", []string{"<bob@gmail.com>", "<a@nhs.net>"}},
		{"Subject: [secure] x", "reject", []string{"<x@y.gsi.gov.uk>", "<a@nhs.net>"}},
		{"Subject: [secure] x", "reject", []string{"<@route.example:bob@gmail.com>", "<a@nhs.net>"}},
	} {
		message := mail("X-Postseal: forged", test.subject)
		s := send(t, test.to, message)
		if s.End.Code != 250 || s.Recipients[0].Code != 250 {
			t.Fatalf("got %v", s)
		}
		direct, relayed, held := settle(t)
		if len(relayed)+len(held) > 0 {
			t.Errorf("got %d through the relay and %d held", len(relayed), len(held))
		}
		got := 0
		for _, d := range direct {
			got += len(d.Recipients)
			wantBytes(t, d, message)
		}
		if got != len(test.to) {
			t.Errorf("got %d recipients, want %d", got, len(test.to))
		}
		if e := decision(t, d, s.QueueID()); e["mode"] != "observe" || e["action"] != test.action {
			t.Errorf("got %v", e)
		}
	}
}

func testObservingPolicy(t *testing.T) {
	d := start(t, "enforce", `
[[policy]]
name   = "planned"
marker = ["missing"]
action = "reject"
mode   = "observe"
[[policy]]
name   = "rest"
action = "divert"
`)
	message := mail("Subject: x")
	s := send(t, []string{"<bob@gmail.com>"}, message)
	direct, _, _ := settle(t)
	if len(direct) != 1 {
		t.Fatalf("got %v", s)
	}
	wantBytes(t, direct[0], message)
	e := decision(t, d, s.QueueID())
	recipients := fmt.Sprint(e["recipients"])
	if e["action"] != "accept" || !strings.Contains(recipients, "planned") || !strings.Contains(recipients, "reject") {
		t.Errorf("got %v", e)
	}
}

func testReloadUnderLoad(t *testing.T) {
	d := start(t, "enforce", "")
	text, err := os.ReadFile(d.Config)
	if err != nil {
		t.Fatal(err)
	}
	write := func(extra string) {
		t.Helper()
		if err := os.WriteFile(d.Config, append(slices.Clone(text), extra...), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := d.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	sent := 0
	for range 2 {
		wg.Go(func() {
			c, err := mtatest.Dial(mta.Addr())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for {
				select {
				case <-stop:
					return
				default:
				}
				s, err := c.Send(sender, []string{"<a@nhs.net>", "<bob@gmail.com>"}, mail("Subject: x"))
				if err != nil || s.End.Code != 250 {
					t.Errorf("under reload: %v, %v", s, err)
					return
				}
				mu.Lock()
				sent++
				mu.Unlock()
			}
		})
	}
	count := func(msg string) int { return len(d.Events(msg)) }
	// traffic waits until mail has been sent under the configuration in force.
	traffic := func() {
		t.Helper()
		passed := func() int {
			mu.Lock()
			defer mu.Unlock()
			return sent
		}
		before := passed()
		until(t, func() bool { return passed() >= before+3 }, func() string { return "no mail passes\n" + d.Log() })
	}
	traffic()
	for i := range 9 {
		want, msg, extra := count("reloaded"), "reloaded", ""
		switch i % 3 {
		case 0:
			extra = letterPolicies
		case 1:
			msg, extra, want = "reload refused", "nonsense = 1\n", count("reload refused")
		}
		write(extra)
		until(t, func() bool { return count(msg) != want }, func() string { return fmt.Sprintf("no line %q\n%s", msg, d.Log()) })
		traffic()
	}
	write(letterPolicies)
	traffic()
	close(stop)
	wg.Wait()
	direct, relayed, _ := settle(t)
	got := make(map[string]int)
	for _, m := range append(direct, relayed...) {
		for _, r := range m.Recipients {
			got[r.Address]++
		}
	}
	if got["a@nhs.net"] != sent || got["bob@gmail.com"] != sent || len(got) != 2 {
		t.Errorf("sent %d, got %v", sent, got)
	}
	// Each message went the way of the configuration that its line names.
	tags, diverts := 0, 0
	for _, e := range d.AwaitEvents("decision", sent) {
		switch e["action"] {
		case "tag":
			tags++
		case "divert":
			diverts++
		}
	}
	viaRelay := 0
	for _, m := range relayed {
		viaRelay += len(m.Recipients)
	}
	if viaRelay != diverts || tags == 0 || diverts == 0 || tags+diverts != sent {
		t.Errorf("sent %d: %d tagged, %d diverted, %d at the relay", sent, tags, diverts, viaRelay)
	}
	if e := d.Events("reload refused")[0]; !strings.Contains(fmt.Sprint(e["reason"]), "unknown key rules.nonsense") {
		t.Errorf("got %v", e)
	}

	// The last good file is in force: the next message goes by it.
	s := send(t, []string{"<bob@gmail.com>"}, mail("Subject: last"))
	if s.End.Code != 250 {
		t.Fatal(s)
	}
	wantArrived(t, arrived{relay: []string{"bob@gmail.com: {[secure] }last"}})
}

func testKilledDaemonLeaksNothing(t *testing.T) {
	message := mail("Subject: [secure] x")
	for _, stage := range []string{"not started", "MAIL", "RCPT", "DATA", "end"} {
		t.Run(stage, func(t *testing.T) {
			internet.Take()
			relay.Take()
			d, err := mtatest.StartDaemon(mta, mtatest.DaemonOptions{Root: root, Binary: binary, Mode: "enforce"})
			if err != nil {
				t.Fatal(err)
			}
			c := dial(t)
			var last mtatest.Reply
			ask := func(line string) bool {
				if last, err = c.Say(line); err != nil {
					t.Fatal(err)
				}
				return last.Code < 400
			}
			kill := func(at string) {
				if stage == at {
					d.Kill()
				}
			}
			// The first command after EHLO binds the session to the daemon.
			if stage == "not started" {
				d.Kill()
				c = dial(t)
			}
			kill("MAIL")
			if ask("MAIL FROM:" + sender) {
				kill("RCPT")
				if ask("RCPT TO:<bob@gmail.com>") {
					kill("DATA")
					if ask("DATA") {
						kill("end")
						ask(string(message) + "\r\n.")
					}
				}
			}
			if last.Code != 451 {
				t.Errorf("got %v, want 451", last)
			}
			wantArrived(t, arrived{})

			start(t, "enforce", "")
			if s := send(t, []string{"<bob@gmail.com>"}, message); s.End.Code != 250 {
				t.Errorf("the retry: got %v", s)
			}
			wantArrived(t, arrived{relay: []string{"bob@gmail.com: [secure] x"}})
		})
	}
}

func testTermLetsMessagesFinish(t *testing.T) {
	d, err := mtatest.StartDaemon(mta, mtatest.DaemonOptions{Root: root, Binary: binary, Mode: "enforce"})
	if err != nil {
		t.Fatal(err)
	}
	idle, busy := dial(t), dial(t)
	// RSET would not do: Sendmail tells no filter of it.
	if s, err := idle.Send(sender, []string{"<a@nhs.net>"}, mail("Subject: before")); err != nil || s.End.Code != 250 {
		t.Fatalf("got %v, %v", s, err)
	}
	wantArrived(t, arrived{direct: []string{"a@nhs.net: before"}})
	say(t, busy, 250, "MAIL FROM:"+sender)
	say(t, busy, 250, "RCPT TO:<bob@gmail.com>")
	say(t, busy, 354, "DATA")
	if err := d.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Await("draining", func(e mtatest.Event) bool { return e["messages"] == 1.0 }); err != nil {
		t.Fatalf("%v\n%s", err, d.Log())
	}
	say(t, busy, 250, "Subject: [secure] in flight\r\n\r\nx\r\n.")
	if err := d.Wait(); err != nil {
		t.Fatal(err)
	}
	if e := d.Events("stopped"); len(e) != 1 || e[0]["cut_off"] != 0.0 {
		t.Errorf("got %v", e)
	}
	wantArrived(t, arrived{relay: []string{"bob@gmail.com: [secure] in flight"}})
	if mta == sendmail {
		say(t, idle, 451, "MAIL FROM:"+sender)
	} else {
		say(t, idle, 250, "MAIL FROM:"+sender)
		say(t, idle, 451, "RCPT TO:<bob@gmail.com>")
	}
}

func testSecondPassChangesNothing(t *testing.T) {
	start(t, "enforce", letterPolicies)
	send(t, []string{"<bob@gmail.com>", "<a@nhs.net>"}, mail("Subject: x"))
	direct, _, _ := settle(t)
	if len(direct) != 1 {
		t.Fatalf("got %v", direct)
	}
	// The message as it stands after the first pass, with its recipients.
	first := withoutReceived(direct[0].Data)
	if !strings.Contains(string(first), "X-Postseal: divert; marker=missing\r\n") {
		t.Fatalf("got %q", first)
	}
	send(t, []string{"<bob@gmail.com.encrypt.invalid>", "<a@nhs.net>"}, first)
	direct, relayed, _ := settle(t)
	if len(direct) != 1 || len(relayed) != 1 || relayed[0].Recipients[0].Address != "bob@gmail.com" {
		t.Fatalf("got %q and %q", direct, relayed)
	}
	wantBytes(t, direct[0], first)
}

// TestReadmeGivesTheCommand ties the pickup override that these tests run
// with to the one that a sysadmin is told to run.
func TestReadmeGivesTheCommand(t *testing.T) {
	readme, err := os.ReadFile(root + "/contrib/postfix/README.md")
	if err != nil {
		t.Fatal(err)
	}
	override := strings.Replace(postfix.ContentFilter, postfix.ContentFilter[strings.LastIndexByte(postfix.ContentFilter, ':'):], ":10026", 1)
	if want := `postconf -P "pickup/unix/content_filter=` + override + `"`; !strings.Contains(string(readme), want) {
		t.Errorf("no %q", want)
	}
}
