package mtatest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// debianMC are the lines that a site adds to Debian's own sendmail.mc before
// the MAILER lines. They say where mail goes.
const debianMC = anyLoadMC + "define(`confDOMAIN_NAME', `mx.trust.example')dnl\n" +
	"define(`MAIL_HUB', `esmtp:[127.0.0.1]')dnl\n" +
	"define(`ESMTP_MAILER_ARGS', `TCP $h %[2]s')dnl\n" +
	"define(`ENCRYPT_MAILER_ARGS', `TCP $h %[3]s')dnl\n" +
	"FEATURE(`mailertable', `hash %[1]s/mailertable')dnl\n" +
	"FEATURE(`virtusertable', `hash %[1]s/virtusertable')dnl\n" +
	"VIRTUSER_DOMAIN(`virtual.trust.example')dnl\n" +
	"FEATURE(`domaintable', `hash %[1]s/domaintable')dnl\n"

// mailerLines begin the last part of Debian's sendmail.mc, which a site leaves
// unchanged.
const mailerLines = "dnl # Default Mailer setup\n"

// configureDebian makes sendmail.cf and submit.cf from Debian's own files, with
// the lines of the site added.
func (s *SendmailFiles) configureDebian(port, lines string) error {
	if err := errors.Join(s.relocate(), s.debianDirectories()); err != nil {
		return err
	}
	mc := func(name string) string { return filepath.Join(s.Dir, "usr/share/sendmail/cf/debian", name) }
	site, err := adapt(mc("sendmail.mc"), "Port=smtp", "Port="+port)
	if err != nil {
		return err
	}
	before, after, found := strings.Cut(site, mailerLines)
	if !found {
		return fmt.Errorf("no line %q in Debian's sendmail.mc any more", mailerLines)
	}
	submission, err := FreeAddr()
	if err != nil {
		return err
	}
	before = strings.ReplaceAll(before, "Port=submission", "Port="+submission[strings.LastIndexByte(submission, ':')+1:])
	const msp = "FEATURE(`msp', `[127.0.0.1]', `25')dnl"
	submit, err := adapt(mc("submit.mc"), msp, anyLoadMC+"define(`RELAY_MAILER_ARGS', `TCP $h "+port+"')dnl\n"+msp)
	return errors.Join(err,
		s.expand("sendmail.cf", before+lines+mailerLines+after),
		s.expand("submit.cf", submit),
		s.makeDebianMaps())
}

// relocate changes Debian's m4 files to name files below the directory, and
// users that every Debian has.
func (s *SendmailFiles) relocate() error {
	names := strings.NewReplacer(
		"/var/spool/mqueue-client", s.Dir+"/clientqueue",
		"/var/spool/mqueue", s.Dir+"/queue",
		"/var/lib/sendmail", s.Dir+"/lib",
		"/var/run/sendmail", s.Dir+"/run",
		"/usr/share/sendmail/", s.Dir+"/usr/share/sendmail/",
		"/usr/libexec/sendmail", s.Dir+"/usr/libexec/sendmail",
		"/etc/mail/", s.Dir+"/etc/mail/",
		"smmta", "root", "smmsp", "mail")
	return filepath.WalkDir(filepath.Join(s.Dir, "usr/share/sendmail/cf"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(names.Replace(string(text))), 0o644)
	})
}

// debianDirectories creates the directories that Debian's package creates when it
// is installed.
func (s *SendmailFiles) debianDirectories() error {
	for name, mode := range map[string]os.FileMode{
		"run/mta": 0o755, "run/msp": 0o775, "lib": 0o755, "etc/mail/m4": 0o755,
	} {
		path := filepath.Join(s.Dir, name)
		if err := errors.Join(os.MkdirAll(path, 0o755), os.Chmod(path, mode)); err != nil {
			return err
		}
	}
	etc := filepath.Join(s.Dir, "etc/mail")
	for _, name := range []string{"m4/dialup.m4", "m4/provider.m4", "aliases", "local-host-names", "relay-domains", "trusted-users"} {
		if err := os.WriteFile(filepath.Join(etc, name), nil, 0o644); err != nil {
			return err
		}
	}
	return chownTo("root", "mail", filepath.Join(s.Dir, "run/msp"))
}

// makeDebianMaps makes the access map of Debian's example.
func (s *SendmailFiles) makeDebianMaps() error {
	access, err := os.ReadFile(filepath.Join(s.Dir, "usr/share/sendmail/examples/db/access"))
	if err != nil {
		return err
	}
	return s.MakeMap("etc/mail/access", string(access))
}
