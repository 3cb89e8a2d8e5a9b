package rules

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/replytext"
	"github.com/postseal/postseal/rules/table"
	"github.com/postseal/postseal/rules/tomlfile"
)

// Policy is one row of the decision table. An empty condition holds always.
type Policy struct {
	Name      string
	Recipient []table.Class
	Marker    []marker.State
	Findings  []finding.Name // any of them, on the recipient
	Sender    []string       // addresses, or domains with all below them; "<>" is the null sender
	Client    []netip.Prefix
	Action    Action
	Mode      Mode   // Observe logs what the row would do, and does nothing
	AddMarker bool   // Tag alone: put the marker before the subject as well
	Reply     string // Reject alone: the text of the reply, ASCII

	from []address.Mailbox // Sender, in the spelling by which senders are compared
}

// ShippedPolicies are in force where a configuration has none of its own.
func ShippedPolicies() []Policy {
	needs := []table.Class{table.Unverified, table.Unknown}
	return []Policy{
		{Name: "look-alike", Recipient: needs, Findings: []finding.Name{finding.LookAlike}, Action: Reject, Mode: Enforce},
		{Name: "marked", Recipient: needs, Marker: []marker.State{marker.Present, marker.NearMiss}, Action: Divert, Mode: Enforce},
		{Name: "unmarked", Recipient: needs, Action: Tag, Mode: Enforce},
	}
}

// Ruleset decides messages. It is never changed and may be used by any number
// of goroutines.
type Ruleset struct {
	Table    *table.Table
	Marker   marker.Reader
	Relay    string // the relay domain; empty where the site has none
	policies []Policy
}

// NewRuleset checks the policies: each must make sense by itself, and
// together they must leave no recipient that needs the marker without a row.
func NewRuleset(rows *table.Table, reader marker.Reader, relay string, policies []Policy) (*Ruleset, error) {
	if name, err := address.NormalizeDomain(relay); err == nil { // or it is a fault of the table
		relay = name
	}
	r := &Ruleset{Table: rows, Marker: reader, Relay: relay, policies: slices.Clone(policies)}
	var faults []error
	seen := make(map[string]bool)
	for i, p := range policies {
		fault := func(format string, args ...any) {
			faults = append(faults, PolicyFault(i, p.Name, fmt.Errorf(format, args...)))
		}
		switch {
		case p.Name == "":
			fault("name is missing: the log names the policy that decided")
		case seen[p.Name]:
			fault("an earlier policy has the name: give each its own")
		}
		seen[p.Name] = true
		for _, class := range p.Recipient {
			if !class.NeedsMarker() {
				fault("recipient %q never comes to a policy: local and secure need nothing, closed is always refused", class)
			}
		}
		r.policies[i].from = nil
		for _, sender := range p.Sender {
			from, err := readSender(sender)
			switch {
			case errors.Is(err, errAddressOfClient):
				fault("sender %q: %w", sender, err)
			case err != nil:
				fault("sender %q: write an address, a domain without a wildcard, or \"<>\"", sender)
			}
			r.policies[i].from = append(r.policies[i].from, from)
		}
		if p.Action == Divert && relay == "" {
			fault("action \"divert\" needs a relay: set relay.domain, or write [[policy]] rows with other actions")
		}
		if p.AddMarker && p.Action != Tag {
			fault("add_marker goes with action \"tag\" alone")
		}
		if p.Reply != "" && p.Action != Reject {
			fault("reply goes with action \"reject\" alone")
		}
		if err := replytext.Check(p.Name, replytext.MaxName); err != nil { // the MTA gets it as the reason for a hold
			fault("name: %w", err)
		}
		if err := replytext.Check(p.Reply, replytext.MaxReply); err != nil {
			fault("reply: %w", err)
		}
	}
	for _, class := range []table.Class{table.Unverified, table.Unknown} {
		for _, state := range []marker.State{marker.Present, marker.NearMiss, marker.Missing} {
			if !slices.ContainsFunc(policies, func(p Policy) bool { return p.coversAll(class, state) }) {
				faults = append(faults, fmt.Errorf("no policy is sure to hold for a recipient of class %q with the marker %q: add a last policy without findings, sender and client", class, state))
			}
		}
	}
	return r, errors.Join(faults...)
}

// Enforcing returns the same rules with no policy that only observes.
func (r *Ruleset) Enforcing() *Ruleset {
	enforcing := *r
	enforcing.policies = slices.Clone(r.policies)
	for i := range enforcing.policies {
		enforcing.policies[i].Mode = Enforce
	}
	return &enforcing
}

// PolicyFault says which policy, from 0, a fault is in.
func PolicyFault(number int, name string, err error) error {
	return &tomlfile.Fault{Path: fmt.Sprintf("policy[%d]", number), Err: fmt.Errorf("policy %d (%q): %w", number+1, name, err)}
}

// coversAll tells whether the policy holds whatever the findings, the sender
// and the client.
func (p Policy) coversAll(class table.Class, state marker.State) bool {
	return len(p.Findings) == 0 && len(p.Sender) == 0 && len(p.Client) == 0 &&
		allows(p.Recipient, class) && allows(p.Marker, state)
}

func (p Policy) holds(rcpt Recipient, m Message) bool {
	return allows(p.Recipient, rcpt.Class) && allows(p.Marker, m.Marker) &&
		(len(p.Findings) == 0 || slices.ContainsFunc(rcpt.Findings, func(f finding.Finding) bool { return slices.Contains(p.Findings, f.Name) })) &&
		(len(p.Sender) == 0 || slices.ContainsFunc(p.from, m.isFrom)) &&
		(len(p.Client) == 0 || slices.ContainsFunc(p.Client, func(n netip.Prefix) bool { return n.Contains(m.Client) }))
}

func allows[T comparable](list []T, value T) bool {
	return len(list) == 0 || slices.Contains(list, value)
}

// Message is what a decision rests on.
type Message struct {
	Sender     string // without angle brackets; empty for the null sender
	Client     netip.Addr
	Marker     marker.State
	NearMiss   marker.Kind
	Recipients []Recipient

	from address.Mailbox // Sender, for Decide
}

func (m Message) isFrom(want address.Mailbox) bool { return takes(want, m.from) }
