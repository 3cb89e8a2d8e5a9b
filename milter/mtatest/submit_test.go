package mtatest_test

import (
	"testing"
)

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

func testSendmailCommandWhileDown(t *testing.T) {
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

func submit(t *testing.T, header string, to ...string) {
	t.Helper()
	expectMail(t)
	if err := mta.Submit("ward@trust.example", to, []byte(header+"\n\nx\n")); err != nil {
		t.Fatal(err)
	}
}

// ownHost is the domain of the MTA's own users as it stands where they go.
func ownHost() string {
	if onSendmail() {
		return "[127.0.0.1]" // its hub
	}
	return "mx.trust.example"
}

// bounced is a message that came back.
func bounced() arrived {
	if onSendmail() {
		return arrived{direct: []string{"ward@trust.example: Returned mail: see transcript for details"}}
	}
	return arrived{direct: []string{"ward@trust.example: Undelivered Mail Returned to Sender"}}
}
