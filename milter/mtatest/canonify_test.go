package mtatest_test

import (
	"strings"
	"testing"
)

// TestSendmailCanonifiedRecipients sends to names that Sendmail replaces before
// it calls postseal: CNAMEs in the DNS, a name that the site's wildcard
// completes, and a row of the domaintable.
func TestSendmailCanonifiedRecipients(tt *testing.T) {
	t := on(tt, debian)
	d := t.serve("enforce", letterPolicies)
	for _, test := range []struct {
		name string
		to   []string
		want arrived
	}{
		{"both need the marker", []string{"<bob@www.foo.com>", "<a@nhs.net>"}, arrived{[]string{"a@nhs.net: x"}, []string{"bob@www.foo.com: {[secure] }x"}}},
		{"in two forms", []string{"<bob@www.foo.com>", "<Bob@foo.com>"}, arrived{nil, []string{"bob@www.foo.com: {[secure] }x", "Bob@foo.com: {[secure] }x"}}},
		{"domaintable", []string{"<bob@old.example>"}, arrived{nil, []string{"bob@old.example: {[secure] }x"}}},
		{"no such domain", []string{"<bob@nowhere.invalid.foo>"}, arrived{nil, []string{"bob@nowhere.invalid.foo: {[secure] }x"}}},
		{"secure behind it", []string{"<a@clinic.example>"}, arrived{nil, []string{"a@clinic.example: {[secure] }x"}}},
		{"secure behind it, and that too", []string{"<a@nhs.net>", "<a@clinic.example>"}, arrived{[]string{"a@nhs.net: x"}, []string{"a@clinic.example: {[secure] }x"}}},
		{"that too, behind", []string{"<a@clinic.example>", "<a@nhs.net>", "<b@nhs.net>"}, arrived{[]string{"a@nhs.net: x", "b@nhs.net: x"}, []string{"a@clinic.example: {[secure] }x"}}},
	} {
		t.Run(test.name, func(t *T) {
			if s := t.send(test.to, mail("Subject: x")); s.End.Code != 250 {
				t.Errorf("got %v", s)
			}
			t.wantArrived(test.want)
		})
	}
	if e := d.Events("readings differ"); len(e) > 0 {
		t.Errorf("got %v", e)
	}
}

// TestSendmailSecureNameLeadsElsewhere sends to secure names that are CNAMEs of
// others. Sendmail would deliver to the other address.
func TestSendmailSecureNameLeadsElsewhere(tt *testing.T) {
	t := on(tt, debian)
	d := t.serve("enforce", "")
	local := strings.Repeat("x", 60)
	for _, test := range []struct{ to, leadsTo string }{
		{"a@mail.council.gov.uk", "a@outlook.com"},
		{"a@alias.nhs.net", "a@gmail.com"},
		{local + "@alias.nhs.net", local + "@gmail.com"},
	} {
		s := t.send([]string{"<" + test.to + ">", "<b@nhs.net>"}, mail("Subject: [secure] x"))
		named := "<" + test.to + ">"
		want := "550 5.7.1 " + named + "... " + named + ": it forwards to " + test.leadsTo + ", which is not known to be secure: check with its owner, or write to that address directly"
		if got := s.Recipients[0].String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		t.wantArrived(arrived{direct: []string{"b@nhs.net: [secure] x"}})
	}
	if e := d.AwaitEvents("readings differ", 3); len(e) != 3 || e[0]["resolved"] != "outlook.com" {
		t.Errorf("got %v", e)
	}
}
