package mtatest_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postseal/postseal/milter/mtatest"
	"github.com/postseal/postseal/rules/address"
)

// oddForms are addresses that an MTA and a simple parser read differently. HOST
// is the domain of the plain reading. If a form is accepted, the table has the
// sink and the address at which it arrives, for a HOST that is secure and for
// one that is not. If there is no sink, RCPT is refused.
var oddForms = []struct {
	name, path      string
	secure, unknown string
}{
	{"plain", "<bob@HOST>", "direct bob@HOST", "relay bob@HOST"},
	{"without brackets", "bob@HOST", "direct bob@HOST", "relay bob@HOST"},
	{"quoted", `<"bob"@HOST>`, "direct bob@HOST", "relay bob@HOST"},
	{"quoted blank", `<"b b"@HOST>`, "direct b b@HOST", "relay b b@HOST"},
	{"escaped quote", `<"b\"b"@HOST>`, `direct b"b@HOST`, `relay b"b@HOST`},
	{"escaped blank", `<"b\ b"@HOST>`, "direct b b@HOST", "relay b b@HOST"},
	{"quoted brackets", `<"<b>"@HOST>`, "direct <b>@HOST", "relay <b>@HOST"},
	{"quoted comment", `<"b(x)"@HOST>`, "direct b(x)@HOST", "relay b(x)@HOST"},
	{"empty quotes", `<""@HOST>`, "", ""},
	{"quoted comma", `<"b,c"@HOST>`, "direct b,c@HOST", "relay b,c@HOST"},
	{"quoted at sign", `<"bob@gmail.com"@HOST>`, "relay bob@gmail.com@HOST", "relay bob@gmail.com@HOST"},
	{"quoted at sign of a secure host", `<"bob@nhs.net"@HOST>`, "relay bob@nhs.net@HOST", "relay bob@nhs.net@HOST"},
	{"escaped at sign", `<bob\@gmail.com@HOST>`, "", ""},
	{"quoted address at the own host", `<"bob@HOST"@trust.example>`, "", ""},
	{"percent hack at HOST", "<bob%gmail.com@HOST>", "relay bob%gmail.com@HOST", "relay bob%gmail.com@HOST"},
	{"percent hack to a secure host", "<bob%nhs.net@HOST>", "relay bob%nhs.net@HOST", "relay bob%nhs.net@HOST"},
	{"percent hack at the own host", "<bob%HOST@trust.example>", "", ""},
	{"percent hack without a domain", "<bob%HOST>", "", ""},
	{"two percent hacks", "<bob%HOST%gmail.com@trust.example>", "", ""},
	{"bang path at HOST", "<gmail.com!bob@HOST>", "relay gmail.com!bob@HOST", "relay gmail.com!bob@HOST"},
	{"bang path at the own host", "<HOST!bob@trust.example>", "", ""},
	{"bang path without a domain", "<HOST!bob>", "", ""},
	{"Exchange's form", "<IMCEASMTP-eve+40gmail+2Ecom@HOST>", "relay IMCEASMTP-eve+40gmail+2Ecom@HOST", "relay IMCEASMTP-eve+40gmail+2Ecom@HOST"},
	{"Exchange's form at the own host", "<IMCEASMTP-eve+40HOST@trust.example>", "", ""},
	{"X.400", "</DD.RFC-822=eve/O=x/C=GB/@HOST>", "relay /DD.RFC-822=eve/O=x/C=GB/@HOST", "relay /DD.RFC-822=eve/O=x/C=GB/@HOST"},
	{"DECnet", `<"gmail::eve"@HOST>`, "relay gmail::eve@HOST", "relay gmail::eve@HOST"},
	{"at sign of X.400", `<"eve(a)gmail.com"@HOST>`, "relay eve(a)gmail.com@HOST", "relay eve(a)gmail.com@HOST"},
	{"rewritten sender", "<SRS0=HHH=TT=gmail.com=eve@HOST>", "direct SRS0=HHH=TT=gmail.com=eve@HOST", "relay SRS0=HHH=TT=gmail.com=eve@HOST"},
	{"tagged sender", "<prvs=0123456789=bob@HOST>", "direct prvs=0123456789=bob@HOST", "relay prvs=0123456789=bob@HOST"},
	{"list's sender", "<list-bounces+eve=gmail.com@HOST>", "direct list-bounces+eve=gmail.com@HOST", "relay list-bounces+eve=gmail.com@HOST"},
	{"source route", "<@relay.example:bob@HOST>", "", ""},
	{"source route through a secure host", "<@nhs.net:bob@HOST>", "", ""},
	{"source route of two hosts", "<@nhs.net,@relay.example:bob@HOST>", "", ""},
	{"source route through HOST", "<@HOST:bob@gmail.com>", "", ""},
	{"comment in the local part", "<bob(x)@HOST>", "", ""},
	{"comment in the domain", "<bob@HOST(nhs.net)>", "", ""},
	{"comment before", "<(bob@gmail.com)bob@HOST>", "", ""},
	{"trailing dot", "<bob@HOST.>", "direct bob@HOST", ""},
	{"two trailing dots", "<bob@HOST..>", "", ""},
	{"empty label", "<bob@x..HOST>", "", ""},
	{"leading dot", "<bob@.HOST>", "", ""},
	{"blank before the at sign", "<bob @HOST>", "", ""},
	{"blank after the at sign", "<bob@ HOST>", "", ""},
	{"blank at the end", "<bob@HOST >", "", ""},
	{"tab", "<bob\t@HOST>", "", ""},
	{"two at signs", "<bob@gmail.com@HOST>", "", ""},
	{"two at signs, secure first", "<bob@nhs.net@HOST>", "", ""},
	{"two addresses", "<bob@HOST,eve@gmail.com>", "", ""},
	{"list of a phrase and an address", "<x,<bob@HOST>>", "", ""},
	{"list of an address and nothing", "<<bob@HOST>,>", "", ""},
	{"list in a source route", "<@nhs.net,@relay.example:x,<bob@HOST>>", "", ""},
	{"two addresses, one bracketed", "<bob@HOST <eve@gmail.com>>", "", ""},
	{"phrase", `<"eve@gmail.com" <bob@HOST>>`, "", ""},
	{"group", "<ward: bob@HOST;>", "", ""},
	{"brackets twice", "<<bob@HOST>>", "", ""},
	{"no local part", "<@HOST>", "", ""},
	{"no domain", "<bob@>", "", ""},
	{"literal, IPv4", "<bob@[192.0.2.1]>", "", ""},
	{"literal, IPv6", "<bob@[IPv6:2001:db8::1]>", "", ""},
	{"literal, general", "<bob@[tag:HOST]>", "", ""},
	{"name in brackets", "<bob@[HOST]>", "", ""},
	{"long label", "<bob@" + strings.Repeat("a", 64) + ".HOST>", "", ""},
	{"long domain", "<bob@" + strings.Repeat(strings.Repeat("a", 59)+".", 4) + "HOST>", "direct bob@" + strings.Repeat(strings.Repeat("a", 59)+".", 4) + "HOST", ""},
	{"long local part", "<" + strings.Repeat("b", 250) + "@HOST>", "", ""},
	{"8-bit local part", "<b\xff@HOST>", "", ""},
	{"8-bit domain", "<bob@\xff.HOST>", "", ""},
	{"NUL in the local part", "<bob\x00@HOST>", "", ""},
	{"NUL in the domain", "<bob@HOST\x00.gmail.com>", "", ""},
	// They have an ORCPT of their own, because the sink's library refuses
	// Postfix's.
	{"UTF-8 local part", "<b\xc3\xbcb@HOST> ORCPT=rfc822;bob@HOST", "direct b\xc3\xbcb@HOST", "relay b\xc3\xbcb@HOST"},
	{"U-label", "<bob@b\xc3\xbccher.HOST> ORCPT=rfc822;bob@HOST", "direct bob@b\xc3\xbccher.HOST", "relay bob@b\xc3\xbccher.HOST"},
	{"A-label", "<bob@xn--bcher-kva.HOST>", "direct bob@xn--bcher-kva.HOST", "relay bob@xn--bcher-kva.HOST"},
	{"full-width letter", "<bob@\xef\xbd\x81.HOST>", "", ""},
	{"ideographic full stop", "<bob@a\xe3\x80\x82HOST>", "", ""},
}

// testOddFormsNeverGoOutUnencrypted sends each form beside a secure recipient, and
// compares all that arrives anywhere. X-Host distinguishes the messages of one
// form.
func testOddFormsNeverGoOutUnencrypted(t *T) {
	t.serve("enforce", letterPolicies)
	for _, form := range oddForms {
		t.Run(form.name, func(t *T) {
			wanted := make(map[string]arrived)
			for host, want := range map[string]string{"NHS.Net": form.secure, "GMail.com": form.unknown} {
				wanted[host] = t.sendOddForm(form.path, host, want)
			}
			direct, relayed, held := t.settle()
			if len(held) > 0 {
				t.Errorf("held: %v", held)
			}
			for host, want := range wanted {
				t.Log(host)
				t.compareArrived(take(&direct, host), take(&relayed, host), want)
			}
			if len(direct)+len(relayed) > 0 {
				t.Errorf("also arrived: %v, %v", direct, relayed)
			}
		})
	}
}

// sendOddForm sends a form with the host in it, and returns what must arrive.
func (t *T) sendOddForm(path, host, want string) arrived {
	t.Helper()
	path, want = strings.ReplaceAll(path, "HOST", host), strings.ReplaceAll(want, "HOST", host)
	parameters := " BODY=8BITMIME SMTPUTF8"
	if t.onSendmail() { // Debian's has no SMTPUTF8
		parameters = " BODY=8BITMIME"
		if !address.IsASCII(path) && strings.HasPrefix(want, "relay") {
			want = ""
		}
	}
	s := t.sendFrom(sender+parameters, []string{path, "<a@nhs.net>"}, mail("X-Host: "+host, "Subject: x"))
	all, end := arrived{direct: []string{"a@nhs.net: x"}}, 250
	if t.onSendmail() && s.Recipients[0].Code == 550 && strings.Contains(path, ",") {
		all, end = arrived{}, 550 // Sendmail cannot remove a list
	}
	if got := s.Recipients[0].Code; (want == "") != (got >= 500) || s.End.Code != end {
		t.Errorf("%s: got %v", path, s)
	}
	switch sink, address, _ := strings.Cut(want, " "); sink {
	case "direct":
		all.direct = append(all.direct, address+": x")
	case "relay":
		all.relay = []string{address + ": {[secure] }x"}
	}
	return all
}

// take removes the deliveries with the X-Host from a list, and returns them.
func take(list *[]mtatest.Delivery, host string) (taken []mtatest.Delivery) {
	*list = slices.DeleteFunc(*list, func(d mtatest.Delivery) bool {
		is := slices.Equal(d.Header("X-Host"), []string{" " + host})
		if is {
			taken = append(taken, d)
		}
		return is
	})
	return taken
}

// testLongAddresses sends to addresses around the greatest length that can be
// diverted. A longer one is refused, and none is lost.
func testLongAddresses(t *T) {
	t.serve("enforce", letterPolicies)
	local := strings.Repeat("b", 64)
	domain := strings.Repeat("a234567.", 19) + "example"
	for _, quoted := range []string{local, `"` + strings.Repeat("b ", 31) + `"`} {
		refused := 0
		var want arrived
		for more := range 20 {
			address := quoted + "@" + strings.Repeat("x", more+1) + "." + domain
			s := t.send([]string{"<" + address + ">", "<a@nhs.net>"}, mail("Subject: x"))
			want.direct = append(want.direct, "a@nhs.net: x")
			if s.Recipients[0].Code == 250 {
				want.relay = append(want.relay, strings.Trim(address[:64], `"`)+address[64:]+": {[secure] }x")
			} else {
				refused++
			}
			if s.End.Code != 250 {
				t.Errorf("%d octets: got %v", len(address), s)
			}
		}
		t.wantArrived(want)
		if refused == 0 || refused > 10 {
			t.Errorf("refused %d of 20", refused)
		}
	}
}

// testBareNameGoesWhereTheMTACompletesIt checks what the README says cannot be
// decided.
func testBareNameGoesWhereTheMTACompletesIt(t *T) {
	d := t.serve("enforce", letterPolicies)
	if s := t.send([]string{"<postmaster>"}, mail("Subject: x")); s.End.Code != 250 {
		t.Errorf("got %v", s)
	}
	t.wantArrived(arrived{direct: []string{"postmaster@" + t.ownHost() + ": x"}})
	if e := d.Events("readings differ"); len(e) > 0 {
		t.Errorf("got %v", e)
	}
}

func testDifferenceOfReadingsIsLogged(t *T) {
	d := t.serve("enforce", letterPolicies)
	own := "trust.example"
	if t.onSendmail() { // which forwards mail for trust.example
		own = "mx.trust.example"
	}
	t.send([]string{"<bob%gmail.com@" + own + ">", "<a@nhs.net>"}, mail("Subject: x"))
	t.wantArrived(arrived{direct: []string{"a@nhs.net: x"}})
	e := d.AwaitEvents("readings differ", 1)
	if len(e) != 1 || e[0]["domain"] != own || e[0]["resolved"] != "gmail.com" || e[0]["class"] != "unknown" {
		t.Errorf("got %v", e)
	}
}

func testLookAlikeIsRejected(t *T) {
	d := t.serve("enforce", "")
	s := t.send([]string{"<a@nhs.net>", "<bob@nhs.nte>"}, mail("Subject: [secure] x"))
	const want = "550 5.7.1 <bob@nhs.nte>: did you mean nhs.net? Correct the address, or ask the mail administrator to add its domain"
	if s.End.String() != want {
		t.Errorf("got %q, want %q", s.End, want)
	}
	t.wantArrived(arrived{})
	e := d.AwaitEvents("decision", 1)
	if len(e) != 1 {
		t.Fatalf("got %v", e)
	}
	if got := fmt.Sprint(e[0]["findings"]); got != "[map[meant:nhs.net name:look-alike]]" {
		t.Errorf("got %s", got)
	}
}
