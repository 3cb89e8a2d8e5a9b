package doctor

import (
	"fmt"
	"os"
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
		for _, domain := range domains {
			if domain == "localhost" || strings.HasPrefix(domain, "localhost.") || !s.Rules.Classify("x@"+domain, "", s.Now).Class.NeedsMarker() {
				continue
			}
			where, setting := p.Setting(nil, name)
			found = append(found, Finding{
				Severity: Delay, Service: where, Setting: setting,
				Effect: fmt.Sprintf("Postfix delivers %s itself, and postseal treats its mail as outgoing: it is tagged, or diverted to the relay.", domain),
				Fix:    fmt.Sprintf("add %q to local_domains in %s, and run systemctl reload postseal", domain, s.Own.File),
			})
		}
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
		text, err := os.ReadFile(pattern)
		if err != nil {
			return patterns, err
		}
		for _, line := range logicalLines(string(text)) {
			patterns = slices.Concat(patterns, splitList(line))
		}
	}
	return patterns, nil
}
