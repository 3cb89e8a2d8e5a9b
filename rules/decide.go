package rules

import (
	"slices"

	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
)

// Outcome is the decision for one recipient.
type Outcome struct {
	Recipient
	Policy string // the row of the decision table; empty if no row was needed
	Action Action
	Mode   Mode // Observe if the policy only observes
	// Diverted says that the recipient goes through the encryption relay, because
	// of its own policy or because the message is held.
	Diverted bool
}

// Decision is what enforcing does with a message. Reject wins over all other
// actions, and quarantine over tag. Divert applies to each recipient.
type Decision struct {
	Action    Action // the strongest action that is carried out
	Marker    marker.State
	NearMiss  marker.Kind
	Findings  []finding.Finding // about the message
	Outcomes  []Outcome         // in the order of the recipients
	Policy    string            // the policy of Action, if a policy decided it
	AddMarker bool              // put the marker before the subject
	Reply     string            // for Reject: the policy's text; empty for the default
	Sealed    bool              // some recipient is diverted, now or by an earlier pass
}

// Decide applies the policies to a message.
func (r *Ruleset) Decide(m Facts) Decision {
	m.from = senderOf(m.Sender)
	d := Decision{Marker: m.Marker, NearMiss: m.NearMiss, Findings: m.Findings, Outcomes: make([]Outcome, len(m.Recipients))}
	for i, rcpt := range m.Recipients {
		o, p := r.decideOne(rcpt, m)
		d.Outcomes[i] = o
		if o.Mode == Observe {
			continue
		}
		if o.Action > d.Action {
			d.Action, d.Policy, d.Reply = o.Action, p.Name, p.Reply
		}
		d.AddMarker = d.AddMarker || p.AddMarker
	}
	d.AddMarker = d.AddMarker && m.Marker != marker.Present && d.Action != Reject
	for i := range d.Outcomes {
		o := &d.Outcomes[i]
		o.Diverted = r.Relay != "" && d.diverts(*o)
		d.Sealed = d.Sealed || o.Diverted || o.bearsRelay()
	}
	return d
}

func (r *Ruleset) decideOne(rcpt Recipient, m Facts) (Outcome, Policy) {
	o := Outcome{Recipient: rcpt, Mode: Enforce}
	switch {
	case rcpt.Refused():
		o.Action = Reject
		return o, Policy{}
	case !rcpt.Class.NeedsMarker():
		return o, Policy{}
	}
	// NewRuleset guarantees that some policy matches.
	i := slices.IndexFunc(r.policies, func(p Policy) bool { return p.holds(rcpt, m) })
	p := r.policies[i]
	o.Policy, o.Action, o.Mode = p.Name, p.Action, p.Mode
	return o, p
}

// diverts reports whether the recipient must go through the encryption relay. No
// MTA asks the filter again when held mail is released, so the filter must divert
// its recipients before.
func (d Decision) diverts(o Outcome) bool {
	switch d.Action {
	case Reject:
		return false
	case Quarantine:
		return o.Class.NeedsMarker()
	}
	return o.Action == Divert && o.Mode == Enforce
}
