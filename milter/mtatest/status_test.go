package mtatest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// testStatus runs postseal status while one message is held and another waits for the
// relay, and when the daemon is stopped.
func testStatus(t *T) {
	d, err := mtatest.StartDaemon(t.mta, mtatest.DaemonOptions{Root: root, Binary: binary, Mode: "enforce", TOML: `
[metrics]
listen = "unix:` + t.mta.Directory() + `/status.sock"

[[policy]]
name   = "hold-unmarked"
marker = ["missing"]
action = "quarantine"

[[policy]]
name   = "rest"
action = "divert"
`})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Kill()
	status := statusCommand(t, d.Config)
	if code, out := status("-nagios"); code != 0 || !strings.Contains(out, " | held=0;;;0 held_oldest=0s;3600;14400;0 sealed=0;;;0 sealed_oldest=0s;3600;14400;0 ") {
		t.Errorf("empty queue: exit %d, %s", code, out)
	}
	t.stopRelay()
	begin := time.Now()
	held := t.send([]string{"<bob@gmail.com>"}, mail("Subject: held"))
	long := "<" + strings.Repeat("carol", 12) + "@gmail.com>" // mailq shortens it
	sealed := t.send([]string{long, "<a@nhs.net>"}, mail("Subject: [secure] waits"))
	decision(t, d, held.QueueID())
	decision(t, d, sealed.QueueID())
	t.wantFirst("a@nhs.net: [secure] waits")

	// Both are soon older than a second.
	var code int
	var out string
	until(t, func() bool {
		code, out = status("-nagios", "-held-warning", "0", "-sealed-warning", "0")
		return strings.Contains(out, " held, the oldest") && strings.Contains(out, " sealed but not sent, the oldest")
	}, func() string { return out })
	if code != 1 || !strings.HasPrefix(out, "POSTSEAL WARNING - 1 message held, the oldest for ") || !strings.Contains(out, "; 1 message sealed but not sent, the oldest for ") ||
		!strings.Contains(out, " today_divert=1;;;0 today_quarantine=1;;;0 ") {
		t.Errorf("exit %d, %s", code, out)
	}

	var report struct {
		State, Mode string
		Running     bool
		Today       struct{ Messages int }
		Queue       struct {
			Held   int
			Oldest int `json:"oldest_held_seconds"`
			Sealed int
			Waits  int `json:"oldest_sealed_seconds"`
		}
	}
	code, out = status("-json")
	limit := int(time.Since(begin).Seconds()) + 1
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 {
		t.Fatalf("exit %d, %v in %s", code, err, out)
	}
	if q := report.Queue; !report.Running || report.Mode != "enforce" || report.Today.Messages != 2 ||
		q.Held != 1 || q.Sealed != 1 || q.Oldest < 1 || q.Oldest > limit || q.Waits < 1 || q.Waits > limit {
		t.Errorf("got %+v after %d s", report, limit)
	}
	_, text := status()
	for _, want := range []string{`(?m)^today +2 messages decided, 1 divert, 1 quarantine$`, `(?m)^held +1 message, the oldest for \d`, `(?m)^sealed +1 message, the oldest for \d`} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	code, figures := status("-prometheus")
	if code != 0 || !strings.Contains(figures, "\npostseal_held_messages 1\n") || !strings.Contains(figures, "\npostseal_sealed_waiting_messages 1\n") {
		t.Errorf("exit %d, %s", code, figures)
	}
	for _, private := range []string{"bob", "carol", "ward", "gmail", "nhs.net"} {
		if strings.Contains(out+text+figures, private) {
			t.Errorf("%q in %s%s%s", private, out, text, figures)
		}
	}

	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	wantNoFault(t, d)
	code, out = status("-nagios")
	if code != 2 || !strings.HasPrefix(out, "POSTSEAL CRITICAL - the status of the daemon cannot be read: ") || !strings.Contains(out, " | held=1;;;0 ") {
		t.Errorf("stopped: exit %d, %s", code, out)
	}

	if err := t.mta.Release(held.QueueID()); err != nil {
		t.Fatal(err)
	}
	t.startRelay()
	t.wantArrived(arrived{relay: []string{"bob@gmail.com: {[secure] }held", strings.Trim(long, "<>") + ": [secure] waits"}})
}

// wantFirst waits for the direct deliveries.
func (t *T) wantFirst(want ...string) {
	t.Helper()
	var got []mtatest.Delivery
	until(t, func() bool {
		got = append(got, t.internet.Take()...)
		return len(got) >= len(want)
	}, t.mta.Log)
	compare(t, "direct", got, want, nil)
}

// statusCommand returns a function that runs postseal status about the MTA.
func statusCommand(t *T, config string) func(args ...string) (code int, out string) {
	run := hostCommand(t, "status", "-config", config)
	return func(args ...string) (code int, out string) {
		t.Helper()
		code, out, faults := run(args...)
		if faults != "" {
			t.Fatalf("%q: %s", args, faults)
		}
		return code, out
	}
}

// hostCommand returns a function that runs postseal, as on a host that has only this
// MTA.
func hostCommand(t *T, args ...string) func(args ...string) (code int, out, faults string) {
	dir := t.mta.Directory()
	command := append([]string{binary}, args...)
	bin := filepath.Join(dir, "bin")
	env := append(os.Environ(), "MAIL_CONFIG="+filepath.Join(dir, "etc"), "PATH="+bin+":"+os.Getenv("PATH"))
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if t.onSendmail() {
		none := filepath.Join(dir, "none")
		script := "#!/bin/sh\ncf=sendmail.cf\n[ \"$1\" != -i ] || cf=submit.cf\n" +
			"exec " + dir + "/usr/libexec/sendmail/sendmail -C " + dir + "/$cf \"$@\"\n"
		if err := os.WriteFile(filepath.Join(bin, "sendmail"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(none, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(dir+"/usr/libexec/sendmail/praliases", filepath.Join(bin, "praliases")); err != nil && !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
		command = append([]string{"unshare", "--uts", "--mount", "sh", "-c",
			`hostname mx.trust.example && mount --bind "$0" "$1" && shift && exec "$@"`, none, "/usr/sbin/postqueue"}, command...)
	}
	return func(args ...string) (code int, out, faults string) {
		t.Helper()
		cmd := exec.Command(command[0], append(command[1:len(command):len(command)], args...)...)
		cmd.Env = env
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		text, err := cmd.Output()
		if cmd.ProcessState == nil {
			t.Fatalf("%q: %v", args, err)
		}
		return cmd.ProcessState.ExitCode(), string(text), stderr.String()
	}
}
