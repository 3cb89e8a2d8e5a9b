package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// postfixCopies are about copies and redirected mail.
var postfixCopies = []check{
	{"redirect", Leak, redirect},
	{"bcc", Leak, bcc},
	{"always-bcc", Leak, alwaysBCC},
	{"sender-bcc", Leak, bccMaps("sender_bcc_maps")},
	{"recipient-bcc", Leak, bccMaps("recipient_bcc_maps")},
	{"notices", Leak, slicesOf(notices, wholeBounces)},
}

func redirect(s *Site) ([]Finding, error) {
	return s.action("REDIRECT", "A message that matches goes unencrypted to the address in the row, and its recipients get nothing.")
}

func bcc(s *Site) ([]Finding, error) {
	found, err := s.action("BCC", "The address in the row gets an unencrypted copy of each message that matches.")
	isAdvice := func(f Finding) bool { return f.Severity == Advice } // which redirect gives
	return slices.DeleteFunc(found, isAdvice), err
}

// action looks for an action in the tables of header_checks and access maps.
func (s *Site) action(name, effect string) (found []Finding, err error) {
	for _, m := range s.Postfix.actionMaps() {
		m.effect = effect
		rows, err := s.rows(m, func(e Entry) ([]string, error) {
			action, argument, _ := strings.Cut(e.Value, " ")
			if !strings.EqualFold(action, name) {
				return nil, nil
			}
			return []string{strings.TrimSpace(argument)}, nil
		})
		if err != nil {
			return found, err
		}
		found = append(found, rows...)
	}
	return found, nil
}

func alwaysBCC(s *Site) (found []Finding, err error) {
	const name = "always_bcc"
	p := s.Postfix
	for _, service := range p.Services("cleanup") {
		to := p.Param(service, name)
		more, err := s.parameter(service, name, to, fmt.Sprintf("A copy of each message goes to %s unencrypted.", to))
		if err != nil {
			return found, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// parameter returns a finding if the address in a parameter is outside.
func (s *Site) parameter(service *Service, name, address, effect string) ([]Finding, error) {
	leaves, err := s.leaves(address)
	if !leaves || err != nil {
		return nil, err
	}
	where, setting := s.Postfix.Setting(service, name)
	return one(Finding{Service: where, Setting: setting, Effect: effect, Fix: s.Postfix.Remove(service, name)})
}

func bccMaps(name string) func(*Site) ([]Finding, error) {
	return func(s *Site) (found []Finding, err error) {
		for _, service := range s.Postfix.Services("cleanup") {
			rows, err := s.rows(mapUse{
				service: service, name: name, maps: s.Postfix.Param(service, name),
				effect: "The address in the row gets an unencrypted copy of each message that matches.",
			}, oneAddress)
			if err != nil {
				return found, err
			}
			found = append(found, rows...)
		}
		return found, nil
	}
}

// noticeClasses are the classes of notify_classes for which a recipient gets notices,
// and the programs that send them.
var noticeClasses = []struct {
	name              string
	classes, programs []string
}{
	{"bounce_notice_recipient", []string{"bounce"}, []string{"bounce"}},
	{"2bounce_notice_recipient", []string{"2bounce"}, []string{"bounce"}},
	{"delay_notice_recipient", []string{"delay"}, []string{"bounce"}},
	{"error_notice_recipient", []string{"data", "policy", "protocol", "resource", "software"}, []string{"smtpd", "smtp", "lmtp"}},
}

func notices(s *Site) (found []Finding, err error) {
	p := s.Postfix
	for _, notice := range noticeClasses {
		for _, service := range p.Services(notice.programs...) {
			to := p.Param(service, notice.name)
			more, err := s.parameter(service, notice.name, to,
				fmt.Sprintf("Notices go to %s unencrypted. They contain the SMTP session or the header of the message, and the whole message if bounce_size_limit allows it.", to))
			if err != nil {
				return found, err
			}
			classes := splitList(p.Param(service, "notify_classes"))
			if slices.ContainsFunc(classes, func(class string) bool { return slices.Contains(notice.classes, class) }) {
				found = append(found, more...)
			}
		}
	}
	return found, nil
}

// wholeBounces looks at what bounces contain. They do not pass postseal.
func wholeBounces(s *Site) (found []Finding, err error) {
	const name = "bounce_size_limit"
	p := s.Postfix
	for _, service := range p.Services("bounce") {
		if limit := p.Param(service, name); limit == "" || limit == "1" {
			continue
		}
		where, setting := p.Setting(service, name)
		found = append(found, Finding{
			Severity: Advice, Service: where, Setting: setting, Fix: p.Change(service, name, "1"),
			Effect: "A bounce returns the message to its sender unencrypted, with the body if the message is not larger than this. The sender can be outside.",
		})
	}
	return found, nil
}

// actionChecks are the parameters of cleanup(8) whose tables have actions.
var actionChecks = []string{"header_checks", "mime_header_checks", "nested_header_checks", "body_checks", "milter_header_checks"}

// restrictions are the parameters of smtpd(8) that name access maps.
var restrictions = []string{
	"smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions", "smtpd_relay_restrictions",
	"smtpd_recipient_restrictions", "smtpd_data_restrictions", "smtpd_end_of_data_restrictions",
}

// actionMaps returns the tables whose results are actions, such as REDIRECT. A table
// is returned once for each place where it is set.
func (p *Postfix) actionMaps() (uses []mapUse) {
	add := func(service *Service, name, table string) {
		where, _ := p.Setting(service, name)
		if !slices.ContainsFunc(uses, func(u mapUse) bool {
			other, _ := p.Setting(u.service, u.name)
			return other == where && u.name == name && u.maps == table
		}) {
			uses = append(uses, mapUse{service: service, name: name, maps: table})
		}
	}
	isSet := func(service *Service, name string) bool {
		_, ok := p.set[name]
		return ok || service.sets(name)
	}
	for _, service := range p.Services("cleanup") {
		for _, name := range actionChecks {
			if isSet(service, name) { // the default names header_checks again
				for _, table := range splitList(p.Param(service, name)) {
					add(service, name, table)
				}
			}
		}
	}
	for _, service := range p.Services("smtpd") {
		for _, name := range slices.Concat(restrictions, splitList(p.Param(service, "smtpd_restriction_classes"))) {
			for _, table := range accessMaps(p.Param(service, name)) {
				add(service, name, table)
			}
		}
	}
	return uses
}

// accessMaps returns the tables in a list of restrictions.
func accessMaps(list string) (tables []string) {
	before := ""
	for _, word := range splitList(list) {
		inner, braces := inBraces(word)
		switch {
		case before == "check_policy_service":
		case braces:
			tables = append(tables, accessMaps(inner)...)
		case strings.Contains(word, ":") && !strings.HasPrefix(before, "reject_"):
			tables = append(tables, word)
		}
		before = word
	}
	return tables
}
