package rules_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

var (
	present = []marker.State{marker.Present}
	missing = []marker.State{marker.Missing}
	unknown = []table.Class{table.Unknown}
)

func TestFaultsOfPolicies(t *testing.T) {
	rest := rules.Policy{Name: "rest", Action: rules.Tag, Mode: rules.Enforce}
	for _, test := range []struct {
		name     string
		policies []rules.Policy
		want     string // empty for none
	}{
		{"one row for all", []rules.Policy{rest}, ""},
		{"none", nil, `no policy covers a recipient of class "unverified" with the marker "present"`},
		{"a state left out", []rules.Policy{{Name: "a", Marker: present, Action: rules.Divert}, {Name: "b", Marker: missing, Action: rules.Tag}}, `class "unknown" with the marker "near-miss"`},
		{"a class left out", []rules.Policy{{Name: "a", Recipient: unknown, Action: rules.Tag}}, `class "unverified" with the marker "missing"`},
		{"covered in parts", []rules.Policy{{Name: "a", Recipient: unknown, Action: rules.Tag}, {Name: "b", Recipient: []table.Class{table.Unverified}, Action: rules.Tag}}, ""},
		{"a sender covers nothing", []rules.Policy{{Name: "a", Sender: []string{"x.example"}, Action: rules.Tag}}, "no policy covers"},
		{"a domain covers nothing", []rules.Policy{{Name: "a", Domain: []string{"x.example"}, Action: rules.Tag}}, "no policy covers"},
		{"a client covers nothing", []rules.Policy{{Name: "a", Client: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, Action: rules.Tag}}, "no policy covers"},
		{"a finding covers nothing", []rules.Policy{{Name: "a", Findings: []finding.Name{finding.LookAlike}, Action: rules.Tag}}, "no policy covers"},
		{"no name", []rules.Policy{{Action: rules.Tag}}, `policy 1 (""): name is missing`},
		{"name twice", []rules.Policy{rest, rest}, `policy 2 ("rest"): an earlier policy has the same name`},
		{"class without policies", []rules.Policy{{Name: "a", Recipient: []table.Class{table.Closed}, Action: rules.Tag}, rest}, `recipient "closed": policies apply only to`},
		{"domain with a wildcard", []rules.Policy{{Name: "a", Domain: []string{"*.example.org"}, Action: rules.Tag}, rest}, `domain "*.example.org": a domain covers every name below it: write "example.org"`},
		{"domain of an address", []rules.Policy{{Name: "a", Domain: []string{"b@example.org"}, Action: rules.Tag}, rest}, `domain "b@example.org": this is an address: write the domain alone`},
		{"sender with a wildcard", []rules.Policy{{Name: "a", Sender: []string{"*.trust.example"}, Action: rules.Tag}, rest}, `sender "*.trust.example": write an address`},
		{"sender without a local part", []rules.Policy{{Name: "a", Sender: []string{"@trust.example"}, Action: rules.Tag}, rest}, `sender "@trust.example": write an address`},
		{"senders of each kind", []rules.Policy{{Name: "a", Sender: []string{"<>", "trust.example", "a@trust.example"}, Action: rules.Tag}, rest}, ""},
		{"marker without tag", []rules.Policy{{Name: "a", Action: rules.Divert, AddMarker: true}}, `add_marker is only valid with action = "tag"`},
		{"reply without reject", []rules.Policy{{Name: "a", Action: rules.Tag, Reply: "x"}}, `reply is only valid with action = "reject"`},
		{"reply not ASCII", []rules.Policy{{Name: "a", Action: rules.Reject, Reply: "café"}}, "printable ASCII"},
		{"reply of two lines", []rules.Policy{{Name: "a", Action: rules.Reject, Reply: "a\r\nb"}}, "printable ASCII"},
		{"reply too long", []rules.Policy{{Name: "a", Action: rules.Reject, Reply: strings.Repeat("a", 301)}}, "at most 300"},
	} {
		t.Run(test.name, func(t *testing.T) {
			marker, _ := marker.NewReader([]string{"secure"}, nil, marker.Anywhere)
			_, err := rules.NewRuleset(load(t, table.Sources{}, nil), marker, "encrypt.invalid", test.policies)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
	marker, _ := marker.NewReader([]string{"secure"}, nil, marker.Anywhere)
	if _, err := rules.NewRuleset(load(t, table.Sources{}, nil), marker, "", rules.ShippedPolicies()); err == nil || !strings.Contains(err.Error(), "needs a relay") {
		t.Errorf("divert without a relay: got %v", err)
	}
}

func TestDecide(t *testing.T) {
	loaded := load(t, table.Sources{LocalDomains: []string{"trust.example"}, RelayDomain: "encrypt.invalid"}, nil)
	policy := func(name string, action rules.Action) rules.Policy {
		return rules.Policy{Name: name, Action: action, Mode: rules.Enforce}
	}
	from := func(p rules.Policy, senders ...string) rules.Policy { p.Sender = senders; return p }
	at := func(p rules.Policy, networks ...string) rules.Policy {
		for _, n := range networks {
			p.Client = append(p.Client, netip.MustParsePrefix(n))
		}
		return p
	}
	observing := func(p rules.Policy) rules.Policy { p.Mode = rules.Observe; return p }
	marking := func(p rules.Policy) rules.Policy { p.AddMarker = true; return p }
	to := func(p rules.Policy, states ...marker.State) rules.Policy { p.Marker = states; return p }
	rest := policy("rest", rules.Tag)
	bulk := rules.Policy{Name: "bulk", Findings: []finding.Name{finding.NHSNumber, finding.Marking}, MinCount: 10, Action: rules.Quarantine, Mode: rules.Enforce}
	numbers := func(count int) []finding.Finding { return []finding.Finding{{Name: finding.NHSNumber, Count: count}} }

	for _, test := range []struct {
		name      string
		policies  []rules.Policy // nil for the shipped ones
		message   rules.Facts
		to        string
		action    rules.Action
		outcomes  string // per recipient: policy/action, with "+" if it is diverted
		addMarker bool
	}{
		{"no recipients", nil, rules.Facts{}, "", rules.Accept, "", false},
		{"secure and local alone", nil, rules.Facts{Marker: marker.Missing}, "a@nhs.net b@trust.example", rules.Accept, "/accept /accept", false},
		{"shipped, marked", nil, rules.Facts{Marker: marker.Present}, "a@nhs.net b@gmail.com", rules.Divert, "/accept marked/divert+", false},
		{"shipped, nearly marked", nil, rules.Facts{Marker: marker.NearMiss}, "b@gmail.com", rules.Divert, "marked/divert+", false},
		{"shipped, unmarked", nil, rules.Facts{Marker: marker.Missing}, "a@nhs.net b@gmail.com", rules.Tag, "/accept unmarked/tag", false},
		{"shipped, look-alike", nil, rules.Facts{Marker: marker.Present}, "a@nhs.net b@gmail.com c@nhs.nte", rules.Reject, "/accept marked/divert look-alike/reject", false},
		{"a finding about one recipient", []rules.Policy{{Name: "slip", Findings: []finding.Name{finding.LookAlike}, Action: rules.Divert, Mode: rules.Enforce}, rest}, rules.Facts{}, "b@gmail.com c@nhs.nte d@gov.co.uk", rules.Divert, "rest/tag slip/divert+ slip/divert+", false},
		{"a finding about the message", []rules.Policy{{Name: "large", Findings: []finding.Name{"other", "large"}, Action: rules.Divert, Mode: rules.Enforce}, rest}, rules.Facts{Findings: []finding.Finding{{Name: "large"}}}, "a@nhs.net b@gmail.com c@nhs.nte", rules.Divert, "/accept large/divert+ large/divert+", false},
		{"shipped, a number without the marker", nil, rules.Facts{Marker: marker.Missing, Findings: numbers(1)}, "a@nhs.net b@gmail.com", rules.Divert, "/accept sensitive/divert+", false},
		{"shipped, encrypted", nil, rules.Facts{Marker: marker.Missing, Findings: []finding.Finding{{Name: finding.EncryptedMessage}, {Name: finding.Marking}}}, "b@gmail.com", rules.Accept, "encrypted/accept", false},
		{"shipped, unreadable", nil, rules.Facts{Marker: marker.Missing, Findings: []finding.Finding{{Name: finding.Unreadable}}}, "b@gmail.com", rules.Tag, "unmarked/tag", false},
		{"fewer than min_count", []rules.Policy{bulk, rest}, rules.Facts{Findings: numbers(9)}, "b@gmail.com", rules.Tag, "rest/tag", false},
		{"as many as min_count", []rules.Policy{bulk, rest}, rules.Facts{Findings: numbers(10)}, "b@gmail.com", rules.Quarantine, "bulk/quarantine+", false},
		{"min_count and a finding that does not count", []rules.Policy{bulk, rest}, rules.Facts{Findings: []finding.Finding{{Name: finding.Marking}}}, "b@gmail.com", rules.Quarantine, "bulk/quarantine+", false},
		{"diverted already", nil, rules.Facts{Marker: marker.Present}, "b@gmail.com.encrypt.invalid", rules.Accept, "/accept", false},
		{"closed", nil, rules.Facts{Marker: marker.Present}, "x@y.gsi.gov.uk b@gmail.com", rules.Reject, "/reject marked/divert", false},
		{"unsafe", nil, rules.Facts{Marker: marker.Present}, "b@[192.0.2.1]", rules.Reject, "/reject", false},
		{"first row wins", []rules.Policy{policy("one", rules.Accept), rest}, rules.Facts{}, "b@gmail.com", rules.Accept, "one/accept", false},
		{"recipient's domain", []rules.Policy{{Name: "one", Domain: []string{"example.org", "GMAIL.com."}, Action: rules.Divert, Mode: rules.Enforce}, rest}, rules.Facts{}, "b@example.ORG c@x.example.org d@badexample.org e@gmail.com a@nhs.net", rules.Divert, "one/divert+ one/divert+ rest/tag one/divert+ /accept", false},
		{"another host in the recipient", []rules.Policy{{Name: "one", Domain: []string{"example.org"}, Action: rules.Accept, Mode: rules.Enforce}, rest}, rules.Facts{}, "b%gmail.com@example.org", rules.Tag, "rest/tag", false},
		{"recipient's domain in its own script", []rules.Policy{{Name: "one", Domain: []string{"bücher.example"}, Action: rules.Accept, Mode: rules.Enforce}, rest}, rules.Facts{}, "b@xn--bcher-kva.example", rules.Accept, "one/accept", false},
		{"sender's address", []rules.Policy{from(policy("one", rules.Accept), "News@Trust.example"), rest}, rules.Facts{Sender: "news@TRUST.example"}, "b@gmail.com", rules.Accept, "one/accept", false},
		{"another sender", []rules.Policy{from(policy("one", rules.Accept), "news@trust.example"), rest}, rules.Facts{Sender: "old-news@trust.example"}, "b@gmail.com", rules.Tag, "rest/tag", false},
		{"sender's domain", []rules.Policy{from(policy("one", rules.Accept), "trust.example"), rest}, rules.Facts{Sender: "a@x.trust.example"}, "b@gmail.com", rules.Accept, "one/accept", false},
		{"not the sender's domain", []rules.Policy{from(policy("one", rules.Accept), "trust.example"), rest}, rules.Facts{Sender: "a@eviltrust.example"}, "b@gmail.com", rules.Tag, "rest/tag", false},
		{"null sender", []rules.Policy{from(policy("one", rules.Accept), "<>"), rest}, rules.Facts{}, "b@gmail.com", rules.Accept, "one/accept", false},
		{"a domain is not the null sender", []rules.Policy{from(policy("one", rules.Accept), "trust.example"), rest}, rules.Facts{}, "b@gmail.com", rules.Tag, "rest/tag", false},
		{"client", []rules.Policy{at(policy("one", rules.Accept), "192.0.2.0/24", "2001:db8::/32"), rest}, rules.Facts{Client: netip.MustParseAddr("192.0.2.7")}, "b@gmail.com", rules.Accept, "one/accept", false},
		{"another client", []rules.Policy{at(policy("one", rules.Accept), "192.0.2.0/24"), rest}, rules.Facts{Client: netip.MustParseAddr("198.51.100.1")}, "b@gmail.com", rules.Tag, "rest/tag", false},
		{"no client address", []rules.Policy{at(policy("one", rules.Accept), "0.0.0.0/0", "::/0"), rest}, rules.Facts{}, "b@gmail.com", rules.Tag, "rest/tag", false},
		{"quarantine wins over tag, and diverts", []rules.Policy{from(policy("one", rules.Quarantine), "<>"), rest}, rules.Facts{}, "a@nhs.net b@gmail.com", rules.Quarantine, "/accept one/quarantine+", false},
		{"an accepted recipient of a held message is diverted", []rules.Policy{{Name: "known", Recipient: []table.Class{table.Unverified}, Action: rules.Quarantine, Mode: rules.Enforce}, policy("rest", rules.Accept)}, rules.Facts{}, "b@gmail.com c@unverified.example", rules.Quarantine, "rest/accept+ known/quarantine+", false},
		{"reject wins over quarantine", []rules.Policy{{Name: "u", Recipient: []table.Class{table.Unverified}, Action: rules.Reject, Mode: rules.Enforce}, policy("rest", rules.Quarantine)}, rules.Facts{}, "b@gmail.com c@unverified.example", rules.Reject, "rest/quarantine u/reject", false},
		{"an observing row does nothing", []rules.Policy{observing(policy("one", rules.Reject)), rest}, rules.Facts{}, "b@gmail.com", rules.Accept, "one/reject", false},
		{"an observing divert does nothing", []rules.Policy{observing(policy("one", rules.Divert)), rest}, rules.Facts{}, "b@gmail.com", rules.Accept, "one/divert", false},
		{"marker to be added", []rules.Policy{marking(rest)}, rules.Facts{Marker: marker.Missing}, "b@gmail.com", rules.Tag, "rest/tag", true},
		{"marker present", []rules.Policy{marking(rest)}, rules.Facts{Marker: marker.Present}, "b@gmail.com", rules.Tag, "rest/tag", false},
		{"marker asked for by an observing row", []rules.Policy{observing(marking(rest))}, rules.Facts{Marker: marker.Missing}, "b@gmail.com", rules.Accept, "rest/tag", false},
		{"marker and divert", []rules.Policy{{Name: "u", Recipient: []table.Class{table.Unverified}, Action: rules.Divert, Mode: rules.Enforce}, marking(rest)}, rules.Facts{Marker: marker.Missing}, "b@gmail.com c@unverified.example", rules.Divert, "rest/tag u/divert+", true},
		{"conditions on the marker", []rules.Policy{to(policy("one", rules.Accept), marker.NearMiss), rest}, rules.Facts{Marker: marker.NearMiss}, "b@gmail.com", rules.Accept, "one/accept", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := ruleset(t, loaded, test.policies...)
			for address := range strings.FieldsSeq(test.to) {
				rcpt := r.Classify(address, "", today)
				if address == "c@unverified.example" {
					rcpt.Class = table.Unverified
				}
				test.message.Recipients = append(test.message.Recipients, rcpt)
			}
			d := r.Decide(test.message)
			var outcomes []string
			for _, o := range d.Outcomes {
				text := o.Policy + "/" + o.Action.String()
				if o.Diverted {
					text += "+"
				}
				outcomes = append(outcomes, text)
			}
			if got := strings.Join(outcomes, " "); d.Action != test.action || got != test.outcomes || d.AddMarker != test.addMarker {
				t.Errorf("got %v, %q, %v", d.Action, got, d.AddMarker)
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	r := ruleset(b, load(b, table.Sources{Accredited: accreditedList, RelayDomain: "encrypt.invalid"}, nil))
	addresses := []string{"a@nhs.net", "b@gmail.com", "C.D@Listed.nhs.uk", "e@council.gov.uk", "f@example.org"}
	subjects := []marker.Subject{{Text: "RE: [secure] results for the clinic on Monday"}}
	b.ReportAllocs()
	for b.Loop() {
		m := rules.Facts{Sender: "ward@trust.example", Marker: r.Marker.Read(subjects).State}
		for _, a := range addresses {
			m.Recipients = append(m.Recipients, r.Classify(a, a, today))
		}
		if d := r.Decide(m); d.Action != rules.Divert {
			b.Fatal(d.Action)
		}
	}
}
