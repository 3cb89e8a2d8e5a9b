package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// world is the running servers: an MTA, the hosts at which mail arrives, and a
// supervisor with a daemon.
type world struct {
	mta      mtatest.MTA
	internet *mtatest.Sink
	relays   []*mtatest.Sink // the last one is open, the others are closed
	dir      string          // contains the program and the log
	binary   string
	taking   sync.Mutex
	files    map[string][]byte // the configuration, the rule file and the list, as they should be
	document []byte
	random   *rand.Rand // of the faults
	ledger   *ledger
	told     told
	stops    []func() error

	mu        sync.Mutex // held while the daemon may not start
	super     *mtatest.Supervisor
	daemon    *mtatest.Daemon
	group     uint32   // of the socket
	ownSocket bool     // the daemon opens its socket; otherwise the supervisor does
	stderr    *os.File // of the daemon
	expected  bool     // the daemon is ended on purpose
	mayEnd    string   // how it may end by itself
	closed    bool

	rows    int               // in force without a fault
	reading sync.Mutex        // held while the log's reader is stuck
	fifo    *os.File          // from which the log is read
	pipe    *os.File          // the other end, to which the daemon logs
	disk    *os.File          // a file on a disk of its own, to which it logs instead
	looking sync.Mutex        // held while the sources are read
	figures map[string]string // the last values of the metrics
	logRead int64             // how much of the MTA's log has been read
	over    chan struct{}     // closed at the end
}

// nobody is the daemon's user. Root could read files of mode 000.
const nobody = 65534

// postfixSettings make the timeouts for the filter so short that a stopped daemon
// exceeds them in a few seconds, and the times between two tries.
var postfixSettings = []string{
	"milter_connect_timeout=4s", "milter_command_timeout=4s", "milter_content_timeout=8s",
	"minimal_backoff_time=2s", "maximal_backoff_time=5s", "queue_run_delay=2s", "transport_retry_time=2s",
	"smtpd_error_sleep_time=0", "smtpd_hard_error_limit=1000", "smtpd_soft_error_limit=1000",
}

// startWorld starts everything. After an error nothing is left running.
func startWorld(root, binary, kind string, seed uint64) (w *world, err error) {
	w = &world{binary: binary, ledger: new(ledger), random: rand.New(rand.NewPCG(seed, 0)), figures: make(map[string]string), over: make(chan struct{})}
	w.told.begin(nil)
	for _, step := range []func() error{
		w.openHosts,
		func() error { return w.startMTA(root, kind) },
		func() error { return w.install(root) },
		w.openLogs,
		w.openSocket,
		w.startDaemon,
	} {
		if err = step(); err != nil {
			return w, errors.Join(err, w.stop())
		}
	}
	return w, nil
}

// atEnd adds what stop does.
func (w *world) atEnd(stop func() error) { w.stops = append(w.stops, stop) }

func (w *world) stop() error {
	var faults []error
	for _, stop := range slices.Backward(w.stops) {
		faults = append(faults, stop())
	}
	return errors.Join(faults...)
}

func (w *world) openHosts() error {
	group, err := user.LookupGroup("postfix")
	if err != nil {
		return err
	}
	gid, _ := strconv.Atoi(group.Gid)
	w.group = uint32(gid)
	if w.dir, err = os.MkdirTemp("", "postseal-soak-"); err != nil {
		return err
	}
	w.atEnd(func() error { return os.RemoveAll(w.dir) })
	if w.internet, err = mtatest.StartSink(); err != nil {
		return err
	}
	w.atEnd(w.internet.Stop)
	if err = w.openRelay("127.0.0.1:0"); err == nil {
		w.atEnd(func() error { return w.openedRelay().Stop() })
	}
	return err
}

func (w *world) startMTA(root, kind string) (err error) {
	if kind != "postfix" && kind != "sendmail" {
		return fmt.Errorf("%q is neither postfix nor sendmail", kind)
	}
	o := mtatest.Options{Root: root, Relay: w.openedRelay().Addr, Internet: w.internet.Addr, Milter: true}
	if kind == "postfix" {
		p, err := mtatest.StartPostfix(o)
		if err != nil {
			return err
		}
		w.mta = p
		w.atEnd(p.Stop)
		return errors.Join(p.Run("postconf", append([]string{"-e"}, postfixSettings...)...), p.Reload())
	}
	s, err := mtatest.StartSendmail(o)
	if err != nil {
		return err
	}
	w.mta = s
	w.atEnd(s.Stop)
	const contribs, short = "T=S:30s;R:30s;E:5m", "T=C:4s;S:4s;R:4s;E:8s"
	cf := filepath.Join(s.Directory(), "sendmail.cf")
	text, err := os.ReadFile(cf)
	if err == nil && !bytes.Contains(text, []byte(contribs)) {
		err = fmt.Errorf("no %s in sendmail.cf", contribs)
	}
	return errors.Join(err, os.WriteFile(cf, bytes.ReplaceAll(text, []byte(contribs), []byte(short)), 0o644), s.Restart())
}

// install puts the configuration, a rule file and the list in place.
func (w *world) install(root string) error {
	run := filepath.Join(w.mta.Directory(), "run")
	config, err := mtatest.Install(w.mta, mtatest.DaemonOptions{Root: root, Mode: "enforce",
		TOML: "[metrics]\nlisten = \"unix:" + run + "/status.sock\"\n" + policies})
	if err == nil {
		err = errors.Join(put(w.ruleFile(), []byte(rowsUntil(time.Now().AddDate(1, 0, 0)))), os.Mkdir(run, 0o755), os.Chown(run, nobody, int(w.group)))
	}
	w.files = make(map[string][]byte)
	for _, path := range []string{config, w.ruleFile(), w.list()} {
		text, readErr := os.ReadFile(path)
		w.files[path], err = text, errors.Join(err, readErr)
	}
	document, readErr := os.ReadFile(filepath.Join(root, "testdata", "documents", "pdf", "libreoffice.pdf"))
	w.document = document
	return errors.Join(err, readErr)
}

func (w *world) config() string {
	return filepath.Join(w.mta.Directory(), "etc-postseal", "postseal.toml")
}
func (w *world) ruleFile() string {
	return filepath.Join(w.mta.Directory(), "etc-postseal", "rules.d", "soak.toml")
}
func (w *world) list() string {
	return filepath.Join(w.mta.Directory(), "lib-postseal", "accredited.csv")
}

func rowsUntil(day time.Time) string { return fmt.Sprintf(rows, day.Format(time.DateOnly)) }

// put replaces a file in one step.
func put(path string, text []byte) error {
	return errors.Join(os.WriteFile(path+".new", text, 0o644), os.Rename(path+".new", path))
}

// makeSocketDir makes the folder of the socket, if it is not there.
func (w *world) makeSocketDir() error {
	folder := w.mta.SocketDir()
	return errors.Join(os.MkdirAll(folder, 0o750), os.Chown(folder, nobody, int(w.group)))
}

// openSocket opens the socket, or leaves that to the daemon, and makes a supervisor.
func (w *world) openSocket() error {
	if err := w.makeSocketDir(); err != nil {
		return err
	}
	var sockets []*os.File
	os.Remove(filepath.Join(w.mta.SocketDir(), "postseal.sock")) // an old one
	if !w.ownSocket {
		socket, err := mtatest.ListenFile(w.mta)
		if err != nil {
			return err
		}
		sockets = append(sockets, socket)
	}
	notify, err := os.MkdirTemp(w.dir, "")
	if err != nil {
		return err
	}
	if w.super, err = mtatest.NewSupervisor(w.binary, w.config(), notify, sockets...); err != nil {
		return err
	}
	// The daemon is not root, and Ctrl-C does not reach it.
	w.super.Prepare = func(cmd *exec.Cmd) {
		cmd.Stderr = w.stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: w.group}, Setpgid: true}
	}
	return errors.Join(os.Chmod(w.dir, 0o755), os.Chmod(notify, 0o755), os.Chmod(filepath.Join(notify, "notify"), 0o666))
}

// startDaemon starts the first daemon, and what goes on beside the faults.
func (w *world) startDaemon() error {
	w.atEnd(w.stopDaemon)
	go w.supervise()
	go w.collect()
	go w.watch()
	if !mtatest.Within(func() bool { return w.status().Running }) {
		return fmt.Errorf("postseal does not start: %v", w.told.list())
	}
	w.rows = w.status().Rows
	return nil
}

// supervise starts a daemon whenever the one before it has ended.
func (w *world) supervise() {
	for {
		w.mu.Lock()
		if w.closed {
			w.mu.Unlock()
			return
		}
		d, err := w.super.Start()
		w.daemon, w.expected = d, false
		w.mu.Unlock()
		if err == nil {
			err = d.Wait()
		}
		w.mu.Lock()
		if !w.expected {
			w.ended(err)
		}
		w.mu.Unlock()
		time.Sleep(500 * time.Millisecond)
	}
}

// ended records a daemon that ended by itself, as systemd does in its log.
func (w *world) ended(err error) {
	text := "ended: " + exitStatus.FindString(fmt.Sprint(err))
	w.told.add("log", text)
	if text != w.mayEnd {
		w.told.fault("postseal by itself " + text)
	}
}

// allow sets how the daemon may end by itself.
func (w *world) allow(end string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mayEnd = end
}

var exitStatus = regexp.MustCompile(`exit status \d+|signal: [a-z ]+|^<nil>`)

// change ends the daemon in order, makes a change, and waits until another daemon
// runs.
func (w *world) change(f func() error) error {
	w.mu.Lock()
	w.end()
	err := f()
	w.mu.Unlock()
	if err == nil && !mtatest.Within(func() bool { return w.status().Running }) {
		err = errors.New("postseal does not start")
	}
	return err
}

// end ends the daemon in order, as systemd does: TimeoutStopSec= is 90 seconds.
func (w *world) end() {
	w.expected = true
	if w.daemon == nil {
		return
	}
	kill := time.AfterFunc(90*time.Second, func() { w.daemon.Signal(syscall.SIGKILL) })
	defer kill.Stop()
	if err := w.daemon.Stop(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		w.told.fault("postseal does not stop in order: " + exitStatus.FindString(err.Error()))
	}
}

func (w *world) stopDaemon() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.end()
	close(w.over)
	return w.super.Close()
}

// signal sends the daemon a signal, if it runs.
func (w *world) signal(s syscall.Signal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.daemon != nil {
		w.expected = w.expected || s == syscall.SIGKILL
		w.daemon.Signal(s)
	}
}

func (w *world) pid() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.daemon.PID()
}

func (w *world) openedRelay() *mtatest.Sink { return w.relays[len(w.relays)-1] }

func (w *world) openRelay(addr string) error {
	sink, err := mtatest.StartSinkAt(addr)
	w.taking.Lock()
	defer w.taking.Unlock()
	if err == nil {
		w.relays = append(w.relays, sink)
	}
	return err
}

// collect takes what has arrived, and tries mail that waits again, as an MTA would
// after some minutes.
func (w *world) collect() {
	for i := 0; ; i++ {
		select {
		case <-w.over:
			return
		case <-time.After(100 * time.Millisecond):
		}
		w.take()
		if i%20 == 0 {
			w.mta.Retry() // fails while the MTA is stopped
		}
	}
}

// take records what has arrived at the hosts.
func (w *world) take() {
	w.taking.Lock()
	defer w.taking.Unlock()
	w.record(direct, w.internet)
	for _, sink := range w.relays {
		w.record(relay, sink)
	}
}

var (
	numberOf = regexp.MustCompile(`(?m)^` + numberField + `: (\d+)`)
	stamp    = regexp.MustCompile(`(?m)^X-Postseal:`)
	marker   = regexp.MustCompile(`(?mi)^(Subject: *\[secure\]|X-Postseal-Relay: encrypt)`)
	queueID  = regexp.MustCompile(`(?ms)^Received: .*?\bid (\w+)`)
	returned = regexp.MustCompile(`(?i)Final-Recipient: *rfc822; *(\S+?)(?:\.encrypt\.invalid)?\r\n(?:\S.*\r\n)*?Action: failed`)
)

// record records the mail of a host. A bounce has the header of the message below its
// own, and names the recipients as they were diverted.
func (w *world) record(l leg, sink *mtatest.Sink) {
	for _, d := range sink.Take() {
		a := arrival{leg: l, at: time.Now(), stamped: len(stamp.FindAll(d.Data, 2)) == 1, marked: marker.Match(d.Data)}
		names := returned.FindAllSubmatch(d.Data, -1)
		a.bounced = d.From == "" && l == direct && len(names) > 0
		number := -1
		if found := numberOf.FindSubmatch(d.Data); found != nil {
			number, _ = strconv.Atoi(string(found[1]))
		}
		received := queueID.FindAllSubmatch(d.Data, 2)
		if a.bounced && len(received) > 1 {
			received = received[1:] // the first one is the bounce's own
		}
		if len(received) > 0 {
			a.queue = string(received[0][1])
		}
		if !a.bounced {
			for _, r := range d.Recipients {
				w.ledger.arrived(number, r.Address, "", a, d.Data)
			}
			continue
		}
		for _, name := range names {
			address := string(name[1])
			if a.leg = direct; bytes.Contains(d.Data, []byte(address+".encrypt.invalid")) {
				a.leg = relay
			}
			w.ledger.arrived(number, address, d.Recipients[0].Address, a, d.Data)
		}
	}
}
