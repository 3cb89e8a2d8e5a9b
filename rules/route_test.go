package rules_test

import (
	"testing"

	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/table"
)

// TestLocalPartsThatRoute checks which local parts name another host: at a
// secure domain, at an own domain and at any other.
func TestLocalPartsThatRoute(t *testing.T) {
	r := ruleset(t, load(t, table.Sources{LocalDomains: []string{"trust.example"}, RelayDomain: "encrypt.invalid"}, nil))
	for _, test := range []struct {
		local string
		route bool
	}{
		{"eve%gmail.com", true},
		{"eve%40gmail.com", true},
		{"gmail.com!eve", true},
		{`"eve@gmail.com"`, true},
		{`"eve\@gmail.com"`, true},
		{"IMCEASMTP-eve+40gmail+2Ecom", true},
		{"imceasmtp-eve+40gmail.com", true},
		{`"IMCEASMTP-eve+40gmail.com"`, true},
		{`"IM\CEASMTP-eve+40gmail.com"`, true},
		{`" IMCEASMTP-eve+40gmail.com"`, true},
		{"IMCEAEX-_O=TRUST_OU=FIRST_CN=RECIPIENTS_CN=EVE", true},
		{"IMCEAINVALID-eve+40gmail+2Ecom", true},
		{"IMCEAMAILTO-eve+40gmail+2Ecom", true},
		{"IMCEAX400-c=GB+3Ba=+20+3Bp=NHS+3Bs=eve", true},
		{"IMCEAFAX-eve+40+2B44", true},
		{"/C=GB/ADMD= /PRMD=x/S=eve/", false}, // a blank: the address cannot be read
		{"/C=GB/ADMD=x/PRMD=x/S=eve/", true},
		{`"/C=GB/ADMD= /PRMD=x/S=eve/"`, true},
		{"/DD.RFC-822=eve/O=x/", true},
		{"/o=ExchangeLabs/cn=eve", true},
		{`"/DD.RFC-822=eve(a)gmail.com/O=x/"`, true},
		{`"eve(a)gmail.com"`, true},
		{`"eve(A)gmail.com"`, true},
		{`"gmail::eve"`, true},
		{`"x::gmail::eve"`, true},

		{"SRS0=HHH=TT=gmail.com=eve", false},
		{"SRS0+HHH=TT=gmail.com=eve", false},
		{"SRS1=HHH=gmail.com==HHH=TT=example.org=eve", false},
		{"prvs=0123456789=eve", false},
		{"btv1==0123456789==eve", false},
		{"list-bounces+eve=gmail.com", false},
		{"bounce-12-eve=gmail.com", false},
		{"eve=gmail.com", false},
		{"eve+gmail.com", false},
		{"eve+40gmail.com", false},
		{"eve#gmail.com", false},
		{"eve_gmail.com", false},
		{"imcea", false},
		{"imcea-eve", false},
		{"imcea.smtp-eve", false},
		{"imceasmtp", false},
		{"x.imceasmtp-eve+40gmail.com", false},
		{"/eve", false},
		{"eve/c=gb", false},
		{`"eve(b)"`, false},
		{`"eve:x"`, false},
		{"o'brien.jones-smith", false},
	} {
		t.Run(test.local, func(t *testing.T) {
			readable := address.Parse(test.local+"@x.example").Fault == ""
			for domain, want := range map[string]table.Class{"nhs.net": table.Secure, "trust.example": table.Local, "gmail.com": table.Unknown} {
				got := r.Classify(test.local+"@"+domain, "", today)
				own := want == table.Local
				if test.route || !readable {
					want = table.Unknown
				}
				if got.Class != want {
					t.Errorf("%s: got %v, want %v", domain, got.Class, want)
				}
				if refused := test.route && own || !readable; got.Refused() != refused {
					t.Errorf("%s: refused %v, want %v", domain, got.Refused(), refused)
				}
				if test.route && domain == "nhs.net" && got.Reason() != "the local part can name another host" {
					t.Errorf("got the reason %q", got.Reason())
				}
			}
		})
	}
	const bears = "IMCEASMTP-eve+40gmail.com@x.example.encrypt.invalid"
	if got := r.Classify(bears, "", today); !bearsRelay(got) || got.Class != table.Secure {
		t.Errorf("diverted already: got %v", got.Class)
	}
}

// TestBareGatewayForm checks that a bare name that a gateway could forward is
// not treated as a local user.
func TestBareGatewayForm(t *testing.T) {
	r := ruleset(t, load(t, table.Sources{LocalDomains: []string{"trust.example"}}, nil))
	const name = "IMCEASMTP-eve+40gmail+2Ecom"
	for _, resolved := range []string{"", name, name + "@trust.example"} {
		if got := r.Classify(name, resolved, today); got.Class != table.Unknown || !got.Refused() {
			t.Errorf("%q: got %v, refused %v", resolved, got.Class, got.Refused())
		}
	}
	if got := r.Classify("eve@nhs.net", name+"@nhs.net", today); got.Class != table.Unknown {
		t.Errorf("in the MTA's reading alone: got %v", got.Class)
	}
}
