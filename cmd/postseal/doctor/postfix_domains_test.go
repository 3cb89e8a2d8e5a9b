package doctor

import (
	"strings"
	"testing"
)

func TestLocalDomains(t *testing.T) {
	const outward = `local-domains postseal: local_domains has "trust.example" -> remove "trust.example" from local_domains in /etc/postseal/postseal.toml, or name it in mydestination, relay_domains or transport_maps`
	inner := func(setting, domain string) string {
		return "local-domains main.cf: " + setting + ` -> add "` + domain + `" to local_domains in /etc/postseal/postseal.toml, and run systemctl reload postseal`
	}
	for _, test := range []struct {
		name, main string
		want       []string
	}{
		{"the same", "mydestination = trust.example, localhost.trust.example, localhost", nil},
		{"another case", "mydestination = Trust.Example", nil},
		{"a name below an own domain", "mydestination = mx.trust.example, trust.example", nil},
		{"a map", "virtual_mailbox_domains = hash:/etc/postfix/domains", nil},
		{"a route", "transport_maps = hash:/etc/postfix/transport", nil},
		{"no longer delivered", "mydestination =", []string{outward}},
		{"excluded", "relay_domains = !trust.example, static:yes", []string{outward}},
		{"not known to postseal", "mydestination = trust.example\nrelay_domains = hospice.example",
			[]string{strings.Replace(inner("relay_domains = hospice.example", "hospice.example"), "add", "if these domains are your own, add", 1)}},
		{"many domains", "mydestination = trust.example, a.org, b.org, c.org, d.org, e.org, f.org, g.org, h.org, i.org, j.org, k.org, l.org", []string{
			`local-domains main.cf: mydestination = trust.example, a.org, b.org, c.org, d.org, e.org, f.org, g.org, h.org, i.org, j.org, k.org, l.org -> add "a.org", "b.org", "c.org", ` +
				`"d.org", "e.org", "f.org", "g.org", "h.org", "i.org", "j.org" and 2 more to local_domains in /etc/postseal/postseal.toml, and run systemctl reload postseal`}},
		{"a second MX of others", "mydestination = trust.example\nrelay_domains = hospice.example\ntransport_maps = hash:/etc/postfix/partner", nil},
		{"the name of a host", "mydestination = trust.example, mailhost, localhost.localdomain", nil},
		{"not known to postseal, in a map", "mydestination = trust.example\nvirtual_alias_domains = inline:{hospice.example=x, nhs.net=x}",
			[]string{inner("virtual_alias_domains = inline:{hospice.example=x, nhs.net=x}", "hospice.example")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tables := map[string]map[string]string{
				"hash:/etc/postfix/domains":             {"trust.example": "x"},
				"hash:/etc/postfix/transport":           {"trust.example": "smtp:[192.0.2.1]"},
				"hash:/etc/postfix/partner":             {"hospice.example": "smtp:[mx.hospice.example]"},
				"static:yes":                            {"*": "yes"},
				"inline:{hospice.example=x, nhs.net=x}": {"hospice.example": "x", "nhs.net": "x"},
			}
			s := site(t, fakePostfix(test.main, "", tables), nil)
			s.Own.File = "/etc/postseal/postseal.toml"
			wantFound(t, s, postfixDomains, test.want...)
		})
	}
}
