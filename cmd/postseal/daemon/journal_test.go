package daemon

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
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
)

// listenJournal opens a socket in place of journald's.
func listenJournal(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// readEntry reads an entry in the journal's native protocol.
func readEntry(t *testing.T, c *net.UnixConn) map[string]string {
	t.Helper()
	buffer := make([]byte, 1<<16)
	c.SetReadDeadline(time.Now().Add(time.Minute))
	n, err := c.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	fields := make(map[string]string)
	for rest := buffer[:n]; len(rest) > 0; {
		line, after, ok := bytes.Cut(rest, []byte("\n"))
		name, value, text := strings.Cut(string(line), "=")
		if !text {
			if len(after) < 8 || uint64(len(after)) < 8+binary.LittleEndian.Uint64(after)+1 {
				t.Fatalf("got %q", buffer[:n])
			}
			end := 8 + int(binary.LittleEndian.Uint64(after))
			value, after, ok = string(after[8:end]), after[end+1:], ok && after[end] == '\n'
		}
		if !ok || fields[name] != "" {
			t.Fatalf("got %q", buffer[:n])
		}
		fields[name], rest = value, after
	}
	return fields
}

func newJournalLog(t *testing.T, path string) logFile {
	t.Helper()
	w, err := dialJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(w.fd) })
	return logFile{w, journalEntry}
}

// TestJournalEntries checks that each line arrives whole, with its fields.
func TestJournalEntries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	journald := listenJournal(t, path)
	w, log := newLogWriter(newJournalLog(t, path), config.AutoFormat, nil)
	defer w.close()
	for _, text := range []string{"", "x", "two\nlines", "MESSAGE=x\nPRIORITY=0\n", "\x00\xff", "é", strings.Repeat("x", 7900), strings.Repeat("x", 1<<20)} {
		for priority, write := range map[string]func(string, ...any){"6": log.Info, "4": log.Warn, "3": log.Error} {
			write("x", "text", text)
			entry := readEntry(t, journald)
			var line struct{ Text string }
			if err := json.Unmarshal([]byte(entry["MESSAGE"]), &line); err != nil {
				t.Fatalf("%v: %q", err, entry)
			}
			if short := len(text) < 7950; line.Text != strings.ToValidUTF8(text, "\ufffd") && short || len(entry["MESSAGE"]) > 8000 {
				t.Errorf("%.20q: got %d octets, %.20q", text, len(entry["MESSAGE"]), line.Text)
			}
			delete(entry, "MESSAGE")
			want := map[string]string{"PRIORITY": priority, "SYSLOG_FACILITY": "2", "SYSLOG_IDENTIFIER": "postseal"}
			if fmt.Sprint(entry) != fmt.Sprint(want) {
				t.Errorf("got %v, want %v", entry, want)
			}
		}
	}
	if got := journalEntry(0, []byte("a\nb\n")); !bytes.HasSuffix(got, []byte("MESSAGE\n\x03\x00\x00\x00\x00\x00\x00\x00a\nb\n")) {
		t.Errorf("several lines: got %q", got)
	}
}

// countEntries reads until every line is accounted for: as an entry, or in a
// count of lost lines.
func countEntries(t *testing.T, journald *net.UnixConn, all int) (lost int) {
	t.Helper()
	for lines := 0; lines+lost < all; {
		l, n := countLines(t, readEntry(t, journald)["MESSAGE"])
		lines, lost = lines+l, lost+n
	}
	return lost
}

// TestStuckJournal stops reading for a while.
func TestStuckJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	journald := listenJournal(t, path)
	w, log := newLogWriter(newJournalLog(t, path), config.JSONFormat, nil)
	const all = 1000
	text := strings.Repeat("x", 7000)
	for range all { // 7 MB
		log.Info("x", "text", text)
	}
	if lost, stuck := w.state(); lost == 0 || !stuck {
		t.Errorf("got %d lost, stuck %v", lost, stuck)
	}
	if lost := countEntries(t, journald, all); lost == 0 || lost == all {
		t.Errorf("got %d lines lost of %d", lost, all)
	}
	w.close()
	<-w.ended
}

// TestJournalComesBack removes the socket, as a restart of its unit does, and
// opens another at the same path.
func TestJournalComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	journald := listenJournal(t, path)
	w, log := newLogWriter(newJournalLog(t, path), config.JSONFormat, nil)
	log.Info("x")
	readEntry(t, journald)
	for range 3 {
		journald.Close()
		for range 100 {
			log.Info("x")
		}
		if _, stuck := w.state(); !stuck {
			t.Error("the log of a journal that is gone is not stuck")
		}
		os.Remove(path)
		journald = listenJournal(t, path)
		if lost := countEntries(t, journald, 100); lost != 0 {
			t.Errorf("%d lines lost", lost)
		}
	}
	w.close()
	<-w.ended
}

// TestServeFindsTheJournal starts a daemon with its own /run. It must use the
// journal only if standard error is connected to the journal and a journal
// listens.
func TestServeFindsTheJournal(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root mounts")
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "postseal")
	buildCommand(t, binary)
	config := configtest.Write(t, "listen = \"inet:127.0.0.1:0\"\n")
	run := filepath.Join(dir, "run")
	if err := os.MkdirAll(filepath.Join(run, "systemd", "journal"), 0o755); err != nil {
		t.Fatal(err)
	}
	journald := listenJournal(t, filepath.Join(run, "systemd", "journal", "socket"))
	for _, test := range []struct {
		name          string
		stream, there bool
	}{
		{"the journal's stream", true, true},
		{"another file", false, true},
		{"no journal listens", true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !test.there {
				journald.Close()
			}
			stderr, err := os.Create(filepath.Join(dir, "stderr"))
			if err != nil {
				t.Fatal(err)
			}
			defer stderr.Close()
			var stat syscall.Stat_t
			if err := syscall.Fstat(int(stderr.Fd()), &stat); err != nil {
				t.Fatal(err)
			}
			if !test.stream {
				stat.Ino++
			}
			command := exec.Command("sh", "-c", `mount --bind "$1" /run && exec "$2" serve -config "$3"`, "sh", run, binary, config)
			command.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
			command.Env = append(os.Environ(), fmt.Sprintf("JOURNAL_STREAM=%d:%d", stat.Dev, stat.Ino))
			command.Stderr = stderr
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			defer command.Wait()
			defer command.Process.Kill()
			started := ""
			if test.stream && test.there {
				started = readEntry(t, journald)["MESSAGE"]
			}
			for patience := time.Now().Add(time.Minute); started == "" && time.Now().Before(patience); time.Sleep(time.Millisecond) {
				text, err := os.ReadFile(stderr.Name())
				if err != nil {
					t.Fatal(err)
				}
				started = string(text)
			}
			if !strings.Contains(started, `"msg":"started"`) {
				t.Errorf("got %q", started)
			}
			logtest.Check(t, started)
		})
	}
}
