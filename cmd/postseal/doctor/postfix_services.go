package doctor

// postfixServices are about the services that take mail: service-without-milter,
// milter-maps, no-milters, default-action, proxy-filter, pickup, non-smtpd-milters.
var postfixServices = []check{
	{"no-milters", Leak, noMilters},
}

func noMilters(s *Site) (found []Finding, err error) {
	p := s.Postfix
	for _, service := range p.Services("smtpd") {
		if !hasWord(p.Param(service, "receive_override_options"), "no_milters") {
			continue
		}
		where, setting := p.Setting(service, "receive_override_options")
		found = append(found, Finding{Service: where, Setting: setting, Fix: p.Remove(service, "receive_override_options")})
	}
	return found, nil
}

func hasWord(list, word string) bool {
	for _, w := range SplitList(list) {
		if w == word {
			return true
		}
	}
	return false
}
