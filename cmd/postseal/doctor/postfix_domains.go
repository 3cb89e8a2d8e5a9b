package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/postseal/postseal/rules/table"
)

// postfixDomains compare postseal's local_domains with the domains that Postfix
// delivers itself.
var postfixDomains = []check{
	{"local-domains", Leak, localDomains},
}

// domainLists are the parameters that name the domains of the site.
var domainLists = []string{"mydestination", "virtual_mailbox_domains", "virtual_alias_domains", "relay_domains"}

func localDomains(s *Site) (found []Finding, err error) {
	p := s.Postfix
	for _, name := range domainLists {
		domains, err := p.domains(p.Param(nil, name))
		if err != nil {
			return found, err
		}
		var outer []string
		for _, domain := range domains {
			// Debian names the host without its domain too. Nobody sends mail to that name.
			if !strings.Contains(domain, ".") || strings.HasPrefix(domain, "localhost.") || !s.Rules.Classify("x@"+domain, "", s.Now).Class.NeedsMarker() {
				continue
			}
			outer = append(outer, domain)
		}
		fix := "add %s to local_domains in %s, and run systemctl reload postseal"
		if name == "relay_domains" {
			fix = "if these domains are your own, " + fix
			if outer, err = s.keptInside(outer); err != nil {
				return found, err
			}
		}
		if len(outer) == 0 {
			continue
		}
		where, setting := p.Setting(nil, name)
		found = append(found, Finding{
			Severity: Delay, Service: where, Setting: setting, Fix: fmt.Sprintf(fix, listed(outer, `"`), s.Own.File),
			Effect: fmt.Sprintf("Postfix delivers %s itself, and postseal treats this mail as outgoing: it is tagged, or diverted to the relay.", listed(outer, "")),
		})
	}
	for _, domain := range s.Local {
		if s.Rules.Classify("x@"+domain, "", s.Now).Class != table.Local {
			continue // a rule file has a row for it
		}
		own, err := p.keeps(domain)
		if err != nil {
			return found, err
		}
		if own {
			continue
		}
		found = append(found, Finding{
			Service: "postseal", Setting: fmt.Sprintf("local_domains has %q", domain),
			Effect: "postseal treats this mail as mail that never leaves, but Postfix sends it to the host that the DNS names, unencrypted.",
			Fix:    fmt.Sprintf("remove %q from local_domains in %s, or name it in mydestination, relay_domains or transport_maps", domain, s.Own.File),
		})
	}
	return found, nil
}

// listed returns the first names of a list, and how many more there are.
func listed(names []string, quote string) string {
	const most = 10
	text := quote + strings.Join(names[:min(len(names), most)], quote+", "+quote) + quote
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// keptInside leaves out the domains of relay_domains whose mail goes to an outside
// host, as on a second MX of another organisation.
func (s *Site) keptInside(domains []string) (inside []string, err error) {
	p := s.Postfix
	addresses := make([]string, len(domains))
	for i, domain := range domains {
		addresses[i] = "x@" + domain
	}
	routes, err := p.routes(p.rewriters()[0], addresses)
	for i, route := range routes {
		if !s.isOutsideHost(cmp.Or(route, p.Param(nil, "relay_transport"))) {
			inside = append(inside, domains[i])
		}
	}
	return inside, err
}

// keeps reports whether Postfix delivers a domain itself, or has a route for it.
func (p *Postfix) keeps(domain string) (bool, error) {
	for _, name := range domainLists {
		if in, err := p.inDomains(p.Param(nil, name), domain); in || err != nil {
			return in, err
		}
	}
	_, found, err := p.Lookup(p.Param(nil, "transport_maps"), "x@"+domain, domain)
	return found, err
}

// domains returns the names of a list of domains, from its maps and files too. A map
// that cannot be listed is left out.
func (p *Postfix) domains(list string) (names []string, err error) {
	patterns, err := domainPatterns(list)
	for _, pattern := range patterns {
		switch {
		case strings.HasPrefix(pattern, "!"):
		case strings.Contains(pattern, ":"):
			entries, _, err := p.Entries(pattern)
			if err != nil {
				return names, err
			}
			for _, e := range entries {
				if strings.Contains(e.Key, ".") && !strings.ContainsAny(e.Key, "@/\\^$*") { // no pattern of another kind
					names = append(names, strings.ToLower(strings.TrimPrefix(e.Key, ".")))
				}
			}
		default:
			names = append(names, strings.ToLower(strings.TrimPrefix(pattern, ".")))
		}
	}
	return names, err
}

// inDomains reports whether a list of domains has a name.
func (p *Postfix) inDomains(list, domain string) (bool, error) {
	patterns, err := domainPatterns(list)
	for _, pattern := range patterns {
		pattern, not := strings.CutPrefix(pattern, "!")
		in := strings.EqualFold(pattern, domain)
		if strings.Contains(pattern, ":") {
			if _, in, err = p.Lookup(pattern, domain); err != nil {
				return false, err
			}
		}
		if in {
			return !not, nil
		}
	}
	return false, err
}

// domainPatterns returns the elements of a list, and those of the files that it
// names.
func domainPatterns(list string) (patterns []string, err error) {
	for _, pattern := range splitList(list) {
		if !strings.HasPrefix(pattern, "/") {
			patterns = append(patterns, pattern)
			continue
		}
		text, err := readFile(pattern)
		if err != nil {
			return patterns, err
		}
		for _, line := range logicalLines(text) {
			patterns = slices.Concat(patterns, splitList(line))
		}
	}
	return patterns, nil
}
