package mtatest_test

import (
	"fmt"
	"strings"
)

// letterPolicies follow the guidance to the letter: all mail that needs the
// marker goes through the relay.
const letterPolicies = `
[[policy]]
name   = "guidance"
action = "divert"
`

func testMarkedMailIsSplit(t *T) {
	t.serve("enforce", "")
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
			want: arrived{nil, []string{"bob@gmail.com: {[secure] }=?utf-8?Q?=5Bsecure=5D_caf=C3=A9?="}},
		},
		{
			name: "marker in an encoded word, B", subject: "Subject: Re: =?UTF-8?B?UmU6IFtTZWN1cmVdIGNhZsOp?=",
			to:   []string{"<bob@gmail.com>"},
			want: arrived{nil, []string{"bob@gmail.com: {[secure] }Re: =?UTF-8?B?UmU6IFtTZWN1cmVdIGNhZsOp?="}},
		},
		{
			name: "reply", subject: "Subject: RE: [secure] x",
			to:   []string{"<a@nhs.net>", "<bob@gmail.com>"},
			want: arrived{[]string{"a@nhs.net: RE: [secure] x"}, []string{"bob@gmail.com: {[secure] }RE: [secure] x"}},
		},
		{
			name: "marker in an encoded word that is broken", subject: "Subject: =?utf-8?B?W3NlY3VyZV0!!?=",
			to:   []string{"<bob@gmail.com>"},
			want: arrived{nil, []string{"bob@gmail.com: {[secure] }=?utf-8?B?W3NlY3VyZV0!!?="}},
		},
		{
			name: "folded", subject: "Subject: a long one\r\n [secure] and more",
			to:   []string{"<bob@gmail.com>"},
			want: arrived{nil, []string{"bob@gmail.com: {[secure] }a long one\r\n [secure] and more"}},
		},
		{
			name: "one of two fields", subject: "Subject: [secure] one\r\nSubject: two",
			to:   []string{"<bob@gmail.com>"},
			want: arrived{nil, []string{"bob@gmail.com: [secure] one| {[secure] }two"}},
		},
	} {
		t.Run(test.name, func(t *T) {
			from := sender + " BODY=8BITMIME" + test.parameter
			if t.onSendmail() && test.parameter == " SMTPUTF8" { // Debian's Sendmail has no SMTPUTF8
				say(t, t.dial(), 555, "MAIL FROM:"+from)
				return
			}
			if s := t.sendFrom(from, test.to, mail(test.subject)); s.End.Code != 250 {
				t.Fatalf("got %v", s)
			}
			t.wantArrived(test.want)
		})
	}
}

func testDivertedMailKeepsDSN(t *T) {
	t.serve("enforce", "")
	t.send([]string{"<bob@gmail.com>", "<o+x@gmail.com> NOTIFY=NEVER ORCPT=rfc822;Old@example.org", "<c@gmail.com> NOTIFY=FAILURE"}, mail("Subject: [secure]"))
	_, relayed, _ := t.settle()
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
	if t.onSendmail() { // Sendmail does not tell postseal whether it offers DSN
		want["bob@gmail.com"] = "[]"
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// testDivertedWithoutSubject sends mail without a Subject. On Postfix, postseal
// adds an empty one, and the encrypt service puts the marker before it.
func testDivertedWithoutSubject(t *T) {
	t.serve("enforce", letterPolicies)
	direct, relayed := "a@nhs.net: ", "bob@gmail.com: {[secure] }"
	if t.onSendmail() {
		direct, relayed = "a@nhs.net:", "bob@gmail.com:"
	}
	t.send([]string{"<bob@gmail.com>", "<a@nhs.net>"}, mail())
	t.wantArrived(arrived{[]string{direct}, []string{relayed}})
	t.send([]string{"<a@nhs.net>"}, mail())
	t.wantArrived(arrived{direct: []string{"a@nhs.net:"}})
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: plain"))
	t.wantArrived(arrived{nil, []string{"bob@gmail.com: {[secure] }plain"}})
	// Mail that comes in again with the relay domain needs the marker too.
	t.send([]string{"<bob@gmail.com.encrypt.invalid>"}, mail())
	t.wantArrived(arrived{nil, []string{relayed}})
}

func testSecondPassChangesNothing(t *T) {
	t.serve("enforce", letterPolicies)
	t.send([]string{"<bob@gmail.com>", "<a@nhs.net>"}, mail("Subject: x"))
	direct, _, _ := t.settle()
	if len(direct) != 1 {
		t.Fatalf("got %v", direct)
	}
	// The message after the first pass, with its recipients.
	first := withoutReceived(direct[0].Data)
	if !strings.Contains(string(first), "X-Postseal: divert; marker=missing\r\n") {
		t.Fatalf("got %q", first)
	}
	t.send([]string{"<bob@gmail.com.encrypt.invalid>", "<a@nhs.net>"}, first)
	direct, relayed, _ := t.settle()
	if len(direct) != 1 || len(relayed) != 1 || relayed[0].Recipients[0].Address != "bob@gmail.com" {
		t.Fatalf("got %q and %q", direct, relayed)
	}
	wantBytes(t, direct[0], first)
}
