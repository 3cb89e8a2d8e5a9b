package message

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// reading is a configuration that reads the whole message. No document can be
// read.
func reading(t testing.TB) *Config {
	config := testConfig(t)
	config.Read = Read{Header: true, Body: true, VisibleRecipients: 3, Documents: subprocess.NewPool(1, subprocess.DefaultLimits(), "/nonexistent")}
	return config
}

// readSaved adds a saved message.
func readSaved(t testing.TB, m *Message, mail string) {
	t.Helper()
	saved, err := OpenSaved(strings.NewReader(mail))
	if err == nil {
		err = m.ReadSaved(saved)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// findings reads a message to the recipients.
func findings(t testing.TB, config *Config, mail string, to ...string) ([]finding.Finding, error) {
	t.Helper()
	m := New(config, Envelope{Body: true})
	for _, address := range to {
		m.Recipient(address, "", nil, time.Now())
	}
	readSaved(t, m, mail)
	v, err := m.End()
	return v.Decision.Findings, err
}

func TestFindings(t *testing.T) {
	number := []finding.Finding{{Name: finding.NHSNumber, Count: 1, Part: "1"}}
	headerOnly := func(c *Config) { c.Read.Body = false }
	withDisclaimer := func(c *Config) { c.Read.Content.Disclaimer = detect.NewDisclaimer("Confidential") }
	for _, test := range []struct {
		name, mail, to string
		change         func(*Config)
		want           []finding.Finding
	}{
		{"number", "Subject: x\n\nNHS number 999 000 0018\n", "bob@gmail.com", nil, number},
		{"secure recipients alone", "Subject: x\n\nNHS number 999 000 0018\n", "a@nhs.net", nil, nil},
		{"secure recipient among others", "Subject: x\n\nNHS number 999 000 0018\n", "a@nhs.net bob@gmail.com", nil, number},
		{"always", "Subject: x\n\nNHS number 999 000 0018\n", "a@nhs.net", func(c *Config) { c.Read.Always = true }, number},
		{"no empty line before the body", "Subject: x\nNHS number 999 000 0018\n", "bob@gmail.com", nil, number},
		{"no policy asks", "Subject: 999 000 0018\n\nNHS number 999 000 0018\n", "bob@gmail.com", func(c *Config) { c.Read = Read{} }, nil},
		{"header alone", "Subject: 999 000 0018\n\nNHS number 999 000 0026\n", "bob@gmail.com", headerOnly,
			[]finding.Finding{{Name: finding.NHSNumber, Count: 1}, {Name: finding.NHSNumberInSubject, Count: 1}}},
		{"sensitivity", "Subject: x\nSensitivity: Private\n\n", "bob@gmail.com", headerOnly, []finding.Finding{{Name: finding.Sensitivity}}},
		{"disclaimer missing", "Subject: x\n\nHello\n", "bob@gmail.com", withDisclaimer, []finding.Finding{{Name: finding.NoDisclaimer}}},
		{"the body with the disclaimer is not read", "Subject: x\n\n", "bob@gmail.com", func(c *Config) { headerOnly(c); withDisclaimer(c) }, nil},
		{"visible recipients", "To: a@gmail.com, c@nhs.net,\n B@gmail.com\nCc: X: c@gmail.com; b@gmail.com\n\n", "bob@gmail.com", nil,
			[]finding.Finding{{Name: finding.VisibleRecipients, Count: 3}}},
		{"fewer visible recipients", "To: a@gmail.com, c@nhs.net, d@nhs.net\nCc: c@gmail.com\n\n", "bob@gmail.com", nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := reading(t)
			if test.change != nil {
				test.change(config)
			}
			got, err := findings(t, config, test.mail, strings.Fields(test.to)...)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

// TestEmptyMessage has a message without a header field and without a body. What
// it must have is missing.
func TestEmptyMessage(t *testing.T) {
	config := reading(t)
	config.Read.Content.Disclaimer = detect.NewDisclaimer("Confidential")
	m := New(config, Envelope{Body: true})
	m.Recipient("bob@gmail.com", "", nil, time.Now())
	v, err := m.End()
	if want := []finding.Finding{{Name: finding.NoDisclaimer}}; err != nil || !slices.Equal(v.Decision.Findings, want) {
		t.Errorf("got %v, %v, want %v", v.Decision.Findings, err, want)
	}
}

// TestNoProcessForDocument holds that a message is not decided if no process can
// be started for a document: it may hold anything.
func TestNoProcessForDocument(t *testing.T) {
	got, err := findings(t, reading(t), "Subject: x\nContent-Type: application/pdf\n\n%PDF-1.4\n", "bob@gmail.com")
	if err == nil {
		t.Errorf("got %v", got)
	}
}

// TestBusy holds that too many documents at once delay a message and do not let it
// go unread. In observe nothing is delayed.
func TestBusy(t *testing.T) {
	config := reading(t)
	limits := subprocess.DefaultLimits()
	limits.Time = 500 * time.Millisecond
	config.Read.Documents = subprocess.NewPool(1, limits, "/bin/sh", "-c", "exec sleep 100")
	others := config.Read.Documents.Documents(detect.New(detect.Config{}))
	pdf := "Subject: x\nContent-Type: application/pdf\n\n%PDF-1.4\n"
	for mode, want := range map[rules.Mode]error{rules.Enforce: subprocess.ErrBusy, rules.Observe: nil} {
		config.Mode = mode
		others.Open("1")
		got, err := findings(t, config, pdf, "bob@gmail.com")
		if !errors.Is(err, want) || err == nil && !slices.Equal(got, []finding.Finding{{Name: finding.Unreadable, Reason: finding.TooSlow, Part: "1"}}) {
			t.Errorf("%v: got %v, %v, want %v", mode, got, err, want)
		}
	}
	others.Stop()
}

// TestKilled holds the same for a process that something else kills.
func TestKilled(t *testing.T) {
	config := reading(t)
	config.Read.Documents = subprocess.NewPool(1, subprocess.DefaultLimits(), "/bin/sh", "-c", "kill -KILL $$")
	for mode, want := range map[rules.Mode]error{rules.Enforce: subprocess.ErrKilled, rules.Observe: nil} {
		config.Mode = mode
		got, err := findings(t, config, "Subject: x\nContent-Type: application/pdf\n\n%PDF-1.4\n", "bob@gmail.com")
		if !errors.Is(err, want) || err == nil && !slices.Equal(got, []finding.Finding{{Name: finding.Unreadable, Reason: finding.Damaged, Part: "1"}}) {
			t.Errorf("%v: got %v, %v, want %v", mode, got, err, want)
		}
	}
}

func TestAddressesOf(t *testing.T) {
	for value, want := range map[string]string{
		"":                                  "",
		" a@x.example":                      "a@x.example",
		"a@x.example, b@x.example":          "a@x.example|b@x.example",
		"A <a@x.example>,\n B<b@x.example>": "a@x.example|b@x.example",
		`"Doe, Jo" <a@x.example>`:           "a@x.example",
		`"a,b"@x.example`:                   `"a,b"@x.example`,
		"a@x.example (c, <d@x.example>)":    "a@x.example",
		"Team: a@x.example, b@x.example;":   "a@x.example|b@x.example",
		"undisclosed-recipients:;":          "",
		"a@x.example; b@x.example":          "a@x.example|b@x.example",
		`"open <a@x.example>`:               `"open <a@x.example>`,
		"<a@x.example":                      "a@x.example",
		"a@x.example <b@x.example>":         "b@x.example",
		`"\"" <a@x.example>`:                "a@x.example",
	} {
		if got := strings.Join(addressesOf(value), "|"); got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}

func FuzzAddressesOf(f *testing.F) {
	f.Add(`"Doe, Jo" <a@x.example> (c), Team: b@x.example;`)
	f.Fuzz(func(t *testing.T, value string) {
		for _, address := range addressesOf(value) {
			if !strings.Contains(address, "@") {
				t.Errorf("%q: got %q", value, address)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	var body strings.Builder
	for i := range 60 {
		fmt.Fprintf(&body, "This is line %d of a message about the meeting on Monday.\r\n", i)
	}
	for name, read := range map[string]bool{"envelope and subject": false, "all": true} {
		b.Run(name, func(b *testing.B) {
			config := reading(b)
			if !read {
				config.Read = Read{}
			}
			chunk := []byte(body.String())
			b.ReportAllocs()
			for b.Loop() {
				m := New(config, Envelope{Body: true})
				m.Recipient("bob@gmail.com", "", nil, time.Now())
				for range 10 {
					m.Header("Received", " from a.example by b.example with ESMTP id x; Mon, 23 Nov 2026 09:00:00 +0000")
				}
				m.Header("Subject", " results for the clinic")
				m.Body(chunk)
				if _, err := m.End(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
