package message

import (
	"slices"
	"testing"
	"time"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/rulestest"
)

// TestMessageWithoutSubject has all cases in which a Subject field can be
// added, because the encrypt service of Postfix adds the marker only to an
// existing field.
func TestMessageWithoutSubject(t *testing.T) {
	divert := rules.Policy{Name: "p", Mode: rules.Enforce, Action: rules.Divert}
	empty := []Edit{{Op: AddHeader, Name: "Subject"}}
	for _, test := range []struct {
		name     string
		policies []rules.Policy
		envelope Envelope
		to       string
		subjects []string
		want     []Edit
	}{
		{"divert", []rules.Policy{divert}, Envelope{}, "bob@gmail.com", nil, empty},
		{"divert, with an empty Subject", []rules.Policy{divert}, Envelope{}, "bob@gmail.com", []string{""}, nil},
		{"divert on Sendmail", []rules.Policy{divert}, Envelope{Sendmail: true}, "bob@gmail.com", nil, nil},
		{"quarantine", []rules.Policy{{Name: "p", Mode: rules.Enforce, Action: rules.Quarantine}}, Envelope{}, "bob@gmail.com", nil, empty},
		{"relay domain from the client", []rules.Policy{divert}, Envelope{}, "bob@gmail.com.encrypt.invalid", nil, empty},
		{"secure", []rules.Policy{divert}, Envelope{}, "a@nhs.net", nil, nil},
		{"tag", []rules.Policy{{Name: "p", Mode: rules.Enforce, Action: rules.Tag}}, Envelope{}, "bob@gmail.com", nil, nil},
		{"tag with the marker", []rules.Policy{{Name: "p", Mode: rules.Enforce, Action: rules.Tag, AddMarker: true}}, Envelope{}, "bob@gmail.com", nil,
			[]Edit{{Op: AddHeader, Name: "Subject", Value: "[secure]"}}},
		{"reject", []rules.Policy{{Name: "p", Mode: rules.Enforce, Action: rules.Reject}}, Envelope{}, "bob@gmail.com", nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := New(testConfig(t, test.policies...), test.envelope)
			m.Recipient(test.to, "", nil, time.Now())
			for _, s := range test.subjects {
				m.Header("Subject", s)
			}
			v, err := m.End()
			if err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(v.Edits, func(e Edit) bool { return e.Name != "Subject" })
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// testConfig enforces the given policies, or the shipped ones.
func testConfig(t testing.TB, policies ...rules.Policy) *Config {
	t.Helper()
	return &Config{Rules: rulestest.Ruleset(t, policies...), Mode: rules.Enforce}
}

// TestHeldWithoutRelay checks that no recipient is added in place of one that
// Sendmail does not delete: without a relay, no recipient of held mail is
// diverted.
func TestHeldWithoutRelay(t *testing.T) {
	config := testConfig(t, rules.Policy{Name: "p", Mode: rules.Enforce, Action: rules.Quarantine})
	config.Rules.Relay = ""
	m := New(config, Envelope{Sendmail: true})
	m.Recipient("x@alias.example", "a@nhs.net", nil, time.Now())
	m.Recipient("a@nhs.net", "a@nhs.net", nil, time.Now())
	v, err := m.End()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range v.Edits {
		if e.Recipient != "" {
			t.Errorf("got %v", e)
		}
	}
}

// TestDivertAtTheEnd checks that nothing is diverted if Postfix does not show
// what was typed. The whole message is rejected instead.
func TestDivertAtTheEnd(t *testing.T) {
	const rejected = "550 5.7.1 <bob@gmail.com>: the address cannot be rewritten safely, because Postfix does not show how it was typed: ask the mail administrator to replace non_smtpd_milters with the content_filter in contrib/postfix/README.md"
	for _, test := range []struct {
		action rules.Action
		mode   rules.Mode
		to     string
		want   string
	}{
		{rules.Divert, rules.Enforce, "bob@gmail.com", rejected},
		{rules.Quarantine, rules.Enforce, "bob@gmail.com", rejected},
		{rules.Divert, rules.Observe, "bob@gmail.com", ""},
		{rules.Tag, rules.Enforce, "bob@gmail.com", ""},
		{rules.Divert, rules.Enforce, "bob@gmail.com.encrypt.invalid", ""},
	} {
		m := New(testConfig(t, rules.Policy{Name: "p", Mode: test.mode, Action: test.action}), Envelope{Pickup: true, RefuseAtEnd: true})
		m.Recipient("a@nhs.net", "", nil, time.Now())
		m.Recipient(test.to, "", nil, time.Now())
		v, err := m.End()
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if v.Reply != nil {
			got = v.Reply.String()
		}
		if got != test.want || got != "" && (len(v.Edits) > 0 || v.Decision.Action != rules.Reject) {
			t.Errorf("%v, %v: got %q, %v, %v", test.action, test.to, got, v.Edits, v.Decision.Action)
		}
	}
}
