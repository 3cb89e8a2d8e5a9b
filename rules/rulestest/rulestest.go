// Package rulestest makes rules for the tests of other packages.
package rulestest

import (
	"testing"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

// Ruleset returns rules with the default edition, the own domain trust.example,
// the relay domain encrypt.invalid and the marker [secure]. Without policies it
// uses the shipped ones.
func Ruleset(t testing.TB, policies ...rules.Policy) *rules.Ruleset {
	t.Helper()
	table, err := table.Load(table.Sources{Edition: editions.Default, LocalDomains: []string{"trust.example"}, RelayDomain: "encrypt.invalid"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := marker.NewReader([]string{"secure"}, nil, marker.Anywhere)
	if err != nil {
		t.Fatal(err)
	}
	if policies == nil {
		policies = rules.ShippedPolicies()
	}
	r, err := rules.NewRuleset(table, reader, "encrypt.invalid", policies)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
