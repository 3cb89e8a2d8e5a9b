package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Sendmail is its configuration. The checks ask it, and run no program themselves.
type Sendmail struct {
	File    string // sendmail.cf
	options []equate
	filters []agent           // of lines "X"
	mailers []agent           // of lines "M"
	macros  map[string]string // of lines "D", without the braces of long names
	headers []string          // of lines "H", without that letter

	submit  *string  // the host that gets mail of sendmail(1), or nil without a submit.cf
	names   []string // of aliases and local users
	callers []caller

	// test runs one line of sendmail -bt, such as "3,0 a@example.org".
	test func(line string) (string, error)
	// verify expands addresses with sendmail -bv -v.
	verify func(addresses []string) (string, error)
}

// equate is an option.
type equate struct {
	name, value string
	argument    bool // of the daemon, and not in sendmail.cf
}

// agent is a filter or a mailer.
type agent struct {
	name   string
	fields map[byte]string // by the first letter, as in 'S' and "local:/run/x"
}

// caller is a line of a file that runs sendmail(1) past the submission queue.
type caller struct{ file, line string }

// option reads what follows O in sendmail.cf: " Name=value", or a letter and a value.
func option(text string, argument bool) equate {
	name, value, _ := strings.Cut(text, "=")
	if text != "" && text[0] != ' ' {
		name, value = text[:1], text[1:]
	}
	return equate{strings.TrimSpace(name), strings.TrimSpace(value), argument}
}

// all returns an option as often as it is set, in order. Sendmail accepts a name in
// any case and cut short, and some names as one letter.
func (m *Sendmail) all(name string, letter byte) (options []equate) {
	for _, o := range m.options {
		long := len(o.name) > 1 && len(o.name) <= len(name) && strings.EqualFold(o.name, name[:len(o.name)])
		if long || len(o.name) == 1 && o.name[0] == letter {
			options = append(options, o)
		}
	}
	return options
}

// last returns an option in force that is set at most once.
func (m *Sendmail) last(name string, letter byte) equate {
	options := m.all(name, letter)
	if len(options) == 0 {
		return equate{}
	}
	return options[len(options)-1]
}

// finding is about an option of a name. The fix is for sendmail.mc.
func (o equate) finding(name, effect, fix string) Finding {
	f := Finding{Service: "sendmail.cf", Setting: "O " + name + "=" + o.value, Effect: effect, Fix: fix + remake}
	if o.argument {
		f.Service = "arguments of the daemon"
		f.Fix = "remove the option from the arguments of sendmail, such as DAEMON_PARMS in /etc/mail/sendmail.conf, then run systemctl restart sendmail"
	}
	return f
}

// readArguments reads the options of the running daemon from the second line of its
// PID file. They override those of sendmail.cf.
func (m *Sendmail) readArguments() error {
	text, err := os.ReadFile(m.last("PidFile", 0).value)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	_, line, _ := strings.Cut(string(text), "\n")
	m.options = append(m.options, argumentsOf(line)...)
	return nil
}

func argumentsOf(line string) (options []equate) {
	words := strings.Fields(line)
	for i, word := range words {
		text, ok := strings.CutPrefix(word, "-o")
		if long, isLong := strings.CutPrefix(word, "-O"); isLong {
			text, ok = " "+long, true
			if long == "" && i+1 < len(words) {
				text += words[i+1]
			}
		}
		if ok {
			options = append(options, option(text, true))
		}
	}
	return options
}

// mailer returns the fields of a mailer, or nil.
func (m *Sendmail) mailer(name string) map[byte]string {
	for _, a := range m.mailers {
		if strings.EqualFold(a.name, name) {
			return a.fields
		}
	}
	return nil
}

// ReadSendmail reads sendmail.cf, and the files beside it that the checks need.
func ReadSendmail(file string) (*Sendmail, error) {
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%w: if Sendmail is configured elsewhere, name the file with -sendmail-cf", err)
	case err != nil:
		return nil, err
	}
	m := parseSendmail(string(text))
	m.File = file
	m.test = func(line string) (string, error) { return run(line+"\n", "sendmail", "-C", file, "-bt") }
	m.verify = func(addresses []string) (string, error) {
		out, err := run("", "sendmail", append([]string{"-C", file, "-bv", "-v", "--"}, addresses...)...)
		if strings.Contains(out, "... ") { // it answers, and fails if an address is unknown
			err = nil
		}
		return out, err
	}
	switch submit, err := os.ReadFile(filepath.Join(filepath.Dir(file), "submit.cf")); {
	case err == nil:
		host := parseSendmail(string(submit)).macros["MTAHost"]
		m.submit = &host
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	return m, errors.Join(m.readArguments(), m.readNames(), m.readCallers())
}

func parseSendmail(text string) *Sendmail {
	m := &Sendmail{macros: make(map[string]string)}
	for _, line := range logicalLines(text) {
		rest := line[1:]
		switch line[0] {
		case 'O':
			m.options = append(m.options, option(rest, false))
		case 'X', 'M':
			name, fields, _ := strings.Cut(rest, ",")
			a := agent{strings.TrimSpace(name), fieldsOf(fields)}
			if line[0] == 'X' {
				m.filters = append(m.filters, a)
			} else {
				m.mailers = append(m.mailers, a)
			}
		case 'D':
			if long, value, ok := strings.Cut(rest, "}"); ok && rest[0] == '{' {
				m.macros[long[1:]] = value
			} else if rest != "" {
				m.macros[rest[:1]] = rest[1:]
			}
		case 'H':
			m.headers = append(m.headers, rest)
		}
	}
	return m
}

// fieldsOf reads equates. Sendmail looks only at the first letter of a name.
func fieldsOf(text string) map[byte]string {
	fields := make(map[byte]string)
	for _, field := range strings.Split(text, ",") {
		if name, value, ok := strings.Cut(strings.TrimSpace(field), "="); ok && name != "" {
			fields[name[0]] = strings.TrimSpace(value)
		}
	}
	return fields
}

// readNames reads the names that Sendmail may expand: aliases, and users of this
// host, who may have a .forward file.
func (m *Sendmail) readNames() error {
	for _, file := range append(m.aliasFiles(), "/etc/passwd") {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		for _, line := range logicalLines(string(text)) {
			name, _, ok := strings.Cut(line, ":")
			if name = strings.TrimSpace(name); ok && name != "" {
				m.names = append(m.names, name)
			}
		}
	}
	return nil
}

// aliasFiles returns the texts of the aliases, without those in a directory service.
func (m *Sendmail) aliasFiles() (files []string) {
	for _, list := range m.all("AliasFile", 'A') {
		for _, file := range splitList(list.value) {
			if i := strings.IndexByte(file, '/'); i >= 0 {
				files = append(files, file[i:])
			}
		}
	}
	return files
}

// Where commands that run sendmail(1) usually are.
var callerFiles = []string{
	"/etc/crontab", "/etc/cron.*/*", "/var/spool/cron/crontabs/*", "/var/spool/cron/*",
	"/etc/php.ini", "/etc/php.d/*.ini", "/etc/php/*/*/php.ini", "/etc/php/*/*/conf.d/*.ini",
}

func (m *Sendmail) readCallers() error {
	files := m.aliasFiles()
	for _, pattern := range callerFiles {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		files = append(files, found...)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		m.callers = append(m.callers, callersIn(file, string(text))...)
	}
	return nil
}

// passesQueue matches a command that submits mail with sendmail.cf, and runsQueue one
// that submits none.
var (
	passesQueue = regexp.MustCompile(`\bsendmail\b[^|;&]*\s-(Am\b|C\s*\S*sendmail\.cf)`)
	runsQueue   = regexp.MustCompile(`\s-(q|b[dDhHipPtv]\b)`)
	submits     = regexp.MustCompile(`\s-bm\b`)
)

func callersIn(file, text string) (callers []caller) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' || !passesQueue.MatchString(line) {
			continue
		}
		if submits.MatchString(line) || !runsQueue.MatchString(line) {
			callers = append(callers, caller{file, line})
		}
	}
	return callers
}
