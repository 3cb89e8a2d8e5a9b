package mtatest_test

import ()

func testSendmailCommand(t *T) {
	t.serve("enforce", "")
	t.submit("Subject: plain", "bob@gmail.com", "a@nhs.net")
	t.wantArrived(arrived{direct: []string{"bob@gmail.com: plain", "a@nhs.net: plain"}})
	t.submit("Subject: [secure] x", "Bob@GMAIL.com", "a@nhs.net", "root")
	t.wantArrived(arrived{[]string{"a@nhs.net: [secure] x", "root@" + t.ownHost() + ": [secure] x"}, []string{"Bob@GMAIL.com: [secure] x"}})
	// Refused mail comes back as a bounce.
	for _, to := range []string{"bob%gmail.com@trust.example", `"bob@gmail.com"@trust.example`, "x@y.gsi.gov.uk"} {
		t.submit("Subject: [secure] back", to)
		t.wantArrived(t.bounced())
	}
}

// testSendmailCommandOddForms sends to forms that both sendmail(1) rewrite to
// bob@gmail.com before the filter gets them.
func testSendmailCommandOddForms(t *T) {
	t.serve("enforce", "")
	for _, to := range []string{"@route.example:bob@gmail.com", "bob@gmail.com.", "bob%gmail.com", "gmail.com!bob", "Bob (comment) <bob@gmail.com>"} {
		t.submit("Subject: [secure] odd", to)
		t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure] odd"}})
	}
}

func testSendmailCommandWhileDown(t *T) {
	t.submit("Subject: waits", "a@nhs.net")
	t.awaitDeferred()
	if got := t.internet.Take(); len(got) > 0 {
		t.Fatalf("delivered while the filter was down: %v", got)
	}
	t.serve("enforce", "")
	if err := t.mta.Retry(); err != nil {
		t.Fatal(err)
	}
	t.wantArrived(arrived{direct: []string{"a@nhs.net: waits"}})
}

func (t *T) submit(header string, to ...string) {
	t.Helper()
	t.expectMail()
	if err := t.mta.Submit("ward@trust.example", to, []byte(header+"\n\nx\n")); err != nil {
		t.Fatal(err)
	}
}

// ownHost is the domain of the MTA's own users in the mail that arrives.
func (t *T) ownHost() string {
	if t.onSendmail() {
		return "[127.0.0.1]" // its mail hub
	}
	return "mx.trust.example"
}

// bounced is a message that came back.
func (t *T) bounced() arrived {
	if t.onSendmail() {
		return arrived{direct: []string{"ward@trust.example: Returned mail: see transcript for details"}}
	}
	return arrived{direct: []string{"ward@trust.example: Undelivered Mail Returned to Sender"}}
}
