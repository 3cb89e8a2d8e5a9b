package debian_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/mtatest"
)

const (
	installedConfig = "/etc/postseal/postseal.toml"
	installedList   = "/var/lib/postseal/accredited.csv"
	ownRules        = "/etc/postseal/rules.d/own.toml"
	goodRules       = "[table]\nname = \"own\"\nsource = \"test\"\n"
)

// testLife installs, runs, upgrades, removes and purges the package.
func testLife(t *testing.T, s checkout, old string) {
	d := newDebian(t)
	if err := os.Mkdir(d.path("/var/spool/postfix"), 0o755); err != nil { // Postfix's
		t.Fatal(err)
	}
	before := d.files(t)

	d.install(t, old)
	checkInstalled(t, d, before)
	checkLinks(t, d)
	installed := d.files(t)
	d.install(t, old)
	compareFiles(t, "installed again", d.files(t), installed)

	importMadeUp(t, d)
	askDaemon(t, d)

	calls := startSystemd(t, d)
	next := nextVersion(t, s)
	checkUpgrade(t, d, next, calls)
	checkFaultyUpgrade(t, d, next, calls)
	checkRemoval(t, d, calls)

	d.run(t, "/usr/bin/dpkg", "-P", "postseal")
	stopSystemd(t, d)
	compareFiles(t, "purged", d.files(t), before)
}

func checkInstalled(t *testing.T, d system, before map[string]string) {
	t.Helper()
	id, entry := d.user(t, "postseal")
	if want := fmt.Sprintf("postseal:x:%d:%d::/nonexistent:/usr/sbin/nologin", id.Uid, id.Gid); entry != want || id.Uid >= 1000 {
		t.Errorf("got the user %q, want %q with a system user's ID", entry, want)
	}
	conffiles := d.run(t, "/usr/bin/dpkg-query", "-W", "-f", "${Conffiles}", "postseal")
	if got := strings.Fields(conffiles); len(got) != 2 || got[0] != installedConfig {
		t.Errorf("got the conffiles %q, want only %s", conffiles, installedConfig)
	}
	after := d.files(t)
	for name, want := range map[string]string{
		"/usr/sbin/postseal":                                   "-rwxr-xr-x 0:0",
		"/usr/lib/systemd/system/postseal.socket":              "-rw-r--r-- 0:0",
		"/usr/lib/systemd/system/postseal-metrics.socket":      "-rw-r--r-- 0:0",
		"/usr/lib/systemd/system/postseal-doctor.service":      "-rw-r--r-- 0:0",
		"/usr/lib/systemd/system/postseal-doctor.timer":        "-rw-r--r-- 0:0",
		"/usr/lib/systemd/system/postseal.service":             "-rw-r--r-- 0:0",
		"/usr/share/man/man5/postseal.toml.5.gz":               "-rw-r--r-- 0:0",
		"/usr/share/man/man5/postseal-rules.5.gz":              "-rw-r--r-- 0:0",
		"/usr/share/man/man7/postseal.7.gz":                    "-rw-r--r-- 0:0",
		"/usr/share/man/man5/postseal-log.5.gz":                "-rw-r--r-- 0:0",
		"/usr/share/man/man5/postseal-metrics.5.gz":            "-rw-r--r-- 0:0",
		"/usr/share/man/man8/postseal.8.gz":                    "-rw-r--r-- 0:0",
		installedConfig:                                        "-rw-r--r-- 0:0",
		"/etc/postseal/rules.d":                                "drwxr-xr-x 0:0",
		"/var/lib/postseal":                                    "drwxr-xr-x 0:0",
		"/usr/share/bash-completion/completions/postseal":      "-rw-r--r-- 0:0",
		"/usr/share/doc/postseal/contrib/log/schema.json":      "-rw-r--r-- 0:0",
		"/usr/share/doc/postseal/contrib/postfix/main.cf":      "-rw-r--r-- 0:0",
		"/usr/share/doc/postseal/contrib/sendmail/postseal.m4": "-rw-r--r-- 0:0",
	} {
		if got := after[name]; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for name := range after {
		if _, there := before[name]; !there && strings.HasPrefix(name, "/etc/systemd/system/") {
			t.Errorf("installing made %s: nothing may be enabled", name)
		}
	}
}

// importMadeUp imports the made-up list and looks up one of its domains.
func importMadeUp(t *testing.T, d system) {
	t.Helper()
	root, err := mtatest.Root()
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, "/root/list.csv", string(read(t, filepath.Join(root, "testdata", "accredited.csv"))), 0o600)
	d.run(t, "/usr/sbin/postseal", "import", "-accept", "/root/list.csv")
	if err := os.Remove(d.path("/root/list.csv")); err != nil {
		t.Fatal(err)
	}
	if got := d.run(t, "/usr/sbin/postseal", "lookup", "-json", "care.example"); !strings.Contains(got, `"class":"secure"`) {
		t.Errorf("care.example is on the list, and lookup says %s", got)
	}
}

// askDaemon does what systemd does with the two units: it opens the socket,
// starts the daemon as its user, and connects as an MTA.
func askDaemon(t *testing.T, d system) {
	t.Helper()
	path := d.path(d.unit(t, "postseal.socket", "ListenStream"))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	socket, err := listener.File()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := d.user(t, d.unit(t, "postseal.service", "User"))
	state := makeState(t, d, id)
	d.write(t, installedConfig, d.read(t, installedConfig)+"\n[log]\naddresses = \"hash\"\n", 0o644)
	// LISTEN_PID names the shell, which exec replaces by the daemon.
	cmd := d.command("/bin/sh", "-c", "STATE_DIRECTORY="+state+" LISTEN_PID=$$ LISTEN_FDS=1 exec "+d.unit(t, "postseal.service", "ExecStart"))
	cmd.SysProcAttr.Credential = &id
	cmd.ExtraFiles = []*os.File{socket}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// From here only the daemon has the socket, so connections fail when it ends.
	if err := errors.Join(listener.Close(), socket.Close()); err != nil {
		t.Error(err)
	}
	answered := negotiate(path)
	defer func() { logtest.CheckStderr(t, log.String()) }()
	cmd.Process.Signal(syscall.SIGTERM)
	if err := errors.Join(answered, cmd.Wait()); err != nil || !strings.Contains(log.String(), `"msg":"started"`) {
		t.Errorf("%v\n%s", err, &log)
	}
	if got, want := d.files(t)[state+"/log.key"], fmt.Sprintf("-rw------- %d:%d", id.Uid, id.Gid); got != want {
		t.Errorf("the key of the log is %q, want %q", got, want)
	}
}

// makeState makes the directory that systemd makes for the service. The
// innermost one belongs to the user.
func makeState(t *testing.T, d system, id syscall.Credential) string {
	t.Helper()
	state := "/var/lib/" + d.unit(t, "postseal.service", "StateDirectory")
	if err := errors.Join(os.Mkdir(d.path(state), 0o700), os.Chown(d.path(state), int(id.Uid), int(id.Gid))); err != nil {
		t.Fatal(err)
	}
	return state
}

// negotiation is the first packet of an MTA, without its length: SMFIC_OPTNEG with version
// 6, all actions and all steps.
const negotiation = "O\x00\x00\x00\x06\x00\x00\x01\xff\x00\x1f\xff\xff"

// negotiate sends the first packet.
func negotiate(path string) error {
	c, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(mtatest.Patience))
	if _, err := c.Write([]byte("\x00\x00\x00\x0d" + negotiation)); err != nil {
		return err
	}
	answer := make([]byte, 5)
	if _, err := io.ReadFull(c, answer); err != nil || answer[4] != 'O' {
		return fmt.Errorf("the answer to a negotiation is %q, %v", answer, err)
	}
	return nil
}

// startSystemd makes the scripts detect systemd, with a systemctl that records
// how it is called. It enables the units as systemctl does.
func startSystemd(t *testing.T, d system) (calls func() []string) {
	t.Helper()
	d.write(t, "/usr/bin/systemctl", "#!/bin/sh\necho \"$*\" >>/run/calls\n", 0o755)
	d.write(t, "/run/calls", "", 0o644)
	if err := os.MkdirAll(d.path("/run/systemd/system"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, unit := range []string{"postseal.socket", "postseal-metrics.socket", "postseal-doctor.timer", "postseal.service"} {
		link := d.path("/etc/systemd/system/" + d.unit(t, unit, "WantedBy") + ".wants/" + unit)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/usr/lib/systemd/system/"+unit, link); err != nil {
			t.Fatal(err)
		}
	}
	return func() []string {
		text := strings.TrimSpace(d.read(t, "/run/calls"))
		d.write(t, "/run/calls", "", 0o644)
		return strings.Split(text, "\n")
	}
}

func stopSystemd(t *testing.T, d system) {
	t.Helper()
	for _, name := range []string{"/usr/bin/systemctl", "/run/calls", "/run/systemd/system", "/run/systemd"} {
		if err := os.Remove(d.path(name)); err != nil {
			t.Error(err)
		}
	}
}

const nextTag = "0.1.0"

// nextVersion builds the package of a tagged version with another
// postseal.toml.
func nextVersion(t *testing.T, s checkout) string {
	t.Helper()
	s.sh(t, `echo '# new in the next version' >>contrib/postseal.toml`)
	s.commit(t)
	s.sh(t, "git tag v"+nextTag)
	return s.build(t)
}

func checkUpgrade(t *testing.T, d system, deb string, calls func() []string) {
	t.Helper()
	config := d.read(t, installedConfig) + "# the sysadmin's\n"
	d.write(t, installedConfig, config, 0o644)
	d.write(t, ownRules, goodRules, 0o644)
	list := d.read(t, installedList)
	id, _ := d.user(t, "postseal")

	d.install(t, deb)
	if got := d.run(t, "/usr/bin/dpkg-query", "-W", "postseal"); got != "postseal\t"+nextTag {
		t.Errorf("got %q, want version %s", got, nextTag)
	}
	if got := d.run(t, "/usr/sbin/postseal", "-version"); !strings.HasPrefix(got, "postseal v"+nextTag+",") {
		t.Errorf("got %q, want version %s", got, nextTag)
	}
	if got := d.read(t, installedConfig); got != config {
		t.Errorf("the sysadmin's %s became %s", installedConfig, got)
	}
	if got := d.read(t, installedConfig+".dpkg-dist"); !strings.Contains(got, "new in the next version") {
		t.Errorf("the new %s is not beside the old one", installedConfig)
	}
	if got := d.read(t, installedList); got != list {
		t.Error("the list has changed")
	}
	if got, _ := d.user(t, "postseal"); got.Uid != id.Uid || got.Gid != id.Gid {
		t.Errorf("the user's ID became %d, was %d", got.Uid, id.Uid)
	}
	// The socket stays open, so no connection is refused.
	want := []string{"--system daemon-reload", "try-restart postseal.service"}
	if got := calls(); !slices.Equal(got, want) {
		t.Errorf("systemctl: got %q, want %q", got, want)
	}
}

// checkFaultyUpgrade: the old daemon goes on with the configuration that it has
// loaded, but the new one would not start.
func checkFaultyUpgrade(t *testing.T, d system, deb string, calls func() []string) {
	t.Helper()
	d.write(t, ownRules, "test = 1\n", 0o644)
	out := d.install(t, deb)
	if !strings.Contains(out, ownRules) || !strings.Contains(out, "postseal is not restarted: ") {
		t.Errorf("the output does not name the fault:\n%s", out)
	}
	if got, want := calls(), []string{"--system daemon-reload"}; !slices.Equal(got, want) {
		t.Errorf("systemctl: got %q, want %q", got, want)
	}
	d.write(t, ownRules, goodRules, 0o644)
}

func checkRemoval(t *testing.T, d system, calls func() []string) {
	t.Helper()
	d.run(t, "/usr/bin/dpkg", "-r", "postseal")
	files := d.files(t)
	for _, name := range []string{installedConfig, ownRules, installedList} {
		if files[name] == "" {
			t.Errorf("%s is gone", name)
		}
	}
	for name := range files {
		if strings.HasPrefix(name, "/usr/") && strings.Contains(name, "postseal") || strings.Contains(name, ".wants/postseal") {
			t.Errorf("%s is left", name)
		}
	}
	if got := calls(); !slices.Contains(got, "stop postseal.socket postseal-metrics.socket postseal-doctor.timer postseal.service") {
		t.Errorf("systemctl: got %q, want all units stopped", got)
	}
}

// compareFiles lists the files that were added, removed or changed.
func compareFiles(t *testing.T, when string, got, want map[string]string) {
	t.Helper()
	all := maps.Clone(got)
	maps.Copy(all, want)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if got[name] != want[name] {
			t.Errorf("%s: %s: got %q, want %q", when, name, got[name], want[name])
		}
	}
}
