package mtatest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Sendmail is a running private instance.
type Sendmail struct {
	*SendmailFiles
	addr   string
	daemon *exec.Cmd
	done   chan error
}

// runningMC follows privateMC. Its only own domain is that of its host: mail
// for trust.example goes on to another host, as on a gateway.
const runningMC = "define(`QUEUE_DIR', `%[1]s/queue')dnl\n" +
	"define(`ALIAS_FILE', `%[1]s/aliases')dnl\n" +
	"define(`HELP_FILE', `%[1]s/helpfile')dnl\n" +
	"define(`STATUS_FILE', `%[1]s/statistics')dnl\n" +
	"define(`confPID_FILE', `%[1]s/pid')dnl\n" +
	"define(`confTO_IDENT', `0s')dnl\n" +
	"define(`confTO_ICONNECT', `5s')dnl\n" +
	"FEATURE(`accept_unresolvable_domains')dnl\n" +
	"FEATURE(`no_default_msa')dnl\n" +
	"FEATURE(`relay_entire_domain')dnl\n" +
	"FEATURE(`mailertable', `hash %[1]s/mailertable')dnl\n" +
	"FEATURE(`virtusertable', `hash %[1]s/virtusertable')dnl\n" +
	"VIRTUSER_DOMAIN(`virtual.trust.example')dnl\n" +
	"DAEMON_OPTIONS(`Name=MTA, Addr=127.0.0.1, Port=%[2]s')dnl\n" +
	"define(`MAIL_HUB', `esmtp:[127.0.0.1]')dnl\n" +
	"define(`ESMTP_MAILER_ARGS', `TCP $h %[3]s')dnl\n" +
	"define(`ENCRYPT_MAILER_ARGS', `TCP $h %[4]s')dnl\n"

// submitMC follows privateMC, for mail of sendmail(1): it passes all mail to
// the daemon. Mail that the daemon does not accept stays in a queue of its own.
const submitMC = "define(`MSP_QUEUE_DIR', `%[1]s/clientqueue')dnl\n" +
	"define(`STATUS_FILE', `%[1]s/clientqueue/statistics')dnl\n" +
	"define(`confRUN_AS_USER', `mail')dnl\n" +
	"define(`RELAY_MAILER_ARGS', `TCP $h %[2]s')dnl\n" +
	"FEATURE(`msp', `[127.0.0.1]')dnl\n"

// virtualUsers leads to outside addresses and to another local one.
const virtualUsers = "info@virtual.trust.example\tbob@gmail.com\n" +
	"desk@virtual.trust.example\tdesk@trust.example\n"

// oldDomains leads to another domain.
const oldDomains = "old.example\tnew.example\n"

// contribSocket is the directory of the socket in contrib's postseal.m4.
const contribSocket = "/run/postseal/"

// StartSendmail makes an instance below a new temporary directory and starts
// it. It needs root and the packages in bin/debs.
func StartSendmail(o Options) (*Sendmail, error) {
	dir, err := privateDirectory("Sendmail")
	s := &Sendmail{done: make(chan error, 1)}
	if err == nil {
		s.SendmailFiles, err = UnpackSendmail(o.Root, dir)
	}
	if err == nil {
		err = s.prepare(o)
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	if err := s.start(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

func (s *Sendmail) start(args ...string) error {
	args = append([]string{"-bD", "-X", filepath.Join(s.Dir, "transcript")}, args...)
	s.daemon = s.sendmail("sendmail.cf", args...)
	s.daemon.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C must not end it
	if err := s.daemon.Start(); err != nil {
		return err
	}
	daemon := s.daemon
	go func() { s.done <- daemon.Wait() }()
	if err := waitListening(s.addr); err != nil {
		return errors.Join(fmt.Errorf("%w: %s", err, s.Log()), s.end())
	}
	return nil
}

// Restart puts a changed sendmail.cf in force, and gives the daemon more arguments.
func (s *Sendmail) Restart(args ...string) error { return errors.Join(s.end(), s.start(args...)) }

// prepare creates the directories, maps and cf files.
func (s *Sendmail) prepare(o Options) error {
	for name, mode := range map[string]os.FileMode{"queue": 0o700, "clientqueue": 0o770, "postseal": 0o750} {
		if err := os.Mkdir(filepath.Join(s.Dir, name), mode); err != nil {
			return err
		}
	}
	// sendmail(1) needs a queue that belongs to its user, mail.
	if err := chownTo("mail", "mail", filepath.Join(s.Dir, "clientqueue")); err != nil {
		return err
	}
	contrib := filepath.Join(o.Root, "contrib", "sendmail")
	fragment, err := adapt(filepath.Join(contrib, "postseal.m4"), contribSocket, s.SocketDir()+"/")
	if err != nil {
		return err
	}
	row, err := adapt(filepath.Join(contrib, "mailertable"), "[relay.trust.example]", "[127.0.0.1]")
	if err != nil {
		return err
	}
	if s.addr, err = FreeAddr(); err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(s.addr)
	_, internet, _ := net.SplitHostPort(o.Internet)
	_, relay, _ := net.SplitHostPort(o.Relay)
	lines := o.MC
	if o.Milter {
		lines += fragment
	}
	lines += o.MCAfter
	if o.Debian {
		err = s.configureDebian(port, fmt.Sprintf(debianMC, s.Dir, internet, relay)+lines)
	} else {
		err = s.configurePrivate(port, fmt.Sprintf(runningMC, s.Dir, port, internet, relay)+lines)
	}
	if err := errors.Join(err,
		s.MakeMap("mailertable", row+".\tesmtp:[127.0.0.1]\n"),
		s.MakeMap("virtusertable", virtualUsers),
		s.MakeMap("domaintable", oldDomains),
	); err != nil {
		return err
	}
	_, err = s.Run("-bi") // makes the alias database
	return err
}

// configurePrivate makes sendmail.cf, with the lines of the site, and
// submit.cf.
func (s *Sendmail) configurePrivate(port, lines string) error {
	return errors.Join(
		os.WriteFile(filepath.Join(s.Dir, "aliases"), nil, 0o644),
		s.Configure(lines+"MAILER(`smtp')dnl\n"),
		s.configure("submit.cf", fmt.Sprintf(submitMC, s.Dir, port)))
}

// Run runs sendmail(8) on the instance and returns what it prints, as in
// Run("-bp", "-qQ").
func (s *Sendmail) Run(args ...string) (string, error) { return s.run("sendmail.cf", args...) }

func (s *Sendmail) run(cf string, args ...string) (string, error) {
	out, err := s.sendmail(cf, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("sendmail %q: %w: %s", args, err, out)
	}
	return string(out), nil
}

// Addr returns the address of its daemon.
func (s *Sendmail) Addr() string { return s.addr }

// Directory returns the directory that contains all its files.
func (s *Sendmail) Directory() string { return s.Dir }

// SocketDir returns a directory below that.
func (s *Sendmail) SocketDir() string { return filepath.Join(s.Dir, "postseal") }

// Submit submits a message with sendmail(1). If the daemon refuses it, it
// returns to its sender as a bounce. Without submit.cf, sendmail(1) reads
// sendmail.cf.
func (s *Sendmail) Submit(from string, to []string, message []byte) error {
	cf := "submit.cf"
	if _, err := os.Stat(filepath.Join(s.Dir, cf)); errors.Is(err, os.ErrNotExist) {
		cf = "sendmail.cf"
	}
	cmd := s.sendmail(cf, append([]string{"-i", "-f", from, "--"}, to...)...)
	cmd.Stdin = bytes.NewReader(message)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err == nil || errors.As(err, &exit) && exit.ExitCode() == exitNoUser {
		return nil
	}
	return fmt.Errorf("sendmail: %w: %s", err, out)
}

// exitNoUser is EX_NOUSER of sysexits.h: a recipient was refused.
const exitNoUser = 67

// Queue lists what is in the queue, and in the queue of sendmail(1).
func (s *Sendmail) Queue() ([]Queued, error) {
	var queue []Queued
	for _, name := range []string{"clientqueue", "queue"} {
		dir := filepath.Join(s.Dir, name)
		files, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			kind, id := file.Name()[:1], file.Name()[2:]
			if file.Name()[1] != 'f' || !strings.Contains("qhQ", kind) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, file.Name()))
			if errors.Is(err, os.ErrNotExist) {
				continue // it has been delivered meanwhile
			} else if err != nil {
				return nil, err
			}
			q := readQueueFile(kind, id, string(text))
			if q.Queue == "deferred" && locked(file) {
				q.Queue = "active" // a queue run would leave it out
			}
			queue = append(queue, q)
		}
	}
	return queue, nil
}

// locked reports whether a process has a lock on the file.
func locked(file fs.DirEntry) bool {
	info, err := file.Info()
	if err != nil {
		return false // the file is gone
	}
	locks, err := os.ReadFile("/proc/locks")
	return err == nil && strings.Contains(string(locks), fmt.Sprintf(":%d ", info.Sys().(*syscall.Stat_t).Ino))
}

// readQueueFile reads a control file. An hf file is held. The line N counts the
// tries.
func readQueueFile(kind, id, text string) Queued {
	q := Queued{Queue: "active", ID: id}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case line[0] == 'N' && line != "N0":
			q.Queue = "deferred"
		case line[0] == 'R':
			_, address, _ := strings.Cut(line, ":")
			q.Recipients = append(q.Recipients, strings.Trim(address, "<>"))
		}
	}
	if kind == "h" {
		q.Queue = "hold"
	}
	return q
}

// Release releases a held message.
func (s *Sendmail) Release(id string) error {
	_, err := s.Run("-Q", "-qQ", "-qI"+id)
	return err
}

// Retry tries to deliver everything that waits, now.
func (s *Sendmail) Retry() error {
	_, submitErr := s.run("submit.cf", "-q")
	_, err := s.Run("-q")
	return errors.Join(submitErr, err)
}

// Log returns the SMTP of the last sessions.
func (s *Sendmail) Log() string {
	text, err := os.ReadFile(filepath.Join(s.Dir, "transcript"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-8<<10):])
}

// Stop ends the instance and the processes that it has started, and removes its
// directory.
func (s *Sendmail) Stop() error {
	return errors.Join(s.end(), os.RemoveAll(s.Dir))
}

func (s *Sendmail) end() error {
	err := syscall.Kill(-s.daemon.Process.Pid, syscall.SIGKILL)
	<-s.done
	return err
}
