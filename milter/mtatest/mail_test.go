package mtatest_test

import (
	"fmt"
	"slices"
	"strings"
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
	plain := startAnother(t, mtatest.Options{})
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
	send(t, []string{"<bob@gmail.com>", "<o+x@gmail.com> NOTIFY=NEVER ORCPT=rfc822;Old@example.org", "<c@gmail.com> NOTIFY=FAILURE"}, mail("Subject: [secure]"))
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
	want := map[string]string{"bob@gmail.com": "bob@gmail.com[]", "o+x@gmail.com": "Old@example.org[NEVER]", "c@gmail.com": "c@gmail.com[FAILURE]"}
	if mta == sendmail { // which may offer no DSN, for all that postseal knows
		want["bob@gmail.com"] = "[]"
	}
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
