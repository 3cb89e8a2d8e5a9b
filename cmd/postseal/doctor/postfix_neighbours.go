package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// postfixNeighbours are about what runs beside postseal.
var postfixNeighbours = []check{
	{"other-milters", Advice, otherMilters},
	{"second-instance", Leak, secondInstance},
}

// otherMilters looks at the milters beside postseal. No MTA tells a milter what
// another one does to the recipients.
func otherMilters(s *Site) (found []Finding, err error) {
	const name = "smtpd_milters"
	p := s.Postfix
	for _, service := range p.Services("smtpd") {
		if !s.hasMilter(service) {
			continue
		}
		where, setting := p.Setting(service, name)
		list := parseMilters(p.Param(service, name))
		own := slices.IndexFunc(list, func(m milterEntry) bool { return s.ours(m.Socket) })
		others := slices.Delete(slices.Clone(list), own, own+1)
		for i, m := range list {
			f := Finding{Service: where, Setting: setting}
			switch {
			case i == own || isSigner(m.Socket) && (i > own || !s.Markers):
				continue
			case isSigner(m.Socket):
				f.Severity = Loss
				f.Effect = fmt.Sprintf("%s signs mail before postseal adds the marker to its subject. The signature is then broken, and other hosts may refuse the mail.", m.Socket)
				f.Fix = p.Change(service, name, joinMilters(slices.Insert(slices.Delete(slices.Clone(list), own, own+1), i, list[own])))
			default:
				f.Effect = fmt.Sprintf("A recipient that %s adds gets mail unencrypted, and one that it deletes still gets a sealed copy.", m.Socket)
				if i > own {
					f.Effect += " It can also remove the marker, or refuse a recipient that is diverted already."
				}
				f.Effect += " If it only inspects or rejects mail, or adds fields, accept this finding."
				f.Fix = s.twoHops(service, others)
			}
			found = append(found, f)
		}
	}
	return found, nil
}

// isSigner reports whether a milter is a DKIM signer, by its name or usual port.
func isSigner(socket string) bool {
	return strings.Contains(socket, "dkim") || strings.HasPrefix(socket, "inet:") && strings.HasSuffix(socket, ":8891")
}

// twoHops returns the command that makes the other milters run at a hop before
// postseal. Signers stay after it.
func (s *Site) twoHops(service *Service, others []milterEntry) string {
	p := s.Postfix
	const readme = `"Other milters" in contrib/postfix/README.md`
	filter := s.loopFilter()
	if filter == "" || p.Param(service, "content_filter") != "" {
		return "run the other milters at a hop before postseal: " + readme
	}
	var signers []string
	before := slices.DeleteFunc(slices.Clone(others), func(m milterEntry) bool {
		if isSigner(m.Socket) {
			signers = append(signers, m.Text)
		}
		return isSigner(m.Socket)
	})
	loop := s.target(filter)
	fix := p.postconf("-e", "smtpd_milters = "+joinMilters(before), "content_filter = "+filter)
	if service.sets("smtpd_milters") {
		fix = p.Override(service, "smtpd_milters", joinMilters(before)) + " && " + p.Override(service, "content_filter", filter)
	}
	if len(signers) > 0 {
		fix = p.Override(loop, "smtpd_milters", p.Param(loop, "smtpd_milters")+", "+strings.Join(signers, ", ")) + " && " + fix
	}
	return fix
}

// loopFilter returns the content filter of contrib, which sends mail to a service
// that asks postseal, or "" if master.cf does not have it.
func (s *Site) loopFilter() (filter string) {
	for _, loop := range s.Postfix.Services("smtpd") {
		host, port := splitHostPort(loop.Name)
		if isLoopback(host) && s.decides(loop) && loop.sets("content_filter") && s.Postfix.Param(loop, "content_filter") == "" && s.Postfix.Service("postseal", "unix") != nil {
			filter = "postseal:[" + host + "]:" + port
		}
	}
	return filter
}

// secondInstance looks for ways out beside the smtpd services of this instance.
func secondInstance(s *Site) (found []Finding, err error) {
	p := s.Postfix
	for _, service := range p.Services("qmqpd") {
		if s.filtersLater(service) {
			continue
		}
		filter := s.loopFilter()
		f := Finding{
			Service: service.String(), Setting: service.Command,
			Effect: "Mail that comes by QMQP passes no milter of smtpd: it goes out unencrypted.",
		}
		if f.Fix = p.Override(service, "content_filter", filter); filter == "" {
			f.Fix = "append the services postseal and 127.0.0.1:10026 of contrib/postfix/master.cf to master.cf, then run " +
				p.Override(service, "content_filter", "postseal:[127.0.0.1]:10026")
		}
		found = append(found, f)
	}
	if p.instance == nil {
		return found, nil
	}
	for _, directory := range splitList(p.Param(nil, "multi_instance_directories")) {
		other, err := p.instance(directory)
		if err != nil {
			return found, err
		}
		if other.Param(nil, "multi_instance_enable") != "yes" || !other.isReachable() {
			continue
		}
		sub := *s
		sub.Postfix = other
		leaks, err := sub.leaks()
		if err != nil {
			return found, err
		}
		if len(leaks) == 0 {
			continue
		}
		where, setting := p.Setting(nil, "multi_instance_directories")
		found = append(found, Finding{
			Service: where, Setting: setting,
			Effect: fmt.Sprintf("Mail of the instance in %s passes postseal by: %s in %s. It goes out unencrypted.", directory, leaks[0].Setting, leaks[0].Service),
			Fix:    "correct what this command names: postseal doctor -config-directory " + quoted(directory),
		})
	}
	return found, nil
}

// isReachable reports whether other hosts can reach smtpd(8). An instance that only
// programs of this host can reach is behind another one.
func (p *Postfix) isReachable() bool {
	return p.Param(nil, "inet_interfaces") != "loopback-only" && slices.ContainsFunc(p.Services("smtpd"), func(s *Service) bool {
		host, _ := splitHostPort(s.Name)
		return !isLoopback(host)
	})
}

// leaks returns the settings by which mail from other hosts goes past postseal.
func (s *Site) leaks() (leaks []Finding, err error) {
	for _, c := range postfixServices {
		found, err := c.find(s)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			name, _, _ := strings.Cut(f.Service, "/")
			host, _ := splitHostPort(name)
			if f.Severity == 0 && c.severity == Leak && c.id != "pickup" && !isLoopback(host) {
				leaks = append(leaks, f)
			}
		}
	}
	return leaks, nil
}
