package mtatest_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postseal/postseal/milter/mtatest"
)

func testSecureRecipientsGetItByteForByte(t *T) {
	plain := t.oneMore(mtatest.Options{})
	message := mail("Subject: Clinic  list\t", "X-Folded: one\r\n\ttwo\r\n  three", "x-ODD:  value", "Subject:second")
	to := []string{"<a@nhs.net>", "<b@listed.nhs.uk>", "<c@trust.example>", "<d@sub.trust.example>"}

	t.serve("enforce", "")
	if s := plain.send(to, message); s.End.Code != 250 {
		t.Fatalf("without the filter: %v", s)
	}
	without, _, _ := plain.settle()
	if s := t.send(to, message); s.End.Code != 250 {
		t.Fatalf("with the filter: %v", s)
	}
	direct, relayed, _ := t.settle()
	if len(relayed) > 0 || len(direct) != len(without) || len(direct) == 0 {
		t.Fatalf("got %d direct and %d through the relay, want %d and 0", len(direct), len(relayed), len(without))
	}
	for _, d := range append(direct, without...) {
		wantBytes(t, d, message)
	}
}

func testUnknownRecipientIsTagged(t *T) {
	d := t.serve("enforce", "")
	for _, test := range []struct {
		name   string
		header []string
	}{
		{"no field", nil},
		{"one forged", []string{"X-Postseal: accept; marker=present"}},
		{"several forged, odd case", []string{"x-postseal: 1", "X-POSTSEAL : 2", "X-Postseal:\r\n 3"}},
	} {
		t.Run(test.name, func(t *T) {
			message := mail(append(test.header, "Subject: Parking")...)
			s := t.send([]string{"<bob@gmail.com>", "<a@nhs.net>"}, message)
			if s.End.Code != 250 {
				t.Fatal(s)
			}
			direct, relayed, _ := t.settle()
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

func testForgedVerdictIsRemovedFromSecureMail(t *T) {
	t.serve("enforce", "")
	t.send([]string{"<a@nhs.net>"}, mail("X-Postseal: tag", "Subject: x", "x-postseal: again"))
	direct, _, _ := t.settle()
	if len(direct) != 1 {
		t.Fatalf("got %d deliveries", len(direct))
	}
	wantBytes(t, direct[0], mail("Subject: x"))
}

func testAddMarker(t *T) {
	t.serve("enforce", `
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
		t.send([]string{"<bob@gmail.com>"}, mail(test.subject))
		t.wantArrived(arrived{direct: []string{"bob@gmail.com:" + test.want}})
	}
}

func testObserveChangesNothing(t *T) {
	d := t.serve("observe", `
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
		s := t.send(test.to, message)
		if s.End.Code != 250 || s.Recipients[0].Code != 250 {
			t.Fatalf("got %v", s)
		}
		direct, relayed, held := t.settle()
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

func testObservingPolicy(t *T) {
	d := t.serve("enforce", `
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
	s := t.send([]string{"<bob@gmail.com>"}, message)
	direct, _, _ := t.settle()
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
