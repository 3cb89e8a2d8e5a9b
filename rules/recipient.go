package rules

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/table"
)

// Recipient is an address and what the table says about it.
type Recipient struct {
	Text     string // as RCPT has it, without angle brackets
	Address  address.Address
	Resolved *address.Address // the MTA's own reading, if its domain differs; otherwise nil
	Class    table.Class
	Row      *table.Row    // nil if no row covers it
	Fault    address.Fault // why it cannot be diverted; empty if it can
	Findings []finding.Finding
	// Meant is the secure domain that the recipient's domain looks like. It is
	// empty if there is none, or if the other domain is not secure.
	Meant string
}

// RowName returns the name of the row, or "" without a row.
func (r Recipient) RowName() string {
	if r.Row == nil {
		return ""
	}
	return r.Row.Name
}

// Unsafe reports whether the recipient must be refused because it needs the
// marker and cannot be rewritten safely.
func (r Recipient) Unsafe() bool { return r.Class.NeedsMarker() && r.Fault != "" }

// Refused reports whether the recipient is refused whatever the policies say.
func (r Recipient) Refused() bool { return r.Class == table.Closed || r.Unsafe() }

// bearsRelay reports whether the recipient was diverted already.
func (r Recipient) bearsRelay() bool { return r.Row != nil && r.Row.IsRelay() }

// LooksLike reports whether the recipient's domain is easily mistaken for
// another.
func (r Recipient) LooksLike() bool {
	return slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Name == finding.LookAlike })
}

// Reason says in one sentence why the recipient has its class.
func (r Recipient) Reason() string {
	switch {
	case r.Row != nil && r.Row.IsAddress(): // the log may be set to show no addresses
		return cmp.Or(r.Row.Note, "a row for this address in "+r.Row.Table.Name)
	case r.Row != nil && r.Meant != "": // the row of an edition for all names below nhs.uk
		return cmp.Or(r.Row.Note, "the row "+r.Row.Name) + "; the domain looks like " + r.Meant
	case r.Row != nil:
		return cmp.Or(r.Row.Note, fmt.Sprintf("the row %s of %s", r.Row.Name, r.Row.Table.Name))
	case r.Class == table.Local:
		return "a user of the MTA's own host"
	case r.Address.Domain == "":
		return "the address cannot be read: " + string(r.Fault)
	case r.Meant != "":
		return "no row covers the domain, which looks like " + r.Meant
	case r.Resolved != nil:
		return "the MTA reads another domain in the address"
	case r.Address.HasRoute():
		return "the local part can name another host"
	}
	return "no row covers the domain"
}

// Classify reads a recipient. text is the address in RCPT, without angle
// brackets. resolved is the address as the MTA reads it ({rcpt_addr}), or "".
// If the two differ, as for a CNAME on Sendmail, the one that demands more
// decides. The address as typed can be diverted if it needs the marker itself.
func (r *Ruleset) Classify(text, resolved string, now time.Time) Recipient {
	got := r.weaker(r.read(text, now), resolved, now)
	if got.Class == table.Unknown && got.Fault != address.SentOn && !got.Address.HasRoute() {
		if meant, found := r.Table.LookAlike(got.Address.Domain, got.Row, now); found {
			got.Findings, got.Meant = []finding.Finding{{Name: finding.LookAlike}}, meant
		}
	}
	return got
}

// weaker compares the MTA's reading with our own, and keeps the one that
// demands more.
func (r *Ruleset) weaker(got Recipient, resolved string, now time.Time) Recipient {
	if resolved == "" {
		return got
	}
	other := r.read(resolved, now)
	switch {
	case got.bearsRelay() && other.Address.Domain+"."+r.Relay == got.Address.Domain: // Sendmail shows it in this form
		return got
	case other.Fault == address.NoDomain && !other.Address.HasRoute(): // a local user's name, which the MTA keeps
		if got.Fault == address.NoDomain && !got.Address.HasRoute() {
			got.Class = table.Local
		}
		return got
	case got.Fault == address.NoDomain && !got.Address.HasRoute(): // the MTA completed it
		other.Text, other.Fault = got.Text, address.NoDomain
		return other
	case other.Address.Domain != got.Address.Domain:
		got.Resolved = &other.Address
		switch {
		case got.Fault != "" && got.Fault != address.TrailingDot:
		case got.Address.HasRoute() || other.Address.HasRoute():
			got.Fault = address.Rerouted
		case !got.Class.NeedsMarker():
			// The sender sees a secure domain and so types no marker.
			got.Fault = address.SentOn
		}
	}
	if other.Class > got.Class {
		got.Class, got.Row = other.Class, other.Row
	}
	return got
}

// read classifies one reading of an address. If the local part can name another
// host, the domain does not decide, because the mail may be sent on from there
// unencrypted. For one of the site's own domains, the MTA itself would send it
// on. A recipient with the relay domain always goes to the relay.
func (r *Ruleset) read(text string, now time.Time) Recipient {
	a := address.Parse(text)
	rcpt := Recipient{Text: text, Address: a, Class: table.Unknown, Fault: a.Fault}
	if a.Domain == "" {
		return rcpt
	}
	if row := r.Table.LookupAddress(a, now); row != nil {
		rcpt.Row, rcpt.Class = row, row.Class
	}
	if rcpt.Fault == "" && (len(text)+1+len(r.Relay) > address.MaxDiverted || len(a.Domain)+1+len(r.Relay) > address.MaxDomain) {
		rcpt.Fault = address.TooLong
	}
	if rcpt.Class <= table.Secure && a.HasRoute() && !rcpt.bearsRelay() {
		if rcpt.Class == table.Local {
			rcpt.Fault = address.Rerouted
		}
		rcpt.Class, rcpt.Row = table.Unknown, nil
	}
	return rcpt
}
