package maillog

import (
	"time"

	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/table"
)

// Recipients returns the outcomes of a decision as they are logged.
func Recipients(d rules.Decision, format shown.Addresses) []Recipient {
	list := make([]Recipient, len(d.Outcomes))
	for i, o := range d.Outcomes {
		list[i] = Recipient{
			Address: format.Address(o.Text), Class: o.Class, Row: format.Row(o.RowName()),
			Policy: o.Policy, Action: o.Action, Findings: findingsOf(o.Findings, o.Meant),
		}
	}
	return list
}

// Findings returns the findings about a message and about its recipients, each
// once.
func Findings(d rules.Decision) []Finding {
	list := []Finding{}
	seen := make(map[Finding]bool)
	add := func(findings []Finding) {
		for _, f := range findings {
			if !seen[f] {
				seen[f] = true
				list = append(list, f)
			}
		}
	}
	add(findingsOf(d.Findings, ""))
	for _, o := range d.Outcomes {
		add(findingsOf(o.Findings, o.Meant))
	}
	return list
}

// findingsOf returns findings as they are logged. meant is for a look-alike.
func findingsOf(findings []finding.Finding, meant string) []Finding {
	list := make([]Finding, len(findings))
	for i, f := range findings {
		list[i].Finding = f
		if f.Name == finding.LookAlike {
			list[i].Meant = meant
		}
	}
	return list
}

// WriteDecision writes the Decision on a message, and DecisionRecipients for
// the recipients that do not fit into its line.
func WriteDecision(log *Log, m *message.Message, queueID string, v message.Verdict, took time.Duration) {
	shownAs, d := m.Config.Addresses, v.Decision
	mode := rules.Enforce
	if v.Observed {
		mode = rules.Observe
	}
	var (
		byClass  counts[table.Class]
		byAction counts[rules.Action]
	)
	for _, o := range d.Outcomes {
		byClass[o.Class]++
		byAction[o.Action]++
	}
	recipients := boundedRecipients(d, shownAs)
	n := fitting(recipients, maxInline)
	Write(log, Decision{
		QueueID:        queueID,
		Client:         shown.Client(m.Envelope.Client),
		Auth:           shownAs.Address(m.Envelope.Auth),
		Sender:         shownAs.Address(m.Envelope.Sender),
		Action:         d.Action,
		Mode:           mode,
		Marker:         d.Marker,
		NearMiss:       d.NearMiss,
		Findings:       clipFindings(Findings(d), maxFindings),
		Recipients:     recipients[:n],
		RecipientCount: len(recipients),
		ByClass:        byClass,
		ByAction:       byAction,
		Reason:         shownAs.Text(v.Reason),
		Config:         m.Config.Hash,
		TookUS:         took.Microseconds(),
	})
	for recipients = recipients[n:]; len(recipients) > 0; recipients = recipients[n:] {
		n = fitting(recipients, maxFurther)
		Write(log, DecisionRecipients{QueueID: queueID, Recipients: recipients[:n], Config: m.Config.Hash})
	}
}

// maxLinesOfKind is how many lines of each kind the recipients of one message can
// cause.
const maxLinesOfKind = 100

// Lines writes what is logged at each RCPT of one message, up to maxLinesOfKind, so
// that no client fills the log.
type Lines struct{ refused, readings int }

// Recipient writes the lines of one RCPT. refusal is nil if the recipient was
// accepted.
func (l *Lines) Recipient(log *Log, m *message.Message, queueID string, r rules.Recipient, refusal *message.Refusal) {
	shownAs := m.Config.Addresses
	if r.Resolved != nil && r.Refused() && more(&l.readings) {
		Write(log, ReadingsDiffer{
			QueueID:  queueID,
			Domain:   shownAs.DomainName(r.Address.Domain),
			Resolved: shownAs.DomainName(r.Resolved.Domain),
			Class:    r.Class,
			Config:   m.Config.Hash,
		})
	}
	if refusal != nil && more(&l.refused) {
		Write(log, RefusedRecipient{
			QueueID: queueID,
			Client:  shown.Client(m.Envelope.Client),
			Sender:  shownAs.Address(m.Envelope.Sender),
			Address: shownAs.Address(r.Text),
			Class:   r.Class,
			Row:     shownAs.Row(r.RowName()),
			Reason:  shownAs.Text(refusal.Reason),
			Kind:    refusal.Kind,
			Config:  m.Config.Hash,
		})
	}
}

// more counts a line, and reports whether it must be written.
func more(count *int) bool {
	*count++
	return *count <= maxLinesOfKind
}

// End writes how many lines of the message were left out, if any, and starts
// again with another message.
func (l *Lines) End(log *Log, m *message.Message, queueID string) {
	if max(l.refused, l.readings) > maxLinesOfKind {
		Write(log, LinesLeftOut{
			QueueID:          queueID,
			Client:           shown.Client(m.Envelope.Client),
			RefusedRecipient: max(0, l.refused-maxLinesOfKind),
			ReadingsDiffer:   max(0, l.readings-maxLinesOfKind),
			Config:           m.Config.Hash,
		})
	}
	*l = Lines{}
}
