package daemon

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/config/configtest"
	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/maillog"
)

// jsonLog is a log in the format of serve, on a writer that is never stuck.
func jsonLog(w io.Writer) *maillog.Log {
	return maillog.NewLog(newLogger(config.JSONFormat, false, func(_ slog.Level, line []byte) { w.Write(line) }), nil)
}

// countLines returns how many lines "x" a log has, and how many it reports as
// lost. A line that is not JSON is an error.
func countLines(t *testing.T, log string) (lines, lost int) {
	t.Helper()
	for text := range strings.Lines(log) {
		var line struct {
			Msg  string
			Lost int
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v: %.200q", err, text)
		}
		if line.Msg == "lines lost" {
			logtest.Check(t, text)
			lost += line.Lost
		} else {
			lines++
		}
	}
	return lines, lost
}

// TestStuckPipe fills a pipe, and then reads it.
func TestStuckPipe(t *testing.T) {
	r, file, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, log := newLogWriter(plainLog(file), config.JSONFormat, nil)
	const all = 1000
	text := strings.Repeat("x", 7000)
	for range all { // 7 MB
		log.Info("x", "text", text)
	}
	if lost, stuck := w.state(); lost == 0 || !stuck {
		t.Errorf("got %d lost, stuck %v", lost, stuck)
	}
	var got bytes.Buffer
	read := make(chan struct{})
	go func() {
		got.ReadFrom(r)
		close(read)
	}()
	for {
		if lost, stuck := w.state(); lost == 0 && !stuck {
			break
		}
		time.Sleep(time.Millisecond)
	}
	log.Info("x")
	w.close()
	<-w.ended
	file.Close()
	<-read
	if lines, lost := countLines(t, got.String()); lost == 0 || lines+lost != all+1 {
		t.Errorf("got %d lines and %d lost, want %d together", lines, lost, all+1)
	}
}

// TestFullDisk fills a file system, and then frees space.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root mounts a file system")
	}
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no tmpfs can be mounted: %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 40<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w, log := newLogWriter(plainLog(file), config.JSONFormat, nil)
	const all = 300 // 45 KB
	for range all {
		log.Info("x", "text", strings.Repeat("x", 80))
	}
	if _, stuck := w.state(); !stuck {
		t.Fatal("the file system is not full")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for stuck := true; stuck; _, stuck = w.state() {
		time.Sleep(time.Millisecond)
	}
	w.close()
	<-w.ended
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if lines, lost := countLines(t, string(text)); lines != all || lost != 0 {
		t.Errorf("got %d lines and %d lost, want %d", lines, lost, all)
	}
}

// buildCommand builds a program that runs the command serve of this package.
func buildCommand(t *testing.T, binary string) {
	t.Helper()
	if out, err := exec.Command("go", "build", "-o", binary, "..").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// startLogging starts a daemon with file as its log. It returns the
// notification that the daemon sends when it is ready, and how it ended.
func startLogging(t *testing.T, binary string, file *os.File) (daemon *os.Process, ready string, ended <-chan error) {
	t.Helper()
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { notify.Close() })
	command := exec.Command(binary, "serve", "-config", configtest.Write(t, "listen = \"inet:127.0.0.1:0\"\n"))
	command.Env = append(os.Environ(), "NOTIFY_SOCKET="+notify.LocalAddr().String())
	command.Stderr = file
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill() })
	wait := make(chan error, 1)
	go func() {
		wait <- command.Wait()
		notify.Close()
	}()
	buffer := make([]byte, 4096)
	for !strings.Contains(ready, "READY=1") {
		n, err := notify.Read(buffer)
		if err != nil {
			t.Fatalf("the daemon is not ready: %v, %v", err, <-wait)
		}
		ready = string(buffer[:n])
	}
	return command.Process, ready, wait
}

// TestLogThatNobodyReads checks that SIGTERM ends the daemon, with status 0,
// while its log is stuck or closed.
func TestLogThatNobodyReads(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "postseal")
	buildCommand(t, binary)
	for _, closed := range []bool{false, true} {
		r, file, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer file.Close()
		fd := int(file.Fd())
		if err := syscall.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = syscall.Write(fd, make([]byte, 4096))
		}
		if err := syscall.SetNonblock(fd, false); err != nil {
			t.Fatal(err)
		}
		if closed {
			r.Close()
		}
		daemon, ready, ended := startLogging(t, binary, file)
		if !strings.Contains(ready, "the log cannot be written") {
			t.Errorf("closed %v: got %q", closed, ready)
		}
		if err := daemon.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("closed %v: %v", closed, err)
		}
	}
}
