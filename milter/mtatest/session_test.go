package mtatest_test

import (
	"fmt"

	"github.com/postseal/postseal/milter/mtatest"
)

func testMessagesOfOneConnection(t *T) {
	d := t.serve("enforce", `
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
	c := t.dial()
	step := func(from, subject string, to ...string) mtatest.Sent {
		t.Helper()
		s, err := c.Send(from, to, mail(subject))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	step(sender, "Subject: [secure] 1", "<bob@gmail.com>", "<a@nhs.net>")
	t.wantArrived(arrived{[]string{"a@nhs.net: [secure] 1"}, []string{"bob@gmail.com: [secure] 1"}})
	step(sender, "Subject: 2", "<bob@gmail.com>")
	t.wantArrived(arrived{direct: []string{"bob@gmail.com: 2"}})
	step(sender, "Subject: [secure] 3", "<eve@gmail.com>")
	t.wantArrived(arrived{relay: []string{"eve@gmail.com: [secure] 3"}})

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
	for _, line := range []string{"RSET", "NOOP", "HELO third.example"} { // Postfix 3.9 forbids them at once
		say(t, c, 250, line)
	}
	t.wantArrived(arrived{direct: []string{"a@nhs.net: 4", "b@nhs.net: [secure] 5"}})

	// A rejected message, then good ones.
	if s := step("<refused@trust.example>", "Subject: 6", "<bob@gmail.com>"); s.End.Code != 550 {
		t.Errorf("got %v", s)
	}
	step(sender, "Subject: 7", "<bob@gmail.com>")
	step(sender, "Subject: [secure] 8", "<bob@gmail.com>")
	t.wantArrived(arrived{[]string{"bob@gmail.com: 7"}, []string{"bob@gmail.com: [secure] 8"}})

	if n := len(d.AwaitEvents("decision", 8)); n != 8 {
		t.Errorf("got %d decision lines, want 8", n)
	}
}

func testPipelining(t *T) {
	t.serve("enforce", "")
	c := t.dial()
	for i, subject := range []string{"[secure] one", "two", "[secure] three"} {
		say(t, c, 354, "MAIL FROM:"+sender, "RCPT TO:<x@a.gsi.gov.uk>", "RCPT TO:<bob@gmail.com>", "RCPT TO:<a@nhs.net>", "DATA")
		say(t, c, 250, fmt.Sprintf("Subject: %s\r\nX-N: %d\r\n\r\nbody\r\n.", subject, i))
	}
	t.wantArrived(arrived{
		[]string{"a@nhs.net: [secure] one", "a@nhs.net: two", "bob@gmail.com: two", "a@nhs.net: [secure] three"},
		[]string{"bob@gmail.com: [secure] one", "bob@gmail.com: [secure] three"},
	})
}

// testModeChangesWithinASession reloads into mode enforce. A session that began in
// mode observe gets no reply to RCPT, so that a refusal is one of the whole message.
func testModeChangesWithinASession(t *T) {
	d := t.serve("observe", "")
	c := t.dial()
	step := func(c *mtatest.Client, refused, end int, subject string, to ...string) {
		t.Helper()
		s, err := c.Send(sender, to, mail(subject))
		if err != nil {
			t.Fatal(err)
		}
		if s.End.Code != end || s.Recipients[0].Code != refused {
			t.Errorf("%s: got %v", subject, s)
		}
	}
	const closed, gmail, secure = "<x@y.gsi.gov.uk>", "<bob@gmail.com>", "<a@nhs.net>"
	step(c, 250, 250, "Subject: [secure] 1", closed, gmail, secure)
	t.wantArrived(arrived{direct: []string{"a@nhs.net: [secure] 1", "bob@gmail.com: [secure] 1", "x@y.gsi.gov.uk: [secure] 1"}})
	rewrite(t, d, `mode = "observe"`, `mode = "enforce"`)
	reload(t, d)
	step(c, 250, 550, "Subject: [secure] 2", closed, gmail, secure)
	step(c, 250, 250, "Subject: [secure] 3", gmail, secure)
	t.wantArrived(arrived{[]string{"a@nhs.net: [secure] 3"}, []string{"bob@gmail.com: [secure] 3"}})
	fresh := t.dial()
	step(fresh, 550, 250, "Subject: [secure] 4", closed, gmail, secure)
	t.wantArrived(arrived{[]string{"a@nhs.net: [secure] 4"}, []string{"bob@gmail.com: [secure] 4"}})
	rewrite(t, d, `mode = "enforce"`, `mode = "observe"`)
	reload(t, d)
	step(fresh, 250, 250, "Subject: 5", closed, secure)
	t.wantArrived(arrived{direct: []string{"a@nhs.net: 5", "x@y.gsi.gov.uk: 5"}})
}
