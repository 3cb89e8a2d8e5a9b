package message

import (
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/table"
)

// RefusalKind says in one of few words why a recipient is refused. Alerts use these
// words, so they never change.
type RefusalKind string

// The kinds of refusals.
const (
	Closed    RefusalKind = "closed"    // a retired name
	Malformed RefusalKind = "malformed" // written in a form that cannot be rewritten
	TooLong   RefusalKind = "too-long"  // too long to rewrite
	NotASCII  RefusalKind = "not-ascii" // not ASCII, without SMTPUTF8
	Rerouted  RefusalKind = "rerouted"  // the local part names another host
	Forwarded RefusalKind = "forwarded" // the MTA forwards it to another domain
	TooMany   RefusalKind = "too-many"  // too many recipients
)

// RefusalKinds returns the kinds that recipients of a class can be refused for.
func RefusalKinds(class table.Class) (kinds []RefusalKind) {
	if class == table.Closed {
		kinds = append(kinds, Closed)
	}
	if class.NeedsMarker() {
		kinds = append(kinds, Malformed, TooLong, NotASCII, Rerouted, Forwarded)
	}
	if class == table.Unknown { // a recipient too many is not looked up
		kinds = append(kinds, TooMany)
	}
	return kinds
}

// kindOf returns why a recipient is refused that the rules refuse.
func kindOf(r rules.Recipient) RefusalKind {
	if r.Class == table.Closed {
		return Closed
	}
	switch r.Fault {
	case address.TooLong:
		return TooLong
	case address.NotASCII:
		return NotASCII
	case address.Rerouted:
		return Rerouted
	case address.SentOn:
		return Forwarded
	}
	return Malformed
}
