package message

import (
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/table"
)

// RefusalKind is the reason for a refusal, in one word. Alerts use these words, so
// they never change.
type RefusalKind string

// The kinds of refusals.
const (
	closed    RefusalKind = "closed"    // a retired name
	malformed RefusalKind = "malformed" // written in a form that cannot be rewritten
	tooLong   RefusalKind = "too-long"  // too long to rewrite
	notASCII  RefusalKind = "not-ascii" // not ASCII, without SMTPUTF8
	rerouted  RefusalKind = "rerouted"  // the local part names another host
	forwarded RefusalKind = "forwarded" // the MTA forwards it to another domain
	TooMany   RefusalKind = "too-many"  // too many recipients
)

// RefusalKinds returns the kinds that recipients of a class can be refused for.
func RefusalKinds(class table.Class) (kinds []RefusalKind) {
	if class == table.Closed {
		kinds = append(kinds, closed)
	}
	if class.NeedsMarker() {
		kinds = append(kinds, malformed, tooLong, notASCII, rerouted, forwarded)
	}
	if class == table.Unknown { // postseal does not look up a recipient that is one too many
		kinds = append(kinds, TooMany)
	}
	return kinds
}

// kindOf returns why the rules refuse a recipient.
func kindOf(r rules.Recipient) RefusalKind {
	if r.Class == table.Closed {
		return closed
	}
	switch r.Fault {
	case address.TooLong:
		return tooLong
	case address.NotASCII:
		return notASCII
	case address.Rerouted:
		return rerouted
	case address.SentOn:
		return forwarded
	}
	return malformed
}
