package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// postfixAliases are about addresses that Postfix replaces.
var postfixAliases = []check{
	{"alias-out", Leak, slicesOf(rewriteOut, aliasesOut, luserRelay, localTransports)},
	{"alias-relay-domain", Leak, slicesOf(rewrittenSealed, masqueradedSealed, ownSealed)},
}

// slicesOf joins the findings of functions.
func slicesOf(finds ...func(*Site) ([]Finding, error)) func(*Site) ([]Finding, error) {
	return func(s *Site) (found []Finding, err error) {
		for _, find := range finds {
			more, fault := find(s)
			found = append(found, more...)
			if err == nil || fault != nil && !strings.Contains(err.Error(), fault.Error()) { // each says the same of a table
				err = errors.Join(err, fault)
			}
		}
		return found, err
	}
}

// rewrites are the parameters of cleanup(8) that replace envelope recipients, and the
// parameter that turns each off.
var rewrites = []struct{ name, classes string }{
	{"virtual_alias_maps", ""},
	{"canonical_maps", "canonical_classes"},
	{"recipient_canonical_maps", "recipient_canonical_classes"},
}

// rewriteMaps returns the maps that replace envelope recipients.
func (p *Postfix) rewriteMaps() (uses []mapUse) {
	for _, service := range p.Services("cleanup") {
		for _, r := range rewrites {
			if r.classes == "" || slices.Contains(splitList(p.Param(service, r.classes)), "envelope_recipient") {
				uses = append(uses, mapUse{
					service: service, name: r.name, maps: p.Param(service, r.name),
					effect: "Postfix replaces the recipient after postseal has decided: the outside address gets the mail unencrypted.",
				})
			}
		}
	}
	return uses
}

// rewriteOut looks for rows with outside results. A row for an outside recipient does
// not match the sealed form of the recipient.
func rewriteOut(s *Site) (found []Finding, err error) {
	for _, use := range s.Postfix.rewriteMaps() {
		rows, err := s.rows(use, func(e Entry) ([]string, error) {
			if domain := keyDomain(e.Key); domain != "" && s.outside("x@"+domain) || s.isSealed(domain) {
				return nil, nil
			}
			return splitList(e.Value), nil
		})
		if err != nil {
			return found, err
		}
		found = append(found, rows...)
	}
	return found, nil
}

// plainDomain is a domain of a pattern or a key. A dot can be escaped.
var plainDomain = regexp.MustCompile(`(?i)^(?:[a-z0-9-]|\\?\.)+$`)

// keyDomain returns the only domain that a key or pattern matches, or "".
func keyDomain(key string) string {
	domain := key[strings.LastIndexByte(key, '@')+1:]
	if domain == key {
		return ""
	}
	if key[0] == '/' {
		domain = strings.TrimSuffix(strings.TrimSuffix(domain, "i"), "/")
	}
	domain = strings.TrimRight(domain, "$)")
	if !plainDomain.MatchString(domain) {
		return ""
	}
	return strings.ToLower(strings.ReplaceAll(domain, `\.`, "."))
}

// isSealed reports whether a domain is below the relay domain.
func (s *Site) isSealed(domain string) bool {
	return s.Rules.Relay != "" && strings.HasSuffix(strings.ToLower(domain), "."+s.Rules.Relay)
}

// aliasesOut looks at the aliases of local(8). Postfix's default can name maps that do
// not exist.
func aliasesOut(s *Site) (found []Finding, err error) {
	const name = "alias_maps"
	p := s.Postfix
	for _, service := range p.Services("local") {
		rows, err := s.rows(mapUse{
			service: service, name: name, maps: p.Param(service, name), aliases: true,
			effect: "Postfix expands the alias after postseal has decided: the outside address gets the mail unencrypted.",
		}, func(e Entry) ([]string, error) {
			if strings.HasPrefix(e.Key, "YP_") { // postalias(1) adds these rows
				return nil, nil
			}
			return aliasTargets(e.Value, make(map[string]bool))
		})
		if _, ok := p.set[name]; !ok && !service.sets(name) {
			err = nil
			rows = slices.DeleteFunc(rows, func(f Finding) bool { return f.Severity == Advice })
		}
		if err != nil {
			return found, err
		}
		found = append(found, rows...)
	}
	return found, nil
}

// aliasTargets returns the addresses of an alias, and those of the files that it
// includes, each once: a file can include itself. Commands and files are left out.
func aliasTargets(value string, read map[string]bool) (targets []string, err error) {
	for _, target := range splitAlias(value) {
		file, include := strings.CutPrefix(target, ":include:")
		switch {
		case include && !read[file]:
			read[file] = true
			text, err := readFile(file)
			if errors.Is(err, fs.ErrNotExist) { // Postfix keeps the mail
				continue
			}
			if err != nil {
				return targets, err
			}
			for _, line := range logicalLines(text) {
				more, err := aliasTargets(line, read)
				if err != nil {
					return targets, err
				}
				targets = append(targets, more...)
			}
		case include, target == "", target[0] == '|', target[0] == '/':
		default:
			targets = append(targets, strings.TrimPrefix(target, `\`))
		}
	}
	return targets, nil
}

// splitAlias splits the value of an alias of Postfix or Sendmail at commas, but not
// inside quotes, and removes the quotes around an element.
func splitAlias(value string) (targets []string) {
	quoted, start := false, 0
	for i := 0; i <= len(value); i++ {
		switch {
		case i == len(value) || value[i] == ',' && !quoted:
			target := strings.TrimSpace(value[start:i])
			if len(target) > 1 && target[0] == '"' && target[len(target)-1] == '"' {
				target = target[1 : len(target)-1]
			}
			targets, start = append(targets, target), i+1
		case value[i] == '"':
			quoted = !quoted
		case value[i] == '\\':
			i++
		}
	}
	return targets
}

// localMacro is a macro that local(8) expands.
var localMacro = regexp.MustCompile(`\$(\w+|\{\w+\}|\(\w+\))`)

func luserRelay(s *Site) (found []Finding, err error) {
	const name = "luser_relay"
	p := s.Postfix
	for _, service := range p.Services("local") {
		to := localMacro.ReplaceAllStringFunc(p.Param(service, name), func(macro string) string {
			if value := p.Param(service, strings.Trim(macro, "${}()")); value != "" {
				return value
			}
			return "x"
		})
		if strings.HasPrefix(to, "@") {
			to = "x" + to
		}
		more, err := s.parameter(service, name, to, "Mail to each address of your own that has no user goes to the outside address unencrypted.")
		if err != nil {
			return found, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// localTransports looks at the ways on which local(8) passes mail to another host.
func localTransports(s *Site) (found []Finding, err error) {
	const effect = "Mail to addresses of your own goes to this host unencrypted."
	p := s.Postfix
	for _, service := range p.Services("local") {
		for _, name := range []string{"mailbox_transport", "fallback_transport"} {
			if !s.isOutsideHost(p.Param(service, name)) {
				continue
			}
			where, setting := p.Setting(service, name)
			found = append(found, Finding{Service: where, Setting: setting, Effect: effect, Fix: p.Remove(service, name)})
		}
		for _, name := range []string{"mailbox_transport_maps", "fallback_transport_maps"} {
			rows, err := s.rows(mapUse{service: service, name: name, maps: p.Param(service, name), effect: effect}, func(e Entry) ([]string, error) {
				if s.isOutsideHost(e.Value) {
					return []string{"x@" + hostOf(e.Value)}, nil
				}
				return nil, nil
			})
			if err != nil {
				return found, err
			}
			found = append(found, rows...)
		}
	}
	return found, nil
}

// hostOf returns the host of a transport such as "smtp:[host]:25", or "".
func hostOf(transport string) string {
	_, next, _ := strings.Cut(transport, ":")
	next = strings.TrimPrefix(next, "inet:")
	if strings.HasPrefix(next, "unix:") || strings.HasPrefix(next, "/") {
		return ""
	}
	if host, ok := strings.CutPrefix(next, "["); ok {
		host, _, _ = strings.Cut(host, "]")
		return host
	}
	host, _, _ := strings.Cut(next, ":")
	return host
}

// isOutsideHost reports whether a transport leads to a host that is neither one of
// this network nor one whose domain needs no marker.
func (s *Site) isOutsideHost(transport string) bool {
	host := hostOf(transport)
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsGlobalUnicast() && !ip.IsPrivate()
	}
	return strings.Contains(host, ".") && s.outside("x@"+host)
}

// rewrittenSealed asks each map for sealed recipients, as Postfix does.
func rewrittenSealed(s *Site) (found []Finding, err error) {
	p := s.Postfix
	if s.Rules.Relay == "" {
		return nil, nil
	}
	for _, use := range p.rewriteMaps() {
		entries, _, err := p.Entries(use.maps)
		if err != nil {
			return found, err
		}
		var keys []string
		for _, sample := range s.sealedSamples(entries) {
			keys = append(keys, sample, sample[strings.LastIndexByte(sample, '@'):])
		}
		var answers []map[string]string
		for _, table := range splitList(use.maps) {
			answer, err := p.tables.query(table, keys)
			if err != nil {
				return found, err
			}
			answers = append(answers, answer)
		}
		hit, severity := "", Severity(0)
		for i := 0; i < len(keys) && severity != Leak; i += 2 {
			value, ok := lookup(answers, keys[i:i+2])
			if bad := s.sealedResult(keys[i], value); ok && bad != 0 {
				hit, severity = keys[i]+" "+value, bad
			}
		}
		if hit == "" {
			continue
		}
		where, setting := p.Setting(use.service, use.name)
		_, value, _ := strings.Cut(setting, "= ")
		// With the @ it does not match the bare domain, which would make that a domain of
		// virtual_alias_domains.
		spare := fmt.Sprintf(`regexp:{ { /^(.+@.+\.%s)$$/ $$1 } }, `, strings.ReplaceAll(s.Rules.Relay, ".", `\.`))
		f := Finding{
			Severity: severity, Service: where, Setting: setting + ": " + hit,
			Effect: "The row replaces a sealed recipient: somebody else gets the mail unencrypted.",
			Fix:    p.Change(use.service, use.name, spare+value),
		}
		if severity == Loss {
			f.Effect = "The row replaces a sealed recipient, who does not get the mail."
		}
		found = append(found, f)
	}
	return found, nil
}

// sealedResult returns what happens to a sealed recipient that becomes value: 0 if it
// is still sealed.
func (s *Site) sealedResult(sample, value string) Severity {
	bad := Loss
	for _, to := range splitList(value) {
		if strings.HasPrefix(to, "@") {
			to = "x" + to
		}
		switch {
		case strings.EqualFold(to, sample), s.isSealed(to[strings.LastIndexByte(to, '@')+1:]):
			bad = 0
		case s.outside(to):
			return Leak
		}
	}
	return bad
}

// sealedSamples returns sealed recipients that the rows may match.
func (s *Site) sealedSamples(entries []Entry) []string {
	found := []string{"x@example.org." + s.Rules.Relay}
	for _, e := range entries {
		if e.Key == "" || isWord(e.Key[0]) && !s.isSealed(e.Key) {
			continue // this key is of another domain
		}
		for _, sample := range samples(e.Key) {
			for _, sample := range []string{sample, sample + "." + s.Rules.Relay} {
				of, sealed := strings.CutSuffix(sample, "."+s.Rules.Relay)
				if sealed && s.outside(of) && !slices.Contains(found, sample) {
					found = append(found, sample)
				}
			}
		}
	}
	return found
}

// masqueradedSealed looks for a domain of masquerade_domains above sealed recipients.
func masqueradedSealed(s *Site) (found []Finding, err error) {
	const name = "masquerade_domains"
	p := s.Postfix
	for _, service := range p.Services("cleanup") {
		if s.Rules.Relay == "" || !slices.Contains(splitList(p.Param(service, "masquerade_classes")), "envelope_recipient") {
			continue
		}
		i := slices.IndexFunc(splitList(p.Param(service, name)), func(domain string) bool {
			return strings.HasSuffix("example.org."+s.Rules.Relay, "."+strings.ToLower(strings.TrimPrefix(domain, "!")))
		})
		if i < 0 || splitList(p.Param(service, name))[i][0] == '!' {
			continue
		}
		where, setting := p.Setting(service, name)
		found = append(found, Finding{
			Service: where, Setting: setting,
			Effect: "The domain of a sealed recipient is cut: the recipient gets nothing, and a smart host gets the mail unencrypted.",
			Fix:    p.Change(service, name, "!"+s.Rules.Relay+", "+p.Param(service, name)),
		})
	}
	return found, nil
}

// ownSealed looks for sealed recipients in the domains for which Postfix has users.
func ownSealed(s *Site) (found []Finding, err error) {
	p := s.Postfix
	if s.Rules.Relay == "" {
		return nil, nil
	}
	for _, name := range []string{"mydestination", "virtual_alias_domains", "virtual_mailbox_domains"} {
		in, err := p.inDomains(p.Param(nil, name), "example.org."+s.Rules.Relay)
		if err != nil {
			return found, err
		}
		if !in {
			continue
		}
		where, setting := p.Setting(nil, name)
		found = append(found, Finding{
			Severity: Loss, Service: where, Setting: setting,
			Effect: "It matches the domains of sealed recipients: Postfix looks for a user of its own, and the mail returns to its sender.",
			Fix:    "name only your own domains in " + name + ", then run " + p.reload(),
		})
	}
	return found, nil
}
