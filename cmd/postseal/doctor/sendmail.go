package doctor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Sendmail is its configuration. The checks ask it, and run no program themselves.
type Sendmail struct {
	File    string // sendmail.cf
	options []equate
	filters []agent           // of lines "X"
	mailers []agent           // of lines "M"
	macros  map[string]string // of lines "D", without the braces of long names
	headers []string          // of lines "H", without that letter
	classes map[string]string // of lines "C" and "F": words, and files, which begin with /

	names    []string // of aliases and local users
	unlisted []equate // options that name aliases that cannot be listed
	callers  []caller

	// test runs one line of sendmail -bt, such as "3,0 a@example.org".
	test func(line string) (string, error)
	// verify expands addresses with sendmail -bv -v. verifySubmit does so with submit.cf.
	// It is nil without that file.
	verify, verifySubmit func(addresses ...string) (string, error)
	// debug returns what Sendmail says of its filters when it reads sendmail.cf.
	debug func() (string, error)
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

// caller is a command in a file that runs sendmail(1) past the submission queue.
type caller struct{ file, command string }

// option reads what follows O in sendmail.cf: " Name=value", or a letter and a value.
func option(text string, argument bool) equate {
	name, value, _ := strings.Cut(text, "=")
	if text != "" && text[0] != ' ' {
		name, value = text[:1], text[1:]
	}
	return equate{strings.TrimSpace(name), strings.TrimSpace(value), argument}
}

// all returns an option as often as it is set, in order. Sendmail accepts a name in
// any case and cut short, and some names as one letter. An option that is an argument
// of the daemon is not read from sendmail.cf.
func (m *Sendmail) all(name string, letter byte) (options []equate) {
	for _, o := range m.options {
		long := len(o.name) > 1 && len(o.name) <= len(name) && strings.EqualFold(o.name, name[:len(o.name)])
		if !long && (len(o.name) != 1 || o.name[0] != letter) {
			continue
		}
		if o.argument && len(options) > 0 && !options[0].argument {
			options = nil
		}
		options = append(options, o)
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

// The PID files of Sendmail if none is set: of Debian, and of its source.
var pidFiles = []string{"/var/run/sendmail/mta/sendmail.pid", "/var/run/sendmail.pid"}

// readArguments reads the options of the running daemon from the second line of its
// PID file. They override those of sendmail.cf.
func (m *Sendmail) readArguments() error {
	files := pidFiles
	if file := m.last("PidFile", 0).value; file != "" {
		files = []string{file}
	}
	for _, file := range files {
		text, err := readRegular(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		_, line, _ := strings.Cut(text, "\n")
		if cf := configuration.FindStringSubmatch(line); cf != nil && !sameFile(cf[1], m.File) {
			return fmt.Errorf("the daemon reads %s, and not %s: name it with -sendmail-cf", cf[1], m.File)
		}
		m.options = append(m.options, argumentsOf(line)...)
		return nil
	}
	return nil
}

// configuration matches the argument of a daemon that names its configuration.
var configuration = regexp.MustCompile(`\s-C\s*(\S+)`)

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

// mailer returns the fields of a mailer, or nil. The last line of a name is in force.
func (m *Sendmail) mailer(name string) (fields map[byte]string) {
	for _, a := range m.mailers {
		if strings.EqualFold(a.name, name) {
			fields = a.fields
		}
	}
	return fields
}

// ReadSendmail reads sendmail.cf, and the files beside it that the checks need.
func ReadSendmail(file string) (*Sendmail, error) {
	text, err := readRegular(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%w: if Sendmail is configured elsewhere, name the file with -sendmail-cf", err)
	case err != nil:
		return nil, err
	}
	m := parseSendmail(text)
	m.File = file
	m.test = func(line string) (string, error) { return runSendmail(line+"\n", file, "-bt") }
	m.debug = sync.OnceValues(func() (string, error) { return runSendmail("", file, "-d64.5", "-bt") })
	m.verify = verifier(file)
	submit := filepath.Join(filepath.Dir(file), "submit.cf")
	switch _, err := os.Stat(submit); {
	case err == nil:
		m.verifySubmit = verifier(submit)
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	return m, errors.Join(m.readArguments(), m.readAliases(), m.readUsers(), m.readCallers())
}

func verifier(file string) func(addresses ...string) (string, error) {
	return func(addresses ...string) (string, error) {
		out, err := runSendmail("", file, append([]string{"-bv", "-v", "--"}, addresses...)...)
		if strings.Contains(out, "... ") { // it answers, and fails if an address is unknown
			err = nil
		}
		return out, err
	}
}

// runSendmail runs sendmail(8) with a configuration, whose faults it names first in its
// output.
func runSendmail(stdin, file string, args ...string) (string, error) {
	out, err := run(stdin, "sendmail", append([]string{"-C", file}, args...)...)
	var failed *programError
	if status := new(exec.ExitError); errors.As(err, &failed) && errors.As(err, &status) && failed.fault == "" {
		failed.fault, _, _ = strings.Cut(out, "\n")
	}
	return out, err
}

// readRegular reads a file that is no FIFO or device, which could hold doctor up.
func readRegular(file string) (string, error) {
	info, err := os.Stat(file)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", file)
	}
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(file)
	return string(text), err
}

func parseSendmail(text string) *Sendmail {
	m := &Sendmail{macros: make(map[string]string), classes: make(map[string]string)}
	for _, line := range configLines(text) {
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
			name, value := named(rest)
			m.macros[name] = value
		case 'C':
			name, words := named(rest)
			m.classes[name] += " " + words
		case 'F':
			name, value := named(rest)
			value = strings.TrimPrefix(strings.TrimSpace(value), "-o ")
			if strings.HasPrefix(value, "/") { // and no program or map
				file, _, _ := strings.Cut(value, " ")
				m.classes[name] += " " + file
			}
		case 'H':
			m.headers = append(m.headers, rest)
		}
	}
	return m
}

// named cuts the name of a macro or class from its value: a letter, or a word in braces.
func named(text string) (name, value string) {
	if long, value, ok := strings.Cut(text, "}"); ok && text[0] == '{' {
		return long[1:], value
	} else if text == "" {
		return "", ""
	}
	return text[:1], text[1:]
}

// class returns the words of a class, also from its files.
func (m *Sendmail) class(name string) (words []string, err error) {
	for _, word := range strings.Fields(m.classes[name]) {
		switch {
		case strings.HasPrefix(word, "/"):
			text, err := readRegular(word)
			if errors.Is(err, os.ErrNotExist) {
				continue
			} else if err != nil {
				return words, err
			}
			words = append(words, configLines(text)...)
		case strings.Contains(word, ".") && !strings.Contains(word, "$"):
			words = append(words, word)
		}
	}
	return words, nil
}

// comment matches where a comment begins in sendmail.cf.
var comment = regexp.MustCompile(`(^|[^\\$])#`)

// configLines returns the lines of sendmail.cf, each with the indented lines after it,
// which also continue a comment.
func configLines(text string) (lines []string) {
	skip := false
	for line := range strings.Lines(text) {
		indented := line[0] == ' ' || line[0] == '\t'
		if !indented {
			skip = line[0] == '#'
		}
		if at := comment.FindStringIndex(line); at != nil {
			line = line[:at[1]-1]
		}
		line = strings.TrimSpace(line)
		switch {
		case skip || line == "":
		case indented && len(lines) > 0:
			lines[len(lines)-1] += " " + line
		default:
			lines = append(lines, line)
		}
	}
	return lines
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

// readAliases reads the names of the aliases, from their texts and from the databases
// that Sendmail uses, which can be older than the texts.
func (m *Sendmail) readAliases() error {
	for _, list := range m.all("AliasFile", 'A') {
		for _, spec := range splitAlias(list.value) {
			file, ok := aliasFile(spec)
			if !ok {
				m.unlisted = append(m.unlisted, equate{"AliasFile", strings.TrimSpace(spec), list.argument})
				continue
			}
			text, err := readRegular(file)
			if errors.Is(err, os.ErrNotExist) {
				continue
			} else if err != nil {
				return err
			}
			m.addNames(logicalLines(text))
			m.callers = append(m.callers, callersIn(file, text)...)
		}
	}
	if udb := m.last("UserDatabaseSpec", 'U'); udb.value != "" {
		m.unlisted = append(m.unlisted, equate{"UserDatabaseSpec", udb.value, udb.argument})
	}
	if find("praliases") == "" {
		return nil
	}
	out, err := run("", "praliases", "-C", m.File)
	if err != nil && out == "" { // it cannot list some maps either
		return nil
	}
	m.addNames(strings.Split(out, "\n"))
	return nil
}

// aliasFile returns the text of a map of aliases such as "hash:-o /etc/mail/aliases". It
// reports whether the map has one.
func aliasFile(spec string) (file string, ok bool) {
	class, rest, named := strings.Cut(strings.TrimSpace(spec), ":")
	if !named || strings.Contains(class, "/") {
		class, rest = "implicit", strings.TrimSpace(spec)
	}
	file = rest[strings.LastIndexAny(rest, " \t")+1:]
	return file, strings.HasPrefix(file, "/") && slices.Contains([]string{"implicit", "hash", "btree", "dbm", "cdb", "text"}, strings.ToLower(class))
}

// readUsers reads the users of this host, who may have a .forward file.
func (m *Sendmail) readUsers() error {
	text, err := os.ReadFile("/etc/passwd")
	m.addNames(logicalLines(string(text)))
	return err
}

// addNames adds what is before the colon of each line.
func (m *Sendmail) addNames(lines []string) {
	for _, line := range lines {
		name, _, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); ok && name != "" && name != "@" && !slices.Contains(m.names, name) {
			m.names = append(m.names, name)
		}
	}
}

// Where commands that run sendmail(1) usually are.
var callerFiles = []string{
	"/etc/crontab", "/etc/cron.*/*", "/var/spool/cron/crontabs/*", "/var/spool/cron/*",
	"/etc/php.ini", "/etc/php.d/*.ini", "/etc/php/*/*/php.ini", "/etc/php/*/*/conf.d/*.ini",
	"/etc/php-fpm.d/*.conf", "/etc/php/*/fpm/pool.d/*.conf",
}

func (m *Sendmail) readCallers() error {
	for _, pattern := range callerFiles {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return err
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
	}
	return nil
}

// passesQueue matches a command that submits mail with sendmail.cf, and runsQueue one
// that submits none, or that asks the filters (-bs).
var (
	passesQueue = regexp.MustCompile(`[^\s|;&"'=(]*\bsendmail\b[^|;&]*\s-(Am\b|C\s*\S*sendmail\.cf)`)
	runsQueue   = regexp.MustCompile(`\s-(q|b[dDhHipPstv]\b)`)
	submits     = regexp.MustCompile(`\s-bm\b`)
)

// callersIn returns the commands that run sendmail(1), without the rest of their lines,
// which can contain a password.
func callersIn(file, text string) (callers []caller) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		at := passesQueue.FindStringIndex(line)
		if at == nil || line[0] == '#' || line[0] == ';' {
			continue
		}
		command := line[at[0]:]
		if end := strings.IndexAny(command, "|;&"); end >= 0 {
			command = command[:end]
		}
		if submits.MatchString(command) || !runsQueue.MatchString(command) {
			callers = append(callers, caller{file, strings.TrimSpace(command)})
		}
	}
	return callers
}
