package mtatest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Build builds the command postseal and returns its path below dir.
func Build(root, dir string, flags ...string) (string, error) {
	bin := filepath.Join(dir, "postseal")
	cmd := exec.Command("go", append(append([]string{"build"}, flags...), "-o", bin, "./cmd/postseal")...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOTMPDIR="+dir) // go leaves files there if it is interrupted
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return bin, nil
}

// Daemon is a running "postseal serve" beside a private MTA. Its files are
// those of contrib, below the MTA's directory.
type Daemon struct {
	Config string // the configuration file
	cmd    *exec.Cmd
	log    lineBuffer
	ended  chan struct{} // closed when the daemon ends
	fault  error         // the error with which it ended
}

// DaemonOptions are the differences between the configuration and contrib's.
type DaemonOptions struct {
	Root   string
	Binary string
	Mode   string // observe or enforce
	TOML   string // appended to postseal.toml
}

// Install puts contrib's configuration below the MTA's directory in the same
// way as the README tells a sysadmin to put it below /, with the made-up
// accredited list of testdata. It returns the path of postseal.toml.
func Install(m MTA, o DaemonOptions) (string, error) {
	contrib := filepath.Join(o.Root, "contrib")
	etc, lib := filepath.Join(m.Directory(), "etc-postseal"), filepath.Join(m.Directory(), "lib-postseal")
	paths := strings.NewReplacer(
		"/var/spool/postfix/postseal", m.SocketDir(),
		"/etc/postseal/", etc+"/",
		"/var/lib/postseal/", lib+"/",
		`mode = "observe"`, fmt.Sprintf("mode = %q", o.Mode),
	)
	text, err := os.ReadFile(filepath.Join(contrib, "postseal.toml"))
	if err != nil {
		return "", err
	}
	local, err := os.ReadFile(filepath.Join(contrib, "rules.d", "local.toml"))
	if err != nil {
		return "", err
	}
	list, err := os.ReadFile(filepath.Join(o.Root, "testdata", "accredited.csv"))
	if err != nil {
		return "", err
	}
	for _, dir := range []string{etc, lib} { // removes what an earlier test left there
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(filepath.Join(etc, "rules.d"), 0o755); err != nil {
		return "", err
	}
	if err := os.MkdirAll(lib, 0o755); err != nil {
		return "", err
	}
	config := filepath.Join(etc, "postseal.toml")
	return config, errors.Join(
		os.WriteFile(config, []byte(paths.Replace(string(text))+"\n"+o.TOML), 0o644),
		os.WriteFile(filepath.Join(etc, "rules.d", "local.toml"), local, 0o644),
		os.WriteFile(filepath.Join(lib, "accredited.csv"), list, 0o644),
	)
}

// StartDaemon installs the configuration and starts postseal.
func StartDaemon(m MTA, o DaemonOptions) (*Daemon, error) {
	config, err := Install(m, o)
	if err != nil {
		return nil, err
	}
	return RunDaemon(o.Binary, config)
}

// RunDaemon starts postseal with a configuration that is installed.
func RunDaemon(binary, config string) (*Daemon, error) {
	d, err := startDaemon(exec.Command(binary, "serve", "-config", config), config)
	if err != nil {
		return nil, err
	}
	if _, err := d.Await("started", nil); err != nil {
		d.Kill()
		return nil, fmt.Errorf("postseal: %w: %s", err, d.log.String())
	}
	return d, nil
}

func startDaemon(cmd *exec.Cmd, config string) (*Daemon, error) {
	d := &Daemon{Config: config, cmd: cmd, ended: make(chan struct{})}
	if cmd.Stderr == nil {
		cmd.Stderr = &d.log
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		d.fault = cmd.Wait()
		close(d.ended)
	}()
	return d, nil
}

// Event is one line of the log.
type Event map[string]any

// Events returns the log lines with this "msg".
func (d *Daemon) Events(msg string) []Event {
	var events []Event
	for line := range strings.Lines(d.log.String()) {
		var e Event
		if json.Unmarshal([]byte(line), &e) == nil && e["msg"] == msg {
			events = append(events, e)
		}
	}
	return events
}

// AwaitEvents returns the events when there are at least n. The daemon writes a
// log line shortly after it answers.
func (d *Daemon) AwaitEvents(msg string, n int) []Event {
	var events []Event
	Within(func() bool {
		events = d.Events(msg)
		return len(events) >= n
	})
	return events
}

// Log returns everything that the daemon wrote.
func (d *Daemon) Log() string { return d.log.String() }

// Await waits for an event for which fits returns true, as long as the daemon
// runs.
func (d *Daemon) Await(msg string, fits func(Event) bool) (found Event, err error) {
	came := Within(func() bool {
		over := d.hasEnded() // before the log is read, so that the log is complete
		events := d.Events(msg)
		if i := slices.IndexFunc(events, func(e Event) bool { return fits == nil || fits(e) }); i >= 0 {
			found = events[i]
		}
		return found != nil || over
	})
	switch {
	case found != nil:
		return found, nil
	case came:
		return nil, fmt.Errorf("the daemon ended (%v) without a line %q", d.cmd.ProcessState, msg)
	}
	return nil, fmt.Errorf("no line %q came in the log", msg)
}

func (d *Daemon) hasEnded() bool {
	select {
	case <-d.ended:
		return true
	default:
		return false
	}
}

// PID returns the daemon's process ID.
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

// Children returns the processes that a process has started, such as those that read
// documents for a daemon.
func Children(pid int) (pids []int) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for word := range strings.FieldsSeq(string(text)) {
			var child int
			fmt.Sscan(word, &child)
			pids = append(pids, child)
		}
	}
	return pids
}

// Signal sends the daemon a signal.
func (d *Daemon) Signal(s syscall.Signal) error { return d.cmd.Process.Signal(s) }

// Kill kills the daemon, and waits until it has ended.
func (d *Daemon) Kill() error {
	d.cmd.Process.Kill()
	<-d.ended
	return d.fault
}

// Stop ends the daemon in order. An exit code other than 0 is an error.
func (d *Daemon) Stop() error {
	if err := d.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return d.Wait()
}

// Wait waits until the daemon has ended.
func (d *Daemon) Wait() error {
	if <-d.ended; d.fault != nil {
		return fmt.Errorf("postseal: %w: %s", d.fault, d.log.String())
	}
	return nil
}

// lineBuffer is a buffer for one writer and any number of readers.
type lineBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

var _ io.Writer = (*lineBuffer)(nil)

func (b *lineBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lineBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
