package message

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/table"
)

// TestRefusalKinds checks that each fault of an address has a kind that the metrics
// expect, and that each kind occurs.
func TestRefusalKinds(t *testing.T) {
	source, err := os.ReadFile("../../rules/address/address.go")
	if err != nil {
		t.Fatal(err)
	}
	met := map[RefusalKind]bool{TooMany: true}
	for _, fault := range regexp.MustCompile(`Fault = "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		for _, class := range []table.Class{table.Unverified, table.Unknown, table.Closed} {
			kind := kindOf(rules.Recipient{Class: class, Fault: address.Fault(fault[1])})
			met[kind] = true
			if !slices.Contains(RefusalKinds(class), kind) {
				t.Errorf("%s, because %s: the kind %s is not one of %v", class, fault[1], kind, RefusalKinds(class))
			}
		}
	}
	if want := slices.Concat(RefusalKinds(table.Unknown), RefusalKinds(table.Closed)); len(met) != len(want) {
		t.Errorf("only %v of %v occur", met, want)
	}
}
