package rules_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/table"
)

func TestClassifyTwoReadings(t *testing.T) {
	r := ruleset(t, load(t, table.Sources{LocalDomains: []string{"trust.example"}, RelayDomain: "encrypt.invalid"}, nil))
	for _, test := range []struct {
		name, text, resolved string
		want                 table.Class
		fault                address.Fault
	}{
		{"the same", "a@GMAIL.com", "a@gmail.com", table.Unknown, ""},
		{"U-label and A-label", "a@bücher.example", "a@xn--bcher-kva.example", table.Unknown, ""},
		{"sent on elsewhere", "a%gmail.com@trust.example", "a@gmail.com", table.Unknown, address.Rerouted},
		{"sent on to a secure host", "a%nhs.net@trust.example", "a@nhs.net", table.Unknown, address.Rerouted},
		{"the weaker is the text", "a@gmail.com", "a@nhs.net", table.Unknown, ""},
		{"both need the marker", "a@www.foo.com", "a@foo.com", table.Unknown, ""},
		{"both need the marker, trailing dot", "a@www.foo.com.", "a@foo.com", table.Unknown, address.TrailingDot},
		{"only the other needs the marker", "a@mail.council.gov.uk", "a@outlook.com", table.Unknown, address.SentOn},
		{"unknown, and no reading of it", "a@gmail.com", "@:", table.Unknown, ""},
		{"unknown, and closed behind it", "a@gmail.com", "a@x.gsi.gov.uk", table.Closed, ""},
		{"secure, and closed behind it", "a@nhs.net", "a@x.gsi.gov.uk", table.Closed, address.SentOn},
		{"both secure", "a@mail.council.gov.uk", "a@nhs.net", table.Secure, address.SentOn},
		{"a virtual user elsewhere", "info@trust.example", "a@gmail.com", table.Unknown, address.SentOn},
		{"a virtual user at home", "info@trust.example", "a@mx.trust.example", table.Local, address.SentOn},
		{"a reading that cannot be read", "a@nhs.net", "@:", table.Unknown, address.SentOn},
		{"completed by the MTA", "root", "root@mx.trust.example", table.Local, address.NoDomain},
		{"completed with a foreign domain", "root", "root@mx.example.org", table.Unknown, address.NoDomain},
		{"kept by the MTA", "root", "root", table.Local, address.NoDomain},
		{"bare, no reading", "root", "", table.Unknown, address.NoDomain},
		{"percent hack without a domain, kept", "a%gmail.com", "a%gmail.com", table.Unknown, address.NoDomain},
		{"bang path without a domain, kept", "gmail.com!a", "a", table.Unknown, address.NoDomain},
		{"bang path without a domain", "gmail.com!a", "a@gmail.com", table.Unknown, address.NoDomain},
		{"a local user's name", "a@trust.example", "a", table.Local, ""},
		{"source route", "@nhs.net:a@nhs.net", "a@nhs.net", table.Unknown, address.SourceRoute},
		{"comment", "a(x)@nhs.net", "a@nhs.net", table.Unknown, address.Comment},
		{"trailing dot, secure", "a@nhs.net.", "a@nhs.net", table.Secure, address.TrailingDot},
		{"trailing dot, unknown", "a@gmail.com.", "a@gmail.com", table.Unknown, address.TrailingDot},
		{"percent hack that the MTA does not show", "a%gmail.com@trust.example", "a%gmail.com@trust.example", table.Unknown, address.Rerouted},
		{"percent hack, no reading", "a%gmail.com@trust.example", "", table.Unknown, address.Rerouted},
		{"bang path, no reading", "gmail.com!a@trust.example", "", table.Unknown, address.Rerouted},
		{"quoted address, no reading", `"a@gmail.com"@trust.example`, "", table.Unknown, address.Rerouted},
		{"percent hack at a secure host", "a%gmail.com@nhs.net", "a%gmail.com@nhs.net", table.Unknown, ""},
		{"percent hack at a secure host, no reading", "a%gmail.com@nhs.net", "", table.Unknown, ""},
		{"bang path at a secure host", "gmail.com!a@nhs.net", "gmail.com!a@nhs.net", table.Unknown, ""},
		{"quoted address at a secure host", `"a@gmail.com"@nhs.net`, `"a@gmail.com"@nhs.net`, table.Unknown, ""},
		{"escaped at sign at a secure host", `"a\@gmail.com"@nhs.net`, "", table.Unknown, ""},
		{"percent hack in the MTA's reading alone", "a@nhs.net", "a%gmail.com@nhs.net", table.Unknown, ""},
		{"percent hack without a domain, secure", "a%nhs.net", "a@nhs.net", table.Unknown, address.NoDomain},
		{"percent hack to a closed name", "a%x.gsi.gov.uk@trust.example", "a@x.gsi.gov.uk", table.Closed, address.Rerouted},
		{"a local user's name with a route", "a@nhs.net", "a%gmail.com", table.Unknown, address.Rerouted},
		{"quoted blank", `"a b"@nhs.net`, `"a b"@nhs.net`, table.Secure, ""},
		{"diverted already, Sendmail's reading", "a@gmail.com.encrypt.invalid", "a@gmail.com", table.Secure, ""},
		{"diverted already, another domain", "a@gmail.com.encrypt.invalid", "a@example.org", table.Unknown, address.SentOn},
		{"diverted already, a part of the domain", "a@x.gmail.com.encrypt.invalid", "a@gmail.com", table.Unknown, address.SentOn},
		{"diverted already, percent sign", "50%off@gmail.com.encrypt.invalid", "", table.Secure, ""},
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
	r := ruleset(t, load(t, table.Sources{RelayDomain: "encrypt.invalid"}, nil))
	const suffix = len(".encrypt.invalid")
	name := func(length int) string { // a domain of this length
		return strings.Repeat("abcdefg.", length/8) + strings.Repeat("x", length%8)
	}
	for _, test := range []struct {
		name, address string
		want          address.Fault
	}{
		{"longest domain", "a@" + name(251-suffix), ""},
		{"one octet more", "a@" + name(252-suffix), address.TooLong},
		{"long local part", strings.Repeat("a", 253-suffix-len("@x.example")) + "@x.example", ""},
		{"one octet more in the local part", strings.Repeat("a", 254-suffix-len("@x.example")) + "@x.example", address.TooLong},
	} {
		if got := r.Classify(test.address, "", today); got.Fault != test.want || got.Unsafe() != (test.want != "") {
			t.Errorf("%s: got %q, unsafe %v", test.name, got.Fault, got.Unsafe())
		}
	}
}

// FuzzClassify checks that a recipient is secure only if both readings are
// secure. A bare name has no domain, so only the other reading decides.
func FuzzClassify(f *testing.F) {
	for _, seed := range [][2]string{
		{"a@nhs.net", "a@nhs.net"}, {"a@nhs.net", "a@gmail.com"}, {"a%gmail.com@nhs.net", "a@gmail.com"}, {"root", "root@nhs.net"},
		{"a@nhs.net", "a"}, {"a@nhs.net", "a%gmail.com"}, {"a%nhs.net", "a@nhs.net"}, {"@r.example:a@nhs.net", "a@nhs.net"}, {"a@nhs.net.", "a@nhs.net"},
	} {
		f.Add(seed[0], seed[1])
	}
	for _, seed := range []string{"a@nhs.net", `"a@b"@x.example`, "@r:a@nhs.net", "a@nhs.net.", "a@[192.0.2.1]", "a@b@c", "a@BÜCHER.example", `"\"@nhs.net`, "a@xn--nhs-.net",
		"user%gmail.com@nhs.net", "gmail.com!user@nhs.net", `"user@gmail.com"@nhs.net`, `"a\\"@nhs.net"@gmail.com`, "a@nhs.net@gmail.com", "a(@nhs.net)@gmail.com", "a@nhs.net\x00.gmail.com", "50%off@gmail.com.encrypt.invalid"} {
		f.Add(seed, "")
	}
	r := ruleset(f, load(f, table.Sources{RelayDomain: "encrypt.invalid", Accredited: accreditedList}, nil))
	names := secureNames(f)
	f.Fuzz(func(t *testing.T, text, resolved string) {
		if r.Classify(text, resolved, today).Class != table.Secure {
			return
		}
		for _, reading := range []string{text, resolved} {
			if strings.ContainsAny(reading, "@%!") && !isPlainlySecure(reading, names) {
				t.Errorf("%q and %q are secure", text, resolved)
			}
		}
	})
}

// isPlainlySecure is a second implementation that shares no code with the
// parser. The text after the last unquoted "@" must end in one of the names, at
// a label boundary, and the local part must not contain a route or a sign of
// one. A recipient with the relay domain goes to the relay, whatever its local
// part.
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

// secureNames lists the names that the fuzzed table calls secure. It does not
// use the loader to read the files.
func secureNames(t testing.TB) []string {
	t.Helper()
	names := []string{"nhs.net", "gov.uk", "cjsm.net", "police.uk", "mod.gov.uk", "parliament.uk"}
	text, err := os.ReadFile(accreditedList)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		names = append(names, row[1])
	}
	return names
}

// bearsRelay reports whether a recipient was diverted already.
func bearsRelay(r rules.Recipient) bool { return r.Row != nil && r.Row.IsRelay() }
