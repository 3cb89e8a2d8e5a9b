package mtatest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDoctorFindsNothingOnDebian sets a host up as Debian's package does, and then as
// the README says. Its smtpd runs in a chroot.
func TestDoctorFindsNothingOnDebian(tt *testing.T) {
	t := on(tt, postfix)
	d := t.serve("enforce", t.statusSocket())
	etc := t.TempDir()
	run := func(command ...string) {
		t.Helper()
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Env = append(os.Environ(), "MAIL_CONFIG="+etc)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v: %s", command, err, out)
		}
	}
	const share = "/usr/share/postfix/"
	run("sh", "-c", "cat "+share+"main.cf.debian "+share+"main.cf.tls >"+etc+"/main.cf && cp "+share+"master.cf.dist "+etc+"/master.cf")
	err := errors.Join(
		os.WriteFile(filepath.Join(etc, "mailname"), []byte("mx.trust.example\n"), 0o644),
		os.WriteFile(filepath.Join(etc, "aliases"), []byte("postmaster:    root\nroot: ward\n"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	aliases := "hash:" + etc + "/aliases"
	// The settings of postfix.postinst for an internet site.
	run("postconf", "-e", "myhostname=mx.trust.example", "myorigin="+etc+"/mailname", "alias_maps="+aliases, "alias_database="+aliases,
		"mydestination=$myhostname, trust.example, mailhost, localhost.trust.example, , localhost", "relayhost=",
		"mynetworks=127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128", "mailbox_size_limit=0", "recipient_delimiter=+",
		"smtpd_relay_restrictions=permit_mynetworks permit_sasl_authenticated defer_unauth_destination",
		"inet_interfaces=all", "inet_protocols=all", "queue_directory="+filepath.Join(t.mta.Directory(), "queue"))
	run("postalias", aliases)

	contrib := filepath.Join(root, "contrib", "postfix")
	run("sh", "-c", "cp "+contrib+"/*.pcre "+etc+" && cat "+contrib+"/main.cf >>"+etc+"/main.cf && cat "+contrib+"/master.cf >>"+etc+"/master.cf")
	run("postconf", "-P", "pickup/unix/content_filter=postseal:[127.0.0.1]:10026")
	code, out, faults := hostCommand(t, "doctor", "-config", d.Config, "-config-directory", etc)()
	if code != 0 || out != "good: no findings\n" {
		t.Errorf("exit %d, %s%s", code, out, faults)
	}
}

// TestDoctorReadsSendmailsQueue runs doctor on Sendmail where Postfix is installed too.
func TestDoctorReadsSendmailsQueue(tt *testing.T) {
	t := on(tt, sendmail)
	d := t.serve("enforce", t.statusSocket())
	hostCommand(t) // writes the command sendmail
	dir := t.mta.Directory()
	cmd := exec.Command("unshare", "--uts", "sh", "-c", `hostname mx.trust.example && exec "$@"`, "sh",
		binary, "doctor", "-json", "-config", d.Config, "-sendmail-cf", filepath.Join(dir, "sendmail.cf"))
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "MAIL_CONFIG="+t.TempDir())
	var faults bytes.Buffer
	cmd.Stderr = &faults
	out, err := cmd.Output()
	var found []doctorFinding
	if err := errors.Join(err, json.Unmarshal(out, &found)); err != nil || len(found) > 0 || strings.TrimSpace(faults.String()) != "" {
		t.Errorf("%v: %s%s", err, out, &faults)
	}
}
