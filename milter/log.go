package milter

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/keyword"
)

// AddressFormat says how addresses stand in the log.
type AddressFormat string

// The formats of log.addresses.
const (
	FullAddress   AddressFormat = "full"   // as they are
	DomainAddress AddressFormat = "domain" // the domain alone, if it can be read
	HashAddress   AddressFormat = "hash"   // twelve hex digits, the same for the same address and key
)

// UnmarshalText reads the name; anything else is an error.
func (f *AddressFormat) UnmarshalText(text []byte) error {
	return keyword.Word(f, text, FullAddress, DomainAddress, HashAddress)
}

// Addresses renders addresses for the log.
type Addresses struct {
	Format AddressFormat
	// Key is of HashAddress. Without one nothing is shown: anybody can guess the
	// address behind a bare hash.
	Key []byte
}

// apply renders an address or a login. The null sender stays empty.
func (a Addresses) apply(text string) string {
	switch {
	case text == "" || a.Format == FullAddress:
		return text
	case a.Format == DomainAddress:
		// Not what follows the last "@": that can be a comment or a local part.
		return address.Parse(text).Domain
	case a.Format == HashAddress && len(a.Key) > 0:
		hash := hmac.New(sha256.New, a.Key)
		hash.Write([]byte(strings.ToLower(text)))
		return hex.EncodeToString(hash.Sum(nil)[:6])
	}
	return ""
}

// inText matches an address in the text of an error or a note.
var inText = regexp.MustCompile(`[^\s"'<>(),;:]+@[^\s"'<>(),;:]+`)

// Text renders a text that may name addresses.
func (a Addresses) Text(text string) string {
	if a.Format == FullAddress {
		return text
	}
	return inText.ReplaceAllStringFunc(text, a.apply)
}

// domain renders the domain of an address.
func (a Addresses) domain(name string) string {
	if a.Format == DomainAddress {
		return name
	}
	return a.apply(name)
}

// Row renders the name of a row, which is a domain or an address.
func (a Addresses) Row(name string) string {
	if !strings.Contains(name, "@") {
		return name
	}
	return a.apply(name)
}

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
