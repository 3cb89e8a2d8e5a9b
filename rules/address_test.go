package rules_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules"
)

func TestParseAddress(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, test := range []struct {
		text string
		want rules.Address
	}{
		{"a@nhs.net", rules.Address{Local: "a", Domain: "nhs.net"}},
		{"A.B+c@NHS.Net", rules.Address{Local: "A.B+c", Domain: "nhs.net"}},
		{"o'brien=x%y!z@x.example", rules.Address{Local: "o'brien=x%y!z", Domain: "x.example"}},
		{`"a b"@x.example`, rules.Address{Local: `"a b"`, Domain: "x.example"}},
		{`"a@b"@x.example`, rules.Address{Local: `"a@b"`, Domain: "x.example"}},
		{`"a\"@b"@x.example`, rules.Address{Local: `"a\"@b"`, Domain: "x.example"}},
		{`"a>b,c(d)"@x.example`, rules.Address{Local: `"a>b,c(d)"`, Domain: "x.example"}},
		{"büb@bücher.example", rules.Address{Local: "büb", Domain: "xn--bcher-kva.example"}},
		{"a@BÜCHER.example", rules.Address{Local: "a", Domain: "xn--bcher-kva.example"}},
		{"a@under_score.example", rules.Address{Local: "a", Domain: "under_score.example"}},
		{"a..b.@x.example", rules.Address{Local: "a..b.", Domain: "x.example"}},
		{"a@" + label + ".example", rules.Address{Local: "a", Domain: label + ".example"}},
		{"a@nhs.net.", rules.Address{Local: "a", Domain: "nhs.net", Fault: rules.TrailingDot}},

		{"", rules.Address{Fault: rules.NoAddress}},
		{"root", rules.Address{Local: "root", Fault: rules.NoDomain}},
		{"bob%x.example", rules.Address{Local: "bob%x.example", Fault: rules.NoDomain}},
		{"@r.example:a@x.example", rules.Address{Fault: rules.SourceRoute}},
		{"@r.example,@s.example:a@x.example", rules.Address{Fault: rules.SourceRoute}},
		{"@x.example", rules.Address{Fault: rules.BadLocalPart}},
		{"a b@x.example", rules.Address{Fault: rules.BadLocalPart}},
		{"a\x00@x.example", rules.Address{Fault: rules.BadLocalPart}},
		{"a\xff@x.example", rules.Address{Fault: rules.BadLocalPart}},
		{`"a@x.example`, rules.Address{Fault: rules.BadLocalPart}},
		{`"a"b@x.example`, rules.Address{Fault: rules.BadLocalPart}},
		{`"a\`, rules.Address{Fault: rules.BadLocalPart}},
		{"a,b@x.example", rules.Address{Fault: rules.BadLocalPart}},
		{"<a@x.example>", rules.Address{Fault: rules.BadLocalPart}},
		{"a(c)@x.example", rules.Address{Fault: rules.Comment}},
		{"a@x.example(c)", rules.Address{Local: "a", Fault: rules.Comment}},
		{"a@(c)x.example", rules.Address{Local: "a", Fault: rules.Comment}},
		{"a@[192.0.2.1]", rules.Address{Local: "a", Fault: rules.Literal}},
		{"a@[IPv6:2001:db8::1]", rules.Address{Local: "a", Fault: rules.Literal}},
		{"a@[x:y]", rules.Address{Local: "a", Fault: rules.Literal}},
		{`"<a>"@x.example`, rules.Address{Local: `"<a>"`, Domain: "x.example"}},
		{`"a\ b"@x.example`, rules.Address{Local: `"a\ b"`, Domain: "x.example"}},
		{`""@x.example`, rules.Address{Fault: rules.BadLocalPart}},
		{"user%gmail.com@nhs.net", rules.Address{Local: "user%gmail.com", Domain: "nhs.net"}},
		{"gmail.com!user@nhs.net", rules.Address{Local: "gmail.com!user", Domain: "nhs.net"}},
		{`"user@gmail.com"@nhs.net`, rules.Address{Local: `"user@gmail.com"`, Domain: "nhs.net"}},
		{"a@XN--BCHER-KVA.example", rules.Address{Local: "a", Domain: "xn--bcher-kva.example"}},
		{"a@[nhs.net]", rules.Address{Local: "a", Fault: rules.Literal}},
		{"a@[192.0.2.1", rules.Address{Local: "a", Fault: rules.Literal}},
		{`"a"."b"@x.example`, rules.Address{Fault: rules.BadLocalPart}},
		{`"a@x.example"`, rules.Address{Local: `"a@x.example"`, Fault: rules.NoDomain}},
		{" a@nhs.net", rules.Address{Fault: rules.BadLocalPart}},
		{"a@nhs.net ", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@nhs.net\r", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@\xffnhs.net", rules.Address{Fault: rules.BadLocalPart}},
		{"@nhs.net:", rules.Address{Fault: rules.SourceRoute}},
		{"@", rules.Address{Fault: rules.BadLocalPart}},
		{"a@-nhs.net", rules.Address{Local: "a", Domain: "-nhs.net"}},
		{"a@", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@.", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@b@x.example", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@nhs..net", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@.nhs.net", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@nhs.net..", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@nhs.net x", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@nhs.net:25", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@nhs.net\x00.x.example", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@ｎhs.net", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@nhs。net", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@nhs.net\u200b", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@" + label + "a.example", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{"a@" + strings.Repeat("abcdefg.", 32) + "net", rules.Address{Local: "a", Fault: rules.BadDomain}},
		{strings.Repeat("a", 250) + "@nhs.net", rules.Address{Local: strings.Repeat("a", 250), Fault: rules.TooLong}},
	} {
		if got := rules.ParseAddress(test.text); got != test.want {
			t.Errorf("%q: got %+v, want %+v", test.text, got, test.want)
		}
	}
}

func TestClassifyTwoReadings(t *testing.T) {
	r := ruleset(t, load(t, rules.Sources{LocalDomains: []string{"trust.example"}, RelayDomain: "encrypt.invalid"}, nil))
	for _, test := range []struct {
		name, text, resolved string
		want                 rules.Class
		fault                rules.Fault
	}{
		{"the same", "a@GMAIL.com", "a@gmail.com", rules.Unknown, ""},
		{"U-label and A-label", "a@bücher.example", "a@xn--bcher-kva.example", rules.Unknown, ""},
		{"sent on elsewhere", "a%gmail.com@trust.example", "a@gmail.com", rules.Unknown, rules.Rerouted},
		{"sent on to a secure host", "a%nhs.net@trust.example", "a@nhs.net", rules.Unknown, rules.Rerouted},
		{"the weaker is the text", "a@gmail.com", "a@nhs.net", rules.Unknown, ""},
		{"both need the marker", "a@www.foo.com", "a@foo.com", rules.Unknown, ""},
		{"both need the marker, trailing dot", "a@www.foo.com.", "a@foo.com", rules.Unknown, rules.TrailingDot},
		{"only the other needs the marker", "a@mail.council.gov.uk", "a@outlook.com", rules.Unknown, rules.SentOn},
		{"unknown, and no reading of it", "a@gmail.com", "@:", rules.Unknown, ""},
		{"unknown, and closed behind it", "a@gmail.com", "a@x.gsi.gov.uk", rules.Closed, ""},
		{"secure, and closed behind it", "a@nhs.net", "a@x.gsi.gov.uk", rules.Closed, rules.SentOn},
		{"both secure", "a@mail.council.gov.uk", "a@nhs.net", rules.Secure, rules.SentOn},
		{"a virtual user elsewhere", "info@trust.example", "a@gmail.com", rules.Unknown, rules.SentOn},
		{"a virtual user at home", "info@trust.example", "a@mx.trust.example", rules.Local, rules.SentOn},
		{"a reading that cannot be read", "a@nhs.net", "@:", rules.Unknown, rules.SentOn},
		{"completed by the MTA", "root", "root@mx.trust.example", rules.Local, rules.NoDomain},
		{"completed with a foreign domain", "root", "root@mx.example.org", rules.Unknown, rules.NoDomain},
		{"kept by the MTA", "root", "root", rules.Local, rules.NoDomain},
		{"bare, no reading", "root", "", rules.Unknown, rules.NoDomain},
		{"percent hack without a domain, kept", "a%gmail.com", "a%gmail.com", rules.Unknown, rules.NoDomain},
		{"bang path without a domain, kept", "gmail.com!a", "a", rules.Unknown, rules.NoDomain},
		{"bang path without a domain", "gmail.com!a", "a@gmail.com", rules.Unknown, rules.NoDomain},
		{"a local user's name", "a@trust.example", "a", rules.Local, ""},
		{"source route", "@nhs.net:a@nhs.net", "a@nhs.net", rules.Unknown, rules.SourceRoute},
		{"comment", "a(x)@nhs.net", "a@nhs.net", rules.Unknown, rules.Comment},
		{"trailing dot, secure", "a@nhs.net.", "a@nhs.net", rules.Secure, rules.TrailingDot},
		{"trailing dot, unknown", "a@gmail.com.", "a@gmail.com", rules.Unknown, rules.TrailingDot},
		{"percent hack that the MTA does not show", "a%gmail.com@trust.example", "a%gmail.com@trust.example", rules.Unknown, rules.Rerouted},
		{"percent hack, no reading", "a%gmail.com@trust.example", "", rules.Unknown, rules.Rerouted},
		{"bang path, no reading", "gmail.com!a@trust.example", "", rules.Unknown, rules.Rerouted},
		{"quoted address, no reading", `"a@gmail.com"@trust.example`, "", rules.Unknown, rules.Rerouted},
		{"percent hack at a secure host", "a%gmail.com@nhs.net", "a%gmail.com@nhs.net", rules.Unknown, ""},
		{"percent hack at a secure host, no reading", "a%gmail.com@nhs.net", "", rules.Unknown, ""},
		{"bang path at a secure host", "gmail.com!a@nhs.net", "gmail.com!a@nhs.net", rules.Unknown, ""},
		{"quoted address at a secure host", `"a@gmail.com"@nhs.net`, `"a@gmail.com"@nhs.net`, rules.Unknown, ""},
		{"escaped at sign at a secure host", `"a\@gmail.com"@nhs.net`, "", rules.Unknown, ""},
		{"percent hack in the MTA's reading alone", "a@nhs.net", "a%gmail.com@nhs.net", rules.Unknown, ""},
		{"percent hack without a domain, secure", "a%nhs.net", "a@nhs.net", rules.Unknown, rules.NoDomain},
		{"percent hack to a closed name", "a%x.gsi.gov.uk@trust.example", "a@x.gsi.gov.uk", rules.Closed, rules.Rerouted},
		{"a local user's name with a route", "a@nhs.net", "a%gmail.com", rules.Unknown, rules.Rerouted},
		{"quoted blank", `"a b"@nhs.net`, `"a b"@nhs.net`, rules.Secure, ""},
		{"diverted already, Sendmail's reading", "a@gmail.com.encrypt.invalid", "a@gmail.com", rules.Secure, ""},
		{"diverted already, another domain", "a@gmail.com.encrypt.invalid", "a@example.org", rules.Unknown, rules.SentOn},
		{"diverted already, a part of the domain", "a@x.gmail.com.encrypt.invalid", "a@gmail.com", rules.Unknown, rules.SentOn},
		{"diverted already, percent sign", "50%off@gmail.com.encrypt.invalid", "", rules.Secure, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := r.Classify(test.text, test.resolved, today)
			if got.Class != test.want || got.Fault != test.fault || got.Text != test.text {
				t.Errorf("got %v, %q, %q", got.Class, got.Fault, got.Text)
			}
		})
	}
}

func TestTooLongForTheRelay(t *testing.T) {
	r := ruleset(t, load(t, rules.Sources{RelayDomain: "encrypt.invalid"}, nil))
	const suffix = len(".encrypt.invalid")
	name := func(length int) string { // a domain of that length
		return strings.Repeat("abcdefg.", length/8) + strings.Repeat("x", length%8)
	}
	for _, test := range []struct {
		name, address string
		want          rules.Fault
	}{
		{"longest domain", "a@" + name(251-suffix), ""},
		{"one octet more", "a@" + name(252-suffix), rules.TooLong},
		{"long local part", strings.Repeat("a", 253-suffix-len("@x.example")) + "@x.example", ""},
		{"one octet more in the local part", strings.Repeat("a", 254-suffix-len("@x.example")) + "@x.example", rules.TooLong},
	} {
		if got := r.Classify(test.address, "", today); got.Fault != test.want || got.Unsafe() != (test.want != "") {
			t.Errorf("%s: got %q, unsafe %v", test.name, got.Fault, got.Unsafe())
		}
	}
}

// FuzzParseAddress holds what rewriting rests on: an address without a fault
// is its local part, an "@" and a spelling of its domain, and what is called
// secure a simpler reader calls secure as well.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"a@nhs.net", `"a@b"@x.example`, "@r:a@nhs.net", "a@nhs.net.", "a@[192.0.2.1]", "a@b@c", "a@BÜCHER.example", `"\"@nhs.net`, "a@xn--nhs-.net",
		"user%gmail.com@nhs.net", "gmail.com!user@nhs.net", `"user@gmail.com"@nhs.net`, `"a\\"@nhs.net"@gmail.com`, "a@nhs.net@gmail.com", "a(@nhs.net)@gmail.com", "a@nhs.net\x00.gmail.com", "50%off@gmail.com.encrypt.invalid"} {
		f.Add(seed)
	}
	r := ruleset(f, load(f, rules.Sources{RelayDomain: "encrypt.invalid", Accredited: accredited}, nil))
	names := secureNames(f)
	f.Fuzz(func(t *testing.T, text string) {
		a := rules.ParseAddress(text)
		if a.Domain != "" {
			if again, err := rules.NormalizeDomain(a.Domain); err != nil || again != a.Domain {
				t.Errorf("domain %q is not normal: %q, %v", a.Domain, again, err)
			}
		}
		if a.Fault == "" {
			rest, found := strings.CutPrefix(text, a.Local+"@")
			name, err := rules.NormalizeDomain(rest)
			if !found || err != nil || name != a.Domain {
				t.Errorf("%q: got %+v", text, a)
			}
		}
		if got := r.Classify(text, "", today); got.Class == rules.Secure && !isPlainlySecure(text, names) {
			t.Errorf("%q is secure by row %q", text, got.Row.Name)
		}
	})
}

// FuzzClassify holds that a recipient is secure only where both readings are.
// A bare name has no domain to judge: the other reading decides.
func FuzzClassify(f *testing.F) {
	for _, seed := range [][2]string{
		{"a@nhs.net", "a@nhs.net"}, {"a@nhs.net", "a@gmail.com"}, {"a%gmail.com@nhs.net", "a@gmail.com"}, {"root", "root@nhs.net"},
		{"a@nhs.net", "a"}, {"a@nhs.net", "a%gmail.com"}, {"a%nhs.net", "a@nhs.net"}, {"@r.example:a@nhs.net", "a@nhs.net"}, {"a@nhs.net.", "a@nhs.net"},
	} {
		f.Add(seed[0], seed[1])
	}
	r := ruleset(f, load(f, rules.Sources{RelayDomain: "encrypt.invalid", Accredited: accredited}, nil))
	names := secureNames(f)
	f.Fuzz(func(t *testing.T, text, resolved string) {
		if r.Classify(text, resolved, today).Class != rules.Secure {
			return
		}
		for _, reading := range []string{text, resolved} {
			if strings.ContainsAny(reading, "@%!") && !isPlainlySecure(reading, names) {
				t.Errorf("%q and %q are secure", text, resolved)
			}
		}
	})
}

// isPlainlySecure is the second opinion, which shares nothing with the parser:
// the text after the last unquoted "@" ends in one of the names on a label
// boundary, and there is no route and no sign of one in the local part. What
// bears the relay domain goes to the relay, whatever its local part.
func isPlainlySecure(text string, names []string) bool {
	at, quoted := -1, false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == '@' && !quoted:
			at = i
		}
	}
	if at <= 0 || quoted || text[0] == '@' {
		return false
	}
	domain := "." + strings.TrimSuffix(strings.ToLower(text[at+1:]), ".")
	if strings.HasSuffix(domain, ".encrypt.invalid") {
		return true
	}
	return !strings.ContainsAny(text[:at], "%!@") && !strings.HasPrefix(strings.ToLower(strings.Trim(text[:at], `"`)), "imceasmtp-") &&
		slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(domain, "."+name) })
}

// secureNames lists the names that the fuzzed table calls secure, read from
// the files by other means than the loader's.
func secureNames(t testing.TB) []string {
	t.Helper()
	names := []string{"nhs.net", "gov.uk", "cjsm.net", "police.uk", "mod.gov.uk", "parliament.uk"}
	text, err := os.ReadFile(accredited)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		names = append(names, strings.ToLower(strings.TrimSpace(row[2])))
	}
	return names
}
