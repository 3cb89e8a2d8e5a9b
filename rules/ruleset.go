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

// Policy is one row of the decision table. An empty condition always matches.
type Policy struct {
	Name      string
	Recipient []table.Class
	Domain    []string // of the recipient, including all below them
	Marker    []marker.State
	Findings  []finding.Name // any of them, about the recipient or the message
	MinCount  int            // for findings that count: the least count
	Sender    []string       // addresses, or domains including all below them; "<>" is the null sender
	Client    []netip.Prefix
	Action    Action
	Mode      Mode   // Observe logs what the row would do, but does nothing
	AddMarker bool   // only for Tag: put the marker before the subject as well
	Reply     string // only for Reject: the text of the reply, ASCII

	// In the spelling by which addresses are compared.
	domains []string          // Domain
	from    []address.Mailbox // Sender
}

// ShippedPolicies returns the policies of a configuration that has none of its
// own.
func ShippedPolicies() []Policy {
	needs := []table.Class{table.Unverified, table.Unknown}
	return []Policy{
		{Name: "look-alike", Recipient: needs, Findings: []finding.Name{finding.LookAlike}, Action: Reject, Mode: Enforce},
		{Name: "marked", Recipient: needs, Marker: []marker.State{marker.Present, marker.NearMiss}, Action: Divert, Mode: Enforce},
		{Name: "encrypted", Recipient: needs, Findings: []finding.Name{finding.EncryptedMessage}, Action: Accept, Mode: Enforce},
		{Name: "sensitive", Recipient: needs, Marker: []marker.State{marker.Missing}, Findings: finding.Sensitive(), Action: Divert, Mode: Enforce},
		{Name: "unmarked", Recipient: needs, Action: Tag, Mode: Enforce},
	}
}

// Ruleset decides messages. It is never changed, and may be used by several
// goroutines at once.
type Ruleset struct {
	Table    *table.Table
	Marker   marker.Reader
	Relay    string // the relay domain; empty if the site has no relay
	policies []Policy
}

// NewRuleset checks the policies. Each must be valid by itself, and together
// they must cover every recipient that needs the marker.
func NewRuleset(rows *table.Table, reader marker.Reader, relay string, policies []Policy) (*Ruleset, error) {
	if name, err := address.NormalizeDomain(relay); err == nil { // otherwise the table reports the fault
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
			fault("name is missing: give the policy a name for the log")
		case seen[p.Name]:
			fault("an earlier policy has the same name: give each policy its own")
		}
		seen[p.Name] = true
		for _, class := range p.Recipient {
			if !class.NeedsMarker() {
				fault("recipient %q: policies apply only to the classes unverified and unknown", class)
			}
		}
		r.policies[i].domains, r.policies[i].from = nil, nil
		for _, text := range p.Domain {
			domain, err := address.WholeDomain(text)
			if err != nil {
				fault("domain %q: %w", text, err)
			}
			r.policies[i].domains = append(r.policies[i].domains, domain)
		}
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
			fault("add_marker is only valid with action = \"tag\"")
		}
		if p.MinCount < 0 || p.MinCount > finding.MaxCount {
			fault("min_count %d: give a count of 1 to %d, or delete the line", p.MinCount, finding.MaxCount)
		}
		if p.MinCount > 0 && !slices.ContainsFunc(p.Findings, finding.Name.Counts) {
			fault("min_count needs a finding that counts: put one into findings, such as %q", finding.NHSNumber)
		}
		if p.Reply != "" && p.Action != Reject {
			fault("reply is only valid with action = \"reject\"")
		}
		if err := replytext.Check(p.Name, replytext.MaxName); err != nil { // the MTA gets the name as the reason for a hold
			fault("name: %w", err)
		}
		if err := replytext.Check(p.Reply, replytext.MaxReply); err != nil {
			fault("reply: %w", err)
		}
	}
	for _, class := range []table.Class{table.Unverified, table.Unknown} {
		for _, state := range []marker.State{marker.Present, marker.NearMiss, marker.Missing} {
			if !slices.ContainsFunc(policies, func(p Policy) bool { return p.coversAll(class, state) }) {
				faults = append(faults, fmt.Errorf("no policy covers a recipient of class %q with the marker %q: add a last policy without conditions", class, state))
			}
		}
	}
	return r, errors.Join(faults...)
}

// AsksFor reports whether a policy tests a finding that is one of the kind.
func (r *Ruleset) AsksFor(kind func(finding.Name) bool) bool {
	return slices.ContainsFunc(r.policies, func(p Policy) bool { return slices.ContainsFunc(p.Findings, kind) })
}

// TestsDomains reports whether a policy tests the domains of recipients.
func (r *Ruleset) TestsDomains() bool {
	return slices.ContainsFunc(r.policies, func(p Policy) bool { return len(p.Domain) > 0 })
}

// Senders returns the senders that policies test, as they are written.
func (r *Ruleset) Senders() (senders []string) {
	for _, p := range r.policies {
		senders = append(senders, p.Sender...)
	}
	return senders
}

// Enforcing returns the same rules, but every policy enforces.
func (r *Ruleset) Enforcing() *Ruleset {
	enforcing := *r
	enforcing.policies = slices.Clone(r.policies)
	for i := range enforcing.policies {
		enforcing.policies[i].Mode = Enforce
	}
	return &enforcing
}

// PolicyFault adds to a fault which policy it is in. number counts from 0.
func PolicyFault(number int, name string, err error) error {
	return &tomlfile.Fault{Path: fmt.Sprintf("policy[%d]", number), Err: fmt.Errorf("policy %d (%q): %w", number+1, name, err)}
}

// coversAll reports whether the policy matches whatever the domain, the findings, the
// sender and the client.
func (p Policy) coversAll(class table.Class, state marker.State) bool {
	return len(p.Domain) == 0 && len(p.Findings) == 0 && len(p.Sender) == 0 && len(p.Client) == 0 &&
		allows(p.Recipient, class) && allows(p.Marker, state)
}

func (p Policy) holds(rcpt Recipient, m Facts) bool {
	wanted := func(f finding.Finding) bool {
		return slices.Contains(p.Findings, f.Name) && (!f.Name.Counts() || f.Count >= p.MinCount)
	}
	return allows(p.Recipient, rcpt.Class) && allows(p.Marker, m.Marker) &&
		(len(p.Domain) == 0 || p.isTo(rcpt.Address.Domain) && !rcpt.Address.HasRoute()) &&
		(len(p.Findings) == 0 || slices.ContainsFunc(rcpt.Findings, wanted) || slices.ContainsFunc(m.Findings, wanted)) &&
		(len(p.Sender) == 0 || slices.ContainsFunc(p.from, m.isFrom)) &&
		(len(p.Client) == 0 || slices.ContainsFunc(p.Client, func(n netip.Prefix) bool { return n.Contains(m.Client) }))
}

func (p Policy) isTo(domain string) bool {
	return slices.ContainsFunc(p.domains, func(above string) bool { return address.IsAtOrBelow(domain, above) })
}

func allows[T comparable](list []T, value T) bool {
	return len(list) == 0 || slices.Contains(list, value)
}

// Facts contains the facts that a decision depends on.
type Facts struct {
	Sender     string // without angle brackets; empty for the null sender
	Client     netip.Addr
	Marker     marker.State
	NearMiss   marker.Kind
	Findings   []finding.Finding // about the message
	Recipients []Recipient

	from address.Mailbox // Sender, for Decide
}

func (m Facts) isFrom(want address.Mailbox) bool { return takes(want, m.from) }
