package main

import (
	"bytes"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
)

// defangUser runs MIMEDefang, which refuses to run as root. Postfix's user finds its
// socket.
const defangUser = "postfix"

// mimeDefang has Debian's numbers of workers. Requests wait if all workers are busy.
func mimeDefang(w *world, e *entrant) ([]program, error) {
	root, err := w.unpack("mimedefang")
	if err != nil {
		return nil, err
	}
	script, err := patchedDefang(root)
	if err != nil {
		return nil, err
	}
	if err := e.writeTable(); err != nil {
		return nil, err
	}
	filter, err := e.fill(w, "mimedefang-filter", "filter")
	if err != nil {
		return nil, err
	}
	spool := filepath.Join(e.dir, "spool")
	if err := os.Mkdir(spool, 0o700); err != nil {
		return nil, err
	}
	for _, dir := range []string{e.dir, spool} {
		if err := giveTo(defangUser, dir); err != nil {
			return nil, err
		}
	}
	requests := filepath.Join(e.dir, "multiplexor.sock")
	multiplexor := exec.Command(filepath.Join(root, "usr/bin/mimedefang-multiplexor"),
		"-D", "-U", defangUser, "-m", "2", "-x", "10", "-w", "0", "-q", "100", "-Q", "300",
		"-z", spool, "-s", requests, "-f", script, "-F", filter)
	multiplexor.Env = append(os.Environ(), "PERL5LIB="+filepath.Join(root, "usr/share/perl5"))
	milter := exec.Command(filepath.Join(root, "usr/bin/mimedefang"),
		"-D", "-U", defangUser, "-q", "-X", "-z", spool, "-m", requests, "-p", e.socket())
	return []program{{multiplexor, requests, ""}, {milter, e.socket(), ""}}, nil
}

// patchedDefang changes the one absolute path in mimedefang.pl, and returns the path
// of mimedefang.pl.
func patchedDefang(root string) (string, error) {
	script := filepath.Join(root, "usr/bin/mimedefang.pl")
	text, err := os.ReadFile(script)
	if err != nil {
		return "", err
	}
	const config = "/etc/mail/mimedefang.pl.conf"
	text = bytes.ReplaceAll(text, []byte(`"`+config+`"`), []byte(`"`+root+config+`"`))
	return script, os.WriteFile(script, text, 0o755)
}

// giveTo makes a user the owner of a file.
func giveTo(name, path string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	return os.Chown(path, uid, -1)
}
