package mtatest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// SendmailFiles is an unpacked Sendmail. The package cannot be installed beside
// Postfix, so its programs and files are below a directory of their own.
type SendmailFiles struct {
	Dir string
}

// UnpackSendmail unpacks Sendmail below dir.
func UnpackSendmail(root, dir string) (*SendmailFiles, error) {
	if err := Unpack(root, dir, "sendmail-bin", "sendmail-base", "sendmail-cf"); err != nil {
		return nil, err
	}
	return &SendmailFiles{dir}, nil
}

// privateMC makes an instance private: it trusts a directory below /tmp, and
// resolves only the names of hosts.
const privateMC = "divert(-1)\n" +
	"define(`_CF_DIR_', `%[1]s/usr/share/sendmail/cf/')\n" +
	"divert(0)dnl\n" +
	"include(`%[1]s/usr/share/sendmail/cf/m4/cf.m4')dnl\n" +
	"VERSIONID(`postseal')dnl\n" +
	"OSTYPE(`linux')dnl\n" +
	"define(`confDOMAIN_NAME', `mx.trust.example')dnl\n" +
	"define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe,TrustStickyBit')dnl\n" +
	"define(`confSERVICE_SWITCH_FILE', `%[1]s/service.switch')dnl\n" +
	"FEATURE(`nocanonify')dnl\n" + anyLoadMC

// anyLoadMC makes Sendmail work on a busy machine as on others. It would queue
// mail, and refuse connections.
const anyLoadMC = "define(`confQUEUE_LA', `1000')dnl\n" +
	"define(`confREFUSE_LA', `1000')dnl\n"

// Configure makes sendmail.cf from the lines of an mc file. They follow the
// lines that make the instance private. An error message of m4 is an error.
func (s *SendmailFiles) Configure(lines string) error { return s.configure("sendmail.cf", lines) }

func (s *SendmailFiles) configure(name, lines string) error {
	if err := os.WriteFile(filepath.Join(s.Dir, "service.switch"), []byte("hosts files\n"), 0o644); err != nil {
		return err
	}
	return s.expand(name, fmt.Sprintf(privateMC, s.Dir)+lines)
}

// expand makes the named cf file from a whole mc file.
func (s *SendmailFiles) expand(name, mc string) error {
	m4 := exec.Command("m4", "-")
	m4.Stdin = strings.NewReader(mc)
	var faults strings.Builder
	m4.Stderr = &faults
	cf, err := m4.Output()
	if faults.Len() > 0 {
		err = errors.Join(err, errors.New(faults.String()))
	}
	return errors.Join(err, os.WriteFile(filepath.Join(s.Dir, name), cf, 0o644))
}

func (s *SendmailFiles) cf() string { return filepath.Join(s.Dir, "sendmail.cf") }

func (s *SendmailFiles) program(name string) string {
	return filepath.Join(s.Dir, "usr", "libexec", "sendmail", name)
}

// sendmail returns a command of sendmail(8) that reads the named cf file.
// Without a dot in its host's name, Sendmail would wait for a minute.
func (s *SendmailFiles) sendmail(cf string, args ...string) *exec.Cmd {
	args = append([]string{"-u", "sh", "-c", `hostname mx.trust.example && exec "$@"`, "sh",
		s.program("sendmail"), "-C", filepath.Join(s.Dir, cf)}, args...)
	return exec.Command("unshare", args...)
}

// MakeMap makes the named hash map, below the directory, from its text.
func (s *SendmailFiles) MakeMap(name, text string) error { return s.MakeMapOf("hash", name, text) }

// MakeMapOf is like MakeMap, for a map of another type.
func (s *SendmailFiles) MakeMapOf(kind, name, text string) error {
	cmd := exec.Command(s.program("makemap"), "-C", s.cf(), kind, filepath.Join(s.Dir, name))
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("makemap %s: %w: %s", name, err, out)
	}
	return nil
}

// TestRules runs address test mode (sendmail -bt). It returns the result of the
// ruleset, or of the last of several such as "canonify,parse", for each
// argument. The lines of setup, such as ".D{verify}NONE", come first.
func (s *SendmailFiles) TestRules(setup []string, ruleset string, arguments []string) ([]string, error) {
	lines := append([]string{}, setup...)
	for _, argument := range arguments {
		lines = append(lines, ruleset+" "+argument)
	}
	cmd := s.sendmail("sendmail.cf", "-bt")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("sendmail -bt: %w: %s", err, out)
	}
	var results []string
	for line := range strings.Lines(string(out)) {
		name, result, ok := strings.Cut(line, "returns:")
		if ok && strings.TrimSpace(name) == ruleset[strings.LastIndexByte(ruleset, ',')+1:] {
			results = append(results, strings.TrimSpace(result))
		}
	}
	if len(results) != len(arguments) {
		return nil, fmt.Errorf("sendmail -bt: %d answers to %d questions: %s", len(results), len(arguments), out)
	}
	return results, nil
}
