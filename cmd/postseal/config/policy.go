package config

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

type policyTable struct {
	Name      string         `toml:"name"`
	Recipient []table.Class  `toml:"recipient"`
	Domain    []string       `toml:"domain"`
	Marker    []marker.State `toml:"marker"`
	Findings  []finding.Name `toml:"findings"`
	MinCount  int            `toml:"min_count"`
	Sender    []string       `toml:"sender"`
	Client    []string       `toml:"client"`
	Action    *rules.Action  `toml:"action"`
	Mode      *rules.Mode    `toml:"mode"`
	AddMarker bool           `toml:"add_marker"`
	Reply     string         `toml:"reply"`
}

// Policies returns those of the file, or the shipped ones if it has none.
func (f *File) Policies() ([]rules.Policy, error) {
	if len(f.Policy) == 0 {
		return rules.ShippedPolicies(), nil
	}
	var policies []rules.Policy
	var faults []error
	for i, p := range f.Policy {
		policy, wrong := p.policy()
		for _, name := range p.Findings {
			if name.IsPattern() && !f.hasPattern(name) {
				wrong = append(wrong, fmt.Errorf("findings %q: no [[pattern]] has this name: add one, or correct the name", name))
			}
		}
		for _, err := range wrong {
			faults = append(faults, rules.PolicyFault(i, p.Name, err))
		}
		policies = append(policies, policy)
	}
	return policies, errors.Join(faults...)
}

func (p policyTable) policy() (rules.Policy, []error) {
	policy := rules.Policy{
		Name: p.Name, Recipient: p.Recipient, Domain: p.Domain, Marker: p.Marker, Findings: p.Findings, MinCount: p.MinCount, Sender: p.Sender,
		Mode: rules.Enforce, AddMarker: p.AddMarker, Reply: p.Reply,
	}
	if p.Mode != nil {
		policy.Mode = *p.Mode
	}
	var faults []error
	for _, list := range []struct {
		key     string
		isEmpty bool
	}{
		{"recipient", isEmpty(p.Recipient)}, {"domain", isEmpty(p.Domain)}, {"marker", isEmpty(p.Marker)}, {"findings", isEmpty(p.Findings)},
		{"sender", isEmpty(p.Sender)}, {"client", isEmpty(p.Client)},
	} {
		if list.isEmpty { // a program that fills in the list found nothing, and the policy would match everything
			faults = append(faults, fmt.Errorf("%s is empty: put a value into the list, or delete the line to match everything", list.key))
		}
	}
	if p.Action == nil {
		faults = append(faults, errors.New(`action is missing: give accept, tag, divert, quarantine or reject`))
	} else {
		policy.Action = *p.Action
	}
	for _, text := range p.Client {
		network, err := readNetwork(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("client %q: %w", text, err))
		}
		policy.Client = append(policy.Client, network)
	}
	return policy, faults
}

// isEmpty reports whether a list is in the file and has no item.
func isEmpty[T any](list []T) bool { return list != nil && len(list) == 0 }

// readNetwork reads an address or a network. It converts an IPv4-mapped one to
// IPv4, as the milter does with the addresses of clients.
func readNetwork(text string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(text)
	if addr, addrErr := netip.ParseAddr(text); addrErr == nil {
		network, err = addr.Prefix(addr.BitLen())
	}
	const mapping = 96 // bits before the IPv4 address
	switch addr := network.Addr(); {
	case err != nil:
		return network, errors.New("write an address or a network, as in 192.0.2.0/24")
	case addr.Is4In6() && network.Bits() < mapping:
		return network, fmt.Errorf("an IPv4-mapped network must have a length of %d or more: write the IPv4 network, as in 192.0.2.0/24", mapping)
	case addr.Is4In6():
		network = netip.PrefixFrom(addr.Unmap(), network.Bits()-mapping)
	}
	return network.Masked(), nil
}
