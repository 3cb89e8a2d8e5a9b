package main

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// policies are the shipped ones, with one that holds mail. A document that cannot be
// read needs encryption too, so that no fault changes the leg of its message.
const policies = `
[[policy]]
name     = "look-alike"
findings = ["look-alike"]
action   = "reject"

[[policy]]
name   = "hold"
sender = ["research@trust.example"]
marker = ["missing"]
action = "quarantine"

[[policy]]
name   = "marked"
marker = ["present", "near-miss"]
action = "divert"

[[policy]]
name     = "sensitive"
findings = ["nhs-number", "marking", "unreadable"]
action   = "divert"

[[policy]]
name   = "unmarked"
action = "tag"
`

// rows is a rule file. Faults damage it, and let the second row expire on the day that
// is written for %s.
const rows = `[table]
name   = "soak"
source = "the soak"

[[domain]]
name  = "partner.example"
class = "secure"

[[domain]]
name    = "lapsed.example"
class   = "secure"
expires = %s
`

// The words of every subject and every text. No log and no status may show them.
const subjectWord, textWord = "Umbrella", "Zebedee"

// contents are what messages say.
var contents = []struct {
	subject, text, sender           string
	document, seals, holds, rejects bool
}{
	{subject: "[secure] " + subjectWord, seals: true},
	{subject: "Re: [SECURE] " + subjectWord, seals: true},
	{subject: "(secure) " + subjectWord, seals: true},
	{subject: subjectWord, text: "NHS number 999 000 0018", seals: true},
	{subject: subjectWord, document: true, seals: true},
	{subject: subjectWord},
	{subject: subjectWord, text: "See you on Monday."},
	{subject: subjectWord, sender: "research", holds: true},
	{subject: "[secure] " + subjectWord, rejects: true},
}

// addresses are the recipients' addresses, with a number for %d.
var addresses = []struct {
	pattern string
	needs   bool
	expires bool
	closed  bool
	bounces bool // as nobody's mail does at a mtatest.Sink
}{
	{pattern: "secure%d@nhs.net"},
	{pattern: "accredited%d@care.example"},
	{pattern: "row%d@partner.example"},
	{pattern: "row%d@lapsed.example", expires: true},
	{pattern: "own%d@trust.example"},
	{pattern: "unknown%d@gmail.com", needs: true},
	{pattern: "unknown%d@example.org", needs: true},
	{pattern: "unverified%d@clinic.example", needs: true},
	{pattern: "closed%d@council.gcsx.gov.uk", closed: true},
	{pattern: "nobody@secure%d.nhs.net", bounces: true},
	{pattern: "nobody@unknown%d.example", needs: true, bounces: true},
}

// probe is the message with which recovery is measured: marked, to a recipient on each
// leg.
func probe(number int) *message {
	m := &message{number: number, from: "<probe@trust.example>", text: text(number, contents[0].subject, textWord, nil)}
	m.recipients = []*recipient{
		{address: "probe@nhs.net", want: want{leg: direct, stamped: true}},
		{address: "probe@gmail.com", want: want{leg: relay, stamped: true}},
	}
	return m
}

// compose returns a function that writes a random message. sendmail(1) gets none that
// is refused, because it does not tell the sender at once.
func compose(random *rand.Rand, document []byte, submitted bool) func(number int) *message {
	c := contents[random.IntN(len(contents))]
	for c.rejects && submitted {
		c = contents[random.IntN(len(contents))]
	}
	sender := c.sender
	if sender == "" {
		sender = "ward"
	}
	if !c.document {
		document = nil
	}
	return func(number int) *message {
		m := &message{number: number, from: "<" + sender + "@trust.example>", submitted: submitted}
		m.text = text(number, c.subject, textWord+"\r\n"+c.text, document)
		stamped := false
		add := func(i int) {
			a := addresses[i]
			w := want{leg: direct, expires: a.expires}
			switch {
			case a.closed || c.rejects:
				w = want{leg: nowhere}
			case a.needs && (c.seals || c.holds):
				w.leg = relay
			}
			w.held, w.bounces = c.holds && w.leg != nowhere, a.bounces
			stamped = stamped || a.needs
			m.recipients = append(m.recipients, &recipient{address: fmt.Sprintf(a.pattern, len(m.recipients)), want: w})
		}
		for range 1 + random.IntN(4) {
			if i := random.IntN(len(addresses)); !addresses[i].closed || !submitted {
				add(i)
			}
		}
		if len(m.recipients) == 0 || c.holds { // only a recipient who needs the marker makes postseal hold a message
			add(5)
		}
		if c.rejects {
			m.recipients = append(m.recipients, &recipient{address: "bob@nhs.nte", want: want{leg: nowhere}})
		}
		for _, r := range m.recipients {
			r.stamped = stamped && r.leg != nowhere
		}
		return m
	}
}

// numberField is the header field with the number of the message.
const numberField = "X-Soak"

func text(number int, subject, body string, document []byte) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d\r\nSubject: %s\r\nFrom: ward@trust.example\r\nTo: somebody@example.org\r\n"+
		"Message-ID: <%d@trust.example>\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\n", numberField, number, subject, number)
	if document == nil {
		return []byte(b.String() + "\r\n" + body + "\r\n")
	}
	b.WriteString("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + body + "\r\n--b\r\n" +
		"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	for line := range slices.Chunk(document, 57) {
		b.WriteString(base64.StdEncoding.EncodeToString(line) + "\r\n")
	}
	return []byte(b.String() + "--b--\r\n")
}
