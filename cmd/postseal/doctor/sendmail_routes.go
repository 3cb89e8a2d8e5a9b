package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/postseal/postseal/rules/table"
)

// sendmailRoutes are about the ways of sealed mail and of aliases.
var sendmailRoutes = []check{
	{"relay-route", Leak, mailerRoute},
	{"fallback", Leak, fallback},
	{"encrypt-leg", Leak, encryptMailer},
	{"alias-out", Leak, aliasOut},
	{"local-domains", Leak, slicesOf(deliveredHere, notDeliveredHere)},
	{"notices", Leak, noticesOfSendmail},
}

// legMailer is the mailer to the relay in postseal.m4.
const legMailer = "encrypt"

// noHost is where postseal.m4 sends sealed mail if the mailertable has no row.
const noHost = "[255.255.255.255]"

// resolve returns the mailer and host of an address, as in "encrypt" and "[relay]".
func (m *Sendmail) resolve(address string) (mailer, host string, err error) {
	out, err := m.test("3,0 " + address)
	if err != nil {
		return "", "", err
	}
	result := ""
	for line := range strings.Lines(out) {
		if name, text, ok := strings.Cut(line, "returns:"); ok && strings.TrimSpace(strings.TrimPrefix(name, ">")) == "parse" {
			result = text
		}
	}
	result, ok := strings.CutPrefix(strings.ReplaceAll(result, " ", ""), "$#")
	if !ok {
		return "", "", fmt.Errorf("sendmail -bt: no mailer for %s", address)
	}
	result, _, _ = strings.Cut(result, "$:")
	mailer, host, _ = strings.Cut(strings.TrimSpace(result), "$@")
	return mailer, host, nil
}

func mailerRoute(s *Site) ([]Finding, error) {
	if s.Rules.Relay == "" {
		return nil, nil
	}
	sample := "x@example.org." + s.Rules.Relay
	mailer, host, err := s.Sendmail.resolve(sample)
	if err != nil || mailer == legMailer && host != noHost && host != "" {
		return nil, err
	}
	row := fmt.Sprintf("write the row \".%s\tencrypt:[RELAY]\" into /etc/mail/mailertable, with the name of your relay, then run make -C /etc/mail", s.Rules.Relay)
	f := Finding{
		Service: "sendmail.cf", Setting: fmt.Sprintf("%s: mailer %s, host %s", sample, mailer, host),
		Effect: "Diverted mail goes to this mailer with a changed recipient, and not to the relay: it leaves unencrypted, or is lost.",
		Fix: fmt.Sprintf("include postseal.m4, with the relay domain %s in its rules, directly before the MAILER lines of sendmail.mc%s. In /etc/mail/mailertable, .%s must have the mailer encrypt",
			s.Rules.Relay, remake, s.Rules.Relay),
	}
	switch {
	case mailer == legMailer:
		f.Severity, f.Fix = Delay, row
		f.Effect = "Diverted mail stays in the queue, because the mailertable has no row for the relay with the mailer encrypt."
	case mailer == "error":
		f.Severity = Loss
		f.Effect = "Diverted mail does not reach its recipients."
	}
	return one(f)
}

// directOnly reports whether the mailer to the relay has the flag 0: Sendmail then
// looks up no MX records for it, and does not use the fallback MX host.
func (m *Sendmail) directOnly() bool { return strings.Contains(m.mailer(legMailer)['F'], "0") }

func fallback(s *Site) (found []Finding, err error) {
	const effect = "While the relay is down, Sendmail sends diverted mail to this host unencrypted."
	if host := s.Sendmail.last("FallbackSmartHost", 0); host.value != "" {
		found = append(found, host.finding("FallbackSmartHost", effect, "delete O FallbackSmartHost from LOCAL_CONFIG in sendmail.mc, and confFALLBACK_SMARTHOST"))
	}
	if host := s.Sendmail.last("FallbackMXhost", 'V'); host.value != "" && !s.Sendmail.directOnly() {
		found = append(found, host.finding("FallbackMXhost", effect, "give the mailer encrypt in postseal.m4 the flag 0, as in contrib, or delete confFALLBACK_MX from sendmail.mc"))
	}
	return found, nil
}

func encryptMailer(s *Site) (found []Finding, err error) {
	if s.Rules.Relay == "" {
		return nil, nil
	}
	m := s.Sendmail
	leg := m.mailer(legMailer)
	if leg == nil {
		return one(Finding{
			Service: "sendmail.cf", Setting: "no line Mencrypt",
			Effect: "There is no way to the relay. Diverted mail bounces or leaves unencrypted.",
			Fix:    "write include(`/etc/mail/postseal.m4')dnl directly before the MAILER lines of sendmail.mc" + remake,
		})
	}
	add := func(setting, effect, fix string) {
		found = append(found, Finding{Service: "sendmail.cf", Setting: setting, Effect: effect, Fix: fix + remake})
	}
	const unmarked = "Mail reaches the relay without X-Postseal-Relay. A relay that looks for this field sends the mail on unencrypted."
	switch flags, ok := m.relayField(); {
	case !ok:
		add("no line H for X-Postseal-Relay", unmarked, "use postseal.m4 of contrib, which has the line H?Y?X-Postseal-Relay: encrypt,")
	case flags != "" && !strings.ContainsAny(leg['F'], flags):
		add(fmt.Sprintf("Mencrypt F=%s, and H?%s?X-Postseal-Relay", leg['F'], flags), unmarked, "give the mailer encrypt in postseal.m4 the flag "+flags[:1])
	}
	if !m.directOnly() {
		add("Mencrypt F="+leg['F'], "The MX records of the relay's name, or the fallback MX host, can send diverted mail to another host unencrypted.",
			"give the mailer encrypt in postseal.m4 the flag 0")
	}
	out, err := m.test("/try " + legMailer + " x@example.org." + s.Rules.Relay)
	if err != nil {
		return found, err
	}
	const want = "x@example.org"
	if _, got, ok := strings.Cut(out, ", addr = "); ok {
		if got, _, _ = strings.Cut(got, "\n"); got != want {
			add(fmt.Sprintf("Mencrypt R=%s: %s instead of %s", leg['R'], got, want), "The relay gets a recipient that does not exist, and the mail does not arrive.",
				"use the ruleset EnvToEncrypt of postseal.m4, with the relay domain "+s.Rules.Relay+",")
			found[len(found)-1].Severity = Loss
		}
	} else {
		return found, fmt.Errorf("sendmail -bt: no answer to /try")
	}
	return found, nil
}

// relayField returns the flags of mailers whose mail gets X-Postseal-Relay. Without
// flags, all mail gets it.
func (m *Sendmail) relayField() (flags string, ok bool) {
	for _, line := range m.headers {
		flags := ""
		if strings.HasPrefix(line, "?") {
			flags, line, _ = strings.Cut(line[1:], "?")
		}
		if name, _, _ := strings.Cut(line, ":"); strings.EqualFold(strings.TrimSpace(name), "X-Postseal-Relay") {
			return flags, true
		}
	}
	return "", false
}

// atOnce is how many addresses one sendmail -bv expands.
const atOnce = 50

func aliasOut(s *Site) (found []Finding, err error) {
	m := s.Sendmail
	for names := range slices.Chunk(m.names, atOnce) {
		out, err := m.verify(names...)
		if err != nil {
			return found, err
		}
		for _, f := range s.expansions(out) {
			f.Effect = "Sendmail expands the name after postseal has decided. Mail to it goes to the outside address unencrypted."
			found = append(found, f)
		}
	}
	for _, hub := range []struct{ macro, name, what string }{
		{"L", "LUSER_RELAY", "unknown local users"}, {"H", "MAIL_HUB", "local users"}, {"R", "LOCAL_RELAY", "local users"},
	} {
		value := strings.TrimSpace(m.macros[hub.macro])
		if address := hubAddress(value); address != "" && s.outside(address) {
			found = append(found, Finding{
				Service: "sendmail.cf", Setting: "D" + hub.macro + value,
				Effect: fmt.Sprintf("Mail to %s goes there unencrypted, because postseal takes them for local.", hub.what),
				Fix:    fmt.Sprintf("delete %s from sendmail.mc%s, or give the host a row of its class in a rule file", hub.name, remake),
			})
		}
	}
	for _, option := range m.unlisted {
		f := option.finding(option.name, "The names in this map cannot be listed. Mail goes unencrypted to each outside address that it returns.", "")
		f.Severity, f.Fix = Advice, "make sure that "+option.value+" returns only addresses of your own"
		found = append(found, f)
	}
	return found, nil
}

// expansions reads what sendmail -bv -v prints. Each alias or file is one finding, which
// names its first outside address.
func (s *Site) expansions(out string) (found []Finding) {
	const class = ", or give the domain of %s a row of its class in a rule file"
	named := make(map[string]bool)
	counts := make(map[string]int) // by what is before the address in the setting
	var names []string
	add := func(service, name, list, fix string) {
		for _, address := range s.outsideOf(list) {
			named[address] = true
			key := service + "\n" + name
			if counts[key]++; counts[key] == 1 {
				names = append(names, key)
				found = append(found, Finding{Service: service, Setting: name + address, Fix: fix + fmt.Sprintf(class, address)})
			}
		}
	}
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if name, list, ok := strings.Cut(line, "... aliased to "); ok {
			add("aliases", name+": ", list, "remove the outside addresses from the alias and run newaliases")
			continue
		}
		file, rest, _ := strings.Cut(line, ": line ")
		for _, verb := range []string{": forwarding to ", ": sending to "} {
			if _, list, ok := strings.Cut(rest, verb); ok {
				add(file, "", list, "remove the outside addresses from "+file)
			}
		}
	}
	for i, name := range names {
		if more := counts[name] - 1; more > 0 {
			found[i].Setting += fmt.Sprintf(", and %d more", more)
		}
	}
	for line := range strings.Lines(out) {
		address, rest, ok := strings.Cut(strings.TrimSpace(line), "... deliverable: ")
		rest, user, _ := strings.Cut(rest, ", user ")
		_, host, remote := strings.Cut(rest, ", host ")
		if ok && !named[address] && remote && strings.Contains(user, "@") && !strings.HasSuffix(user, "@"+host) && s.outside(user) {
			found = append(found, Finding{Service: "sendmail.cf", Setting: "a local name leads to " + user,
				Fix: "remove the address from the alias or the table that names it" + fmt.Sprintf(class, user)})
		}
	}
	return found
}

// outsideOf returns the addresses of a list that need the marker.
func (s *Site) outsideOf(list string) (outside []string) {
	for _, text := range splitAlias(list) {
		if i := strings.LastIndexByte(text, '<'); i >= 0 { // Bob <bob@example.org>
			text, _, _ = strings.Cut(text[i+1:], ">")
		}
		text = strings.TrimPrefix(text, `\`)
		if text != "" && !strings.ContainsAny(text[:1], "|/:") && strings.Contains(text, "@") && s.outside(text) {
			outside = append(outside, text)
		}
	}
	return outside
}

// hubAddress returns an address at the host of a macro such as "esmtp:[hub.example]".
// It is empty if the host is this one or in the same network.
func hubAddress(value string) string {
	mailer, host, ok := strings.Cut(value, ":")
	if !ok {
		mailer, host = "", value
	}
	if mailer == "local" || mailer == "error" || strings.HasPrefix(value, "[IPv6:") {
		return ""
	}
	host = strings.Trim(host[strings.LastIndexByte(host, '@')+1:], "[].")
	if ip, err := netip.ParseAddr(host); err == nil && (ip.IsLoopback() || ip.IsPrivate()) || !strings.Contains(host, ".") {
		return ""
	}
	return "x@" + host
}

// deliveredHere looks for domains that Sendmail delivers itself, and that postseal takes
// for outside ones.
func deliveredHere(s *Site) (found []Finding, err error) {
	for _, class := range []string{"w", "VirtHost"} {
		domains, err := s.Sendmail.class(class)
		if err != nil {
			return found, err
		}
		for _, domain := range domains {
			if strings.HasPrefix(domain, "[") || strings.HasPrefix(domain, "localhost.") || !s.outside("x@"+domain) {
				continue
			}
			found = append(found, Finding{
				Severity: Delay, Service: "sendmail.cf", Setting: fmt.Sprintf("class %s has %s", class, domain),
				Effect: fmt.Sprintf("Sendmail delivers %s itself, and postseal treats its mail as outgoing: it is tagged, or diverted to the relay.", domain),
				Fix:    fmt.Sprintf("add %q to local_domains in %s, and run systemctl reload postseal", domain, s.Own.File),
			})
		}
	}
	return found, nil
}

// notDeliveredHere looks for domains of local_domains for which Sendmail asks the DNS.
func notDeliveredHere(s *Site) (found []Finding, err error) {
	relayed, err := s.Sendmail.class("R")
	if err != nil {
		return nil, err
	}
	for _, domain := range s.Local {
		if s.Rules.Classify("x@"+domain, "", s.Now).Class != table.Local || slices.ContainsFunc(relayed, func(r string) bool { return strings.EqualFold(r, domain) }) {
			continue // a rule file has a row for it, or Sendmail accepts its mail from everywhere
		}
		_, host, err := s.Sendmail.resolve("x@" + domain)
		if err != nil {
			return found, err
		}
		if !strings.EqualFold(strings.TrimSuffix(host, "."), domain) {
			continue
		}
		found = append(found, Finding{
			Service: "postseal", Setting: fmt.Sprintf("local_domains has %q", domain),
			Effect: "postseal treats this mail as mail that never leaves, but Sendmail sends it to the host that the DNS names, unencrypted.",
			Fix:    fmt.Sprintf("remove %q from local_domains in %s, or name it in /etc/mail/local-host-names, /etc/mail/relay-domains or /etc/mail/mailertable", domain, s.Own.File),
		})
	}
	return found, nil
}

func noticesOfSendmail(s *Site) (found []Finding, err error) {
	for _, option := range []struct {
		name   string
		letter byte
		conf   string
	}{{"PostmasterCopy", 'P', "confCOPY_ERRORS_TO"}, {"DoubleBounceAddress", 0, "confDOUBLE_BOUNCE_ADDRESS"}} {
		to := s.Sendmail.last(option.name, option.letter)
		for _, address := range s.outsideOf(to.value) {
			found = append(found, to.finding(option.name,
				fmt.Sprintf("Notices go to %s unencrypted. They contain the SMTP session and the header of the message, and can contain the whole message without nobodyreturn in PrivacyOptions.", address),
				fmt.Sprintf("write define(`%s', `postmaster')dnl into sendmail.mc", option.conf)))
		}
	}
	return found, nil
}
