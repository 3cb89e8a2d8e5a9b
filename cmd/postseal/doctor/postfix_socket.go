package doctor

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// postfixSocket is about the socket, as Postfix's processes see it.
var postfixSocket = []check{
	{"socket", Delay, socketOfPostfix},
}

func socketOfPostfix(s *Site) (found []Finding, err error) {
	p := s.Postfix
	if s.Own.Status == nil || s.connect == nil { // not-running says so
		return nil, nil
	}
	owner, queue := p.Param(nil, "mail_owner"), p.Param(nil, "queue_directory")
	for _, service := range p.Services("smtpd") {
		m := s.milter(service)
		if m == nil {
			continue
		}
		kind, path, _ := strings.Cut(m.Socket, ":")
		if kind != "unix" && kind != "local" {
			continue
		}
		chroot := ""
		if service.Chroot {
			chroot = queue
		}
		err := s.connect(owner, chroot, queue, path)
		var fault cannotAsk
		switch {
		case errors.As(err, &fault):
			return found, err
		case err == nil:
			continue
		}
		where, setting := p.Setting(service, "smtpd_milters")
		f := Finding{
			Service: where, Setting: setting,
			Effect: fmt.Sprintf("A service with this setting runs as %s and cannot connect: %v. Clients get 451 and try again, if milter_default_action is tempfail.", owner, err),
			Fix:    fmt.Sprintf("make the socket accessible to %s: mode 0660 and the group of that user, in a directory with mode 0755", owner),
		}
		if below := s.ourMilter(); below != m.Socket && service.Chroot && filepath.IsAbs(path) {
			f.Fix = p.Change(service, "smtpd_milters", strings.ReplaceAll(p.Param(service, "smtpd_milters"), m.Socket, below))
		}
		found = append(found, f)
	}
	return found, nil
}
