package milter_test

import (
	"testing"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/rules"
)

// TestAddressRowsInTheLog holds that log.addresses goes for the name of a row
// too, which can be an address.
func TestAddressRowsInTheLog(t *testing.T) {
	for _, test := range []struct {
		name   string
		format milter.AddressFormat
		row    string
		want   string
	}{
		{"address in full", milter.FullAddress, "clinic@partner.example", "clinic@partner.example"},
		{"address by domain", milter.DomainAddress, "clinic@partner.example", "partner.example"},
		{"address hashed", milter.HashAddress, "clinic@partner.example", "9659fe633217"},
		{"domain hashed", milter.HashAddress, "partner.example", "partner.example"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rcpt := rules.Recipient{Text: "Clinic@partner.example", Row: &rules.Row{Name: test.row}}
			d := rules.Decision{Outcomes: []rules.Outcome{{Recipient: rcpt}}}
			if got := milter.LoggedRecipients(d, test.format)[0].Row; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
