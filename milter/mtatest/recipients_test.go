package mtatest_test

import (
	"fmt"
	"slices"
	"strings"
)

// testThousandRecipients sends to as many recipients as Postfix accepts by
// default. No line of the log is longer than rsyslog accepts, and together the
// lines name each recipient once.
func testThousandRecipients(t *T) {
	const recipients, longest = 1000, 8000
	d := t.serve("enforce", "")
	var to, want []string
	for i := range recipients {
		address := fmt.Sprintf("%s%d@gmail.com", strings.Repeat("x", 60), i)
		to, want = append(to, "<"+address+">"), append(want, address)
	}
	s := t.send(to, mail("Subject: [secure] WORD"))
	if s.End.Code != 250 {
		t.Fatal(s.End)
	}
	// The lines of the second message follow those of the first.
	last := t.send([]string{"<a@nhs.net>"}, mail("Subject: WORD"))
	decision(t, d, last.QueueID())
	t.settle()

	var got []string
	counted := false
	for _, msg := range []string{"decision", "decision recipients"} {
		for _, e := range d.Events(msg) {
			if e["queue_id"] != s.QueueID() {
				continue
			}
			counted = counted || e["recipient_count"] == float64(recipients)
			for _, r := range e["recipients"].([]any) {
				got = append(got, r.(map[string]any)["address"].(string))
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || !counted {
		t.Errorf("the log names %d recipients, want %d; counted: %t", len(got), len(want), counted)
	}
	for _, line := range strings.Split(d.Log(), "\n") {
		if len(line) > longest {
			t.Errorf("a line of %d octets", len(line))
		}
	}
}
