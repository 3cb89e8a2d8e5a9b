package message

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/postseal/postseal/milter/extract/mime"
	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// contentSize is the memory that reading needs, whatever the message's size.
const contentSize = 128 << 10

// content is what reads a message beyond its envelope.
type content struct {
	reader    *mime.Reader
	detector  *detect.Detector
	documents *subprocess.Documents
	shown     []string // the values of To and Cc
}

// Read says how messages are read.
type Read struct {
	// Header and Body say that a policy tests what they contain. They are not
	// read otherwise.
	Header, Body bool
	// Always says that the message is read even if no recipient needs the marker.
	Always  bool
	Content detect.Config
	// VisibleRecipients is the least number of addresses in To and Cc that is a
	// finding.
	VisibleRecipients int
	// Documents reads documents.
	Documents *subprocess.Pool
}

// read returns what reads the message, or nil if nothing that it says can change
// the decision. It is called when all recipients are known.
func (m *Message) read() *content {
	if m.content == nil && m.Config.Read.Header && (m.Config.Read.Always || m.needsMarker) {
		facts := m.Config.Read.Content
		if !m.Config.Read.Body {
			facts.Disclaimer = detect.Disclaimer{} // it is in the body
		}
		c := &content{detector: detect.New(facts)}
		c.documents = m.Config.Read.Documents.Documents(c.detector)
		limits := mime.DefaultLimits()
		limits.Document = m.Config.Read.Documents.Limits().Document
		c.reader = mime.NewReader(c.detector, func(part string) io.WriteCloser { return c.documents.Open(part) }, limits)
		m.content = c
		m.keep(contentSize, maxMessage)
	}
	return m.content
}

func (c *content) field(name, value string) {
	c.reader.Field(name, value)
	c.detector.Field(name, value)
	if strings.EqualFold(name, "To") || strings.EqualFold(name, "Cc") {
		c.shown = append(c.shown, value)
	}
}

// Body adds octets of the body as they come.
func (m *Message) Body(p []byte) {
	if m.Config.Read.Body && m.limit == "" && m.read() != nil {
		m.content.reader.Write(p)
	}
}

// findings ends the reading.
func (m *Message) findings() ([]finding.Finding, error) {
	if m.read() == nil {
		return nil, nil
	}
	if m.Config.Read.Body {
		m.content.reader.Close()
	}
	err := m.content.documents.Err()
	if m.Config.Mode == rules.Observe && (errors.Is(err, subprocess.ErrBusy) || errors.Is(err, subprocess.ErrKilled)) {
		err = nil // observe delays no mail: the document is unreadable
	}
	if err != nil {
		return nil, fmt.Errorf("a document was not read: %w", err)
	}
	findings := m.content.detector.Findings()
	if n := m.visibleRecipients(); n >= m.Config.Read.VisibleRecipients {
		findings = append(findings, finding.Finding{Name: finding.VisibleRecipients, Count: n})
	}
	return findings, nil
}

// visibleRecipients counts the different addresses in To and Cc that are neither
// local nor secure. It looks none up if there are too few for a finding.
func (m *Message) visibleRecipients() (n int) {
	seen := make(map[string]bool)
	var different []string
	for _, value := range m.content.shown {
		for _, text := range addressesOf(value) {
			key := strings.ToLower(text)
			if seen[key] || len(seen) >= maxRecipients {
				continue
			}
			seen[key] = true
			different = append(different, text)
		}
	}
	if len(different) < m.Config.Read.VisibleRecipients {
		return 0
	}
	for _, text := range different {
		if r := m.Config.Rules.Classify(text, "", m.began); r.Class.NeedsMarker() || r.Refused() {
			n++
		}
	}
	return n
}

// Discard ends the reading of a message that is not decided.
func (m *Message) Discard() {
	if m.content != nil {
		m.content.documents.Stop()
	}
}

// addressesOf returns the addresses in the value of a field such as To (RFC
// 5322, section 3.4). It is lenient, as mail programs are: it separates at
// commas, semicolons and the colon of a group, and takes what angle brackets
// enclose.
func addressesOf(value string) (list []string) {
	var text strings.Builder
	angle := ""
	end := func() {
		if address := strings.TrimSpace(text.String()); angle == "" {
			angle = address
		}
		if strings.Contains(angle, "@") {
			list = append(list, strings.TrimSpace(angle))
		}
		text.Reset()
		angle = ""
	}
	comments, quoted, escaped := 0, false, false
	inAngle := false
	for _, r := range value {
		switch {
		case escaped:
			escaped = false
			text.WriteRune(r)
		case r == '\\' && (quoted || comments > 0):
			escaped = true
			text.WriteRune(r)
		case comments > 0 && r == ')':
			comments--
		case r == '(' && !quoted:
			comments++
		case comments > 0:
		case r == '"':
			quoted = !quoted
			text.WriteRune(r)
		case quoted:
			text.WriteRune(r)
		case r == '<':
			inAngle = true
			text.Reset()
		case r == '>' && inAngle:
			inAngle, angle = false, text.String()
			text.Reset()
		case r == ',' || r == ';':
			end()
		case r == ':' && !inAngle:
			text.Reset()
		default:
			text.WriteRune(r)
		}
	}
	end()
	return list
}
