// Package message collects one mail, from MAIL to its end, and turns the
// decision on it into edits or a reply. It has no socket: the session of
// package milter, "postseal explain" and "postseal replay" use the same type.
package message

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/postseal/postseal/milter/extract/subject"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

// ErrLimit is the cause of an error of End for a message beyond a limit.
var ErrLimit = errors.New("the message exceeds a limit of postseal")

// errNoBody is the error of End for a message on a connection that was opened
// before a reload.
var errNoBody = errors.New("the configuration needs the body, but this connection does not send it")

// Config is the configuration by which messages are decided. A reload makes a
// new one.
type Config struct {
	Rules     *rules.Ruleset
	Mode      rules.Mode
	Addresses shown.Addresses
	Hash      string // identifies the configuration in the log
	Read      Read
}

// Envelope is what is known about a message at its MAIL.
type Envelope struct {
	Sender string // without angle brackets; empty for the null sender
	Client netip.Addr
	Auth   string // the login of the client, if it has one
	// SMTPUTF8 says that the client has asked for RFC 6531. Without it, an
	// address that is not ASCII cannot be added, because Sendmail would lose
	// it.
	SMTPUTF8 bool
	// Sendmail says that the MTA is Sendmail. If its site does not offer DSN
	// (noreceipts), it loses a recipient that is added with ORCPT. It also
	// ignores some refusals of a RCPT.
	Sendmail bool
	// Pickup says that the MTA is Postfix, and that the message is mail of
	// sendmail(1). No recipient can be diverted, because Postfix shows the
	// rewritten recipient but deletes by what was typed. The whole message is
	// rejected at its end instead.
	Pickup bool
	// RefuseAtEnd says that no RCPT can be refused. A recipient that must be refused
	// causes the whole message to be rejected at its end.
	RefuseAtEnd bool
	// Body says that the MTA sends the body.
	Body bool
}

// Message collects one mail, from MAIL to the end of the message.
type Message struct {
	Config   *Config
	Envelope Envelope

	recipients  []recipient // accepted
	refused     []recipient // refused at RCPT
	header      headerFacts
	content     *content  // nil if nothing is read
	began       time.Time // of the last recipient
	needsMarker bool      // of some accepted recipient; read asks it at each field and piece of the body
	size        int       // octets of memory, as footprint counts them
	limit       string
}

// recipient is one RCPT, and after the decision its outcome.
type recipient struct {
	rules.Outcome
	resolved  string   // the address as the MTA reads it
	arguments []string // ESMTP arguments
}

// headerFacts is what is kept from the header.
type headerFacts struct {
	fields   int
	subjects []string // as received, including folds
	verdicts []string // of fields named X-Postseal
}

// New begins a message at its MAIL.
func New(config *Config, envelope Envelope) *Message {
	m := &Message{Config: config, Envelope: envelope}
	m.keep(len(envelope.Sender)+len(envelope.Auth), maxMessage)
	return m
}

// keep counts a part of the message, and reports whether it may be kept. Beyond
// a limit no part may.
func (m *Message) keep(octets, limit int) bool {
	if m.limit != "" || m.size+footprint(octets) > limit {
		return false
	}
	m.size += footprint(octets)
	return true
}

// Size returns the memory that the message needs, in octets.
func (m *Message) Size() int { return m.size }

// Limit marks the message as beyond the named limit. No more of it is kept, and
// End returns an error.
func (m *Message) Limit(name string) { m.limit = cmp.Or(m.limit, name) }

// IsPastLimit reports whether the message is beyond a limit.
func (m *Message) IsPastLimit() bool { return m.limit != "" }

// Refusal is the answer to a RCPT that is refused.
type Refusal struct {
	Reply  Reply
	Reason string // for the log
	Kind   RefusalKind
}

// Recipient adds the recipient of a RCPT. path has no angle brackets, resolved
// is the MTA's own reading of it or "", and arguments are the ESMTP arguments.
// The Refusal is nil if the recipient is accepted.
func (m *Message) Recipient(path, resolved string, arguments []string, now time.Time) (rules.Recipient, *Refusal) {
	octets := len(path) + len(resolved)
	for _, argument := range arguments {
		octets += len(argument) + 16 // for the string itself
	}
	// The header gets the memory that the recipients leave.
	if len(m.recipients)+len(m.refused) >= maxRecipients || !m.keep(octets, maxMessage*3/4) {
		// A recipient that is refused here is not lost, because the client
		// sends the message to it again.
		r := rules.Recipient{Text: path, Class: table.Unknown}
		refusal := &Refusal{tooManyRecipients, "too many recipients", TooMany}
		if m.Envelope.RefuseAtEnd || m.Envelope.Sendmail { // see keptBySendmail
			m.Limit(refusal.Reason)
		}
		if m.Envelope.RefuseAtEnd {
			return r, nil
		}
		return r, refusal
	}
	m.began = now
	r := m.Config.Rules.Classify(path, resolved, now)
	if r.Fault == "" && !m.Envelope.SMTPUTF8 && !address.IsASCII(path) {
		r.Fault = address.NotASCII
	}
	given := recipient{rules.Outcome{Recipient: r}, resolved, arguments}
	if r.Refused() && m.Config.Mode == rules.Enforce && !m.Envelope.RefuseAtEnd {
		m.refused = append(m.refused, given)
		return r, &Refusal{refusalReply(r), refusalReason(r, m.Config.Addresses), kindOf(r)}
	}
	m.recipients = append(m.recipients, given)
	m.needsMarker = m.needsMarker || r.Class.NeedsMarker()
	return r, nil
}

// keptBySendmail returns the refused recipients to which Sendmail would still
// deliver, so that the whole message must be rejected. Sendmail adds a recipient
// to its list before it asks the filter. To remove a refused one, it reads what
// was typed as a list of addresses, so a recipient with a comma stays. If
// Sendmail reads another recipient as the same address, it may remove that one
// instead.
func (m *Message) keptBySendmail() (list []recipient) {
	if !m.Envelope.Sendmail || len(m.refused) == 0 {
		return nil
	}
	taken := make(map[string]bool)
	for _, r := range m.recipients {
		taken[strings.ToLower(r.resolved)] = true
	}
	for _, r := range m.refused {
		if strings.Contains(r.Text, ",") || taken[strings.ToLower(r.resolved)] {
			list = append(list, r)
		}
	}
	return list
}

// tooLargeHeader is the limit of a header.
const tooLargeHeader = "too large a header"

// Header adds one field. The value includes folds, but not the last line end.
func (m *Message) Header(name, value string) {
	h := &m.header
	h.fields++
	if !m.keep(len(name)+len(value), maxMessage) {
		m.Limit(tooLargeHeader)
		return
	}
	name = strings.TrimRight(name, " \t")
	if c := m.read(); c != nil {
		c.field(name, value)
	}
	switch {
	case strings.EqualFold(name, "Subject"):
		h.subjects = append(h.subjects, value)
	case strings.EqualFold(name, verdictField):
		h.verdicts = append(h.verdicts, strings.TrimSpace(value))
	}
}

// Verdict is what must be done with a message.
type Verdict struct {
	Decision rules.Decision
	Reason   string // why the message is held or rejected
	Edits    []Edit // in the order in which the MTA must get them
	Reply    *Reply // nil if the MTA must continue
	Observed bool   // Edits and Reply are empty because the mode is observe
}

// End decides the message. An error means that it cannot be decided now.
func (m *Message) End() (Verdict, error) {
	if m.limit != "" {
		return Verdict{}, fmt.Errorf("%w: %s", ErrLimit, m.limit)
	}
	if m.Config.Read.Body && !m.Envelope.Body {
		return Verdict{}, errNoBody
	}
	findings, err := m.findings()
	if err != nil {
		return Verdict{}, err
	}
	v := m.decide(findings)
	if m.Config.Mode == rules.Observe {
		v.Edits, v.Reply, v.Observed = nil, nil, true
	}
	return v, nil
}

// decide returns the verdict of mode enforce.
func (m *Message) decide(findings []finding.Finding) Verdict {
	ruleset := m.Config.Rules
	subjects := make([]marker.Subject, len(m.header.subjects))
	for i, s := range m.header.subjects {
		subjects[i] = subject.Read(s)
	}
	marker := ruleset.Marker.Read(subjects)
	facts := rules.Facts{
		Sender:   m.Envelope.Sender,
		Client:   m.Envelope.Client,
		Marker:   marker.State,
		NearMiss: marker.Kind,
		Findings: findings,
	}
	m.recipients = append(m.recipients, m.keptBySendmail()...)
	for _, r := range m.recipients {
		facts.Recipients = append(facts.Recipients, r.Recipient)
	}
	d := ruleset.Decide(facts)
	if m.Envelope.Pickup {
		for i, o := range d.Outcomes {
			if o.Diverted {
				facts.Recipients[i].Fault = address.NotShown
			}
		}
		d = ruleset.Decide(facts)
	}
	for i, o := range d.Outcomes {
		m.recipients[i].Outcome = o
	}
	v := Verdict{Decision: d}
	switch d.Action {
	case rules.Reject:
		reply, reason := rejectReply(d, ruleset.Marker.Text(), m.Config.Addresses)
		v.Reply, v.Reason = &reply, reason
		return v
	case rules.Quarantine:
		v.Reason = "policy " + d.Policy
	}
	v.Edits = m.edits(d, subjects)
	return v
}
