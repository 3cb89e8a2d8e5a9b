package mtatest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// TestRsyslog sends log lines to rsyslog with contrib's configuration, in a file, in a
// private journal and on a socket like the one that journald forwards to on Debian.
// Each line must arrive whole.
func TestRsyslog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := mtatest.Unpack(root, dir, "rsyslog", "libestr0", "libfastjson4"); err != nil {
		t.Fatal(err)
	}
	asJSON, asGELF := startCollector(t, '\n'), startCollector(t, 0)
	modules, err := filepath.Glob(filepath.Join(dir, "usr/lib/*/rsyslog"))
	if err != nil || len(modules) != 1 {
		t.Fatal(modules, err)
	}
	config := fmt.Sprintf(`global(workDirectory=%[1]q)
module(load="imjournal" stateFile="journal.state")
module(load="imuxsock" sysSock.use="off")
module(load="imfile")
input(type="imuxsock" socket="%[1]s/syslog")
input(type="imfile" file="%[1]s/postseal.log" tag="postseal:" facility="mail")
`, dir) + adaptCollector(t, "postseal-json.conf", asJSON.addr) + adaptCollector(t, "postseal-gelf.conf", asGELF.addr)
	lines := []string{`{"time":"2026-11-29T10:47:03Z","level":"INFO","msg":"started","file":"` + strings.Repeat("é", 3960) + `"}`}
	for _, line := range randomLog(rand.New(rand.NewPCG(13, 2)), 150) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	for path, text := range map[string]string{"rsyslog.conf": config, "postseal.log": strings.Join(lines, "\n") + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	journal := startJournal(t, `LD_LIBRARY_PATH="$1" "$0/usr/sbin/rsyslogd" -n -i "$0/pid" -f "$0/rsyslog.conf" -M "$1/rsyslog"`, dir, filepath.Dir(modules[0]))
	asJSON.take(t, len(lines))
	const fault = "postseal.toml:3: unknown key"
	journal.send(t, "postseal", append(lines, fault)...)
	journal.send(t, "other", lines...)
	syslog, err := net.Dial("unixgram", filepath.Join(dir, "syslog"))
	if err != nil {
		t.Fatal(err)
	}
	defer syslog.Close()
	for _, line := range append(lines, fault) {
		fmt.Fprintf(syslog, "<22>Nov 29 10:47:03 postseal[812]: %s", line)
		fmt.Fprintf(syslog, "<22>Nov 29 10:47:03 other[812]: postseal: %s", line)
	}

	want := slices.Concat(lines, lines, lines)
	got := asJSON.take(t, len(want))
	for _, line := range got {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %.200s", line)
		}
	}
	wantSame(t, "JSON", got, want)
	want = append(want, fault, fault)
	got = nil
	for _, text := range asGELF.take(t, len(want)) {
		var message struct {
			Version, Host string
			Timestamp     float64
			Short         string `json:"short_message"`
		}
		if err := json.Unmarshal([]byte(text), &message); err != nil || message.Version != "1.1" || message.Host == "" || message.Timestamp == 0 {
			t.Errorf("GELF: %v in %.200s", err, text)
		}
		got = append(got, message.Short)
	}
	wantSame(t, "GELF", got, want)
}

func wantSame(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s: got  %.300q (%d octets)\nwant %.300q (%d octets)", what, got[i], len(got[i]), want[i], len(want[i]))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: got %d lines, want %d", what, len(got), len(want))
	}
}

// adaptCollector returns a file of contrib/alerting/rsyslog that sends to an address.
func adaptCollector(t *testing.T, name, addr string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "contrib/alerting/rsyslog", name))
	if err != nil {
		t.Fatal(err)
	}
	target := regexp.MustCompile(`target="[a-z.]+" port="\d+"`)
	if !target.Match(text) {
		t.Fatalf("%s has no target", name)
	}
	host, port, _ := net.SplitHostPort(addr)
	return target.ReplaceAllString(string(text), fmt.Sprintf("target=%q port=%q", host, port))
}

// collector keeps what arrives on a TCP port.
type collector struct {
	addr string
	end  byte // of each message

	mu   sync.Mutex
	text strings.Builder
}

func startCollector(t *testing.T, end byte) *collector {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c := &collector{addr: l.Addr().String(), end: end}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for in := bufio.NewReader(conn); ; {
					text, err := in.ReadBytes(end)
					if err != nil {
						return
					}
					c.mu.Lock()
					c.text.Write(text)
					c.mu.Unlock()
				}
			}()
		}
	}()
	return c
}

// messages returns what has arrived.
func (c *collector) messages() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := strings.Split(c.text.String(), string(c.end))
	return list[:len(list)-1]
}

// take returns the messages when there are n, and a moment later.
func (c *collector) take(t *testing.T, n int) []string {
	t.Helper()
	until(t, func() bool { return len(c.messages()) >= n }, func() string { return fmt.Sprintf("%d messages came, want %d", len(c.messages()), n) })
	time.Sleep(100 * time.Millisecond)
	return c.messages()
}

// privateJournal is a running systemd-journald with a /run of its own.
type privateJournal struct {
	pid int
}

// startJournal starts a journal, and then a shell command beside it. Both end with
// the test.
func startJournal(t *testing.T, command string, args ...string) privateJournal {
	t.Helper()
	cmd := exec.Command("unshare", append([]string{"--mount", "sh", "-e", "-c", `
		mount -t tmpfs tmpfs /run
		mkdir -p /run/systemd/journal /run/log/journal
		/lib/systemd/systemd-journald &
		until test -S /run/systemd/journal/socket; do sleep 0.05; done
		` + command}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		if t.Failed() {
			t.Logf("%.2000s", &out)
		}
	})
	return privateJournal{cmd.Process.Pid}
}

// send writes entries.
func (j privateJournal) send(t *testing.T, identifier string, messages ...string) {
	t.Helper()
	c, err := net.Dial("unixgram", fmt.Sprintf("/proc/%d/root/run/systemd/journal/socket", j.pid))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, m := range messages {
		if _, err := fmt.Fprintf(c, "PRIORITY=6\nSYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=%s\nMESSAGE=%s\n", identifier, m); err != nil {
			t.Fatal(err)
		}
	}
}
