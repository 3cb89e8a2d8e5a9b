package rules_test

import (
	"testing"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

// TestSenderConditions checks that a condition that check accepts can match. A
// condition with U-labels or a trailing dot never matched.
func TestSenderConditions(t *testing.T) {
	loaded := load(t, table.Sources{}, nil)
	for _, test := range []struct {
		condition, sender string
		want              bool
	}{
		{"bücher.example", "a@xn--bcher-kva.example", true},
		{"bücher.example", "a@bücher.example", true},
		{"BÜCHER.example", "a@x.bücher.example", true},
		{"xn--bcher-kva.example", "a@BÜCHER.example", true},
		{"a@bücher.example", "A@xn--bcher-kva.example", true},
		{"trust.example.", "a@trust.example", true},
		{"a@trust.example.", "a@trust.example", true},
		{"trust.example", "a@trust.example.", true},
		{"Trust.Example", "a@x.TRUST.example", true},
		{"\"a\"@trust.example", "a@trust.example", true},
		{"a@trust.example", "\"A\"@trust.example", true},
		{"a@trust.example", "@relay.example:a@trust.example", true},
		{"trust.example", "\"unreadable@trust.example", true},
		{"trust.example", "a@eviltrust.example", false},
		{"trust.example", "a@trust.example.evil.example", false},
		{"trust.example", "trust.example", false},
		{"a@trust.example", "b@trust.example", false},
		{"a@trust.example", "a@x.trust.example", false},
		{"<>", "", true},
		{"<>", "<>@", false},
		{"<>", "root", false},
		{"trust.example", "", false},
		{"a@trust.example", "", false},
	} {
		r := ruleset(t, loaded,
			rules.Policy{Name: "from", Sender: []string{test.condition}, Action: rules.Accept, Mode: rules.Enforce},
			rules.Policy{Name: "rest", Action: rules.Tag, Mode: rules.Enforce})
		d := r.Decide(rules.Facts{Sender: test.sender, Recipients: []rules.Recipient{r.Classify("b@gmail.com", "", today)}})
		if got := d.Outcomes[0].Policy == "from"; got != test.want {
			t.Errorf("%q and the sender %q: got %v", test.condition, test.sender, got)
		}
	}
}

// TestRelayDomainIsNormalised checks that the added domain is ASCII. Mail to an
// address with U-labels needs SMTPUTF8, which the client may not have asked
// for.
func TestRelayDomainIsNormalised(t *testing.T) {
	for _, domain := range []string{"bücher.invalid", "BÜCHER.invalid.", "xn--bcher-kva.invalid", "XN--BCHER-KVA.invalid"} {
		loaded := load(t, table.Sources{RelayDomain: domain}, nil)
		marker, _ := marker.NewReader([]string{"secure"}, nil, marker.Anywhere)
		r, err := rules.NewRuleset(loaded, marker, domain, rules.ShippedPolicies())
		if err != nil || r.Relay != "xn--bcher-kva.invalid" {
			t.Fatalf("%s: got %q, %v", domain, r.Relay, err)
		}
		if got := r.Classify("b@gmail.com."+r.Relay, "b@gmail.com", today); !bearsRelay(got) || got.Class != table.Secure {
			t.Errorf("%s: a second pass: got %v", domain, got.Class)
		}
	}
}
