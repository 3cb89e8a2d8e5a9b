package address_test

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/address"
)

func TestParse(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, test := range []struct {
		text string
		want address.Address
	}{
		{"a@nhs.net", address.Address{Local: "a", Domain: "nhs.net"}},
		{"A.B+c@NHS.Net", address.Address{Local: "A.B+c", Domain: "nhs.net"}},
		{"o'brien=x%y!z@x.example", address.Address{Local: "o'brien=x%y!z", Domain: "x.example"}},
		{`"a b"@x.example`, address.Address{Local: `"a b"`, Domain: "x.example"}},
		{`"a@b"@x.example`, address.Address{Local: `"a@b"`, Domain: "x.example"}},
		{`"a\"@b"@x.example`, address.Address{Local: `"a\"@b"`, Domain: "x.example"}},
		{`"a>b,c(d)"@x.example`, address.Address{Local: `"a>b,c(d)"`, Domain: "x.example"}},
		{"büb@bücher.example", address.Address{Local: "büb", Domain: "xn--bcher-kva.example"}},
		{"a@BÜCHER.example", address.Address{Local: "a", Domain: "xn--bcher-kva.example"}},
		{"a@under_score.example", address.Address{Local: "a", Domain: "under_score.example"}},
		{"a..b.@x.example", address.Address{Local: "a..b.", Domain: "x.example"}},
		{"a@" + label + ".example", address.Address{Local: "a", Domain: label + ".example"}},
		{"a@nhs.net.", address.Address{Local: "a", Domain: "nhs.net", Fault: address.TrailingDot}},

		{"", address.Address{Fault: address.NoAddress}},
		{"root", address.Address{Local: "root", Fault: address.NoDomain}},
		{"bob%x.example", address.Address{Local: "bob%x.example", Fault: address.NoDomain}},
		{"@r.example:a@x.example", address.Address{Fault: address.SourceRoute}},
		{"@r.example,@s.example:a@x.example", address.Address{Fault: address.SourceRoute}},
		{"@x.example", address.Address{Fault: address.BadLocalPart}},
		{"a b@x.example", address.Address{Fault: address.BadLocalPart}},
		{"a\x00@x.example", address.Address{Fault: address.BadLocalPart}},
		{"a\xff@x.example", address.Address{Fault: address.BadLocalPart}},
		{`"a@x.example`, address.Address{Fault: address.BadLocalPart}},
		{`"a"b@x.example`, address.Address{Fault: address.BadLocalPart}},
		{`"a\`, address.Address{Fault: address.BadLocalPart}},
		{"a,b@x.example", address.Address{Fault: address.BadLocalPart}},
		{"<a@x.example>", address.Address{Fault: address.BadLocalPart}},
		{"a(c)@x.example", address.Address{Fault: address.Comment}},
		{"a@x.example(c)", address.Address{Local: "a", Fault: address.Comment}},
		{"a@(c)x.example", address.Address{Local: "a", Fault: address.Comment}},
		{"a@[192.0.2.1]", address.Address{Local: "a", Fault: address.Literal}},
		{"a@[IPv6:2001:db8::1]", address.Address{Local: "a", Fault: address.Literal}},
		{"a@[x:y]", address.Address{Local: "a", Fault: address.Literal}},
		{`"<a>"@x.example`, address.Address{Local: `"<a>"`, Domain: "x.example"}},
		{`"a\ b"@x.example`, address.Address{Local: `"a\ b"`, Domain: "x.example"}},
		{`""@x.example`, address.Address{Fault: address.BadLocalPart}},
		{"user%gmail.com@nhs.net", address.Address{Local: "user%gmail.com", Domain: "nhs.net"}},
		{"gmail.com!user@nhs.net", address.Address{Local: "gmail.com!user", Domain: "nhs.net"}},
		{`"user@gmail.com"@nhs.net`, address.Address{Local: `"user@gmail.com"`, Domain: "nhs.net"}},
		{"a@XN--BCHER-KVA.example", address.Address{Local: "a", Domain: "xn--bcher-kva.example"}},
		{"a@[nhs.net]", address.Address{Local: "a", Fault: address.Literal}},
		{"a@[192.0.2.1", address.Address{Local: "a", Fault: address.Literal}},
		{`"a"."b"@x.example`, address.Address{Fault: address.BadLocalPart}},
		{`"a@x.example"`, address.Address{Local: `"a@x.example"`, Fault: address.NoDomain}},
		{" a@nhs.net", address.Address{Fault: address.BadLocalPart}},
		{"a@nhs.net ", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@nhs.net\r", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@\xffnhs.net", address.Address{Fault: address.BadLocalPart}},
		{"@nhs.net:", address.Address{Fault: address.SourceRoute}},
		{"@", address.Address{Fault: address.BadLocalPart}},
		{"a@-nhs.net", address.Address{Local: "a", Domain: "-nhs.net"}},
		{"a@", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@.", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@b@x.example", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@nhs..net", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@.nhs.net", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@nhs.net..", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@nhs.net x", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@nhs.net:25", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@nhs.net\x00.x.example", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@ｎhs.net", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@nhs。net", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@nhs.net\u200b", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@" + label + "a.example", address.Address{Local: "a", Fault: address.BadDomain}},
		{"a@" + strings.Repeat("abcdefg.", 32) + "net", address.Address{Local: "a", Fault: address.BadDomain}},
		{strings.Repeat("a", 250) + "@nhs.net", address.Address{Local: strings.Repeat("a", 250), Fault: address.TooLong}},
	} {
		if got := address.Parse(test.text); got != test.want {
			t.Errorf("%q: got %+v, want %+v", test.text, got, test.want)
		}
	}
}

// FuzzParse checks what rewriting relies on: an address without a fault
// consists of its local part, an "@" and a spelling of its domain.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a@nhs.net", `"a@b"@x.example`, "@r:a@nhs.net", "a@nhs.net.", "a@[192.0.2.1]", "a@b@c", "a@BÜCHER.example", `"\"@nhs.net`, "a@xn--nhs-.net",
		"user%gmail.com@nhs.net", "gmail.com!user@nhs.net", `"user@gmail.com"@nhs.net`, `"a\\"@nhs.net"@gmail.com`, "a@nhs.net@gmail.com", "a(@nhs.net)@gmail.com", "a@nhs.net\x00.gmail.com", "50%off@gmail.com.encrypt.invalid"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := address.Parse(text)
		if a.Domain != "" {
			if again, err := address.NormalizeDomain(a.Domain); err != nil || again != a.Domain {
				t.Errorf("domain %q is not normal: %q, %v", a.Domain, again, err)
			}
		}
		if a.Fault == "" {
			rest, found := strings.CutPrefix(text, a.Local+"@")
			name, err := address.NormalizeDomain(rest)
			if !found || err != nil || name != a.Domain {
				t.Errorf("%q: got %+v", text, a)
			}
		}
	})
}
