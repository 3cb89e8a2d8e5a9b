package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// patience is how long one program of the MTA may take.
const patience = 30 * time.Second

// HasPostfix reports whether Postfix is installed.
func HasPostfix() bool { return find("postconf") != "" }

// ReadPostfix reads the configuration of an instance with postconf(1). An empty
// directory means the default.
func ReadPostfix(directory string) (*Postfix, error) {
	r := postfixPrograms{directory: directory}
	if directory == "" {
		name, err := r.run("", "postconf", "-d", "-h", "config_directory")
		if err != nil {
			return nil, err
		}
		r.directory = strings.TrimSpace(name)
		if env := os.Getenv("MAIL_CONFIG"); env != "" {
			r.directory = env
		}
	}
	p := &Postfix{Directory: r.directory, isDefault: directory == "", tables: keep(r), instance: ReadPostfix}
	var err error
	if p.set, err = r.parameters("-n"); err != nil {
		return nil, fmt.Errorf("%w: if Postfix is configured elsewhere, name its directory with -config-directory", err)
	}
	if p.main, err = r.parameters("-x"); err != nil {
		return nil, err
	}
	// On Debian, myorigin can name a file whose first line is the name.
	if file := p.main["myorigin"]; strings.HasPrefix(file, "/") {
		text, err := readFile(file)
		if err != nil {
			return nil, fmt.Errorf("myorigin: %w", err)
		}
		p.main["myorigin"], _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	}
	if err := r.services(p); err != nil {
		return nil, err
	}
	return p, nil
}

// postfixPrograms runs the programs of one instance.
type postfixPrograms struct{ directory string }

func (r postfixPrograms) run(stdin, name string, args ...string) (string, error) {
	if r.directory != "" {
		args = append([]string{"-c", r.directory}, args...)
	}
	return run(stdin, name, args...)
}

// parameters reads lines "name = value".
func (r postfixPrograms) parameters(args ...string) (map[string]string, error) {
	out, err := r.run("", "postconf", args...)
	if err != nil {
		return nil, err
	}
	params := make(map[string]string)
	for line := range strings.Lines(out) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ="); ok {
			params[name] = strings.TrimPrefix(value, " ")
		}
	}
	return params, nil
}

// services reads master.cf. postconf -o expands the parameters of each service as
// Postfix does.
func (r postfixPrograms) services(p *Postfix) error {
	out, err := r.run("", "postconf", "-M")
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 8 {
			return fmt.Errorf("postconf -M: unexpected line %q", line)
		}
		s := &Service{Name: fields[0], Type: fields[1], Command: path.Base(fields[7]), set: make(map[string]string)}
		_, s.Args, _ = strings.Cut(line, " "+fields[7]+" ")
		s.Args = strings.TrimSpace(s.Args)
		s.Chroot = fields[4] == "y" || fields[4] == "-" && strings.HasPrefix(p.main["compatibility_level"], "0")
		if !isDisabled(p.main["master_service_disable"], s) {
			p.services = append(p.services, s)
		}
	}
	overrides, err := r.parameters("-P")
	if err != nil {
		return err
	}
	for name, value := range overrides {
		service, name := path.Split(name)
		for _, s := range p.services {
			if s.String()+"/" == service {
				s.set[name] = value
			}
		}
	}
	for _, s := range p.services {
		if len(s.set) == 0 {
			continue
		}
		args := []string{"-x"}
		for name, value := range s.set {
			args = append(args, "-o", name+"="+value)
		}
		if s.params, err = r.parameters(args...); err != nil {
			return err
		}
	}
	return nil
}

// isDisabled reports whether a list of types such as "inet", and of names with a type,
// has a service.
func isDisabled(list string, s *Service) bool {
	for _, pattern := range splitList(list) {
		pattern, not := strings.CutPrefix(pattern, "!")
		if pattern == s.Type || pattern == s.String() {
			return !not
		}
	}
	return false
}

func (r postfixPrograms) query(table string, keys []string) (map[string]string, error) {
	out, err := r.run(strings.Join(keys, "\n")+"\n", "postmap", "-q", "-", table)
	var failed *programError
	if errors.As(err, &failed) && failed.fault == "" { // no key is in the table
		err = nil
	}
	if err != nil {
		return nil, err
	}
	values := make(map[string]string)
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		values[key] = value
	}
	return values, nil
}

func (r postfixPrograms) list(table string) (entries []Entry, err error) {
	out, err := r.run("", "postmap", "-s", table)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		entries = append(entries, Entry{key, value})
	}
	return entries, nil
}

// programError is the failure of a program.
type programError struct {
	name  string
	fault string // the last line of its standard error that is not a warning
	err   error
}

func (e *programError) Error() string {
	if e.fault != "" {
		return e.fault
	}
	return fmt.Sprintf("%s: %v", e.name, e.err)
}

func (e *programError) Unwrap() error { return e.err }

// run runs a program of the MTA without a shell, and returns its output.
func run(stdin, name string, args ...string) (string, error) {
	program := find(name)
	if program == "" {
		return "", fmt.Errorf("%s is not installed", name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second // a child may have the output open
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		err = errors.New("takes too long")
	}
	if err == nil {
		return out.String(), nil
	}
	failed := &programError{name: name, err: err}
	for line := range strings.Lines(errs.String()) {
		if line = strings.TrimSpace(line); !strings.Contains(line, ": warning: ") {
			failed.fault = line
		}
	}
	if _, kind, ok := strings.Cut(failed.fault, "unsupported dictionary type: "); ok {
		failed.fault += ": install the package postfix-" + kind
	}
	return out.String(), failed
}

// find returns the path of a program, or "". System programs are not always in the
// search path.
func find(name string) string {
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/lib") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(path) {
			return path
		}
	}
	return ""
}
