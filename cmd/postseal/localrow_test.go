package main

import (
	"strings"
	"testing"
)

// TestLookupAddressRow looks up an address that has a row of its own, and its
// domain, to which that row does not apply.
func TestLookupAddressRow(t *testing.T) {
	config := withRules(t, "[rules]\nfiles = [\"/DIR/local.rules\"]\n", "table.name = \"local\"\ntable.source = \"IG group\"\n[[domain]]\naddress = \"Postmaster@Partner.example\"\nclass = \"secure\"\nsource = \"IG 2026/15\"\n")
	for _, test := range []struct{ name, input, want string }{
		{"the address", "postmaster@partner.example", `"class":"secure","row":"postmaster@partner.example","table":"local","layer":"local","source":"IG 2026/15"`},
		{"its domain", "partner.example", `"class":"unknown","row":""`},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := runWith("", "lookup", "-json", "-config", config, test.input)
			if code != exitDone || !strings.Contains(stdout, test.want) {
				t.Errorf("exit %d\ngot  %s%s\nwant %s", code, stdout, stderr, test.want)
			}
		})
	}
}
