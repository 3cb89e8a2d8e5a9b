package milter

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/finding"
)

// LoggedRecipient is an element of "recipients" in the decision line and in
// the output of "postseal explain".
type LoggedRecipient struct {
	Address string       `json:"address"`
	Class   rules.Class  `json:"class"`
	Row     string       `json:"row"`
	Policy  string       `json:"policy"`
	Action  rules.Action `json:"action"`
	// Findings are those about the recipient.
	Findings []finding.Finding `json:"findings"`
}

// LoggedRecipients renders the outcomes of a decision.
func LoggedRecipients(d rules.Decision, format Addresses) []LoggedRecipient {
	list := make([]LoggedRecipient, len(d.Outcomes))
	for i, o := range d.Outcomes {
		list[i] = LoggedRecipient{
			Address: format.apply(o.Text), Class: o.Class, Row: format.Row(o.RowName()),
			Policy: o.Policy, Action: o.Action, Findings: append([]finding.Finding{}, o.Findings...),
		}
	}
	return list
}

// clientText renders a client, which mail need not have.
func clientText(client netip.Addr) string {
	if !client.IsValid() {
		return ""
	}
	return client.String()
}

// logDecision writes the line of a message, and those of the recipients that do
// not fit into it. Its keys are an interface: they are never renamed or retyped
// within a major version.
func logDecision(log *slog.Logger, c *Config, e Envelope, queueID string, v Verdict, took time.Duration) {
	mode := rules.Enforce
	if v.Observed {
		mode = rules.Observe
	}
	recipients := boundedRecipients(v.Decision, c.Addresses)
	n := fitting(recipients, maxInline)
	log.Info("decision",
		"queue_id", queueID,
		"client", clientText(e.Client),
		"auth", c.Addresses.apply(e.Auth),
		"sender", c.Addresses.apply(e.Sender),
		"action", v.Decision.Action.String(),
		"mode", mode.String(),
		"marker", v.Decision.Marker.String(),
		"near_miss", string(v.Decision.NearMiss),
		"findings", clipFindings(v.Decision.Findings(), maxFindings),
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

// maxLines is how many lines of each kind a client can cause with one message.
const maxLines = 100

// lineCount counts the lines that recipients of one message have caused.
type lineCount struct{ refused, readings int }

// more counts a line, and reports whether it is written.
func more(count *int) bool {
	*count++
	return *count <= maxLines
}

// leftOut returns how many lines were not written.
func (l lineCount) leftOut() lineCount {
	return lineCount{max(0, l.refused-maxLines), max(0, l.readings-maxLines)}
}

// logLeftOut writes the line that stands for those past maxLines.
func logLeftOut(log *slog.Logger, c *Config, queueID string, client netip.Addr, left lineCount) {
	log.Warn("lines left out",
		"queue_id", queueID,
		"client", clientText(client),
		"refused_recipient", left.refused,
		"readings_differ", left.readings,
		"config", c.Hash,
	)
}

// logReadings writes the line of a recipient that the MTA reads as one of
// another domain. A domain that cannot be read is empty.
func logReadings(log *slog.Logger, c *Config, queueID string, r rules.Recipient) {
	log.Warn("readings differ",
		"queue_id", queueID,
		"domain", c.Addresses.domain(r.Address.Domain),
		"resolved", c.Addresses.domain(r.Resolved.Domain),
		"class", r.Class.String(),
		"config", c.Hash,
	)
}

// logRefusal writes the line of a RCPT that was not taken.
func logRefusal(log *slog.Logger, c *Config, e Envelope, queueID string, r rules.Recipient, refusal *Refusal) {
	log.Info("refused recipient",
		"queue_id", queueID,
		"client", clientText(e.Client),
		"sender", c.Addresses.apply(e.Sender),
		"address", c.Addresses.apply(r.Text),
		"class", r.Class.String(),
		"row", c.Addresses.Row(r.RowName()),
		"reason", c.Addresses.Text(refusal.Reason),
		"config", c.Hash,
	)
}
