package daemon

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/config/configtest"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/metrics"
)

// web is a daemon that serves mail and the metrics.
type web struct {
	*daemon
	mail, http string // the socket of the MTA; the address of the metrics
}

func startWeb(t *testing.T) *web {
	t.Helper()
	path := configtest.Write(t, "listen = \"unix:/DIR/s\"\n[metrics]\nlisten = \"inet:127.0.0.1:0\"\n")
	first, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	w := &web{mail: filepath.Join(filepath.Dir(path), "s")}
	figures := metrics.New()
	w.daemon = newDaemon(path, first, maillog.NewLog(newLogger(config.JSONFormat, false, nothing), figures.Count))
	listeners, err := w.open(first.File.Listen, nil)
	if err != nil {
		t.Fatal(err)
	}
	figuresOn, err := w.openMetrics(first, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.http = figuresOn[0].Addr().String()
	w.server.Start(listeners...)
	stop := w.serveWeb(figuresOn, figures.Handler(metrics.Daemon{
		InForce: w.inForce, Sessions: w.server.Sessions, Refused: w.server.Refused, LinesLost: func() int { return 0 }, Probe: w.server.Probe,
	}))
	t.Cleanup(func() {
		stop()
		w.server.Shutdown()
	})
	return w
}

// request sends a request and returns the answer.
func (w *web) request(t *testing.T, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", w.http)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(c, text); err != nil {
		return err.Error()
	}
	answer, _ := io.ReadAll(c)
	return string(answer)
}

// TestRequests checks the answers, and that each connection is for one request.
func TestRequests(t *testing.T) {
	w := startWeb(t)
	for request, want := range map[string]string{
		"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n":                                           "HTTP/1.1 200 ",
		"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n":                                          "HTTP/1.1 200 ",
		"GET /healthz HTTP/1.0\r\n\r\n":                                                      "HTTP/1.0 200 ",
		"GET /status HTTP/1.1\r\nHost: x\r\n\r\n":                                            "HTTP/1.1 200 ",
		"GET /?secret@example.org HTTP/1.1\r\nHost: x\r\n\r\n":                               "HTTP/1.1 404 ",
		"GET /debug/pprof/ HTTP/1.1\r\nHost: x\r\n\r\n":                                      "HTTP/1.1 404 ",
		"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc":                  "HTTP/1.1 405 ",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n":                                              "HTTP/1.1 40",
		"secret@example.org\r\n\r\n":                                                         "HTTP/1.1 400 ",
		"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n": "HTTP/1.1 431 ",
	} {
		if got := w.request(t, request); !strings.HasPrefix(got, want) || strings.HasPrefix(want, "HTTP/1.1") && !strings.Contains(got, "Connection: close") {
			t.Errorf("%.60q: got %.200q, want %s", request, got, want)
		}
	}
}

func nothing(slog.Level, []byte) {}

// TestStuckClientsDoNoHarm opens 1,000 HTTP connections that send nothing, or half a
// header, and checks that mail is decided meanwhile, that few descriptors are used,
// and that the metrics can be read again afterwards.
func TestStuckClientsDoNoHarm(t *testing.T) {
	w := startWeb(t)
	before := descriptors(t)
	for i := range 1000 {
		c, err := net.Dial("tcp", w.http)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: x\r\nX-")
		}
	}
	for range 50 {
		decide(t, w.mail)
	}
	const ours = 1000 // the clients are in this process too
	if more := descriptors(t) - before - ours; more > 2*maxRequests {
		t.Errorf("%d more descriptors", more)
	}
}

// descriptors counts the open descriptors of this process.
func descriptors(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// decide sends a message, which must be accepted.
func decide(t *testing.T, socket string) {
	t.Helper()
	client := gomilter.NewClientWithOptions("unix", socket, gomilter.ClientOptions{ActionMask: 0x1ff, ReadTimeout: time.Minute, WriteTimeout: time.Minute})
	defer client.Close()
	s, err := client.Session()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	step := func(action *gomilter.Action, err error) {
		t.Helper()
		if err != nil || action.Code != gomilter.ActContinue {
			t.Fatal(action, err)
		}
	}
	step(s.Conn("client.example", gomilter.FamilyInet, 12345, "192.0.2.7"))
	step(s.Mail("ward@trust.example", nil))
	step(s.Rcpt("b@gmail.com", nil))
	step(s.HeaderField("Subject", "x"))
	step(s.HeaderEnd())
	_, action, err := s.End()
	step(action, err)
}

// TestMetricsSockets checks which sockets are opened, and who may use them.
func TestMetricsSockets(t *testing.T) {
	load := func(listen string) *config.Config {
		c, err := config.Load(configtest.Write(t, fmt.Sprintf("[metrics]\nlisten = %q\n", listen)))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	dir := t.TempDir()
	t.Setenv("RUNTIME_DIRECTORY", "")
	var last *maillog.InternalError
	d := newDaemon("", load(""), maillog.NewLog(newLogger(config.JSONFormat, false, nothing), func(e maillog.Event) {
		if fault, ok := e.(maillog.InternalError); ok {
			last = &fault
		}
	}))
	if l, err := d.openMetrics(load(""), nil); len(l) > 0 || err != nil || d.openStatus() != nil {
		t.Errorf("got %v, %v without a setting", l, err)
	}
	l, err := d.openMetrics(load("unix:"+dir+"/m"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l[0].Close()
	t.Setenv("RUNTIME_DIRECTORY", dir+":/elsewhere")
	status := d.openStatus()
	if len(status) != 1 {
		t.Fatal("no socket for the status")
	}
	defer status[0].Close()
	for _, name := range []string{"m", "status.sock"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o666 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	used := "unix:" + status[0].Addr().String()
	t.Setenv("RUNTIME_DIRECTORY", "")
	if l, err := d.openMetrics(load(used), nil); len(l) > 0 || err != nil || last == nil || !strings.Contains(last.Fault, used) {
		t.Errorf("got %v, %v and %v, although another process has the socket", l, err, last)
	}
	t.Setenv("RUNTIME_DIRECTORY", dir+":/elsewhere")
	inet := load("inet:127.0.0.1:0")
	if _, err := d.openMetrics(inet, nil); err == nil || !strings.Contains(err.Error(), "systemctl enable postseal-metrics.socket") {
		t.Errorf("got %v", err)
	}
	if got, err := d.openMetrics(inet, status); err != nil || got[0] != status[0] {
		t.Errorf("got %v, %v although systemd passed a socket", got, err)
	}
	t.Setenv("RUNTIME_DIRECTORY", "/nonexistent")
	if d.openStatus() != nil {
		t.Error("a socket in no directory")
	}
}
