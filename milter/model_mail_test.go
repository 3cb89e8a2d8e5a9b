package milter

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

// choices makes the choices of a script: at random, or from the octets of a
// fuzzer. When those are used up, the first of the choices is made.
type choices struct {
	random *rand.Rand
	octets []byte
}

// below returns a number from 0 to n-1. n is at most 256.
func (g *choices) below(n int) int {
	if g.random != nil {
		return g.random.IntN(n)
	}
	if len(g.octets) == 0 {
		return 0
	}
	c := g.octets[0]
	g.octets = g.octets[1:]
	return int(c) % n
}

// in reports true in one of n cases.
func (g *choices) in(n int) bool { return g.below(n) == n-1 }

func pick[T any](g *choices, list ...T) T { return list[g.below(len(list))] }

// some returns some of a list, in its order, but not an empty list if full is true.
func some[T any](g *choices, full bool, list ...T) (chosen []T) {
	for _, v := range list {
		if g.in(2) {
			chosen = append(chosen, v)
		}
	}
	if full && len(chosen) == 0 {
		return list[:1]
	}
	return chosen
}

// domains are those of recipients.
var domains = []readingModel{
	{domain: "gmail.com"},
	{domain: "nhs.net"},
	{domain: "trust.example"},
	{domain: "council.gov.uk"},
	{domain: "example.org"},
	{domain: "partner.example"},
	{domain: "hospice.example"},
	{domain: "unlisted.nhs.uk"},
	{domain: "ward.trust.example"},
	{domain: "firm.co.uk.cjsm.net"},
	{domain: "force.police.uk"},
	{domain: "y.gsi.gov.uk"},
	{domain: "council.gcsx.gov.uk"},
	{domain: "nhs.nte", lookAlike: "nhs.net"},
	{domain: "x.nhs.nte", lookAlike: "x.nhs.net"},
	{domain: "hastingsgov.uk", lookAlike: "hastings.gov.uk"},
	{domain: "gmail.com.encrypt.invalid"},
	{domain: "nhs.net.seal.invalid"},
	{domain: "evilnhs.net"},
	{domain: "xn--bcher-kva.example"},
}

// recipient returns a RCPT as an MTA shows it. Without the macro {rcpt_addr}, the
// filter sees only the text.
func (g *choices) recipient(macro bool) (r recipientModel) {
	at := pick(g, domains...)
	r.ascii = true
	name := pick(g, "bob", "Bob.Smith", "o'brien", "a+b", "x=y", "c", "SRS0=HHH=TT=gmail.com=eve", `"a b"`) + pick(g, "", "1", "2", "3")
	if strings.HasPrefix(name, `"`) {
		name = `"a b"`
	}
	shown := at.domain // as typed
	switch {
	case at.domain == "xn--bcher-kva.example":
		shown, r.ascii = "bücher.example", false
	case g.in(3):
		shown = strings.ToUpper(shown[:1]) + shown[1:]
	case g.in(8):
		shown = strings.ToUpper(shown)
	}
	r.typed, r.mta = at, at
	r.text, r.resolved = name+"@"+shown, name+"@"+at.domain
	switch g.below(24) {
	case 23: // the local part names another host
		name = pick(g, "eve%gmail.com", "gmail.com!eve", `"eve@gmail.com"`, "IMCEASMTP-eve+40gmail+2Ecom")
		r.typed.route, r.mta.route = true, true
		r.text, r.resolved = name+"@"+shown, name+"@"+at.domain
		if at.domain == "trust.example" && g.in(2) { // the MTA itself sends it on
			r.resolved, r.mta = "eve@gmail.com", readingModel{domain: "gmail.com"}
		}
	case 22:
		r.text, r.typed.fault = r.text+".", "trailing dot"
	case 21: // forms that cannot be read
		r.text = pick(g, "a(x)@"+shown, "@r.example:a@"+shown, "x,<a@"+shown+">", "a@b@"+shown)
		r.typed, r.resolved = readingModel{fault: "unreadable"}, "a@"+at.domain
	case 20:
		r.text, r.resolved, r.typed = "a@[192.0.2.1]", "a@[192.0.2.1]", readingModel{fault: "unreadable"}
		r.mta = r.typed
	case 19:
		length := pick(g, 200, 236, 237, 238, 239, 240, 252, 253, 254, 255, 300)
		name = strings.Repeat("a", max(1, length-len("@"+shown)))
		r.text, r.resolved = name+"@"+shown, name+"@"+at.domain
	case 18:
		name, r.ascii = "bü", false
		r.text, r.resolved = name+"@"+shown, name+"@"+at.domain
	case 17: // a CNAME on Sendmail, or mail that the MTA forwards
		r.mta = pick(g, domains...)
		if r.mta.domain != at.domain {
			r.resolved = name + "@" + r.mta.domain
		}
	case 16:
		r.text, r.bare, r.typed = "root", true, readingModel{fault: "unreadable"}
		r.mta = pick(g, readingModel{domain: "mx.trust.example"}, domains[0], domains[1], domains[13])
		if r.resolved = "root@" + r.mta.domain; g.in(3) {
			r.resolved, r.keeps = "root", true
		}
	case 15:
		if at.domain == "trust.example" { // a local user's name
			r.resolved, r.keeps = name, true
		}
	}
	if !macro {
		r.resolved = ""
	}
	r.angles = g.in(16)
	return r
}

// withDSN adds ESMTP arguments of RFC 3461. The result has all arguments, also
// those that postseal does not need.
func (g *choices) withDSN(r *recipientModel) (arguments []string) {
	if g.in(3) {
		r.dsn = append(r.dsn, pick(g, "NOTIFY=NEVER", "NOTIFY=SUCCESS,FAILURE", "notify=delay"))
	}
	if g.in(3) {
		r.dsn = append(r.dsn, pick(g, "ORCPT=rfc822;old@example.org", "orcpt=rfc822;a+2Bb@example.org"))
	}
	arguments = append(arguments, r.dsn...)
	if g.in(8) {
		arguments = append([]string{"X=y"}, arguments...)
	}
	return arguments
}

// subjects are values of Subject.
var subjects = []subjectModel{
	{value: "Clinic list for Monday", state: missing},
	{value: "[secure] Referral", state: present, atStart: true},
	{value: "Referral [SECURE]", state: present},
	{value: "Re: [Secure] Referral", state: present, atStart: true},
	{value: "=?utf-8?q?=5Bsecure=5D_Caf=C3=A9?=", state: present, atStart: true},
	{value: "Referral\n\t[secure]", state: present},
	{value: "Referral of\r\n\t a patient", state: missing},
	{value: "(secure) Referral", state: nearMiss, kind: "wrong-brackets"},
	{value: "[sercure] Referral", state: nearMiss, kind: "misspelt"},
	{value: "[ secure ] Referral", state: nearMiss, kind: "blanks-inside"},
	{value: "[encrypt] Referral", state: nearMiss, kind: "other-marker"},
	{value: "The ward [secure unit] is full", state: missing},
	{value: "", state: missing},
	{value: "Referral of 999 000 0018", state: missing, number: 9990000018},
	{value: "[secure] 999 000 0026", state: present, atStart: true, number: 9990000026},
	{value: "OFFICIAL-SENSITIVE: Referral", state: missing, marking: true},
	{value: "  Referral", state: missing},
}

// nhsNumbers are valid numbers of the test block.
var nhsNumbers = func() (list []int) {
	for i := range 60 {
		nine := 999_000_000 + i
		sum, rest := 0, nine
		for weight := 2; rest > 0; weight++ {
			sum += rest % 10 * weight
			rest /= 10
		}
		if check := (11 - sum%11) % 11; check < 10 {
			list = append(list, nine*10+check)
		}
	}
	return list
}()

// bodyModel is a part of a body, whole lines.
type bodyModel struct {
	text    string
	chunks  int
	content contentModel
}

func (g *choices) body() (b bodyModel) {
	if g.in(8) {
		b.content.encrypted = true
		b.text, b.chunks = "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMAzbv\r\n=abcd\r\n-----END PGP MESSAGE-----\r\n", 1+g.below(4)
		return b
	}
	var lines strings.Builder
	for range g.below(6) {
		b.content.text = true
		switch g.below(8) {
		case 0:
			lines.WriteString("See you on Monday.\r\n")
		case 1:
			n := pick(g, nhsNumbers...)
			b.content.numbers = append(b.content.numbers, n)
			fmt.Fprintf(&lines, "NHS number %03d %03d %04d\r\n", n/1e7, n/1e4%1e3, n%1e4)
		case 2:
			b.content.marking = true
			lines.WriteString("OFFICIAL-SENSITIVE\r\n")
		case 3:
			text := fmt.Sprintf("RX123%03d", g.below(3))
			b.content.patterns = append(b.content.patterns, text)
			lines.WriteString("The unit has " + text + " today.\r\n")
		case 4:
			b.content.disclaimer = true
			lines.WriteString("This message may contain\r\nconfidential information.\r\n")
		case 5:
			lines.WriteString("Dr. Müller\r\n")
		case 6:
			lines.WriteString("Ring 020 7946 0000 about the secret garden.\r\n")
		case 7:
			lines.WriteString("\r\n" + strings.Repeat("The list of the ward is long. ", 1+g.below(63)) + "\r\n")
		}
	}
	b.text, b.chunks = lines.String(), 1+g.below(4)
	return b
}

// fieldModel is a header field.
type fieldModel struct {
	name, value string
	content     contentModel
}

func (g *choices) field() (f fieldModel) {
	switch g.below(10) {
	default:
		s := pick(g, subjects...)
		f.name, f.value = pick(g, "Subject", "Subject", "SUBJECT"), s.value
		f.content.subjects = []subjectModel{s}
	case 4, 5:
		f.name = pick(g, "X-Postseal", "x-postseal")
		f.value = pick(g, "1", "tag; marker=missing", "divert; marker=present", "quarantine; marker=missing")
	case 6:
		f.name, f.value = "Sensitivity", pick(g, "Personal", "private", "Normal")
		f.content.sensitivity = f.value != "Normal"
	case 7:
		f.name = pick(g, "To", "Cc")
		f.content.visible = make(map[string]readingModel)
		var list []string
		for i := range 1 + g.below(5) {
			at := pick(g, domains[:5]...)
			address := fmt.Sprintf("v%d.%d@%s", i, g.below(256), at.domain)
			f.content.visible[address] = at
			list = append(list, fmt.Sprintf("%s %d <%s>", f.name, i, address))
		}
		f.value = strings.Join(list, ",\n\t")
	case 8, 9:
		f.name, f.value = "Received", "from x.example by y.example; Sat, 21 Nov 2026 09:00:00 +0000"
	}
	return f
}

// policy returns a row. The last one of a table is for every recipient.
func (g *choices) policy(name string, relay string, last bool) (p policyModel) {
	p.name = name
	p.action = pick(g, accept, tag, quarantine, reject, divert, divert)
	if p.action == divert && relay == "" {
		p.action = tag
	}
	p.observe = g.in(8)
	p.addMarker = p.action == tag && g.in(2)
	if p.action == reject && g.in(3) {
		p.reply = "100% of such mail is refused"
	}
	if last {
		return p
	}
	if g.in(3) {
		p.recipient = some(g, true, unverified, unknown)
	}
	if g.in(4) {
		p.domain = some(g, true, "example.org", "gmail.com", "nhs.nte", "example", "unlisted.nhs.uk")
	}
	if g.in(2) {
		p.marker = some(g, true, missing, nearMiss, present)
	}
	if g.in(2) {
		p.findings = some(g, true, "nhs-number", "look-alike", "marking", "sensitivity", "nhs-number-in-subject", "encrypted", patternName, "visible-recipients", "no-disclaimer")
		for _, f := range p.findings {
			if counts(f) && g.in(2) {
				p.minCount = 1 + g.below(4)
			}
		}
	}
	if g.in(6) {
		p.sender = some(g, true, "ward@trust.example", "<>", "lists.trust.example", "trust.example")
	}
	if g.in(6) {
		p.client = some(g, true, "192.0.2.0/24", "2001:db8::/32", "127.0.0.1/32")
	}
	return p
}

// config returns a configuration.
func (g *choices) config(number int) *configModel {
	c := &configModel{hash: fmt.Sprintf("%012x", number), observe: g.in(4), start: g.in(4)}
	c.relay = pick(g, "encrypt.invalid", "encrypt.invalid", "seal.invalid", "")
	c.partner = pick(g, "", secure, unverified, unknown, closedClass, local)
	switch n := g.below(6); {
	case n > 0:
		for i := range n {
			c.policies = append(c.policies, g.policy(fmt.Sprintf("p%d", i), c.relay, i == n-1))
		}
	case c.relay == "":
		c.policies = []policyModel{{name: "all", action: tag}}
	default: // the shipped ones
		c.policies = []policyModel{
			{name: "look-alike", findings: []string{"look-alike"}, action: reject},
			{name: "marked", marker: []string{present, nearMiss}, action: divert},
			{name: "encrypted", findings: []string{"encrypted"}, action: accept},
			{name: "sensitive", marker: []string{missing}, findings: []string{"nhs-number", "nhs-number-in-subject", "marking", "sensitivity"}, action: divert},
			{name: "unmarked", action: tag},
		}
	}
	return c
}

// documents reads no document, because the scripts have none.
var documents = subprocess.NewPool(1, subprocess.DefaultLimits(), "/nonexistent")

// build makes the configuration of the program.
func (c *configModel) build(t testing.TB) *message.Config {
	var policies []rules.Policy
	for _, p := range c.policies {
		policy := rules.Policy{Name: p.name, Domain: p.domain, MinCount: p.minCount, Sender: p.sender, Mode: rules.Enforce, AddMarker: p.addMarker, Reply: p.reply}
		policy.Recipient, policy.Marker = named[table.Class](t, p.recipient), named[marker.State](t, p.marker)
		for _, f := range p.findings {
			policy.Findings = append(policy.Findings, finding.Name(f))
		}
		for _, network := range p.client {
			policy.Client = append(policy.Client, netip.MustParsePrefix(network))
		}
		policy.Action = named[rules.Action](t, []string{p.action})[0]
		if p.observe {
			policy.Mode = rules.Observe
		}
		policies = append(policies, policy)
	}
	position := marker.Anywhere
	if c.start {
		position = marker.Start
	}
	reader, err := marker.NewReader([]string{"secure"}, marker.ShippedOthers(), position)
	if err != nil {
		t.Fatal(err)
	}
	ruleset, err := rules.NewRuleset(tableOf(t, c.relay, c.partner), reader, c.relay, policies)
	if err != nil {
		t.Fatal(err)
	}
	pattern, err := detect.NewPattern(strings.TrimPrefix(patternName, "pattern:"), patternMatch, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	mode := rules.Enforce
	if c.observe {
		mode = rules.Observe
	}
	return &message.Config{
		Rules: ruleset, Mode: mode, Addresses: shown.Addresses{Format: shown.Full}, Hash: c.hash,
		Read: message.Read{
			Header:            ruleset.AsksFor(finding.Name.IsAboutMessage),
			Body:              ruleset.AsksFor(finding.Name.NeedsBody),
			Content:           detect.Config{Disclaimer: detect.NewDisclaimer(disclaimer), Patterns: []detect.Pattern{pattern}},
			VisibleRecipients: visibleRecipients,
			Documents:         documents,
		},
	}
}

// named returns the values of names.
func named[T any, P interface {
	*T
	UnmarshalText([]byte) error
}](t testing.TB, texts []string) (values []T) {
	for _, text := range texts {
		var v T
		if err := P(&v).UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	return values
}

var tables sync.Map // by relay domain and class of partner.example

func tableOf(t testing.TB, relay, partner string) *table.Table {
	key := [2]string{relay, partner}
	if known, ok := tables.Load(key); ok {
		return known.(*table.Table)
	}
	sources := table.Sources{Edition: editions.Default, LocalDomains: []string{"trust.example"}, RelayDomain: relay}
	if partner != "" {
		sources.Files = []string{"local.toml"}
	}
	text := fmt.Sprintf("[table]\nname = \"site\"\n[[domain]]\nname = \"partner.example\"\nclass = %q\nnote = \"partner.example was switched off\"\n", partner)
	loaded, err := table.Load(sources, func(string) ([]byte, error) { return []byte(text), nil })
	if err != nil {
		t.Fatal(err)
	}
	tables.Store(key, loaded)
	return loaded
}
