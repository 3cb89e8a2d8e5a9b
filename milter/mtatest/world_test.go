package mtatest_test

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// The private servers that all tests share. Tests run one after the other,
// each with a daemon of its own on the one socket.
var (
	postfix  *mtatest.Postfix
	sendmail *mtatest.Sendmail
	debian   *mtatest.Sendmail // as Debian configures it
	mta      mtatest.MTA       // the one of them that a test runs on
	internet *mtatest.Sink
	relay    *mtatest.Sink
	root     string
	binary   string
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if err := enterNetwork(); err != nil {
		return fail(err)
	}
	dir, err := os.MkdirTemp("", "postseal-test-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	// The race detector's own wait at exit would be most of the time.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	if root, err = mtatest.Root(); err != nil {
		return fail(err)
	}
	if binary, err = mtatest.Build(root, dir, "-race"); err != nil {
		return fail(err)
	}
	if err := resolveHere(dir); err != nil {
		return fail(err)
	}
	stopDNS, err := startDNS()
	if err != nil {
		return fail(err)
	}
	defer stopDNS()
	if internet, err = mtatest.StartSink(); err != nil {
		return fail(err)
	}
	defer internet.Stop()
	if relay, err = mtatest.StartSink(); err != nil {
		return fail(err)
	}
	defer func() { relay.Stop() }() // a test may have put another in its place
	options := mtatest.Options{Root: root, Relay: relay.Addr, Internet: internet.Addr, Milter: true}
	if postfix, err = mtatest.StartPostfix(options); err != nil {
		return fail(err)
	}
	defer postfix.Stop()
	if sendmail, err = mtatest.StartSendmail(options); err != nil {
		return fail(err)
	}
	defer sendmail.Stop()
	options.Debian = true
	if debian, err = mtatest.StartSendmail(options); err != nil {
		return fail(err)
	}
	defer debian.Stop()
	mta = postfix

	// Ctrl-C ends the MTAs as well: they are in process groups of their own.
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupt
		postfix.Stop()
		sendmail.Stop()
		debian.Stop()
		// A test that goes on meanwhile may have made files again.
		for _, folder := range []string{postfix.Folder(), sendmail.Folder(), debian.Folder(), dir} {
			os.RemoveAll(folder)
		}
		os.Exit(1)
	}()
	return m.Run()
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "the tests on real MTAs cannot run:", err)
	return 1
}

// start runs a daemon for one test, and sees at the end that it left in order
// and met no fault of its own.
func start(t *testing.T, mode, toml string) *mtatest.Daemon {
	t.Helper()
	d, err := mtatest.StartDaemon(mta, mtatest.DaemonOptions{Root: root, Binary: binary, Mode: mode, TOML: toml})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
		wantNoFault(t, d)
	})
	return d
}

// wantNoFault sees that the daemon met no fault of its own, nor of the MTA.
func wantNoFault(t *testing.T, d *mtatest.Daemon) {
	t.Helper()
	for _, msg := range []string{"internal error", "session broken"} {
		if events := d.Events(msg); len(events) > 0 {
			t.Errorf("the daemon logged %v", events)
		}
	}
	if strings.Contains(d.Log(), "DATA RACE") {
		t.Error(d.Log())
	}
}

// until waits for something to be so; what is missing is said where it never is.
func until(t *testing.T, isSo func() bool, missing func() string) {
	t.Helper()
	if !mtatest.Within(isSo) {
		t.Fatal(missing())
	}
}

// startAnother starts another MTA of the kind of mta, which no test shares.
func startAnother(t *testing.T, options mtatest.Options) mtatest.MTA {
	t.Helper()
	options.Root, options.Relay, options.Internet = root, relay.Addr, internet.Addr
	options.Debian = mta == debian
	var another mtatest.MTA
	var err error
	if onSendmail() {
		another, err = mtatest.StartSendmail(options)
	} else {
		another, err = mtatest.StartPostfix(options)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { another.Stop() })
	return another
}

// watched is the test that expectMail last had.
var watched *testing.T

// expectMail is called before a test sends mail. At the end of the test no mail
// may be under way or lie where the test has not looked: it would arrive in the
// midst of another test.
func expectMail(t *testing.T) {
	t.Helper()
	if watched == t {
		return
	}
	watched = t
	at := mta
	t.Cleanup(func() {
		watched = nil
		patience := mtatest.Patience
		if t.Failed() {
			patience = 10 * time.Second // what is stuck then has been named
		}
		held, err := mtatest.Settle(at, patience)
		if err != nil {
			t.Errorf("at the end of the test: %v", err)
		}
		direct, relayed := len(internet.Take()), len(relay.Take())
		if direct+relayed+len(held) > 0 && !t.Failed() {
			t.Errorf("the test did not wait for all its mail: %d direct, %d through the relay, %d held", direct, relayed, len(held))
		}
	})
}

// dial connects to the MTA.
func dial(t *testing.T) *mtatest.Client {
	t.Helper()
	return dialTo(t, mta.Addr())
}

func dialTo(t *testing.T, addr string) *mtatest.Client {
	t.Helper()
	expectMail(t)
	c, err := mtatest.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// say sends SMTP lines and checks the code of the last answer.
func say(t *testing.T, c *mtatest.Client, code int, lines ...string) mtatest.Reply {
	t.Helper()
	r, err := c.Say(lines...)
	if err != nil || r.Code != code {
		t.Fatalf("%q: got %v, %v, want code %d", lines, r, err, code)
	}
	return r
}

// mail makes a message with the header lines given and a body of odd bytes.
func mail(header ...string) []byte {
	lines := append(slices.Clone(header),
		"From: Ward 7 <ward@trust.example>",
		"To: somebody@example.org",
		"Message-ID: <1@trust.example>",
		"Date: Sat, 21 Nov 2026 09:00:00 +0000",
		"",
		".leading dot",
		"trailing blanks  ",
		"8-bit \xfc and caf\xc3\xa9",
		"")
	return []byte(strings.Join(lines, "\r\n"))
}

const sender = "<ward@trust.example>"

// send sends one message over a connection of its own.
func send(t *testing.T, to []string, message []byte) mtatest.Sent {
	t.Helper()
	s, err := dial(t).Send(sender+" BODY=8BITMIME", to, message)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// arrived is where recipients got a message, each as "address" or, where the
// field is asked for, "address: subject".
type arrived struct{ direct, relay []string }

// settle waits for all deliveries and returns them and what is held.
func settle(t *testing.T) (direct, relayed []mtatest.Delivery, held []mtatest.Queued) {
	t.Helper()
	held, err := mtatest.Settle(mta, mtatest.Patience)
	if err != nil {
		t.Fatalf("%v\n%s", err, mta.Log())
	}
	return internet.Take(), relay.Take(), held
}

// wantArrived waits for all deliveries and compares the exact union of the
// recipients, each with the subject that it got. What the leg to the relay
// adds to a subject stands in braces. Only Postfix can do that; on Sendmail
// the leg has a field of its own.
func wantArrived(t *testing.T, want arrived) {
	t.Helper()
	direct, relayed, held := settle(t)
	if len(held) > 0 {
		t.Errorf("held: %v", held)
	}
	added, onLeg := "$1", []string(nil)
	if onSendmail() {
		added, onLeg = "", []string{" encrypt"}
	}
	var sealed []string
	for _, text := range want.relay {
		sealed = append(sealed, braces.ReplaceAllString(text, added))
	}
	compare(t, "direct", direct, want.direct, nil)
	compare(t, "through the relay", relayed, sealed, onLeg)
}

var braces = regexp.MustCompile(`\{(.*?)\}`)

func compare(t *testing.T, way string, deliveries []mtatest.Delivery, want, leg []string) {
	t.Helper()
	var got []string
	for _, d := range deliveries {
		if h := d.Header("X-Postseal-Relay"); !slices.Equal(h, leg) {
			t.Errorf("%s: X-Postseal-Relay: got %q, want %q", way, h, leg)
		}
		for _, r := range d.Recipients {
			got = append(got, r.Address+":"+strings.Join(d.Header("Subject"), "|"))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", way, got, want)
	}
}

// decision waits for the decision line of a message.
func decision(t *testing.T, d *mtatest.Daemon, queueID string) mtatest.Event {
	t.Helper()
	e, err := d.Await("decision", func(e mtatest.Event) bool { return e["queue_id"] == queueID })
	if err != nil {
		t.Fatalf("%v for queue ID %q\n%s", err, queueID, d.Log())
	}
	return e
}

// received matches the fields that Postfix itself adds.
var received = regexp.MustCompile(`(?m)^Received:.*\r\n([ \t].*\r\n)*`)

func withoutReceived(data []byte) []byte { return received.ReplaceAll(data, nil) }

// wantBytes compares a message with what was sent, bar Received.
func wantBytes(t *testing.T, d mtatest.Delivery, want []byte) {
	t.Helper()
	if got := withoutReceived(d.Data); !bytes.Equal(got, want) {
		t.Errorf("the message has changed:\ngot  %q\nwant %q", got, want)
	}
}
