//go:build !race

package milter_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/growthtest"
	"github.com/postseal/postseal/rules/rulestest"
)

// TestSavedMessageGrows reads headers of several shapes from a file.
func TestSavedMessageGrows(t *testing.T) {
	config := growthConfig(t)
	for _, test := range []struct {
		name string
		text func(n int) string
	}{
		{"folds of one field", func(n int) string { return "Subject: x" + strings.Repeat("\n x", n) + "\n\n" }},
		{"empty folds of one field", func(n int) string { return "To: x" + strings.Repeat("\n ", n) + "\n\n" }},
		{"fields", func(n int) string { return "To: x\n" + strings.Repeat("X-Other: x\n", n) + "\n" }},
		{"one long line", func(n int) string { return "Subject: " + strings.Repeat("x", n) + "\n\n" }},
		{"no line end", func(n int) string { return "To: " + strings.Repeat("x", n) }},
		{"lines before it", func(n int) string { return strings.Repeat(">From x\n", n) + "To: x\n\n" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			growthtest.Linear(t, 3000, func(n int) func() {
				m, text := message.New(config, message.Envelope{}), test.text(n)
				return func() {
					saved, err := message.OpenSaved(strings.NewReader(text))
					if err == nil {
						err = m.ReadSaved(saved)
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// TestRecipientsGrow decides messages with many recipients of one kind.
func TestRecipientsGrow(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	config := growthConfig(t)
	sealing, holding := growthConfig(t, rules.Divert), growthConfig(t, rules.Quarantine)
	for _, test := range []struct {
		name     string
		n        int
		config   *message.Config
		envelope message.Envelope
		address  func(i int) string
	}{
		{"secure", 500, config, message.Envelope{}, func(i int) string { return fmt.Sprintf("a%d@nhs.net", i) }},
		{"tagged", 500, config, message.Envelope{}, func(i int) string { return fmt.Sprintf("a%d@x%d.example", i, i) }},
		{"rejected look-alikes of one name", 500, config, message.Envelope{}, func(i int) string { return fmt.Sprintf("a%d@nhs.nte", i) }},
		{"rejected look-alikes of as many names", 2000, config, message.Envelope{}, func(i int) string { return fmt.Sprintf("a@x%d.nhs.nte", i) }},
		{"diverted", 500, sealing, message.Envelope{}, func(i int) string { return fmt.Sprintf("a%d@x.example", i) }},
		{"diverted, always the same", 500, sealing, message.Envelope{}, func(int) string { return "a@x.example" }},
		{"not diverted at the end", 500, sealing, message.Envelope{Pickup: true, RefuseAtEnd: true}, func(i int) string { return fmt.Sprintf("a%d@x.example", i) }},
		{"diverted, all look-alikes", 2000, sealing, message.Envelope{}, func(i int) string { return fmt.Sprintf("a@x%d.nhs.nte", i) }},
		{"held", 500, holding, message.Envelope{}, func(i int) string { return fmt.Sprintf("a%d@x.example", i) }},
		{"refused at the end", 500, config, message.Envelope{Pickup: true, RefuseAtEnd: true}, func(i int) string { return fmt.Sprintf("a%d@x.gsi.gov.uk", i) }},
		{"lists on Sendmail", 500, config, message.Envelope{Sendmail: true}, func(i int) string { return fmt.Sprintf(`"a,%d"@x.gsi.gov.uk`, i) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			growthtest.Linear(t, test.n, func(n int) func() {
				m := message.New(test.config, test.envelope)
				return func() {
					for i := range n {
						m.Recipient(test.address(i), "", []string{"NOTIFY=NEVER"}, now)
					}
					v, err := m.End()
					if err != nil {
						t.Error(err)
					}
					maillog.Findings(v.Decision)
					maillog.Recipients(v.Decision, shown.Addresses{Format: shown.Full})
				}
			})
		})
	}
}

// TestHeaderGrows decides messages with many fields of one kind.
func TestHeaderGrows(t *testing.T) {
	config := growthConfig(t)
	for _, test := range []struct{ name, field, value string }{
		{"Subject fields", "Subject", "x"},
		{"Subject fields with the marker", "Subject", "[secure] x"},
		{"fields of an earlier verdict", "X-Postseal", "tag; marker=missing"},
		{"other fields", "Received", "from x.example"},
	} {
		t.Run(test.name, func(t *testing.T) {
			growthtest.Linear(t, 2000, func(n int) func() {
				m := message.New(config, message.Envelope{})
				m.Recipient("a@x.example", "", nil, time.Now())
				return func() {
					for range n {
						m.Header(test.field, test.value)
					}
					if _, err := m.End(); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// growthConfig enforces the shipped policies, or one action for all mail.
func growthConfig(t *testing.T, actions ...rules.Action) *message.Config {
	t.Helper()
	var policies []rules.Policy
	for _, action := range actions {
		policies = []rules.Policy{{Name: "all", Action: action, Mode: rules.Enforce}}
	}
	return &message.Config{Rules: rulestest.Ruleset(t, policies...), Mode: rules.Enforce}
}
