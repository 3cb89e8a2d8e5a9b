package milter

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/rulestest"
	"go.uber.org/goleak"
)

// TestMain reads a document if the test is started again for one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == subprocess.Command {
		if subprocess.Serve(os.Args[2:], os.Stdin, os.Stdout, readDocument) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what is certain to happen. It is long
// because the machine may be busy. A test that passes does not wait that long.
const patience = 4 * time.Minute

// The limits in LIMITS of postseal(8).
const (
	maxRecipients  = 20_000
	maxMessage     = 32 << 20
	maxLinesOfKind = 100
)

// testConfig enforces policies on the default table.
func testConfig(t testing.TB, policies ...rules.Policy) *message.Config {
	t.Helper()
	return &message.Config{Rules: rulestest.Ruleset(t, policies...), Mode: rules.Enforce, Addresses: shown.Addresses{Format: shown.Full}, Hash: "c0ffeec0ffee"}
}

func asLine(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) }

// running is a server for one test.
type running struct {
	*Server
	socket string
	log    *syncBuffer
}

// syncBuffer is a log that one goroutine reads while others write it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *syncBuffer) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b = bytes.Buffer{}
}

func serve(t testing.TB, config func() *message.Config, timeouts Timeouts) *running {
	t.Helper()
	r := newServer(t, config, timeouts)
	t.Cleanup(func() { r.Shutdown() }) // which cuts off all sessions if there was no Drain
	return r
}

// newServer is serve for tests that call Shutdown themselves.
func newServer(t testing.TB, config func() *message.Config, timeouts Timeouts) *running {
	t.Helper()
	return newCounting(t, config, timeouts, nil)
}

// newCounting is newServer with a counter of events.
func newCounting(t testing.TB, config func() *message.Config, timeouts Timeouts, count func(maillog.Event)) *running {
	t.Helper()
	dir, err := os.MkdirTemp("", "postseal")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &running{socket: filepath.Join(dir, "s"), log: new(syncBuffer)}
	log := logtest.Writer(t, r.log)
	lines := slog.New(maillog.NewLineHandler(asLine, func(_ slog.Level, line []byte) { log.Write(line) }))
	r.Server = &Server{Config: config, Log: maillog.NewLog(lines, count), Timeouts: timeouts, Now: time.Now, MaxConnections: DefaultMaxConnections}
	l, err := Listen("unix:" + r.socket)
	if err != nil {
		t.Fatal(err)
	}
	r.Start(l)
	return r
}

// peer is the MTA's side of a connection, at the level of packets.
type peer struct {
	t testing.TB
	net.Conn
	silent bool // RCPT gets no reply
}

func (r *running) dial(t testing.TB) peer {
	t.Helper()
	c, err := net.Dial("unix", r.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return peer{t: t, Conn: c}
}

func packet(code byte, payload string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(payload)+1)), append([]byte{code}, payload...)...)
}

// send sends packets. Each is a code and its payload.
func (p peer) send(packets ...string) {
	p.t.Helper()
	var b []byte
	for _, text := range packets {
		b = append(b, packet(text[0], text[1:])...)
	}
	if _, err := p.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// receive reads one packet. It returns "" if the session has ended.
func (p peer) receive() string {
	p.t.Helper()
	var length [4]byte
	if _, err := io.ReadFull(p, length[:]); err != nil {
		return ""
	}
	payload := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err := io.ReadFull(p, payload); err != nil {
		p.t.Fatal(err)
	}
	return string(payload)
}

func (p peer) want(want ...string) {
	p.t.Helper()
	for _, w := range want {
		if got := p.receive(); got != w {
			p.t.Errorf("got %q, want %q", got, w)
		}
	}
}

// offer is SMFIC_OPTNEG.
func offer(version, actions, protocol uint32) string {
	b := binary.BigEndian.AppendUint32([]byte("O"), version)
	b = binary.BigEndian.AppendUint32(b, actions)
	return string(binary.BigEndian.AppendUint32(b, protocol))
}

const (
	allActions  = 0x1ff
	allProtocol = 0x1fffff
	connect     = "Cclient.example\x004\x30\x39192.0.2.7\x00"
	connectPort = "Clocalhost\x004\x00\x00127.0.0.1\x00"
)

// open negotiates as Postfix does and connects.
func (r *running) open(t testing.TB) peer {
	t.Helper()
	p := r.dial(t)
	p.send(offer(6, allActions, allProtocol))
	got := p.receive()
	if len(got) < 13 || got[0] != 'O' {
		t.Fatalf("negotiation: got %q", got)
	}
	p.silent = got[11]&0x80 != 0 // SMFIP_NR_RCPT
	p.send("DC", connect)
	return p
}

func mailFrom(sender string) []string { return []string{"DM", "M<" + sender + ">\x00"} }

func header(name, value string) string { return "L" + name + "\x00" + value + "\x00" }

// until waits until a condition is true. If it does not become true in time,
// the test fails with the message.
func until(t testing.TB, isSo func() bool, wrong func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !isSo(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(wrong())
		}
	}
}

// await waits until the log contains a text.
func (r *running) await(t testing.TB, text string) {
	t.Helper()
	until(t, func() bool { return strings.Contains(r.log.String(), text) },
		func() string { return fmt.Sprintf("no %q in the log:\n%s", text, r.log) })
}

// awaitSessions waits until the server has accepted n connections. A client
// that only connects cannot know this.
func (r *running) awaitSessions(t testing.TB, n int) {
	t.Helper()
	until(t, func() bool { return r.Sessions() == n },
		func() string { return fmt.Sprintf("%d sessions, want %d", r.Sessions(), n) })
}

func (r *running) count(msg string) int {
	return strings.Count(r.log.String(), fmt.Sprintf(`"msg":%q`, msg))
}
