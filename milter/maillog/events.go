// Package maillog writes the events of a mail to the log, each as one line or,
// if the mail has many recipients, as several. The keys are an interface: they
// are never renamed or retyped within a major version.
package maillog

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/table"
)

// Recipient is an element of "recipients" in the line "decision" and in the
// output of "postseal explain".
type Recipient struct {
	Address string       `json:"address"`
	Class   table.Class  `json:"class"`
	Row     string       `json:"row"`
	Policy  string       `json:"policy"`
	Action  rules.Action `json:"action"`
	// Findings are those about this recipient.
	Findings []Finding `json:"findings"`
}

// Finding is an element of "findings", in the same outputs.
type Finding struct {
	finding.Finding
	Meant string `json:"meant,omitempty"` // for a look-alike: the secure domain, if there is one
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

// Decision writes the line of a message, and lines for the recipients that do
// not fit into it. Its keys are an interface: they are never renamed or retyped
// within a major version.
func Decision(log *slog.Logger, c *message.Config, e message.Envelope, queueID string, v message.Verdict, took time.Duration) {
	mode := rules.Enforce
	if v.Observed {
		mode = rules.Observe
	}
	recipients := boundedRecipients(v.Decision, c.Addresses)
	n := fitting(recipients, maxInline)
	log.Info("decision",
		"queue_id", queueID,
		"client", shown.Client(e.Client),
		"auth", c.Addresses.Address(e.Auth),
		"sender", c.Addresses.Address(e.Sender),
		"action", v.Decision.Action.String(),
		"mode", mode.String(),
		"marker", v.Decision.Marker.String(),
		"near_miss", string(v.Decision.NearMiss),
		"findings", clipFindings(Findings(v.Decision), maxFindings),
		"recipients", recipients[:n],
		"recipient_count", len(recipients),
		"by_class", byClass(v.Decision),
		"by_action", byAction(v.Decision),
		"reason", c.Addresses.Text(v.Reason),
		"config", c.Hash,
		"took_us", took.Microseconds(),
	)
	for recipients = recipients[n:]; len(recipients) > 0; recipients = recipients[n:] {
		n = fitting(recipients, maxFurther)
		log.Info("decision recipients", "queue_id", queueID, "recipients", recipients[:n], "config", c.Hash)
	}
}

// maxLinesOfKind is how many lines of each kind a client can cause with one message.
const maxLinesOfKind = 100

// LineCount counts the lines that the recipients of one message have caused.
type LineCount struct{ Refused, Readings int }

// More counts a line, and reports whether it must be written.
func More(count *int) bool {
	*count++
	return *count <= maxLinesOfKind
}

// LeftOut returns how many lines were not written.
func (l LineCount) LeftOut() LineCount {
	return LineCount{max(0, l.Refused-maxLinesOfKind), max(0, l.Readings-maxLinesOfKind)}
}

// LeftOut writes the line that replaces those beyond maxLinesOfKind.
func LeftOut(log *slog.Logger, c *message.Config, queueID string, client netip.Addr, left LineCount) {
	log.Warn("lines left out",
		"queue_id", queueID,
		"client", shown.Client(client),
		"refused_recipient", left.Refused,
		"readings_differ", left.Readings,
		"config", c.Hash,
	)
}

// Readings writes the line of a recipient that the MTA reads as an address of
// another domain. A domain that cannot be read is empty.
func Readings(log *slog.Logger, c *message.Config, queueID string, r rules.Recipient) {
	log.Warn("readings differ",
		"queue_id", queueID,
		"domain", c.Addresses.DomainName(r.Address.Domain),
		"resolved", c.Addresses.DomainName(r.Resolved.Domain),
		"class", r.Class.String(),
		"config", c.Hash,
	)
}

// Refusal writes the line of a RCPT that was refused.
func Refusal(log *slog.Logger, c *message.Config, e message.Envelope, queueID string, r rules.Recipient, refusal *message.Refusal) {
	log.Info("refused recipient",
		"queue_id", queueID,
		"client", shown.Client(e.Client),
		"sender", c.Addresses.Address(e.Sender),
		"address", c.Addresses.Address(r.Text),
		"class", r.Class.String(),
		"row", c.Addresses.Row(r.RowName()),
		"reason", c.Addresses.Text(refusal.Reason),
		"config", c.Hash,
	)
}
