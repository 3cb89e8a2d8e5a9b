package doctor

import (
	"fmt"
	"strings"
)

// sendmailFilter are about how Sendmail asks postseal.
var sendmailFilter = []check{
	{"filter-list", Leak, filterList},
	{"filter-flag", Leak, filterFlag},
	{"delivery-mode", Leak, deliveryMode},
	{"submit-cf", Leak, submitCF},
	{"bcc", Leak, addBcc},
}

// remake puts a changed sendmail.mc in force.
const remake = ", then run make -C /etc/mail && systemctl restart sendmail"

// filter returns the filter of Sendmail that is postseal, or nil.
func (s *Site) filter() *agent {
	for i, f := range s.Sendmail.filters {
		if s.oursOfSendmail(f.fields['S']) {
			return &s.Sendmail.filters[i]
		}
	}
	return nil
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

// port is a value of DaemonPortOptions.
type port struct {
	equate
	fields map[byte]string
}

// ports returns the ports of the daemon. Sendmail accepts their keys in any case.
func (m *Sendmail) ports() (ports []port) {
	for _, o := range m.all("DaemonPortOptions", 'O') {
		p := port{o, make(map[byte]string)}
		for key, value := range fieldsOf(o.value) {
			p.fields[key&^0x20] = value
		}
		ports = append(ports, p)
	}
	return ports
}

func filterList(s *Site) (found []Finding, err error) {
	m := s.Sendmail
	ours := s.filter()
	if ours == nil {
		return one(Finding{
			Service: "sendmail.cf", Setting: "no line X has the socket of postseal, " + strings.Join(s.Sockets, " or "),
			Effect: "Sendmail does not ask postseal: all mail goes out unencrypted.",
			Fix:    "write include(`/etc/mail/postseal.m4')dnl directly before the MAILER lines of sendmail.mc" + remake,
		})
	}
	list := m.last("InputMailFilters", 0)
	names := splitList(list.value)
	switch at := indexOf(names, ours.name); {
	case at < 0:
		found = append(found, list.finding("InputMailFilters", "Sendmail does not ask postseal: all mail goes out unencrypted.",
			fmt.Sprintf("write define(`confINPUT_MAIL_FILTERS', `%s')dnl as the last line before the MAILER lines of sendmail.mc",
				strings.Join(append(names, ours.name), ", "))))
	default:
		for _, other := range names[at+1:] {
			if m.signs(other) {
				continue
			}
			found = append(found, Finding{
				Service: "sendmail.cf", Setting: "O InputMailFilters=" + list.value,
				Effect: fmt.Sprintf("The filter %s runs after postseal. A recipient that it adds gets mail unencrypted, and one that it deletes or refuses gets diverted mail.", other),
				Fix:    fmt.Sprintf("move the line INPUT_MAIL_FILTER of %s in sendmail.mc before the include of postseal.m4%s. A filter that changes recipients must run on a host before this one", other, remake),
			})
		}
	}
	for _, p := range m.ports() {
		own, ok := p.fields['I']
		if !ok || indexOf(strings.FieldsFunc(own, func(r rune) bool { return r == ';' || r == ' ' }), ours.name) >= 0 {
			continue
		}
		found = append(found, p.finding("DaemonPortOptions", "This port uses only the filters that it names. All its mail goes out unencrypted.",
			"in the line DAEMON_OPTIONS of sendmail.mc, write InputMailFilters="+strings.TrimPrefix(own+";"+ours.name, ";")))
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

func indexOf(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return -1
}

// filterFlag finds a filter that Sendmail does not need. With the flag 4, as with T,
// clients try again.
func filterFlag(s *Site) ([]Finding, error) {
	f := s.filter()
	if f == nil || strings.ContainsAny(f.fields['F'], "T4") {
		return nil, nil
	}
	found := Finding{
		Service: "sendmail.cf", Setting: fmt.Sprintf("X%s without F=T", f.name),
		Effect: "While postseal is down, mail goes out unencrypted.",
		Fix:    fmt.Sprintf("write F=T into the line INPUT_MAIL_FILTER of %s%s", f.name, remake),
	}
	if strings.Contains(f.fields['F'], "R") {
		found.Severity, found.Setting = Loss, fmt.Sprintf("X%s has F=R", f.name)
		found.Effect = "While postseal is down, all mail is rejected."
	}
	return one(found)
}

func deliveryMode(s *Site) (found []Finding, err error) {
	const effect = "Sendmail queries the DNS only when it delivers. A name that is a CNAME of another is decided by the wrong name: mail to a secure name goes to the other domain unencrypted."
	if mode := s.Sendmail.last("DeliveryMode", 'd'); isDeferred(mode.value) {
		found = append(found, mode.finding("DeliveryMode", effect, "write define(`confDELIVERY_MODE', `background')dnl into sendmail.mc"))
	}
	for _, p := range s.Sendmail.ports() {
		if isDeferred(p.fields['D']) {
			found = append(found, p.finding("DaemonPortOptions", effect, "in the line DAEMON_OPTIONS of sendmail.mc, write DeliveryMode=b"))
		}
	}
	return found, nil
}

func isDeferred(mode string) bool { return mode != "" && mode[0]|0x20 == 'd' }

func submitCF(s *Site) (found []Finding, err error) {
	if host := s.Sendmail.submit; host == nil {
		found = append(found, Finding{
			Service: "submit.cf", Setting: "submit.cf is missing",
			Effect: "sendmail(1) reads sendmail.cf instead, which has no filter for its mail: the mail goes out unencrypted.",
			Fix:    "make -C /etc/mail",
		})
	} else if *host != "" && !isLoopback(strings.Trim(*host, "[]")) {
		found = append(found, Finding{
			Service: "submit.cf", Setting: "D{MTAHost}" + *host,
			Effect: "Mail of sendmail(1) goes to this host and passes no filter here. It goes out unencrypted if that host does not run postseal.",
			Fix:    "write FEATURE(`msp', `[127.0.0.1]')dnl into /etc/mail/submit.mc, then run make -C /etc/mail",
		})
	}
	for _, c := range s.Sendmail.callers {
		found = append(found, Finding{
			Service: c.file, Setting: c.line,
			Effect: "This command does not use the submission queue. Its mail passes no filter and goes out unencrypted.",
			Fix:    "remove -Am, or -C with sendmail.cf, from this line of " + c.file,
		})
	}
	return found, nil
}

func addBcc(s *Site) ([]Finding, error) {
	o := s.Sendmail.last("AddBcc", 0)
	if o.value == "" || !strings.ContainsRune("tTyY1", rune(o.value[0])) {
		return nil, nil
	}
	return one(o.finding("AddBcc", "Sendmail adds recipients that postseal does not see. They get a copy unencrypted, also of mail that is diverted.",
		"delete the line FEATURE(`bcc') of sendmail.mc"))
}
