package mtatest_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/mtatest"
)

// world is an MTA, and the hosts that its mail goes to. One test at a time uses
// it, beside the tests on other MTAs.
type world struct {
	name     string
	start    startMTA
	mta      mtatest.MTA
	internet *mtatest.Sink
	relay    *mtatest.Sink
	free     chan *world // those like it that no test uses
}

// shared are the worlds of newShared.
var shared []*world

// newShared returns the first of n worlds that are alike. A test on it runs on any.
func newShared(name string, start startMTA, n int) *world {
	free := make(chan *world, n)
	for range n {
		w := &world{name: name, start: start, free: free}
		shared = append(shared, w)
		free <- w
	}
	return shared[len(shared)-n]
}

// startMTA starts an MTA of one kind.
type startMTA func(mtatest.Options) (mtatest.MTA, error)

func startPostfix(o mtatest.Options) (mtatest.MTA, error)  { return mtatest.StartPostfix(o) }
func startSendmail(o mtatest.Options) (mtatest.MTA, error) { return mtatest.StartSendmail(o) }
func startDebian(o mtatest.Options) (mtatest.MTA, error) {
	o.Debian = true
	return mtatest.StartSendmail(o)
}

// The MTAs that tests share.
var (
	postfix  = newShared("Postfix", startPostfix, 1)
	changed  = newShared("Postfix", startPostfix, 2) // tests change its settings
	sendmail = newShared("Sendmail", startSendmail, 1)
	debian   = newShared("Sendmail of Debian", startDebian, 1) // as Debian configures it

	ownMTA sync.Mutex // held by a test that starts an MTA of its own

	root   string
	binary string
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
	// Without this, the race detector would sleep for a second at each exit.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	// Tests mostly wait, so that more than one for each processor can run.
	flag.Set("test.parallel", "100")
	if root, err = mtatest.Root(); err != nil {
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

	// Ctrl-C ends the MTAs as well: they are in process groups of their own.
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM)
	faults := make([]error, len(shared)+1)
	var starting sync.WaitGroup
	starting.Go(func() { binary, faults[len(shared)] = mtatest.Build(root, dir, "-race") })
	for i, w := range shared {
		starting.Go(func() { faults[i] = w.open(mtatest.Options{Milter: true}) })
	}
	starting.Wait()
	stop := func() {
		for _, w := range shared {
			w.close()
		}
	}
	defer stop()
	if err := errors.Join(faults...); err != nil {
		return fail(err)
	}
	go func() {
		<-interrupt
		stop()
		// A test that is still running may have made files again.
		for _, w := range shared {
			os.RemoveAll(w.mta.Directory())
		}
		os.RemoveAll(dir)
		os.Exit(1)
	}()
	return m.Run()
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "the tests on real MTAs cannot run:", err)
	return 1
}

// open starts the hosts and the MTA.
func (w *world) open(o mtatest.Options) (err error) {
	if w.internet, err = mtatest.StartSink(); err != nil {
		return err
	}
	if w.relay, err = mtatest.StartSink(); err != nil {
		return err
	}
	o.Root, o.Relay, o.Internet = root, w.relay.Addr, w.internet.Addr
	mta, err := w.start(o)
	if err == nil {
		w.mta = mta
	}
	return err
}

// close stops what open has started.
func (w *world) close() {
	if w.mta != nil {
		w.mta.Stop()
	}
	for _, sink := range []*mtatest.Sink{w.internet, w.relay} {
		if sink != nil {
			sink.Stop()
		}
	}
}

// T is a test, or a part of one, on an MTA.
type T struct {
	*testing.T
	*world
	sends bool // expectMail has been called
}

// on returns a test on an MTA that tests share.
func on(t *testing.T, w *world) *T {
	t.Helper()
	t.Parallel()
	w = <-w.free
	t.Cleanup(func() { w.free <- w })
	return &T{T: t, world: w}
}

// onEach runs a test on each of the MTAs.
func onEach(t *testing.T, worlds []*world, test func(*T)) {
	t.Parallel()
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) { test(on(t, w)) })
	}
}

// onOwn returns a test on an MTA of its own, of the kind of w's.
func onOwn(t *testing.T, w *world, o mtatest.Options) *T {
	t.Helper()
	t.Parallel()
	ownMTA.Lock()
	t.Cleanup(ownMTA.Unlock)
	return (&T{T: t, world: w}).oneMore(o)
}

// oneMore starts another MTA of the same kind, which only this test uses.
func (t *T) oneMore(o mtatest.Options) *T {
	t.Helper()
	w := &world{start: t.world.start}
	t.Cleanup(w.close)
	if err := w.open(o); err != nil {
		t.Fatal(err)
	}
	return &T{T: t.T, world: w}
}

// Run runs a part of the test.
func (t *T) Run(name string, test func(*T)) bool {
	return t.T.Run(name, func(part *testing.T) { test(&T{T: part, world: t.world}) })
}

// postfix returns the MTA, which must be Postfix.
func (t *T) postfix() *mtatest.Postfix { return t.mta.(*mtatest.Postfix) }

// sendmail returns the MTA, which must be Sendmail.
func (t *T) sendmail() *mtatest.Sendmail { return t.mta.(*mtatest.Sendmail) }

// onSendmail reports whether the MTA is Sendmail.
func (t *T) onSendmail() bool {
	_, is := t.mta.(*mtatest.Sendmail)
	return is
}

// startDaemon starts a daemon that the test must stop.
func (t *T) startDaemon(mode, toml string) *mtatest.Daemon {
	t.Helper()
	d, err := mtatest.StartDaemon(t.mta, mtatest.DaemonOptions{Root: root, Binary: binary, Mode: mode, TOML: toml})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { logtest.CheckStderr(t, d.Log()) })
	return d
}

// serve runs a daemon for one test. When the test ends, the daemon must end in
// order, and must have logged no fault.
func (t *T) serve(mode, toml string) *mtatest.Daemon {
	t.Helper()
	d := t.startDaemon(mode, toml)
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
		wantNoFault(t, d)
	})
	return d
}

// wantNoFault checks that the daemon has logged no fault, of its own or of the
// MTA.
func wantNoFault(t testing.TB, d *mtatest.Daemon) {
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

// until waits until isSo returns true. If it never does, missing says why.
func until(t testing.TB, isSo func() bool, missing func() string) {
	t.Helper()
	if !mtatest.Within(isSo) {
		t.Fatal(missing())
	}
}

// expectMail is called before a test sends mail. When the test ends, no mail may
// be on its way or at a host where the test has not looked: the next test would
// find it.
func (t *T) expectMail() {
	t.Helper()
	if p, ok := t.mta.(*mtatest.Postfix); ok {
		if err := p.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	if t.sends {
		return
	}
	t.sends = true
	t.Cleanup(func() {
		patience := mtatest.Patience
		if t.Failed() {
			patience = 10 * time.Second // the test has named what is stuck
		}
		held, err := mtatest.Settle(t.mta, patience)
		if err != nil {
			t.Errorf("at the end of the test: %v", err)
		}
		direct, relayed := len(t.internet.Take()), len(t.relay.Take())
		if direct+relayed+len(held) > 0 && !t.Failed() {
			t.Errorf("the test did not wait for all its mail: %d direct, %d through the relay, %d held", direct, relayed, len(held))
		}
	})
}

// dial connects to the MTA.
func (t *T) dial() *mtatest.Client {
	t.Helper()
	return t.dialTo(t.mta.Addr())
}

func (t *T) dialTo(addr string) *mtatest.Client {
	t.Helper()
	t.expectMail()
	c, err := mtatest.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// say sends SMTP lines and checks the code of the last answer.
func say(t testing.TB, c *mtatest.Client, code int, lines ...string) mtatest.Reply {
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
func (t *T) send(to []string, message []byte) mtatest.Sent {
	t.Helper()
	return t.sendFrom(sender+" BODY=8BITMIME", to, message)
}

// sendFrom is like send, with the text after "MAIL FROM:".
func (t *T) sendFrom(from string, to []string, message []byte) mtatest.Sent {
	t.Helper()
	c := t.dial()
	defer c.Close()
	s, err := c.Send(from, to, message)
	if err != nil {
		t.Fatalf("%s: %v", to, err)
	}
	return s
}

// arrived says where recipients got a message, each as "address: subject".
type arrived struct{ direct, relay []string }

// settle waits for all deliveries and returns them and what is held.
func (t *T) settle() (direct, relayed []mtatest.Delivery, held []mtatest.Queued) {
	t.Helper()
	held, err := mtatest.Settle(t.mta, mtatest.Patience)
	if err != nil {
		t.Fatalf("%v\n%s", err, t.mta.Log())
	}
	return t.internet.Take(), t.relay.Take(), held
}

// wantArrived waits for all deliveries. They must be exactly to these
// recipients, each with the subject that it got. Braces contain what is added
// to a subject on the way to the relay. Only Postfix adds it. On Sendmail, mail
// for the relay has a field of its own.
func (t *T) wantArrived(want arrived) {
	t.Helper()
	direct, relayed, held := t.settle()
	if len(held) > 0 {
		t.Errorf("held: %v", held)
	}
	t.compareArrived(direct, relayed, want)
}

// compareArrived compares deliveries with those wanted.
func (t *T) compareArrived(direct, relayed []mtatest.Delivery, want arrived) {
	t.Helper()
	added, onLeg := "$1", []string(nil)
	if t.onSendmail() {
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

func compare(t testing.TB, way string, deliveries []mtatest.Delivery, want, leg []string) {
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
func decision(t testing.TB, d *mtatest.Daemon, queueID string) mtatest.Event {
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

// wantBytes compares a message, without its Received fields, with what was sent.
func wantBytes(t testing.TB, d mtatest.Delivery, want []byte) {
	t.Helper()
	if got := withoutReceived(d.Data); !bytes.Equal(got, want) {
		t.Errorf("the message has changed:\ngot  %q\nwant %q", got, want)
	}
}
