package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/config/configtest"
)

// TestLookupAddressRow asks for an address that has a row of its own, and for
// its domain, for which that row does not speak.
func TestLookupAddressRow(t *testing.T) {
	config := configtest.Write(t, "[rules]\nfiles = [\"/DIR/local.rules\"]\n")
	text := "table.name = \"local\"\ntable.source = \"IG group\"\n[[domain]]\naddress = \"Postmaster@Partner.example\"\nclass = \"secure\"\nsource = \"IG 2026/15\"\n"
	if err := os.WriteFile(filepath.Join(filepath.Dir(config), "local.rules"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
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
