package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config/configtest"
	"github.com/postseal/postseal/milter/metrics"
	"github.com/postseal/postseal/rules"
)

// statusWorld is a daemon that answers with a status, and an MTA with a queue.
type statusWorld struct {
	config string
	status metrics.Status
	health string // "" means healthy
	queue  string // a script in place of postqueue
}

// newStatusWorld starts a daemon and an MTA without problems.
func newStatusWorld(t *testing.T) *statusWorld {
	t.Helper()
	dir := t.TempDir()
	now := time.Now()
	ago := func(d time.Duration) string { return now.Add(-d).Format(time.RFC3339) }
	w := &statusWorld{
		config: configtest.Write(t, "[metrics]\nlisten = \"unix:"+dir+"/status.sock\"\n"),
		status: metrics.Status{
			Version: "v1.2.3", Mode: rules.Enforce, Edition: "nhsmail-2022", Rows: 1234, Config: "3f2a91c04b7d",
			Started: ago(9*24*time.Hour + time.Minute), Loaded: ago(26*time.Hour + time.Minute), ListImported: ago(5*24*time.Hour + time.Minute),
			NextExpiry: now.AddDate(0, 0, 40).Format(time.DateOnly), Sessions: 3,
			Today: metrics.Today{
				Messages: 1204, RefusedRecipients: 1, SensitiveUnmarked: 5,
				ByAction: map[rules.Action]int{rules.Accept: 900, rules.Divert: 304},
			},
			LastError: &metrics.LastError{Time: ago(49 * time.Hour), Msg: "socket lost", Text: "no such file"},
		},
		queue: "exit 0",
	}
	l, err := net.Listen("unix", filepath.Join(dir, "status.sock"))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/status", func(answer http.ResponseWriter, _ *http.Request) { json.NewEncoder(answer).Encode(w.status) })
	mux.HandleFunc("/healthz", func(answer http.ResponseWriter, _ *http.Request) {
		if w.health != "" {
			http.Error(answer, w.health, http.StatusServiceUnavailable)
		}
	})
	server := http.Server{Handler: mux}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return w
}

func (w *statusWorld) run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	dir, _, _ := strings.Cut(os.Getenv("PATH"), ":")
	if err := os.WriteFile(filepath.Join(dir, "postqueue"), []byte("#!/bin/sh\n"+w.queue+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return runWith("", append([]string{"status", "-config", w.config}, args...)...)
}

// queued returns a script that lists messages of the queues, as in "hold 90m".
// The addresses and the reason are marked.
func queued(t *testing.T, messages ...string) string {
	t.Helper()
	script := "cat <<'END'\n"
	for _, m := range messages {
		name, text, _ := strings.Cut(m, " ")
		age, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		entry, _ := json.Marshal(map[string]any{
			"queue_name": name, "arrival_time": time.Now().Add(-age).Unix(), "sender": "zzmarked@trust.example",
			"recipients": []map[string]string{{"address": "zzmarked@example.org.encrypt.invalid", "delay_reason": "zzmarked"}},
		})
		script += string(entry) + "\n"
	}
	return script + "END"
}

func TestStatusStates(t *testing.T) {
	now := time.Now()
	day := func(days int) string { return now.AddDate(0, 0, days).Format(time.DateOnly) }
	at := func(d time.Duration) string { return now.Add(-d).Format(time.RFC3339) }
	for _, test := range []struct {
		name   string
		change func(*statusWorld)
		args   string
		state  state
		says   string
	}{
		{"good", func(w *statusWorld) {}, "", stateOK, "mode enforce, 1204 messages today; 0 held; 0 sealed and waiting"},
		{"observe", func(w *statusWorld) { w.status.Mode = rules.Observe }, "", stateOK, "mode observe, 1204 messages today; 0 held; 0 sealed and waiting"},
		{"fresh mail", func(w *statusWorld) { w.queue = queued(t, "hold 59m", "deferred 59m", "active 0s") }, "", stateOK, "mode enforce, 1204 messages today; 1 held; 2 sealed and waiting"},
		{"held", func(w *statusWorld) { w.queue = queued(t, "hold 61m", "hold 5m") }, "", stateWarning, "2 messages held, the oldest for 1 h 1 min"},
		{"held long", func(w *statusWorld) { w.queue = queued(t, "hold 241m") }, "", stateCritical, "1 message held, the oldest for 4 h 1 min"},
		{"held, other limits", func(w *statusWorld) { w.queue = queued(t, "hold 241m") }, "-held-warning 5h -held-critical 6h", stateOK, ""},
		{"held, no limit", func(w *statusWorld) { w.queue = queued(t, "hold 10s") }, "-held-warning 0 -held-critical 0", stateCritical, "1 message held, the oldest for 1"},
		{"sealed", func(w *statusWorld) { w.queue = queued(t, "deferred 61m") }, "", stateWarning, "1 message sealed but not sent, the oldest for 1 h 1 min"},
		{"sealed long", func(w *statusWorld) { w.queue = queued(t, "deferred 72h") }, "", stateCritical, "1 message sealed but not sent, the oldest for 3 days"},
		{"sealed, other limits", func(w *statusWorld) { w.queue = queued(t, "deferred 20m") }, "-sealed-warning 5m -sealed-critical 10m", stateCritical, ""},
		{"queue unreadable", func(w *statusWorld) { w.queue = "echo 'postqueue: fatal: no | such' >&2; exit 1" }, "", stateUnknown, "queue: cannot be read: postqueue: fatal: no / such"},
		{"queue left out", func(w *statusWorld) { w.queue = "exit 1" }, "-no-queue", stateOK, "mode enforce, 1204 messages today"},
		{"queue unreadable and a warning", func(w *statusWorld) { w.queue, w.status.Refused = "exit 1", true }, "", stateWarning, "a configuration, list or rule file on disk is refused, and the old one stays in force; queue: cannot be read: postqueue: exit status 1"},
		{"refused and held long", func(w *statusWorld) { w.queue, w.status.Refused = queued(t, "hold 5h"), true }, "", stateCritical, "1 message held, the oldest for 5 h 0 min; a configuration"},
		{"unhealthy", func(w *statusWorld) { w.health = "no answer\x1b[2J\nto | EHLO" }, "", stateCritical, "the daemon runs, but does not decide mail: no answer?[2J?to / EHLO"},
		{"lines lost", func(w *statusWorld) { w.status.LinesLost = 1 }, "", stateWarning, "1 log line lost since the daemon started"},
		{"an error", func(w *statusWorld) {
			w.status.LastError = &metrics.LastError{Time: at(23*time.Hour + time.Minute), Msg: "internal error | x", Text: "zz"}
		}, "", stateWarning, `"internal error / x" 23 h 1 min ago`},
		{"a fault that was corrected", func(w *statusWorld) {
			w.status.LastError = &metrics.LastError{Time: at(time.Minute), Msg: "reload refused", Text: "zz"}
		}, "", stateOK, ""},
		{"a long error", func(w *statusWorld) {
			w.status.LastError = &metrics.LastError{Time: at(time.Hour), Msg: strings.Repeat("é", 300)}
			w.status.Refused = true
		}, "", stateWarning, ""},
		{"list of 14 days", func(w *statusWorld) { w.status.ListImported = at(14*24*time.Hour + time.Hour) }, "", stateOK, ""},
		{"list of 15 days", func(w *statusWorld) { w.status.ListImported = at(15*24*time.Hour + time.Hour) }, "", stateWarning, "the accredited list is 15 days old, which is more than 14"},
		{"no list", func(w *statusWorld) { w.status.ListImported = "" }, "", stateOK, ""},
		{"expires in 15 days", func(w *statusWorld) { w.status.NextExpiry = day(15) }, "", stateOK, ""},
		{"expires in 14 days", func(w *statusWorld) { w.status.NextExpiry = day(14) }, "", stateWarning, "a row expires on " + day(14) + ", in 14 days"},
		{"expired", func(w *statusWorld) { w.status.RowsExpired = 2 }, "", stateWarning, "2 rows of the table expired"},
		{"nothing expires", func(w *statusWorld) { w.status.NextExpiry = "" }, "", stateOK, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newStatusWorld(t)
			test.change(w)
			args := strings.Fields(test.args)
			code, stdout, stderr := w.run(t, append(args, "-nagios")...)
			if want := "POSTSEAL " + strings.ToUpper(test.state.String()) + " - " + test.says; code != int(test.state) || !strings.HasPrefix(stdout, want) || stderr != "" {
				t.Errorf("exit %d, %q%s\nwant %q", code, stdout, stderr, want)
			}
			// One line in printable ASCII, and data that the plugin guidelines allow.
			form := regexp.MustCompile(`^POSTSEAL [A-Z]+ - [ -{}~]{1,400} \|( [a-z_]+=\d+[sc]?;\d*;\d*;0)+\n$`)
			if !form.MatchString(stdout) {
				t.Errorf("the form of %q", stdout)
			}
			for _, form := range []string{"", "-json"} {
				code, out, stderr := w.run(t, append(args, strings.Fields(form)...)...)
				if want := min(int(test.state), 1); code != want || stderr != "" {
					t.Errorf("%s: exit %d, %s", form, code, stderr)
				}
				stdout += out
			}
			if strings.Contains(stdout, "zzmarked") || strings.Contains(stdout, "\x1b") {
				t.Errorf("text from outside in %s", stdout)
			}
		})
	}
}

func TestStatusPerformanceData(t *testing.T) {
	w := newStatusWorld(t)
	w.queue = queued(t, "hold 61m", "deferred 5s")
	_, stdout, _ := w.run(t, "-nagios", "-held-critical", "2h")
	for _, want := range []string{
		`\| held=1;;;0 held_oldest=36\d\ds;3600;7200;0 sealed=1;;;0 sealed_oldest=\ds;3600;14400;0 `,
		` today_accept=900;;;0 today_tag=0;;;0 today_divert=304;;;0 today_quarantine=0;;;0 today_reject=0;;;0 `,
		` today_refused_recipients=1;;;0 today_sensitive_unmarked=5;;;0 sessions=3;;;0 lines_lost=0c;;;0 list_age=4320\d\ds;;;0\n`,
	} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("no %s in %s", want, stdout)
		}
	}
}

func TestStatusText(t *testing.T) {
	w := newStatusWorld(t)
	w.status.Refused = true
	w.queue = queued(t, "hold 5h", "hold 3h", "deferred 10m")
	code, stdout, stderr := w.run(t)
	moment := regexp.MustCompile(`\d{4}-\d\d-\d\d( \d\d:\d\d)?`)
	const want = `critical: 2 messages held, the oldest for 5 h 0 min
  to do: look at each message, then release or delete it: "Held mail" in contrib/postfix/README.md or contrib/sendmail/README.md
warning: a configuration, list or rule file on disk is refused, and the old one stays in force
  to do: run postseal check, correct the fault, then run systemctl reload postseal

daemon         runs since TIME (9 days ago), version v1.2.3
mode           enforce
configuration  FILE 3f2a91c04b7d, edition nhsmail-2022, 1234 rows
               in force since TIME (26 h 1 min ago)
               a newer file on disk is refused
list           imported TIME (5 days ago)
next expiry    TIME, in 40 days
today          1204 messages decided, 900 accept, 304 divert
               1 recipient refused
               5 messages sensitive, without the marker, to recipients that need it
sessions       3 open
last error     TIME (2 days ago): socket lost: no such file
held           2 messages, the oldest for 5 h 0 min
sealed         1 message, the oldest for 10 min
`
	if got := strings.ReplaceAll(moment.ReplaceAllString(stdout, "TIME"), w.config, "FILE"); code != exitFailure || got != want || stderr != "" {
		t.Errorf("exit %d, got\n%s%s\nwant\n%s", code, got, stderr, want)
	}
	w = newStatusWorld(t)
	if code, stdout, _ := w.run(t); code != exitDone || !strings.HasPrefix(stdout, "good: the daemon runs, and nothing needs your attention\n\ndaemon ") {
		t.Errorf("exit %d, %s", code, stdout)
	}
}

// TestStatusOpensALostSocket: if the file of systemd's socket is gone, a restart of
// the service alone does not help.
func TestStatusOpensALostSocket(t *testing.T) {
	w := newStatusWorld(t)
	w.health = "connect: no such file or directory"
	if _, stdout, _ := w.run(t); !strings.Contains(stdout, "Then run systemctl restart postseal.socket postseal\n") {
		t.Error(stdout)
	}
}

func TestStatusPrometheus(t *testing.T) {
	w := newStatusWorld(t)
	w.queue = queued(t, "hold 10s", "deferred 5h")
	code, stdout, stderr := w.run(t, "-prometheus")
	form := regexp.MustCompile(`(?s)^# HELP postseal_held_messages [^\n]+\n# TYPE postseal_held_messages gauge\npostseal_held_messages 1\n.*\npostseal_held_oldest_seconds 1\d\n.*\npostseal_sealed_waiting_messages 1\n.*\npostseal_sealed_waiting_oldest_seconds 180\d\d\n.*\npostseal_queue_read_timestamp_seconds \d{10}\n$`)
	if code != exitDone || !form.MatchString(stdout) || stderr != "" {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
	w.queue = "echo postqueue: fatal: down >&2; exit 69"
	if code, stdout, stderr := w.run(t, "-prometheus"); code != exitFailure || stdout != "" || stderr != "postseal status: queue: cannot be read: postqueue: fatal: down\n" {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
}

// TestStatusWithoutDaemon uses sockets at which no daemon answers.
func TestStatusWithoutDaemon(t *testing.T) {
	dir := t.TempDir()
	listen := func(name string, serve func(net.Conn)) {
		l, err := net.Listen("unix", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go serve(c)
			}
		}()
	}
	answer := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			c.Read(make([]byte, 1000))
			c.Write([]byte(text))
			c.Close()
		}
	}
	listen("closes", answer(""))
	listen("hangs", func(c net.Conn) { io.Copy(io.Discard, c) })
	listen("404", answer("HTTP/1.0 404 Not Found\r\n\r\n"))
	listen("html", answer("HTTP/1.0 200 OK\r\n\r\n<p>zzmarked"))
	listen("action", answer("HTTP/1.0 200 OK\r\n\r\n{\"today\": {\"by_action\": {\"shred\": 1}}}"))
	listen("null", answer("HTTP/1.0 200 OK\r\n\r\nnull"))
	listen("other", answer("HTTP/1.0 200 OK\r\n\r\n{\"version\": \"2.1\", \"status\": \"UP\"}"))
	for name, want := range map[string]string{
		"none":   "connect: no such file or directory",
		"null":   "is not a status of this version",
		"other":  "is not a status of this version",
		"closes": "EOF",
		"hangs":  "no answer within 8 s",
		"404":    "answers with HTTP status 404",
		"html":   "is not a status of this version",
		"action": "is not a status of this version",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := configtest.Write(t, "[metrics]\nlisten = \"unix:"+filepath.Join(dir, name)+"\"\n")
			code, stdout, _ := runWith("", "status", "-config", config, "-no-queue", "-nagios")
			if code != int(stateCritical) || !strings.HasPrefix(stdout, "POSTSEAL CRITICAL - the status of the daemon cannot be read: ") || !strings.Contains(stdout, want) || strings.Contains(stdout, "zzmarked") {
				t.Errorf("exit %d, %s", code, stdout)
			}
			if name == "hangs" {
				return
			}
			code, stdout, _ = runWith("", "status", "-config", config, "-no-queue", "-json")
			var got map[string]any
			if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitFailure || got["running"] != false || got["version"] != nil || !strings.Contains(got["error"].(string), want) {
				t.Errorf("exit %d, %s: %v", code, stdout, err)
			}
		})
	}
}

// Although the file has a fault, status shows the daemon, which still has the old one.
func TestStatusWithFaultyConfiguration(t *testing.T) {
	w := newStatusWorld(t)
	text, err := os.ReadFile(w.config)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ text, says string }{
		"unknown key":  {"nonsense = 1\n" + string(text), "the configuration file is faulty, so a restart would fail"},
		"relay domain": {string(text) + "[relay]\ndomain = \"a b\"\n", "queue: cannot be read: the relay domain is not known"},
	} {
		w.config = configtest.Write(t, test.text)
		code, stdout, stderr := w.run(t)
		if code != exitConfig || !strings.Contains(stdout, "\ndaemon         runs since ") || !strings.Contains(stdout, test.says) || !strings.Contains(stderr, w.config) {
			t.Errorf("%s: exit %d, %s%s", name, code, stdout, stderr)
		}
		if code, stdout, _ := w.run(t, "-nagios"); code != int(stateWarning) || !strings.Contains(stdout, test.says) {
			t.Errorf("%s: exit %d, %s", name, code, stdout)
		}
	}
	for name, file := range map[string]string{"no TOML": configtest.Write(t, "mode = \n"), "no file": "/nonexistent/postseal.toml"} {
		w.config = file
		code, stdout, stderr := w.run(t)
		if code != exitConfig || !strings.Contains(stdout, "queue: cannot be read: the relay domain is not known") || !strings.Contains(stderr, file) {
			t.Errorf("%s: exit %d, %s%s", name, code, stdout, stderr)
		}
		if code, stdout, stderr := w.run(t, "-prometheus"); code != exitConfig || stdout != "" || !strings.Contains(stderr, file) {
			t.Errorf("%s: exit %d, %s%s", name, code, stdout, stderr)
		}
	}
	w.config = configtest.Write(t, "[metrics]\nlisten = \"x\"\n")
	if code, stdout, stderr := w.run(t); code != exitConfig || !strings.Contains(stdout, "metrics.listen is faulty") || !strings.Contains(stderr, `metrics.listen "x": write unix:/path`) {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
}

func TestStatusUsage(t *testing.T) {
	for args, want := range map[string]string{
		"x":                          `unexpected argument "x"`,
		"-json -nagios":              "use only one of -json, -nagios and -prometheus",
		"-prometheus -nagios":        "use only one of",
		"-prometheus -json":          "use only one of",
		"-prometheus -no-queue":      "leave out -no-queue",
		"-held-warning 5h":           "-held-warning 5h0m0s is more than -held-critical 4h0m0s: set both",
		"-sealed-critical 5m":        "-sealed-warning 1h0m0s is more than -sealed-critical 5m0s: set both",
		"-sealed-warning -1s":        "-sealed-warning and -sealed-critical cannot be negative",
		"-held-critical 4":           `invalid value "4"`,
		"-held-warning -1h -nagios":  "cannot be negative",
		"-held-critical nonsense -h": "invalid value",
	} {
		if code, _, stderr := runWith("", append([]string{"status"}, strings.Fields(args)...)...); code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d, %s", args, code, stderr)
		}
	}
}

func TestWhereToAsk(t *testing.T) {
	for _, test := range []struct {
		listen        string
		given, booted bool
		want          string
	}{
		{"", false, true, statusSocket},
		{"", true, false, statusSocket},
		{"inet:127.0.0.1:9899", false, true, statusSocket}, // which starts no daemon
		{"inet:127.0.0.1:9899", false, false, "inet:127.0.0.1:9899"},
		{"inet:127.0.0.1:9899", true, true, "inet:127.0.0.1:9899"},
		{"unix:/run/x.sock", false, true, "unix:/run/x.sock"},
	} {
		if got := whereToAsk(test.listen, test.given, test.booted); got != test.want {
			t.Errorf("%+v: got %s", test, got)
		}
	}
}
