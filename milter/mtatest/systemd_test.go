package mtatest_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// keys reduces notifications to the names of their lines. Lines such as
// "READY=1" stay as they are.
func keys(states []string) []string {
	var list []string
	for _, state := range states {
		for line := range strings.SplitSeq(state, "\n") {
			name, value, _ := strings.Cut(line, "=")
			if value != "1" {
				line = name
			}
			list = append(list, line)
		}
	}
	return list
}

// wantStates compares the names of the lines that were sent since the last call.
func wantStates(t testing.TB, s *mtatest.Supervisor, want ...string) (states []string) {
	t.Helper()
	states, err := s.States()
	if err != nil {
		t.Fatal(err)
	}
	if got := keys(states); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", states, want)
	}
	return states
}

func TestReadyOnceTheTableIsLoaded(tt *testing.T) {
	t := on(tt, postfix)
	s := t.supervise("enforce")
	rows := filepath.Join(filepath.Dir(s.Config), "rules.d", "local.toml")
	if err := os.Remove(rows); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(rows, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(rows) })
	d, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	// OpenFile blocks until the daemon reads the rows.
	w, err := os.OpenFile(rows, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	wantStates(t, s)
	if _, err := w.WriteString("table.name = \"local\"\n"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := s.AwaitState("READY=1"); err != nil {
		t.Fatal(err)
	}
	wantStates(t, s, "READY=1", "STATUS")
	stop(t, s, d)
}

func TestFaultyConfigurationIsNeverReady(tt *testing.T) {
	t := on(tt, postfix)
	s := t.supervise("enforce")
	if err := os.WriteFile(s.Config, []byte("nonsense = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Wait(); err == nil || !strings.Contains(err.Error(), "exit status 78") {
		t.Errorf("got %v, want exit status 78", err)
	}
	wantStates(t, s)
}

func TestReloadAndStopAreNotified(tt *testing.T) {
	t := on(tt, postfix)
	s := t.supervise("enforce")
	d := startReady(t, s)
	wantStates(t, s, "READY=1", "STATUS")
	text, err := os.ReadFile(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	monotonic := regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]+$`)
	for _, test := range []struct{ name, more, status string }{
		{"taken", "", "config [0-9a-f]{12}, 0 sessions$"},
		{"refused", "nonsense = 1\n", "; the configuration on disk was refused: see the log$"},
		{"taken again", "", "config [0-9a-f]{12}, 0 sessions$"},
	} {
		if err := os.WriteFile(s.Config, append(slices.Clone(text), test.more...), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := d.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if err := s.AwaitState("READY=1"); err != nil {
			t.Fatal(err)
		}
		states := wantStates(t, s, "RELOADING=1", "MONOTONIC_USEC", "STATUS", "READY=1")
		if len(states) != 3 || !monotonic.MatchString(states[0]) || !regexp.MustCompile(test.status).MatchString(states[1]) {
			t.Errorf("%s: got %q", test.name, states)
		}
	}
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	wantStates(t, s, "STOPPING=1")
}

// TestReloadOfAFaultyFileFails runs the unit's ExecReload commands as systemd
// does: one after the other, until one fails. On systemd 252 and 257,
// "systemctl reload" then fails with status 1, and the service continues.
func TestReloadOfAFaultyFileFails(tt *testing.T) {
	t := on(tt, postfix)
	s := t.supervise("enforce")
	d := startReady(t, s)
	text, err := os.ReadFile(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	commands := unitSettings(t)["ExecReload"]
	for i, name := range []string{"/usr/sbin/postseal", "/bin/sh -c 'kill -HUP $MAINPID'"} {
		if i >= len(commands) || !strings.HasPrefix(commands[i], name) {
			t.Fatalf("got %q, want %s as command %d", commands, name, i+1)
		}
	}
	installed := strings.NewReplacer("/usr/sbin/postseal check", binary+" check -config "+s.Config, "$MAINPID", strconv.Itoa(d.PID()))
	reload := func() error {
		for _, command := range commands {
			if out, err := exec.Command("sh", "-c", installed.Replace(command)).CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
		}
		return nil
	}
	if err := os.WriteFile(s.Config, append(slices.Clone(text), "nonsense = 1\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := reload(); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a faulty file: got %v", err)
	}
	if err := os.WriteFile(s.Config, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := reload(); err != nil {
		t.Errorf("a good file: %v", err)
	}
	if events := d.AwaitEvents("reloaded", 1); len(events) != 1 || len(d.Events("reload refused")) > 0 {
		t.Errorf("got %d reloads:\n%s", len(events), d.Log())
	}
	stop(t, s, d)
}

func TestWatchdogIsAnswered(tt *testing.T) {
	t := on(tt, postfix)
	s := t.supervise("enforce")
	s.Env = append(s.Env, "WATCHDOG_USEC=20000")
	d := startReady(t, s)
	for range 3 {
		if err := s.AwaitState("WATCHDOG=1"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.States(); err != nil {
			t.Fatal(err)
		}
	}
	stop(t, s, d)
}

// The Go runtime ends a program with status 2 if it crashes, gets the SIGABRT
// of systemd's watchdog or, before main, gets no memory. The unit treated that
// as a faulty configuration, and did not restart the daemon.
func TestCrashIsNotTakenForAFaultyConfiguration(tt *testing.T) {
	t := on(tt, postfix)
	kept := unitSettings(t)["RestartPreventExitStatus"]
	if !slices.Contains(kept, "78") {
		t.Errorf("RestartPreventExitStatus=%q lacks 78", kept)
	}
	s := t.supervise("enforce")
	aborted := startReady(t, s)
	if err := aborted.Signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	noMemory := exec.Command("sh", "-c", `ulimit -v 100000 && exec "$@"`, "sh", binary, "serve", "-config", s.Config)
	for name, err := range map[string]error{"SIGABRT": aborted.Wait(), "no memory": noMemory.Run()} {
		var exit *exec.ExitError
		if !errors.As(err, &exit) || slices.Contains(kept, strconv.Itoa(exit.ExitCode())) {
			t.Errorf("%s: got %.100v, and the unit does not restart on %q", name, err, kept)
		}
	}
}

func TestServesAllSocketsThatArePassed(tt *testing.T) {
	t := on(tt, postfix)
	config, err := mtatest.Install(t.mta, mtatest.DaemonOptions{Root: root, Binary: binary, Mode: "enforce"})
	if err != nil {
		t.Fatal(err)
	}
	var files []*os.File
	var addrs []net.Addr
	for _, listen := range [][2]string{{"unix", filepath.Join(t.TempDir(), "s")}, {"tcp", "127.0.0.1:0"}} {
		l, err := net.Listen(listen[0], listen[1])
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		file, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		files, addrs = append(files, file), append(addrs, l.Addr())
	}
	s, err := mtatest.NewSupervisor(binary, config, t.TempDir(), files...)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := startReady(t, s)
	e, err := d.Await("started", nil)
	if want := addrs[0].String() + ", " + addrs[1].String(); err != nil || e["listen"] != want {
		t.Errorf("got %v, %v, want listen %q", e, err, want)
	}
	if _, err := os.Lstat(filepath.Join(t.postfix().SocketDir(), "postseal.sock")); err == nil {
		t.Error("the socket of listen is open as well")
	}
	for _, addr := range addrs {
		c, err := net.Dial(addr.Network(), addr.String())
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(mtatest.Patience))
		// The daemon closes a connection whose first packet has no length.
		if _, err := c.Write(make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
			t.Errorf("%s: got %v", addr, err)
		}
		c.Close()
	}
	if err := d.Stop(); err != nil {
		t.Error(err)
	}
}

// maxExposure is in tenths, as for systemd-analyze security --threshold.
const (
	maxExposure       = "5"
	maxQueueExposure  = "28" // it runs as root
	maxDoctorExposure = "35" // likewise, and it changes its root
)

// TestUnits checks that systemd can read all of the units, and that the service
// stays as confined as it is.
func TestUnits(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for _, name := range []string{"postseal.service", "postseal.socket", "postseal-metrics.socket"} {
		text, err := os.ReadFile(filepath.Join(root, "contrib", "systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		installed := strings.ReplaceAll(string(text), "=/usr/sbin/postseal ", "="+binary+" ")
		if err := os.WriteFile(path, []byte(installed), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	out, err := exec.Command("systemd-analyze", append([]string{"verify", "--man=no"}, paths...)...).CombinedOutput()
	if err != nil {
		t.Errorf("%v (the package systemd has systemd-analyze)", err)
	}
	for line := range strings.Lines(string(out)) {
		// Before version 253.
		if !strings.HasSuffix(line, "Failed to parse service type, ignoring: notify-reload\n") {
			t.Error(line)
		}
	}
	out, err = exec.Command("systemd-analyze", "security", "--offline=true", "--threshold="+maxExposure, paths[0]).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestQueueUnits checks the units that write metrics for node_exporter.
func TestQueueUnits(t *testing.T) {
	folder := filepath.Join(root, "contrib", "alerting", "prometheus")
	service, timer := filepath.Join(folder, "postseal-queue.service"), filepath.Join(folder, "postseal-queue.timer")
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", service, timer).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = exec.Command("systemd-analyze", "security", "--offline=true", "--threshold="+maxQueueExposure, service).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDoctorUnits checks the units that run postseal doctor.
func TestDoctorUnits(t *testing.T) {
	folder := filepath.Join(root, "contrib", "systemd")
	service := filepath.Join(t.TempDir(), "postseal-doctor.service")
	text := strings.ReplaceAll(read(t, "contrib/systemd/postseal-doctor.service"), "=/usr/sbin/postseal ", "="+binary+" ")
	if err := os.WriteFile(service, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", service, filepath.Join(folder, "postseal-doctor.timer")).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = exec.Command("systemd-analyze", "security", "--offline=true", "--threshold="+maxDoctorExposure, service).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestUnitCanStartWithAllKeptConnections compares two settings of the service:
// systemd shifts each descriptor that it passes to a number past the others.
func TestUnitCanStartWithAllKeptConnections(t *testing.T) {
	settings := unitSettings(t)
	keep, keepErr := strconv.Atoi(strings.Join(settings["FileDescriptorStoreMax"], " "))
	open, openErr := strconv.Atoi(strings.Join(settings["LimitNOFILE"], " "))
	if keepErr != nil || openErr != nil || open < 3*keep {
		t.Errorf("%d connections are kept and %d descriptors allowed: want three times as many", keep, open)
	}
}

// TestUnitSparesDocuments: with its defaults, systemd would send SIGTERM to the
// processes for documents as well, and stop postseal if one ran out of memory.
func TestUnitSparesDocuments(t *testing.T) {
	settings := unitSettings(t)
	for name, want := range map[string]string{"KillMode": "mixed", "OOMPolicy": "continue", "ProcSubset": "pid"} {
		if got := settings[name]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s: got %q, want %s", name, got, want)
		}
	}
}

// unitSettings returns the values of each setting of the service in their order.
func unitSettings(t testing.TB) map[string][]string {
	t.Helper()
	unit, err := os.ReadFile(filepath.Join(root, "contrib", "systemd", "postseal.service"))
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string][]string)
	for line := range strings.Lines(string(unit)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			values[name] = append(values[name], value)
		}
	}
	return values
}
