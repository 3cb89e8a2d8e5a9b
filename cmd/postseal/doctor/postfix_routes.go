package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// postfixRoutes are about the ways of sealed mail.
var postfixRoutes = []check{
	{"relay-route", Leak, relayRoute},
	{"encrypt-leg", Leak, encryptLeg},
	{"header-lost", Leak, headerLost},
	{"filter", Leak, filter},
	{"generic-not-on-leg", Advice, genericNotOnLeg},
}

// relayRoute looks up the route of a diverted recipient.
func relayRoute(s *Site) (found []Finding, err error) {
	const disable = "master_service_disable"
	if s.Relay == "" {
		return nil, nil
	}
	p := s.Postfix
	for _, rewrite := range p.rewriters() {
		sample, value, err := s.lostRoute(rewrite)
		if err != nil {
			return found, err
		}
		if sample == "" {
			deferred, err := s.deferredRoute(rewrite)
			if err != nil {
				return found, err
			}
			found = append(found, deferred...)
			continue
		}
		transport, next, _ := strings.Cut(value, ":")
		where, setting := p.Setting(rewrite, "transport_maps")
		f := Finding{Service: where, Setting: setting}
		if sample != s.diverted("bob@example.org") {
			f.Setting += ": " + sample + " " + value
		}
		isLeg, err := s.isLeg(transport)
		if err != nil {
			return found, err
		}
		switch {
		case isLeg:
			f.Severity = Loss
			f.Effect = fmt.Sprintf("The route names no relay. Postfix looks for a host of the domain below %s, and diverted mail returns to its sender.", s.Relay)
		case transport != "" && p.Service(transport, "unix") == nil:
			f.Severity = Delay
			f.Effect = fmt.Sprintf("Diverted mail stays in the queue, because master.cf has no service %s.", transport)
		case next != "" && transport != "error" && transport != "retry":
			f.Effect = fmt.Sprintf("Diverted mail goes to %s unencrypted, without the marker, and to addresses below %s.", next, s.Relay)
		case transport == "" && p.hasSmartHost():
			f.Effect = fmt.Sprintf("Diverted mail has no route to the relay. The smart host gets it unencrypted, without the marker, and with addresses below %s.", s.Relay)
		default:
			f.Severity = Loss
			f.Effect = "Diverted mail has no route to the relay: it returns to its sender."
		}
		if s.observing() {
			f.Severity = Advice
		}
		if f.Fix, err = s.fixRoute(rewrite); err != nil {
			return found, err
		}
		if isDisabled(p.Param(nil, disable), &Service{Name: transport, Type: "unix"}) {
			f.Service, f.Setting = p.Setting(nil, disable)
			f.Fix = fmt.Sprintf("remove what matches %s/unix from %s of main.cf, then run %s", transport, disable, p.reload())
		}
		found = append(found, f)
	}
	return found, nil
}

// lostRoute returns a diverted recipient whose route does not lead to the relay, and the
// route, or nothing. The samples are a usual recipient, and those that a row of
// transport_maps may match. A row that refuses or discards mail is meant to.
func (s *Site) lostRoute(rewrite *Service) (sample, route string, err error) {
	p := s.Postfix
	entries, _, err := p.Entries(p.Param(rewrite, "transport_maps"))
	if err != nil {
		return "", "", err
	}
	samples := append([]string{s.diverted("bob@example.org")}, s.sealedSamples(entries)[1:]...)
	routes, err := p.routes(rewrite, samples)
	if err != nil {
		return "", "", err
	}
	for i, route := range routes {
		transport, next, _ := strings.Cut(route, ":")
		isLeg, err := s.isLeg(transport)
		if err != nil {
			return "", "", err
		}
		if service := p.Service(transport, "unix"); isLeg && (next != "" || service.Command != "smtp" && service.Command != "lmtp") ||
			i > 0 && service != nil && (service.Command == "error" || service.Command == "discard") {
			continue
		}
		return samples[i], route, nil
	}
	return "", "", nil
}

// deferredRoute looks for the service for the relay in defer_transports.
func (s *Site) deferredRoute(rewrite *Service) (found []Finding, err error) {
	const name = "defer_transports"
	p := s.Postfix
	route, err := p.route(rewrite, s.diverted("bob@example.org"))
	if err != nil {
		return nil, err
	}
	transport, _, _ := strings.Cut(route, ":")
	for _, service := range p.Services("qmgr", "oqmgr") {
		list := splitList(p.Param(service, name))
		others := slices.DeleteFunc(slices.Clone(list), func(t string) bool { return t == transport })
		if len(others) == len(list) {
			continue
		}
		where, setting := p.Setting(service, name)
		found = append(found, Finding{
			Severity: Delay, Service: where, Setting: setting,
			Effect: "Diverted mail stays in the queue, until somebody runs postqueue -f.",
			Fix:    p.Change(service, name, strings.Join(others, ", ")),
		})
	}
	return found, nil
}

// diverted returns the diverted form of an address.
func (s *Site) diverted(address string) string { return address + "." + s.Relay }

// rewriters returns the services that look up routes.
func (p *Postfix) rewriters() []*Service {
	if services := p.Services("trivial-rewrite"); len(services) > 0 {
		return services
	}
	return []*Service{nil}
}

// route returns the result of transport_maps for an address.
func (p *Postfix) route(rewrite *Service, address string) (string, error) {
	routes, err := p.routes(rewrite, []string{address})
	if err != nil {
		return "", err
	}
	return routes[0], nil
}

// routes returns the results of transport_maps for addresses. Postfix looks up the
// whole address in all maps, then its domain and parent domains in the maps that are
// not patterns.
func (p *Postfix) routes(rewrite *Service, addresses []string) (routes []string, err error) {
	dot := "."
	if slices.Contains(splitList(p.Param(rewrite, "parent_domain_matches_subdomains")), "transport_maps") {
		dot = ""
	}
	keys, domains := slices.Clone(addresses), make([][]string, len(addresses))
	for i, address := range addresses {
		_, domain, _ := strings.Cut(address, "@")
		domains[i] = []string{domain}
		for parent := domain; strings.Contains(parent, "."); {
			_, parent, _ = strings.Cut(parent, ".")
			domains[i] = append(domains[i], dot+parent)
		}
		domains[i] = append(domains[i], "*")
		keys = append(keys, domains[i]...)
	}
	var all, fixed []map[string]string
	for _, table := range splitList(p.Param(rewrite, "transport_maps")) {
		kind, _, _ := strings.Cut(strings.TrimPrefix(table, "proxy:"), ":")
		isPattern := kind == "regexp" || kind == "pcre" || kind == "cidr"
		asked := keys
		if isPattern {
			asked = addresses
		}
		answer, err := p.tables.query(table, asked)
		if err != nil {
			return nil, err
		}
		all = append(all, answer)
		if !isPattern {
			fixed = append(fixed, answer)
		}
	}
	for i, address := range addresses {
		route, found := lookup(all, []string{address})
		if !found {
			route, _ = lookup(fixed, domains[i])
		}
		routes = append(routes, route)
	}
	return routes, nil
}

// hasSmartHost reports whether mail without a route goes to a host that the
// configuration names.
func (p *Postfix) hasSmartHost() bool {
	_, next, _ := strings.Cut(p.Param(nil, "default_transport"), ":")
	return next != "" || p.Param(nil, "relayhost") != "" || p.Param(nil, "sender_dependent_relayhost_maps") != "" ||
		p.Param(nil, "sender_dependent_default_transport_maps") != ""
}

// isLeg reports whether a transport can be the one to the relay: a service for that
// mail alone, or one that restores addresses.
func (s *Site) isLeg(transport string) (bool, error) {
	p := s.Postfix
	service := p.Service(transport, "unix")
	if service == nil || slices.Contains([]string{"error", "discard", "local", "virtual"}, service.Command) {
		return false, nil
	}
	for _, name := range []string{"default_transport", "relay_transport"} {
		if usual, _, _ := strings.Cut(p.Param(nil, name), ":"); usual == transport {
			return s.restores(service)
		}
	}
	return true, nil
}

// restores reports whether a service of smtp(8) sends the true address to the relay.
func (s *Site) restores(leg *Service) (bool, error) {
	const address = "bob@example.org"
	value, _, err := s.Postfix.Lookup(s.Postfix.Param(leg, "smtp_generic_maps"), s.diverted(address))
	return value == address, err
}

func (s *Site) fixRoute(rewrite *Service) (string, error) {
	p := s.Postfix
	var remove string
	if rewrite.sets("transport_maps") {
		value, err := p.route(nil, s.diverted("bob@example.org"))
		if err != nil {
			return "", err
		}
		transport, _, _ := strings.Cut(value, ":")
		if isLeg, err := s.isLeg(transport); isLeg || err != nil {
			return p.Remove(rewrite, "transport_maps"), err
		}
		remove = p.command("postconf", "-PX", fmt.Sprintf("%s/transport_maps", rewrite)) + " && "
	}
	maps := `regexp:{ { /\.` + regexp.QuoteMeta(s.Relay) + `$$/ encrypt:$postseal_relay } }`
	for _, table := range splitList(p.set["transport_maps"]) {
		if !strings.HasPrefix(maps, strings.Join(strings.Fields(table), " ")) {
			maps += ", " + table
		}
	}
	fix := remove + p.postconf("-e", "transport_maps = "+maps)
	if !p.hasRelay() {
		fix = "with the name of your relay for HOST: " + remove + p.postconf("-e", "postseal_relay = [HOST]:25", "transport_maps = "+maps)
	}
	if p.Service("encrypt", "unix") == nil {
		fix = "append the service encrypt of contrib/postfix/master.cf to master.cf. Then, " + fix
	}
	return fix, nil
}

// hasRelay reports whether main.cf sets postseal_relay. postconf prints a name of the
// site's own only if another setting uses it.
func (p *Postfix) hasRelay() bool {
	text, err := os.ReadFile(filepath.Join(p.Directory, "main.cf"))
	return p.set["postseal_relay"] != "" || err == nil && slices.ContainsFunc(logicalLines(string(text)), func(line string) bool {
		name, value, _ := strings.Cut(line, "=")
		return strings.TrimSpace(name) == "postseal_relay" && strings.TrimSpace(value) != ""
	})
}

// legs returns the services of smtp(8) that send mail to the relay.
func (s *Site) legs() (legs []*Service, err error) {
	if s.Relay == "" {
		return nil, nil
	}
	for _, rewrite := range s.Postfix.rewriters() {
		value, err := s.Postfix.route(rewrite, s.diverted("bob@example.org"))
		if err != nil {
			return nil, err
		}
		transport, _, _ := strings.Cut(value, ":")
		isLeg, err := s.isLeg(transport)
		if err != nil {
			return nil, err
		}
		leg := s.Postfix.Service(transport, "unix")
		if isLeg && leg.Command == "smtp" && !slices.Contains(legs, leg) {
			legs = append(legs, leg)
		}
	}
	return legs, nil
}

// encryptLeg looks at the service that sends mail to the relay.
func encryptLeg(s *Site) (found []Finding, err error) {
	legs, err := s.legs()
	if err != nil {
		return nil, err
	}
	p := s.Postfix
	for _, leg := range legs {
		add := func(severity Severity, name, effect, fix string) {
			if s.observing() {
				severity = Advice
			}
			where, setting := p.Setting(leg, name)
			found = append(found, Finding{Severity: severity, Service: where, Setting: setting, Effect: effect, Fix: fix})
		}
		restores, err := s.restores(leg)
		if err != nil {
			return found, err
		}
		if !restores {
			add(Loss, "smtp_generic_maps", fmt.Sprintf("The relay gets addresses below %s, which it cannot deliver.", s.Relay),
				p.fixLeg(leg, "smtp_generic_maps", "postseal_generic.pcre"))
		}
		marks, err := p.marks(leg)
		if err != nil {
			return found, err
		}
		if !marks {
			add(Leak, "smtp_header_checks", "The relay gets mail without the marker, and sends it on unencrypted if it looks for the marker.",
				p.fixLeg(leg, "smtp_header_checks", "postseal_header_checks.pcre"))
		}
		if p.Param(leg, "smtp_fallback_relay") != "" {
			add(Leak, "smtp_fallback_relay", "While the relay is down, the fallback host gets diverted mail, and not the relay.",
				p.Override(leg, "smtp_fallback_relay", ""))
		}
		if plain, err := s.withoutTLS(leg); err != nil {
			return found, err
		} else if plain {
			add(Advice, "smtp_tls_security_level", "The connection to the relay is not encrypted.",
				p.Override(leg, "smtp_tls_security_level", "encrypt"))
		}
	}
	return found, nil
}

// marks reports whether a service of smtp(8) changes subjects without a marker, or
// adds a field.
func (p *Postfix) marks(leg *Service) (bool, error) {
	for _, field := range []string{"Subject:", "Subject: postseal doctor"} {
		value, _, err := p.Lookup(p.Param(leg, "smtp_header_checks"), field)
		if err != nil {
			return false, err
		}
		action, text, _ := strings.Cut(value, " ")
		switch strings.ToUpper(action) {
		case "PREPEND":
		case "REPLACE":
			if strings.TrimSpace(text) == field {
				return false, nil
			}
		default:
			return false, nil
		}
	}
	return true, nil
}

// withoutTLS reports whether a service never uses TLS, and its host is another one.
func (s *Site) withoutTLS(leg *Service) (bool, error) {
	p := s.Postfix
	value, err := p.route(p.rewriters()[0], s.diverted("bob@example.org"))
	_, next, _ := strings.Cut(value, ":")
	host, _ := splitHostPort(next)
	level := p.Param(leg, "smtp_tls_security_level")
	return (level == "" || level == "none") && p.Param(leg, "smtp_tls_policy_maps") == "" && p.Param(leg, "smtp_tls_per_site") == "" &&
		p.Param(leg, "smtp_use_tls") != "yes" && p.Param(leg, "smtp_enforce_tls") != "yes" && host != "" && !isLoopback(host), err
}

// fixLeg puts a map of contrib before those of a service.
func (p *Postfix) fixLeg(leg *Service, name, file string) string {
	maps := "pcre:$config_directory/" + file
	for _, table := range splitList(leg.set[name]) {
		if strings.HasPrefix(maps, table) {
			return fmt.Sprintf("correct %s: compare it with contrib/postfix/%s", filepath.Join(p.Directory, file), file)
		}
		maps += "," + table
	}
	fix := p.Override(leg, name, maps)
	if _, err := os.Stat(filepath.Join(p.Directory, file)); err != nil {
		fix = fmt.Sprintf("copy contrib/postfix/%s to %s, then run %s", file, p.Directory, fix)
	}
	return fix
}

// genericNotOnLeg looks for maps of main.cf that the service for the relay replaces.
func genericNotOnLeg(s *Site) (found []Finding, err error) {
	const name = "smtp_generic_maps"
	legs, err := s.legs()
	if err != nil {
		return nil, err
	}
	p := s.Postfix
	for _, leg := range legs {
		own := p.Param(leg, name)
		missing := slices.DeleteFunc(splitList(p.Param(nil, name)), func(table string) bool { return slices.Contains(splitList(own), table) })
		if len(missing) == 0 || own == "" {
			continue
		}
		where, setting := p.Setting(nil, name)
		found = append(found, Finding{
			Service: where, Setting: setting,
			Effect: fmt.Sprintf("These maps do not apply to sealed mail, because the service %s has maps of its own.", leg),
			Fix:    p.Override(leg, name, leg.set[name]+","+strings.Join(missing, ",")),
		})
	}
	return found, nil
}

// fieldUse is a field that postseal needs, in the tables of a parameter. A marker in it
// must stay.
type fieldUse struct {
	service             *Service
	name, field, marker string
	effect              string
	severity            Severity
}

// marked returns the uses of a Subject field with each marker.
func marked(service *Service, name, effect string, markers ...string) (uses []fieldUse) {
	for _, marker := range markers {
		uses = append(uses, fieldUse{service, name, "Subject: " + marker + " postseal doctor", marker, effect, Leak})
	}
	return uses
}

// headerLost looks up fields in the tables of header checks.
func headerLost(s *Site) (found []Finding, err error) {
	p := s.Postfix
	uses, err := s.fieldUses()
	if err != nil {
		return nil, err
	}
	for _, use := range uses {
		value, _, err := p.Lookup(p.Param(use.service, use.name), use.field)
		if err != nil {
			return found, err
		}
		action, text, _ := strings.Cut(value, " ")
		switch strings.ToUpper(action) {
		case "IGNORE", "STRIP":
		case "REPLACE":
			field, _, _ := strings.Cut(use.field, ":")
			if strings.HasPrefix(strings.ToLower(text), strings.ToLower(field)+":") && strings.Contains(strings.ToLower(text), strings.ToLower(use.marker)) {
				continue
			}
		default:
			continue
		}
		where, setting := p.Setting(use.service, use.name)
		_, maps, _ := strings.Cut(setting, "= ")
		found = append(found, Finding{
			Severity: use.severity, Service: where, Setting: setting + ": " + value + " for " + strings.TrimSpace(use.field), Effect: use.effect,
			Fix: p.Change(use.service, use.name, use.shield()+", "+maps),
		})
	}
	return found, nil
}

// shield returns a table that makes Postfix leave the field as it is.
func (u fieldUse) shield() string {
	name, _, _ := strings.Cut(u.field, ":")
	pattern := "^" + name + ":"
	if u.marker != "" {
		pattern += ".*" + strings.ReplaceAll(regexp.QuoteMeta(u.marker), "/", `\/`)
	}
	return "regexp:{ { /" + pattern + "/ DUNNO } }"
}

func (s *Site) fieldUses() (uses []fieldUse, err error) {
	const before = "Postfix removes the marker before postseal decides: the mail goes out unencrypted, as mail without a marker."
	const added = "Postfix removes the marker that postseal adds: the mail goes out unencrypted."
	p, reader := s.Postfix, s.Rules.Marker
	for _, service := range p.Services("cleanup") {
		uses = append(uses, marked(service, "header_checks", before, reader.Texts()...)...)
		if s.Relay != "" {
			uses = append(uses, fieldUse{service, "milter_header_checks", "Subject:", "",
				"Postfix removes the empty Subject that postseal adds to diverted mail, and the relay gets that mail without the marker.", Leak})
		}
		if s.Markers {
			uses = append(uses, marked(service, "milter_header_checks", added, reader.Text())...)
		}
		uses = append(uses, fieldUse{service, "milter_header_checks", "X-Postseal: tag; marker=missing", "",
			"Postfix removes the field in which postseal writes its decision. A host after this one cannot act on it.", Advice})
	}
	const name = "smtp_header_checks"
	legs, err := s.legs()
	for _, leg := range legs {
		uses = append(uses, marked(leg, name, "The relay gets marked mail without the marker, and sends it on unencrypted.", reader.Text())...)
	}
	for _, service := range p.Services("smtpd", "pickup", "qmqpd") {
		filter := p.Param(service, "content_filter")
		transport, _, _ := strings.Cut(filter, ":")
		if filter != "" && s.filtersLater(service) {
			uses = append(uses, marked(p.Service(transport, "unix"), name, before, reader.Texts()...)...)
		}
	}
	if s.Markers {
		for _, service := range p.Services("smtp") {
			if !slices.Contains(legs, service) {
				uses = append(uses, marked(service, name, added, reader.Text())...)
			}
		}
	}
	return uses, err
}

// filter looks for content filters that do not return the mail.
func filter(s *Site) (found []Finding, err error) {
	const name, effect = "content_filter", "Sealed mail goes to this filter and not to the relay: with addresses below the relay domain, and without the marker."
	p := s.Postfix
	for _, service := range p.Services("smtpd", "pickup", "qmqpd") {
		if value := p.Param(service, name); value != "" && !s.returns(value) {
			where, setting := p.Setting(service, name)
			found = append(found, Finding{Service: where, Setting: setting, Effect: effect, Fix: p.Remove(service, name)})
		}
	}
	for _, use := range p.actionMaps() {
		entries, _, err := p.Entries(use.maps)
		if err != nil {
			return found, err
		}
		for _, e := range entries {
			action, target, _ := strings.Cut(e.Value, " ")
			if target = strings.TrimSpace(target); !strings.EqualFold(action, "FILTER") || s.returns(target) {
				continue
			}
			where, setting := p.Setting(use.service, use.name)
			found = append(found, Finding{
				Service: where, Setting: setting + ": " + e.Key + " " + e.Value,
				Effect: effect + " Mail of sendmail(1) goes past postseal, because FILTER overrides the content filter of pickup.",
				Fix:    p.fixRows("remove this row from ", use, where, use.maps),
			})
		}
	}
	return found, nil
}

// returns reports whether a content filter returns the mail to this host.
func (s *Site) returns(filter string) bool {
	p := s.Postfix
	transport, next, _ := strings.Cut(filter, ":")
	if s.target(filter) != nil {
		return true
	}
	if service := p.Service(transport, "unix"); service != nil && service.Command == "pipe" {
		return true // by sendmail(1) or SMTP
	}
	ports := s.returnPorts()
	if host, _ := splitHostPort(next); !isLoopback(host) {
		ports = slices.DeleteFunc(p.Services("smtpd"), func(service *Service) bool {
			host, _ := splitHostPort(service.Name)
			return isLoopback(host)
		})
	}
	return slices.ContainsFunc(ports, func(service *Service) bool { // one that does not filter again
		return service.sets("content_filter") && p.Param(service, "content_filter") == "" ||
			service.sets("receive_override_options") && slices.Contains(splitList(p.Param(service, "receive_override_options")), "no_header_body_checks")
	})
}
