package maillog_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/rulestest"
	"github.com/postseal/postseal/rules/table"
)

// TestAddressRowsInTheLog checks that log.addresses also applies to the name of
// a row, which can be an address.
func TestAddressRowsInTheLog(t *testing.T) {
	for _, test := range []struct {
		name   string
		format shown.Format
		row    string
		want   string
	}{
		{"address in full", shown.Full, "clinic@partner.example", "clinic@partner.example"},
		{"address by domain", shown.Domain, "clinic@partner.example", "partner.example"},
		{"address hashed", shown.Hash, "clinic@partner.example", "ee5671cf2b30"},
		{"domain hashed", shown.Hash, "partner.example", "partner.example"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rcpt := rules.Recipient{Text: "Clinic@partner.example", Row: &table.Row{Name: test.row}}
			d := rules.Decision{Outcomes: []rules.Outcome{{Recipient: rcpt}}}
			if got := maillog.Recipients(d, shown.Addresses{Format: test.format, Key: []byte("a key")})[0].Row; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestHashesAreKeyed checks that hashes depend on the key, and that one key
// always gives the same hash.
func TestHashesAreKeyed(t *testing.T) {
	hash := func(address, key string) string {
		d := rules.Decision{Outcomes: []rules.Outcome{{Recipient: rules.Recipient{Text: address}}}}
		return maillog.Recipients(d, shown.Addresses{Format: shown.Hash, Key: []byte(key)})[0].Address
	}
	one := hash("Bob@gmail.com", "one key")
	if other := hash("bob@GMAIL.com", "one key"); one != other || len(one) != 12 {
		t.Errorf("got %q and %q for one address", one, other)
	}
	if other := hash("Bob@gmail.com", "another key"); one == other {
		t.Errorf("got %q whatever the key", one)
	}
	if other := hash("bobb@gmail.com", "one key"); one == other {
		t.Errorf("got %q for two addresses", one)
	}
	bare := sha256.Sum256([]byte("bob@gmail.com"))
	if one == hex.EncodeToString(bare[:6]) {
		t.Error("the hash is bare: anybody can guess the address")
	}
	if got := hash("bob@gmail.com", ""); got != "" {
		t.Errorf("got %q without a key", got)
	}
}

// TestFindings checks the JSON form of findings: those about the message come
// first, and each is listed once.
func TestFindings(t *testing.T) {
	r := rulestest.Ruleset(t)
	outcomes := func(addresses ...string) (list []rules.Outcome) {
		for _, a := range addresses {
			list = append(list, rules.Outcome{Recipient: r.Classify(a, "", time.Now())})
		}
		return list
	}
	for _, test := range []struct {
		name string
		d    rules.Decision
		want string
	}{
		{"none", rules.Decision{Outcomes: outcomes("c@gmail.com")}, `[]`},
		{"of recipients", rules.Decision{Outcomes: outcomes("a@nhs.nte", "b@nhs.nte", "c@gmail.com", "d@gov.co.uk", "e@nhs.uk.com")},
			`[{"name":"look-alike","meant":"nhs.net"},{"name":"look-alike","meant":"gov.uk"},{"name":"look-alike"}]`},
		{"of the message", rules.Decision{Findings: []finding.Finding{{Name: "x", Count: 2, Reason: "y", Part: "2.1"}}, Outcomes: outcomes("a@nhs.nte")},
			`[{"name":"x","count":2,"reason":"y","part":"2.1"},{"name":"look-alike","meant":"nhs.net"}]`},
	} {
		if got, err := json.Marshal(maillog.Findings(test.d)); err != nil || string(got) != test.want {
			t.Errorf("%s: got %s, %v", test.name, got, err)
		}
	}
}
