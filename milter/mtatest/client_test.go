package mtatest

import "testing"

func TestQueueID(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"Postfix", "2.0.0 Ok: queued as 6129698493D", "6129698493D"},
		{"Sendmail", "2.0.0 5AM0j1x0000123 Message accepted for delivery", "5AM0j1x0000123"},
		{"rejected", "5.7.1 not known to be secure", ""},
		{"no answer", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := (Sent{End: Reply{Text: test.text}}).QueueID(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
