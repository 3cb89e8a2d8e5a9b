package doctor

import (
	"path/filepath"
	"slices"
	"strings"
)

// postfixServices are about the services that take mail.
var postfixServices = []check{
	{"service-without-milter", Leak, serviceWithoutMilter},
	{"milter-maps", Leak, milterMaps},
	{"no-milters", Leak, noMilters},
	{"default-action", Leak, defaultAction},
	{"proxy-filter", Leak, proxyFilter},
	{"pickup", Leak, pickup},
	{"non-smtpd-milters", Loss, nonSMTPDMilters},
}

func serviceWithoutMilter(s *Site) (found []Finding, err error) {
	p := s.Postfix
	for _, service := range p.Services("smtpd") {
		if s.hasMilter(service) || s.isBehindFilter(service) || s.filtersLater(service) {
			continue
		}
		where, setting := p.Setting(service, "smtpd_milters")
		f := Finding{
			Service: where, Setting: setting,
			Effect: "A service with this setting does not ask postseal: all its mail goes out unencrypted.",
			Fix:    p.Change(service, "smtpd_milters", s.withOurs(p.Param(service, "smtpd_milters"))),
		}
		if service.sets("smtpd_milters") && p.Param(service, "smtpd_milters") == "" && s.milter(nil) != nil {
			f.Fix = p.Remove(service, "smtpd_milters")
		}
		found = append(found, f)
	}
	return found, nil
}

func milterMaps(s *Site) (found []Finding, err error) {
	p := s.Postfix
	for _, service := range p.Services("smtpd") {
		maps := p.Param(service, "smtpd_milter_maps")
		if maps == "" || !s.hasMilter(service) {
			continue
		}
		entries, complete, err := p.Entries(maps)
		if err != nil {
			return found, err
		}
		without := slices.ContainsFunc(entries, func(e Entry) bool { return s.among(e.Value) == nil })
		if complete && !without {
			continue
		}
		where, setting := p.Setting(service, "smtpd_milter_maps")
		found = append(found, Finding{
			Service: where, Setting: setting,
			Effect: "For the clients that it names, it replaces smtpd_milters, with other milters or with none: all their mail goes out unencrypted.",
			Fix:    p.Remove(service, "smtpd_milter_maps"),
		})
	}
	return found, nil
}

func noMilters(s *Site) (found []Finding, err error) {
	const name = "receive_override_options"
	p := s.Postfix
	for _, service := range p.Services("smtpd") {
		options := splitList(p.Param(service, name))
		if !slices.Contains(options, "no_milters") || s.isBehindFilter(service) || s.filtersLater(service) {
			continue
		}
		where, setting := p.Setting(service, name)
		others := slices.DeleteFunc(options, func(option string) bool { return option == "no_milters" })
		fix := p.Remove(service, name)
		if len(others) > 0 {
			fix = p.Change(service, name, strings.Join(others, ","))
		}
		found = append(found, Finding{
			Service: where, Setting: setting, Fix: fix,
			Effect: "A service with this setting asks no milter: all its mail goes out unencrypted.",
		})
	}
	return found, nil
}

// defaultAction looks at what Postfix does while postseal is down.
func defaultAction(s *Site) (found []Finding, err error) {
	const name = "milter_default_action"
	p := s.Postfix
	for _, service := range p.Services("smtpd") {
		m := s.milter(service)
		if m == nil {
			continue
		}
		action := p.Param(service, name)
		where, setting := p.Setting(service, name)
		fix := p.Change(service, name, "tempfail")
		if own, ok := m.Params["default_action"]; ok {
			action = own
			where, setting = p.Setting(service, "smtpd_milters")
			fix = p.Change(service, "smtpd_milters", s.withoutAction(p.Param(service, "smtpd_milters")))
		}
		f := Finding{Service: where, Setting: setting, Fix: fix}
		switch action {
		case "tempfail", "shutdown":
			continue
		case "accept":
			f.Effect = "While postseal is down, all mail goes out unencrypted. If postseal dies while it changes a message, recipients are lost."
		case "quarantine":
			f.Effect = "While postseal is down, mail is held, and goes out unencrypted when it is released."
		default:
			f.Severity = Loss
			f.Effect = "While postseal is down, mail is refused for good: the sender must send it again."
		}
		if s.observing() && f.Severity == 0 {
			f.Severity = Advice
		}
		found = append(found, f)
	}
	return found, nil
}

func proxyFilter(s *Site) (found []Finding, err error) {
	const name = "smtpd_proxy_filter"
	p := s.Postfix
	for _, service := range p.Services("smtpd") {
		if p.Param(service, name) == "" || s.isBehindFilter(service) || s.filtersAtReturn() {
			continue
		}
		where, setting := p.Setting(service, name)
		f := Finding{
			Service: where, Setting: setting, Fix: p.Remove(service, name),
			Effect: "Postfix shows postseal only the envelope of the mail for this filter, and the mail goes out unencrypted, unless postseal decides it when it comes back.",
		}
		for _, back := range s.returnPorts() {
			f.Fix = p.Override(back, "smtpd_milters", s.withOurs(p.Param(back, "smtpd_milters")))
		}
		found = append(found, f)
	}
	return found, nil
}

// pickup looks at mail of sendmail(1), which passes no milter of smtpd.
func pickup(s *Site) (found []Finding, err error) {
	const name = "content_filter"
	p := s.Postfix
	for _, service := range p.Services("pickup") {
		if s.filtersLater(service) {
			continue
		}
		where, setting := p.Setting(service, name)
		f := Finding{
			Service: where, Setting: setting,
			Effect: "Mail of sendmail(1), such as cron's and that of web applications, goes out unencrypted.",
		}
		if p.Param(service, name) == "" {
			where, f.Setting = service.String(), "content_filter is not set"
			f.Service = where
		}
		filter := "postseal:[127.0.0.1]:10026"
		f.Fix = "append the services postseal and 127.0.0.1:10026 of contrib/postfix/master.cf to master.cf, then run " + p.Override(service, name, filter)
		for _, loop := range p.Services("smtpd") {
			host, port := splitHostPort(loop.Name)
			if isLoopback(host) && s.hasMilter(loop) && p.Service("postseal", "unix") != nil {
				f.Fix = p.Override(service, name, "postseal:["+host+"]:"+port)
			}
		}
		found = append(found, f)
	}
	return found, nil
}

func nonSMTPDMilters(s *Site) (found []Finding, err error) {
	const name = "non_smtpd_milters"
	p := s.Postfix
	for _, service := range p.Services("cleanup") {
		value := p.Param(service, name)
		if s.among(value) == nil {
			continue
		}
		where, setting := p.Setting(service, name)
		f := Finding{
			Service: where, Setting: setting, Fix: p.Remove(service, name),
			Effect: "postseal cannot divert a recipient of sendmail(1): it rejects the whole message, and the sender gets a bounce.",
		}
		others := slices.DeleteFunc(parseMilters(value), func(m milterEntry) bool { return s.ours(m.Socket) })
		if len(others) > 0 {
			f.Fix = p.Change(service, name, joinMilters(others))
		}
		found = append(found, f)
	}
	return found, nil
}

// among returns postseal among milters, or nil.
func (s *Site) among(milters string) *milterEntry {
	for _, m := range parseMilters(milters) {
		if s.ours(m.Socket) {
			return &m
		}
	}
	return nil
}

// milter returns postseal among the milters of a service, or nil.
func (s *Site) milter(service *Service) *milterEntry {
	return s.among(s.Postfix.Param(service, "smtpd_milters"))
}

// hasMilter reports whether postseal is among the milters of a service.
func (s *Site) hasMilter(service *Service) bool { return s.milter(service) != nil }

// decides reports whether a service of smtpd(8) asks postseal about whole messages.
func (s *Site) decides(service *Service) bool {
	p := s.Postfix
	return s.hasMilter(service) && p.Param(service, "smtpd_proxy_filter") == "" &&
		!slices.Contains(splitList(p.Param(service, "receive_override_options")), "no_milters")
}

// filtersLater reports whether the content filter of a service returns the mail to a
// service that asks postseal.
func (s *Site) filtersLater(service *Service) bool {
	filter := s.Postfix.Param(service, "content_filter")
	if filter == "" {
		return false
	}
	if target := s.target(filter); target != nil {
		return s.decides(target)
	}
	return s.filtersAtReturn()
}

// target returns the service of smtpd(8) on this host to which a content filter such
// as "postseal:[127.0.0.1]:10026" sends mail, or nil.
func (s *Site) target(filter string) *Service {
	_, next, _ := strings.Cut(filter, ":")
	host, port := splitHostPort(next)
	for _, service := range s.Postfix.Services("smtpd") {
		ownHost, ownPort := splitHostPort(service.Name)
		if service.Type == "inet" && ownPort == port && isLoopback(host) && (ownHost == "" || isLoopback(ownHost)) {
			return service
		}
	}
	return nil
}

// returnPorts returns the services that take mail only from programs of this host,
// and are neither the target of a content filter nor before one. Another filter can
// return mail there.
func (s *Site) returnPorts() (ports []*Service) {
	var targets []*Service
	for _, service := range s.Postfix.services {
		if filter := s.Postfix.Param(service, "content_filter"); filter != "" {
			targets = append(targets, s.target(filter))
		}
	}
	for _, service := range s.Postfix.Services("smtpd") {
		host, _ := splitHostPort(service.Name)
		filter := s.Postfix.Param(service, "content_filter")
		isBefore := s.Postfix.Param(service, "smtpd_proxy_filter") != "" || filter != "" && s.target(filter) == nil
		if isLoopback(host) && !isBefore && !slices.Contains(targets, service) {
			ports = append(ports, service)
		}
	}
	return ports
}

// filtersAtReturn reports whether mail that comes back from another filter is
// decided.
func (s *Site) filtersAtReturn() bool {
	return slices.ContainsFunc(s.returnPorts(), s.decides)
}

// isBehindFilter reports whether a service takes the mail that another filter
// returns. postseal has decided such mail when it came in.
func (s *Site) isBehindFilter(service *Service) bool {
	p := s.Postfix
	return slices.Contains(s.returnPorts(), service) && slices.ContainsFunc(p.services, func(other *Service) bool {
		filter := p.Param(other, "content_filter")
		isFiltered := other.Command == "smtpd" && (p.Param(other, "smtpd_proxy_filter") != "" || filter != "" && s.target(filter) == nil)
		return isFiltered && other != service
	})
}

// withOurs adds postseal to a list of milters, before signers.
func (s *Site) withOurs(milters string) string {
	list := parseMilters(milters)
	i := slices.IndexFunc(list, func(m milterEntry) bool { return isSigner(m.Socket) })
	if i < 0 {
		i = len(list)
	}
	return joinMilters(slices.Insert(list, i, milterEntry{Text: s.ourMilter()}))
}

// ourMilter returns postseal as an element of smtpd_milters.
func (s *Site) ourMilter() string {
	socket := s.Sockets[len(s.Sockets)-1]
	if path, ok := strings.CutPrefix(socket, "unix:"); ok {
		if below, err := filepath.Rel(s.Postfix.Param(nil, "queue_directory"), path); err == nil && filepath.IsLocal(below) {
			return "unix:" + below // also for a chrooted smtpd
		}
	}
	return socket
}

// withoutAction removes default_action from postseal's element.
func (s *Site) withoutAction(milters string) string {
	list := parseMilters(milters)
	for i, m := range list {
		inner, ok := inBraces(m.Text)
		if !ok || !s.ours(m.Socket) {
			continue
		}
		fields := slices.DeleteFunc(splitList(inner), func(field string) bool {
			name, _, _ := strings.Cut(strings.Trim(field, "{ "), "=")
			return strings.TrimSpace(name) == "default_action"
		})
		if list[i].Text = m.Socket; len(fields) > 1 {
			list[i].Text = "{ " + strings.Join(fields, ", ") + " }"
		}
	}
	return joinMilters(list)
}

func joinMilters(list []milterEntry) string {
	var texts []string
	for _, m := range list {
		texts = append(texts, m.Text)
	}
	return strings.Join(texts, ", ")
}
