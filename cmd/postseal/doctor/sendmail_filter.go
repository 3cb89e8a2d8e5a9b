package doctor

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// sendmailFilter are about how Sendmail asks postseal.
var sendmailFilter = []check{
	{"filter-list", Leak, filterList},
	{"filter-flag", Leak, slicesOf(filterFlag, answerTime)},
	{"socket", Delay, socketOfSendmail},
	{"other-milters", Advice, otherFilters},
	{"delivery-mode", Leak, deliveryMode},
	{"submit-cf", Leak, submitCF},
	{"bcc", Leak, addBcc},
}

// remake puts a changed sendmail.mc in force.
const remake = ", then run make -C /etc/mail && systemctl restart sendmail"

// ourFilters returns the names of the filters of Sendmail that are postseal.
func (s *Site) ourFilters() (names []string) {
	for _, f := range s.Sendmail.filters {
		if s.oursOfSendmail(f.fields['S']) {
			names = append(names, f.name)
		}
	}
	return names
}

// filterNames returns the elements of a list of filters.
func filterNames(list string) (names []string) {
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ';' }) {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// oursOfSendmail reports whether a socket such as "inet:2525@127.0.0.1" is postseal's.
func (s *Site) oursOfSendmail(socket string) bool {
	kind, where, ok := strings.Cut(socket, ":")
	if !ok { // a path alone
		kind, where = "local", socket
	}
	port, host, _ := strings.Cut(where, "@")
	for _, own := range s.Sockets {
		ownKind, own, _ := strings.Cut(own, ":")
		switch kind {
		case "local", "unix":
			if ownKind == "unix" && sameFile(own, where) {
				return true
			}
		case "inet", "inet6":
			if ownKind == "inet" && sameHostPort(own, host+":"+port) {
				return true
			}
		}
	}
	return false
}

// filterUse is a list of filters in force: that of sendmail.cf, or of a port.
type filterUse struct {
	equate
	names []string
}

// filterUses returns the lists of filters. That of InputMailFilters is the first.
func (m *Sendmail) filterUses() []filterUse {
	list := m.last("InputMailFilters", 0)
	list.name = "InputMailFilters"
	uses := []filterUse{{list, filterNames(list.value)}}
	for _, p := range m.all("DaemonPortOptions", 'O') {
		p.name = "DaemonPortOptions"
		fields := fieldsOf(p.value)
		for _, key := range []byte("Ii") {
			if names, ok := fields[key]; ok {
				uses = append(uses, filterUse{p, filterNames(names)})
			}
		}
	}
	return uses
}

// used returns the filters that are postseal and that a list names.
func (s *Site) used() (filters []agent) {
	ours := s.ourFilters()
	for _, f := range s.Sendmail.filters {
		named := func(use filterUse) bool { return slices.Contains(use.names, f.name) }
		if slices.Contains(ours, f.name) && slices.ContainsFunc(s.Sendmail.filterUses(), named) {
			filters = append(filters, f)
		}
	}
	return filters
}

func filterList(s *Site) (found []Finding, err error) {
	m := s.Sendmail
	ours := s.ourFilters()
	isOurs := func(name string) bool { return slices.Contains(ours, name) }
	if len(ours) == 0 {
		return one(Finding{
			Service: "sendmail.cf", Setting: "no line X has the socket of postseal, " + strings.Join(s.Sockets, " or "),
			Effect: "Sendmail does not ask postseal: all mail goes out unencrypted.",
			Fix:    "write include(`/etc/mail/postseal.m4')dnl directly before the MAILER lines of sendmail.mc" + remake,
		})
	}
	for i, use := range m.filterUses() {
		at := slices.IndexFunc(use.names, isOurs)
		switch named := append(slices.Clone(use.names), ours[0]); {
		case at < 0 && i == 0:
			found = append(found, use.finding(use.name, "Sendmail does not ask postseal: all mail goes out unencrypted.",
				fmt.Sprintf("write define(`confINPUT_MAIL_FILTERS', `%s')dnl as the last line before the MAILER lines of sendmail.mc", strings.Join(named, ", "))))
			continue
		case at < 0:
			found = append(found, use.finding(use.name, "This port uses only the filters that it names. All its mail goes out unencrypted.",
				"in the line DAEMON_OPTIONS of sendmail.mc, write InputMailFilters="+strings.Join(named, ";")))
			continue
		}
		for _, other := range use.names[at+1:] {
			if m.signs(other) || isOurs(other) {
				continue
			}
			fix := fmt.Sprintf("move the line INPUT_MAIL_FILTER of %s in sendmail.mc before the include of postseal.m4", other)
			if i > 0 {
				fix = fmt.Sprintf("in the line DAEMON_OPTIONS of sendmail.mc, name %s before %s", other, use.names[at])
			}
			f := use.finding(use.name, fmt.Sprintf("The filter %s runs after postseal. A recipient that it adds gets mail unencrypted, and one that it deletes or refuses gets diverted mail.", other), fix)
			f.Fix += ". A filter that changes recipients must run on a host before this one"
			found = append(found, f)
		}
	}
	return found, nil
}

// otherFilters looks at the filters before postseal. No MTA tells a filter what another
// one does to the recipients.
func otherFilters(s *Site) (found []Finding, err error) {
	m := s.Sendmail
	ours := s.ourFilters()
	for _, use := range m.filterUses() {
		at := slices.IndexFunc(use.names, func(name string) bool { return slices.Contains(ours, name) })
		for _, other := range use.names[:max(at, 0)] {
			f := use.finding(use.name, "", "")
			switch {
			case m.signs(other) && !s.Markers:
				continue
			case m.signs(other):
				f.Severity = Loss
				f.Effect = fmt.Sprintf("%s signs mail before postseal adds the marker to its subject. The signature is then broken, and other hosts may refuse the mail.", other)
				f.Fix = fmt.Sprintf("move the line INPUT_MAIL_FILTER of %s in sendmail.mc after the include of postseal.m4", other) + remake
			default:
				f.Effect = fmt.Sprintf("A recipient that %s adds gets mail unencrypted, and one that it deletes still gets a sealed copy. If it only inspects or rejects mail, or adds fields, accept this finding.", other)
				f.Fix = `run a filter that changes recipients on a host before this one: "Other milters" in contrib/postfix/README.md`
			}
			found = append(found, f)
		}
	}
	return found, nil
}

// signs reports whether a filter signs mail, to judge by its name and socket.
func (m *Sendmail) signs(name string) bool {
	for _, f := range m.filters {
		if text := strings.ToLower(f.name + f.fields['S']); f.name == name && (strings.Contains(text, "dkim") || strings.Contains(text, "openarc")) {
			return true
		}
	}
	return false
}

// filterFlag finds a filter that Sendmail does not need. With the flag 4, as with T,
// clients try again.
func filterFlag(s *Site) (found []Finding, err error) {
	for _, filter := range s.used() {
		flags := filter.fields['F']
		if strings.ContainsAny(flags, "T4") {
			continue
		}
		f := Finding{
			Service: "sendmail.cf", Setting: fmt.Sprintf("X%s without F=T", filter.name),
			Effect: "While postseal is down, mail goes out unencrypted.",
			Fix:    fmt.Sprintf("write F=T into the line INPUT_MAIL_FILTER of %s%s", filter.name, remake),
		}
		if strings.Contains(flags, "R") {
			f.Severity, f.Setting = Loss, fmt.Sprintf("X%s has F=R", filter.name)
			f.Effect = "While postseal is down, all mail is rejected."
		}
		found = append(found, f)
	}
	return found, nil
}

// maxAnswer is how long postseal may work on a message, in seconds.
const maxAnswer = 30

// answerTime looks at how long Sendmail waits for an answer. Without a time of its own
// for R it waits for 10 seconds.
func answerTime(s *Site) (found []Finding, err error) {
	out, err := s.Sendmail.debug()
	for _, filter := range s.used() {
		read, end := 10, 300
		for line := range strings.Lines(out) {
			fmt.Sscanf(line, "X"+filter.name+": R=%d", &read)
			fmt.Sscanf(line, "X"+filter.name+": E=%d", &end)
		}
		if read >= maxAnswer && end >= maxAnswer {
			continue
		}
		found = append(found, Finding{
			Severity: Delay, Service: "sendmail.cf", Setting: fmt.Sprintf("X%s T=R:%ds;E:%ds", filter.name, read, end),
			Effect: fmt.Sprintf("Sendmail does not wait for postseal's answer long enough. A message whose documents take longer, up to %d seconds, gets 451 at each try.", maxAnswer),
			Fix:    fmt.Sprintf("write T=S:30s;R:30s;E:5m into the line INPUT_MAIL_FILTER of %s%s", filter.name, remake),
		})
	}
	return found, err
}

// socketOfSendmail asks Sendmail whether it trusts the socket.
func socketOfSendmail(s *Site) (found []Finding, err error) {
	out, err := s.Sendmail.debug()
	for _, filter := range s.used() {
		for line := range strings.Lines(out) {
			path, ok := strings.CutPrefix(strings.TrimSpace(line), "X"+filter.name+": local socket name ")
			if path, unsafe := strings.CutSuffix(path, " unsafe"); ok && unsafe {
				found = append(found, Finding{
					Service: "sendmail.cf", Setting: fmt.Sprintf("X%s S=%s", filter.name, filter.fields['S']),
					Effect: "Sendmail does not use the socket: others than its owner can write to a directory above it, or RunAsUser cannot connect. Clients get 451 and try again, if the filter has F=T.",
					Fix:    "namei -l " + quoted(path) + " shows the modes: remove the write permission of group and others from each directory, and give RunAsUser access to the socket",
				})
			}
		}
	}
	return found, err
}

func deliveryMode(s *Site) (found []Finding, err error) {
	const effect = "Sendmail queries the DNS only when it delivers. A name that is a CNAME of another is decided by the wrong name: mail to a secure name goes to the other domain unencrypted."
	if mode := s.Sendmail.last("DeliveryMode", 'd'); isDeferred(mode.value) {
		found = append(found, mode.finding("DeliveryMode", effect, "write define(`confDELIVERY_MODE', `background')dnl into sendmail.mc"))
	}
	for _, p := range s.Sendmail.all("DaemonPortOptions", 'O') {
		if isDeferred(fieldsOf(p.value)['D']) { // "d" is another key
			found = append(found, p.finding("DaemonPortOptions", effect, "in the line DAEMON_OPTIONS of sendmail.mc, write DeliveryMode=b"))
		}
	}
	return found, nil
}

func isDeferred(mode string) bool { return mode != "" && mode[0]|0x20 == 'd' }

func submitCF(s *Site) (found []Finding, err error) {
	m := s.Sendmail
	if m.verifySubmit == nil {
		found = append(found, Finding{
			Service: "submit.cf", Setting: "submit.cf is missing",
			Effect: "sendmail(1) reads sendmail.cf instead, which has no filter for its mail: the mail goes out unencrypted.",
			Fix:    "make -C /etc/mail",
		})
	} else if way, host, err := s.submitTo(); err != nil {
		return nil, fmt.Errorf("submit.cf: %w", err)
	} else if !isThisHost(host) {
		found = append(found, Finding{
			Service: "submit.cf", Setting: way,
			Effect: "Mail of sendmail(1) goes to this host and passes no filter here. It goes out unencrypted if that host does not run postseal.",
			Fix:    "write FEATURE(`msp', `[127.0.0.1]')dnl into /etc/mail/submit.mc, then run make -C /etc/mail",
		})
	}
	for _, c := range m.callers {
		found = append(found, Finding{
			Service: c.file, Setting: c.command,
			Effect: "This command does not use the submission queue. Its mail passes no filter and goes out unencrypted.",
			Fix:    "remove -Am, or -C with sendmail.cf, from this command in " + c.file,
		})
	}
	return found, nil
}

// submitTo returns where mail of sendmail(1) goes, as sendmail -bv prints it, and the
// host. It is empty if the mail goes to the host that the DNS names.
func (s *Site) submitTo() (way, host string, err error) {
	const domain = "example.org"
	out, err := s.Sendmail.verifySubmit("x@" + domain)
	if err != nil {
		return "", "", err
	}
	_, way, _ = strings.Cut(out, "... deliverable: ")
	way, _, _ = strings.Cut(way, ", user ")
	_, host, _ = strings.Cut(way, ", host ")
	if host = strings.Trim(host, "[]."); host == domain {
		host = ""
	}
	if way == "" {
		err = fmt.Errorf("sendmail -bv: no mailer for x@%s", domain)
	}
	return "x@" + domain + ": " + way, host, err
}

// isThisHost reports whether a host is this one, by its name or an address.
func isThisHost(host string) bool {
	host = strings.TrimPrefix(host, "IPv6:")
	if host == "" || isLoopback(host) {
		return host != ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	addresses, _ := net.DefaultResolver.LookupHost(ctx, host)
	own, _ := net.InterfaceAddrs()
	return slices.ContainsFunc(own, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && slices.Contains(addresses, n.IP.String())
	})
}

func addBcc(s *Site) ([]Finding, error) {
	o := s.Sendmail.last("AddBcc", 0)
	if o.value == "" || !strings.ContainsRune("tTyY1", rune(o.value[0])) {
		return nil, nil
	}
	return one(o.finding("AddBcc", "Sendmail adds recipients that postseal does not see. They get a copy unencrypted, also of mail that is diverted.",
		"delete the line FEATURE(`bcc') of sendmail.mc"))
}
