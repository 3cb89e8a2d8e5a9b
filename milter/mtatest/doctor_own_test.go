package mtatest_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/mtatest"
)

// wantFindings runs doctor, and compares each finding with "id severity".
func (t *T) wantFindings(d *mtatest.Daemon, want ...string) (found []doctorFinding) {
	t.Helper()
	var got []string
	found = t.doctor(d)
	for _, f := range found {
		got = append(got, f.ID+" "+f.Severity)
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("found %+v\nwant %q", found, want)
	}
	return found
}

// rewrite changes the configuration on disk.
func rewrite(t testing.TB, d *mtatest.Daemon, old, with string) {
	t.Helper()
	text, err := os.ReadFile(d.Config)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("no %q in %s", old, text)
	}
	if err := os.WriteFile(d.Config, []byte(strings.Replace(string(text), old, with, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// reload makes the daemon read its configuration.
func reload(t testing.TB, d *mtatest.Daemon) {
	t.Helper()
	before := len(d.Events("reloaded"))
	if err := d.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if len(d.AwaitEvents("reloaded", before+1)) <= before {
		t.Fatal(d.Log())
	}
}

func TestDoctorDomains(tt *testing.T) {
	t := on(tt, changed)
	bob := "bob@example.org: [secure]"
	send := func(want arrived) {
		t.Helper()
		t.send([]string{"<bob@example.org>"}, mail("Subject: [secure]"))
		t.wantArrived(want)
	}
	const contrib, both = `local_domains = ["trust.example"]`, `local_domains = ["trust.example", "example.org"]`
	t.settings("mydestination=trust.example, example.org")
	d := t.serve("enforce", t.statusSocket())
	send(arrived{relay: []string{bob}})
	t.wantFindings(d, "local-domains delay")
	rewrite(t, d, contrib, both) // as the finding says
	reload(t, d)
	t.wantFindings(d)
	send(arrived{direct: []string{bob}})

	t.settings("mydestination=trust.example")
	send(arrived{direct: []string{bob}})
	t.wantFindings(d, "local-domains leak")
	rewrite(t, d, both, contrib)
	reload(t, d)
	t.wantFindings(d)
	send(arrived{relay: []string{bob}})
}

func TestDoctorConfiguration(tt *testing.T) {
	t := on(tt, postfix)
	d := t.serve("observe", t.statusSocket())
	t.wantFindings(d, "observe advice")
	rewrite(t, d, `mode = "observe"`, `mode = "enforce"`)
	t.wantFindings(d, "configuration-differs leak", "observe advice")
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure]"))
	t.wantArrived(arrived{direct: []string{"bob@gmail.com: [secure]"}})
	reload(t, d)
	t.wantFindings(d)
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure]"))
	t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure]"}})
}

// TestDoctorLog writes findings to the log. What the configuration accepts is left out,
// and addresses are shown as the log shows them.
func TestDoctorLog(tt *testing.T) {
	t := on(tt, changed)
	t.settings("milter_default_action=accept", "smtpd_milter_maps=inline:{ward@trust.example=DISABLE}")
	d := t.serve("observe", "[log]\naddresses = \"domain\"\n[doctor]\naccept = [\"default-action\"]\n"+t.statusSocket())
	code, out, log := hostCommand(t, "doctor", "-log", "-config", d.Config, "-config-directory", filepath.Join(t.mta.Directory(), "etc"))()
	logtest.Check(t, log)
	if code != 1 || out != "" || strings.Count(log, "\n") != 2 || !strings.Contains(log, `"id":"milter-maps","severity":"leak","setting":"smtpd_milter_maps = inline:"`) || !strings.Contains(log, `"id":"observe"`) {
		t.Errorf("exit %d, %s%s", code, out, log)
	}
	code, out, _ = hostCommand(t, "doctor", "-config", d.Config, "-config-directory", filepath.Join(t.mta.Directory(), "etc"))()
	if code != 1 || !strings.HasPrefix(out, "leak: milter-maps: main.cf: ") || !strings.Contains(out, "\n\naccepted: default-action: main.cf: milter_default_action = accept\n") {
		t.Errorf("exit %d, %s", code, out)
	}
}

// TestDoctorMetricsUnit runs the command of the drop-in, which writes the log and the
// metrics.
func TestDoctorMetricsUnit(tt *testing.T) {
	t := on(tt, postfix)
	d := t.serve("observe", t.statusSocket())
	_, command, _ := strings.Cut(read(t, "contrib/alerting/prometheus/postseal-doctor-metrics.conf"), "ExecStart=/bin/sh -c '")
	command, _, _ = strings.Cut(command, "' ")
	run := func(etc string) (code int, metrics, log string) {
		file := filepath.Join(t.TempDir(), "postseal-doctor.prom")
		cmd := exec.Command("sh", "-c", strings.Replace(command, "postseal doctor", binary+" doctor -config "+d.Config+" -config-directory "+etc, 1), file)
		out, _ := cmd.CombinedOutput()
		text, _ := os.ReadFile(file)
		return cmd.ProcessState.ExitCode(), string(text), string(out)
	}
	code, metrics, log := run(filepath.Join(t.mta.Directory(), "etc"))
	logtest.Check(t, log)
	if code != 1 || !strings.Contains(metrics, "postseal_doctor_findings{severity=\"advice\"} 1\n") || !strings.Contains(log, `"id":"observe"`) {
		t.Errorf("exit %d, %q, %s", code, metrics, log)
	}
	if code, metrics, log = run(t.TempDir()); code != 2 || metrics != "" || !strings.Contains(log, "cannot look") {
		t.Errorf("exit %d, %q, %s", code, metrics, log)
	}
}

// TestDoctorSends runs doctor -send with a journal and without one.
func TestDoctorSends(tt *testing.T) {
	onEach(tt, []*world{postfix, sendmail}, func(t *T) {
		journal, bin := filepath.Join(t.TempDir(), "journal"), filepath.Join(t.mta.Directory(), "bin")
		for _, test := range []struct{ name, journalctl, mode, to, want string }{
			{"journal", "cat " + journal, "enforce", "bob@gmail.com", "good: postseal has decided the message "},
			{"journal, observe", "cat " + journal, "observe", "bob@gmail.com", "postseal has decided the message "},
			{"journal, rejected", "cat " + journal, "enforce", "bob@nhss.net", "postseal has decided the message "},
			{"journal, domains", "cat " + journal, "enforce", "bob@gmail.com", "The log shows only domains, so this can be another message to the domain.\ngood: postseal has decided the message "},
			{"no journal", "exit 1", "enforce", "bob@gmail.com", "good: postseal has diverted a message.\nThe journal cannot be read"},
			{"no journal, rejected", "exit 1", "enforce", "bob@nhss.net", "postseal has decided a message, and has not diverted it.\nThe journal cannot be read"},
		} {
			t.Run(test.name, func(t *T) {
				toml := t.statusSocket()
				if strings.HasSuffix(test.name, "domains") {
					toml += "[log]\naddresses = \"domain\"\n"
				}
				d := t.serve(test.mode, toml)
				args := []string{"doctor", "-send", test.to, "-config", d.Config}
				if t.onSendmail() {
					args = append(args, "-sendmail-cf", filepath.Join(t.mta.Directory(), "sendmail.cf"))
				} else {
					args = append(args, "-config-directory", filepath.Join(t.mta.Directory(), "etc"))
				}
				send := hostCommand(t, args...)
				program := filepath.Join(bin, "journalctl")
				if err := os.WriteFile(program, []byte("#!/bin/sh\n"+test.journalctl+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { os.Remove(program) })
				t.expectMail()
				ended, copied := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(copied)
					for ; ; time.Sleep(20 * time.Millisecond) {
						os.WriteFile(journal, []byte(d.Log()), 0o644)
						select {
						case <-ended:
							return
						default:
						}
					}
				}()
				code, out, faults := send()
				close(ended)
				<-copied
				subject := test.to + ": [secure] postseal doctor"
				want, status := arrived{relay: []string{subject}}, 0
				if test.mode == "observe" {
					want, status = arrived{direct: []string{subject}}, 1
				}
				if strings.HasSuffix(test.name, "rejected") {
					status = 1
				}
				if code != status || !strings.HasPrefix(out, test.want) || faults != "" {
					t.Errorf("exit %d, %s%s", code, out, faults)
				}
				if strings.HasSuffix(test.name, "rejected") {
					direct, relayed, _ := t.settle()
					if len(direct) != 1 || direct[0].From != "" || len(relayed) > 0 {
						t.Errorf("got %+v and %+v, want a bounce", direct, relayed)
					}
					return
				}
				t.wantArrived(want)
			})
		}
	})
}

// TestDoctorSocket takes the socket away from Postfix in the ways in which sites do.
func TestDoctorSocket(tt *testing.T) {
	t := on(tt, changed)
	d := t.serve("enforce", t.statusSocket())
	socket := filepath.Join(t.mta.SocketDir(), "postseal.sock")
	smtpd := t.mta.Addr() + "/inet"
	for _, test := range []struct {
		name   string
		spoil  func(*T)
		repair func(*T, doctorFinding)
		want   []string
	}{
		{"mode", func(*T) { os.Chmod(socket, 0o600) }, func(*T, doctorFinding) { os.Chmod(socket, 0o660) },
			[]string{"socket delay", "socket delay"}}, // one for each service
		{"mode of the directory", func(t *T) { os.Chmod(t.mta.SocketDir(), 0o700) }, func(t *T, _ doctorFinding) { os.Chmod(t.mta.SocketDir(), 0o750) },
			[]string{"socket delay", "socket delay"}},
		{"absolute path in a chroot", func(t *T) {
			t.change("master.cf", "-F", smtpd+"/chroot=y")
			t.settings("smtpd_milters=unix:" + socket)
		}, (*T).mend, []string{"socket delay"}},
	} {
		t.Run(test.name, func(t *T) {
			test.spoil(t)
			found := t.wantFindings(d, test.want...)
			c := t.dial()
			say(t, c, 451, "EHLO client.trust.example", "MAIL FROM:<ward@trust.example>")
			c.Close()
			for _, f := range found {
				test.repair(t, f)
			}
			t.wantFindings(d)
			t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure]"))
			t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure]"}})
		})
	}
}

func TestDoctorNotRunning(tt *testing.T) {
	t := on(tt, postfix)
	d := t.startDaemon("enforce", t.statusSocket())
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	t.wantFindings(d, "not-running delay")
	c := t.dial()
	defer c.Close()
	say(t, c, 451, "EHLO client.trust.example", "MAIL FROM:<ward@trust.example>")
	t.wantFindings(t.serve("enforce", t.statusSocket()))
}

// TestDoctorQueue makes mail older: Postfix reads its time from the queue file.
func TestDoctorQueue(tt *testing.T) {
	t := on(tt, postfix)
	d := t.serve("enforce", "[[policy]]\nname = \"hold\"\nmarker = [\"missing\"]\naction = \"quarantine\"\n[[policy]]\nname = \"all\"\naction = \"divert\"\n"+t.statusSocket())
	older := func(queue string) {
		t.Helper()
		err := filepath.WalkDir(filepath.Join(t.mta.Directory(), "queue", queue), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			then := strconv.FormatInt(time.Now().Add(-2*time.Hour).Unix(), 10)
			return os.WriteFile(path, arrivedAt.ReplaceAll(text, []byte("${1}"+then)), 0o700)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: x"))
	_, _, held := t.settle()
	t.wantFindings(d)
	older("hold")
	t.wantFindings(d, "held-mail delay")
	for _, q := range held {
		if err := t.postfix().Release(q.ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := t.mta.Retry(); err != nil {
		t.Fatal(err)
	}
	t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure] x"}})
	t.wantFindings(d)

	t.stopRelay()
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure] x"))
	t.awaitDeferred()
	t.wantFindings(d)
	older("deferred")
	t.wantFindings(d, "sealed-mail delay")
	t.startRelay()
	t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure] x"}})
	t.wantFindings(d)
}

// arrivedAt is the time in a queue file of Postfix: a record with seconds and
// microseconds.
var arrivedAt = regexp.MustCompile(`(?s)\A(C.*?T.)\d{10}`)
