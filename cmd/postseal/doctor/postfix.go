package doctor

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Postfix is the configuration of an instance. The checks ask it, and run no program
// themselves.
type Postfix struct {
	Directory string // of main.cf and master.cf
	isDefault bool   // of postconf's own
	services  []*Service
	main      map[string]string // all parameters, expanded
	set       map[string]string // those that main.cf sets, as written
	tables    tables

	// instance reads another instance, by its directory.
	instance func(directory string) (*Postfix, error)
}

// Service is an entry of master.cf.
type Service struct {
	Name, Type string // as in "submission" and "inet"
	Command    string // as in "smtpd"
	Args       string // the arguments, as postconf -M prints them
	Chroot     bool
	set        map[string]string // the parameters that -o sets, as written
	params     map[string]string // all parameters, expanded; nil if set is empty
}

// String returns the name that postconf -P uses.
func (s *Service) String() string {
	if s == nil {
		return "main.cf"
	}
	return s.Name + "/" + s.Type
}

// Services returns the services that run one of the commands, in the order of
// master.cf.
func (p *Postfix) Services(commands ...string) (found []*Service) {
	for _, s := range p.services {
		for _, command := range commands {
			if s.Command == command {
				found = append(found, s)
			}
		}
	}
	return found
}

// Service returns the service of a name and type, or nil.
func (p *Postfix) Service(name, kind string) *Service {
	for _, s := range p.services {
		if s.Name == name && s.Type == kind {
			return s
		}
	}
	return nil
}

// Param returns the value of a parameter in a service, with its macros expanded. For
// the service nil it is that of main.cf.
func (p *Postfix) Param(s *Service, name string) string {
	if s != nil && s.params != nil {
		return s.params[name]
	}
	return p.main[name]
}

// Setting returns where a parameter of a service is set, and how: "main.cf" or the
// service, and the text as it is written there. The setting of a parameter that is
// set nowhere is its default.
func (p *Postfix) Setting(s *Service, name string) (service, setting string) {
	if s != nil {
		if value, ok := s.set[name]; ok {
			return s.String(), strings.TrimRight(name+" = "+value, " ")
		}
	}
	value, ok := p.set[name]
	if !ok {
		value = p.main[name]
	}
	return "main.cf", strings.TrimRight(name+" = "+value, " ")
}

// sets reports whether a parameter of a service is set there, and not in main.cf.
func (s *Service) sets(name string) bool {
	if s == nil {
		return false
	}
	_, ok := s.set[name]
	return ok
}

// Remove returns the command that removes a setting, where it is set.
func (p *Postfix) Remove(s *Service, name string) string {
	if s.sets(name) {
		return p.postconf("-PX", fmt.Sprintf("%s/%s", s, name))
	}
	return p.postconf("-X", name)
}

// Change returns the command that changes a setting of a service: in master.cf if it
// is set there, and otherwise in main.cf.
func (p *Postfix) Change(s *Service, name, value string) string {
	if s.sets(name) {
		return p.Override(s, name, value)
	}
	return p.postconf("-e", name+" = "+value)
}

// Override returns the command that sets a parameter for one service. postconf -P
// accepts no blanks, so a value that needs them goes into main.cf under a name of its
// own.
func (p *Postfix) Override(s *Service, name, value string) string {
	value = strings.NewReplacer(", ", ",", "{ ", "{", " }", "}").Replace(value)
	override := p.command("postconf", "-P", fmt.Sprintf("%s/%s=%s", s, name, value))
	if strings.ContainsAny(value, " \t") {
		own := strings.Map(func(r rune) rune {
			if r < 0x80 && isWord(byte(r)) {
				return r
			}
			return '_'
		}, s.Name) + "_" + name
		override = p.command("postconf", "-e", own+" = "+value) + " && " +
			p.command("postconf", "-P", fmt.Sprintf("%s/%s=$%s", s, name, own))
	}
	return override + " && " + p.reload()
}

func (p *Postfix) postconf(args ...string) string {
	return p.command("postconf", args...) + " && " + p.reload()
}

func (p *Postfix) reload() string { return p.command("postfix", "reload") }

// command returns a command line of one of Postfix's programs.
func (p *Postfix) command(program string, args ...string) string {
	line := program
	if !p.isDefault {
		line += " -c " + quoted(p.Directory)
	}
	for _, arg := range args {
		line += " " + quoted(arg)
	}
	return line
}

// quoted returns a word for the shell.
func quoted(word string) string {
	plain := strings.IndexFunc(word, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%", r)
	}) < 0
	if plain && word != "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// milterEntry is an element of smtpd_milters.
type milterEntry struct {
	Text   string            // as written
	Socket string            // as in "unix:path" or "inet:host:port"
	Params map[string]string // of the form in braces
}

// parseMilters returns the elements of a list of milters.
func parseMilters(list string) (milters []milterEntry) {
	for _, text := range splitList(list) {
		m := milterEntry{Text: text, Socket: text, Params: make(map[string]string)}
		if inner, ok := inBraces(text); ok {
			fields := splitList(inner)
			m.Socket = ""
			for i, field := range fields {
				if i == 0 {
					m.Socket = field
					continue
				}
				if in, ok := inBraces(field); ok { // { name = value }
					field = in
				}
				name, value, _ := strings.Cut(field, "=")
				m.Params[strings.TrimSpace(name)] = strings.TrimSpace(value)
			}
		}
		milters = append(milters, m)
	}
	return milters
}

// ours reports whether a milter of Postfix is postseal. Every daemon of Postfix runs
// in the queue directory, or in a chroot there. A path that is not the right one for
// the chroot counts too: the check socket finds it.
func (s *Site) ours(socket string) bool {
	kind, path, _ := strings.Cut(socket, ":")
	switch kind {
	case "unix", "local":
		below := filepath.Join(s.Postfix.Param(nil, "queue_directory"), path)
		for _, own := range s.Sockets {
			own, ok := strings.CutPrefix(own, "unix:")
			if ok && (sameFile(own, below) || filepath.IsAbs(path) && sameFile(own, path)) {
				return true
			}
		}
	case "inet":
		for _, own := range s.Sockets {
			if own, ok := strings.CutPrefix(own, "inet:"); ok && sameHostPort(own, path) {
				return true
			}
		}
	}
	return false
}

// sameFile reports whether two paths lead to the same file.
func sameFile(a, b string) bool {
	resolved := func(path string) string {
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return filepath.Clean(path)
		}
		return filepath.Join(dir, filepath.Base(path))
	}
	return resolved(a) == resolved(b)
}

// sameHostPort compares addresses of a listening socket and of a client.
func sameHostPort(own, other string) bool {
	ownHost, ownPort := splitHostPort(own)
	host, port := splitHostPort(other)
	return ownPort == port && (ownHost == host || isLoopback(ownHost) && isLoopback(host) || ownHost == "0.0.0.0" || ownHost == "::")
}

func splitHostPort(text string) (host, port string) {
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		host, port = text[:i], text[i+1:]
	} else {
		port = text
	}
	return strings.Trim(host, "[]"), port
}

func isLoopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}
