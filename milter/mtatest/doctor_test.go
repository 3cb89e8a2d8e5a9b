package mtatest_test

import (
	"cmp"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

// statusSocket is for the daemon of a test that runs postseal doctor.
func (t *T) statusSocket() string {
	return "[metrics]\nlisten = \"unix:" + t.mta.Directory() + "/status.sock\"\n"
}

// doctorFinding is an element of doctor -json.
type doctorFinding struct{ ID, Severity, Setting, Service, Effect, Fix string }

// doctor runs postseal doctor on the MTA.
func (t *T) doctor(d *mtatest.Daemon) (found []doctorFinding) {
	t.Helper()
	args := []string{"doctor", "-json", "-config", d.Config, "-config-directory", filepath.Join(t.mta.Directory(), "etc")}
	if t.onSendmail() {
		args = append(args[:4], "-sendmail-cf", filepath.Join(t.mta.Directory(), "sendmail.cf"))
	}
	code, out, faults := hostCommand(t, args...)()
	if err := json.Unmarshal([]byte(out), &found); err != nil || faults != "" || (code == 1) != (len(found) > 0) {
		t.Fatalf("doctor: exit %d, %v: %s%s", code, err, out, faults)
	}
	return found
}

// idsOf returns the ids of findings, each once.
func idsOf(found []doctorFinding) (ids []string) {
	for _, f := range found {
		if !slices.Contains(ids, f.ID) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// illness is a setting of Postfix that bypasses or defeats postseal. $DIR in it is
// the directory of main.cf, and $OTHER is a host that gets mail unencrypted, as in
// "[127.0.0.1]:25".
type illness struct {
	id, name  string
	files     map[string]string // below $DIR
	main      []string          // for postconf -e
	master    []string          // for postconf -P; without a value for postconf -PX
	submitted bool              // by sendmail(1), and not by SMTP
	to        string            // the recipient, if it is not bob@gmail.com
	subject   string            // if it is not "[secure] x"
	down      bool              // the daemon is down while the mail is sent
	ill       arrived           // the mail, with the setting
	service   string            // in the finding
	fix       string            // a part of the fix, which must contain it
	also      []string          // ids of the findings beside it
	healthy   arrived           // the mail after the fix, if it is not sealed as usual

	// mend does what the fix says if that is not a command.
	mend func(*T, doctorFinding)
}

// cure shows that the setting has its effect, that doctor names it, and that the
// command that doctor prints mends it.
func (t *T) cure(i illness) {
	t.Helper()
	etc := filepath.Join(t.postfix().Directory(), "etc")
	host, port, _ := net.SplitHostPort(t.internet.Addr)
	replace := strings.NewReplacer("$DIR", etc, "$OTHER", "["+host+"]:"+port)
	for _, name := range []string{"main.cf", "master.cf"} {
		t.keep(name)
	}
	for name, text := range i.files {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(replace.Replace(text)), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(filepath.Join(etc, name)) })
	}
	for _, setting := range i.main {
		t.postconf("-e", replace.Replace(setting))
	}
	for _, setting := range i.master {
		if strings.Contains(setting, "=") {
			t.postconf("-P", replace.Replace(setting))
		} else {
			t.postconf("-PX", setting)
		}
	}

	d := t.startDaemon("enforce", t.statusSocket())
	stop := func() {
		if d == nil {
			return
		}
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
		wantNoFault(t, d)
		d = nil
	}
	defer stop()
	found := t.doctor(d)
	want := append([]string{i.id}, i.also...)
	got := idsOf(found)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("found %+v\nwant %q", found, want)
	}
	if i.down {
		stop()
	}
	t.sendTo(i)
	t.wantArrived(i.ill)
	if d == nil {
		d = t.startDaemon("enforce", t.statusSocket())
	}

	for _, f := range found {
		if f.ID != i.id {
			continue
		}
		if f.Service != i.service || !strings.Contains(f.Fix, i.fix) {
			t.Errorf("got %+v, want service %q, fix %q", f, i.service, i.fix)
		}
		if i.mend != nil {
			i.mend(t, f)
		} else {
			t.mend(f)
		}
	}
	if after := idsOf(t.doctor(d)); slices.Contains(after, i.id) {
		t.Fatalf("still found: %+v", t.doctor(d))
	}
	t.sendTo(i)
	if i.healthy.direct == nil && i.healthy.relay == nil {
		i.healthy.relay = []string{"bob@gmail.com: [secure] x"}
	}
	t.wantArrived(i.healthy)
}

// mend runs the command of a finding.
func (t *T) mend(f doctorFinding) {
	t.Helper()
	if out, err := exec.Command("sh", "-c", f.Fix).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", f.Fix, err, out)
	}
}

func (t *T) sendTo(i illness) {
	t.Helper()
	to := i.to
	if to == "" {
		to = "bob@gmail.com"
	}
	subject := "Subject: " + cmp.Or(i.subject, "[secure] x")
	if i.submitted {
		t.submit(subject, to)
		return
	}
	t.send([]string{"<" + to + ">"}, mail(subject))
}

func (t *T) postconf(args ...string) {
	t.Helper()
	if err := t.postfix().Run("postconf", args...); err != nil {
		t.Fatal(err)
	}
}

// TestDoctorFindsNothingOnContrib runs doctor on the MTAs as contrib sets them up.
func TestDoctorFindsNothingOnContrib(t *testing.T) {
	onEach(t, []*world{postfix, sendmail, debian}, func(t *T) {
		d := t.serve("enforce", t.statusSocket())
		if found := t.doctor(d); len(found) > 0 {
			t.Errorf("found %+v", found)
		}
	})
}
