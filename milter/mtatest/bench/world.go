package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// world is the running servers: one Postfix for all rivals, and the hosts at
// which the mail of the checks arrives.
type world struct {
	root            string // the checkout
	bin             string // bin/bench of the checkout
	internet, relay *mtatest.Sink
	postfix         *mtatest.Postfix
	entrants        []*entrant
	stops           []func() error
}

// mainSettings are added to main.cf. They are the same for all rivals.
var mainSettings = []string{
	// The mail of the load is discarded. All of it has the same next hop, so that
	// Postfix delivers a message in as few steps as it can. The mail of the checks
	// follows contrib's map.
	`transport_maps = regexp:{ { /\.load\.example(\.encrypt\.invalid)?$$/ discard:load } }, %s`,
	// The first deliveries do not have to prove that the host is up.
	`initial_destination_concurrency = 20`,
	// A process is never the limit: 50 senders, and one smtpd service for each rival.
	`default_process_limit = 500`,
}

// startWorld starts Postfix and the hosts. After an error nothing is left running.
func startWorld(root string) (w *world, err error) {
	w = &world{root: root, bin: filepath.Join(root, "bin", "bench")}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.stop())
		}
	}()
	if err := os.MkdirAll(w.bin, 0o755); err != nil {
		return w, err
	}
	if _, err := mtatest.Build(root, w.bin, "-trimpath", "-ldflags=-s"); err != nil {
		return w, err
	}
	if err := w.buildNothing(); err != nil {
		return w, err
	}
	if w.internet, err = mtatest.StartSink(); err != nil {
		return w, err
	}
	w.stops = append(w.stops, w.internet.Stop)
	if w.relay, err = mtatest.StartSink(); err != nil {
		return w, err
	}
	w.stops = append(w.stops, w.relay.Stop)
	w.postfix, err = mtatest.StartPostfix(mtatest.Options{
		Root: root, Relay: w.relay.Addr, Internet: w.internet.Addr, Milter: true,
	})
	if err != nil {
		return w, err
	}
	w.stops = append(w.stops, w.postfix.Stop)
	return w, nil
}

// stop ends what was started, in reverse order.
func (w *world) stop() error {
	var faults []error
	for i := len(w.stops) - 1; i >= 0; i-- {
		faults = append(faults, w.stops[i]())
	}
	return errors.Join(faults...)
}

// configure adds the settings, and an smtpd service for each rival. The services
// differ only in smtpd_milters.
func (w *world) configure(rivals []rival) error {
	contrib, err := w.postfix.Output("postconf", "-h", "transport_maps")
	if err != nil {
		return err
	}
	args := []string{"-e"}
	for _, setting := range mainSettings {
		// postconf shows $$ as it is written, and -e writes it as it is given.
		args = append(args, strings.Replace(setting, "%s", strings.TrimSpace(contrib), 1))
	}
	if err := w.postfix.Run("postconf", args...); err != nil {
		return err
	}
	if err := w.postfix.Run("postconf", "-M", "discard/unix=discard unix - - n - - discard"); err != nil {
		return err
	}
	for _, r := range rivals {
		e := &entrant{rival: r, dir: filepath.Join(w.postfix.SocketDir(), r.name)}
		if e.addr, err = mtatest.FreeAddr(); err != nil {
			return err
		}
		milter := ""
		if r.programs != nil {
			milter = "unix:" + e.socket()
		}
		for _, args := range [][]string{
			{"-M", e.addr + "/inet=" + e.addr + " inet n - n - - smtpd"},
			{"-P", e.addr + "/inet/smtpd_milters=" + milter},
		} {
			if err := w.postfix.Run("postconf", args...); err != nil {
				return err
			}
		}
		if err := makeSocketDir(w.postfix.SocketDir(), e.dir); err != nil {
			return err
		}
		w.entrants = append(w.entrants, e)
	}
	return w.postfix.Reload()
}

// makeSocketDir makes a directory with the group and mode of its parent.
func makeSocketDir(parent, dir string) error {
	info, err := os.Stat(parent)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, info.Mode().Perm()); err != nil {
		return err
	}
	return os.Chown(dir, -1, int(info.Sys().(*syscall.Stat_t).Gid))
}

// mailLog returns the path of Postfix's log.
func (w *world) mailLog() string { return filepath.Join(w.postfix.Directory(), "maillog") }

// clearLog empties Postfix's log, which would grow to gigabytes.
func (w *world) clearLog() error { return os.Truncate(w.mailLog(), 0) }

// delivered is what Postfix's log says about the mail since the log was cleared.
type delivered struct {
	messages   int // that have left the queue
	recipients int // that got a message
	sealed     int // of them, those whose address was changed for the relay
}

// await waits until the messages have left the queue, and returns what the log
// says about them.
func (w *world) await(messages int) (d delivered, err error) {
	log, err := os.Open(w.mailLog())
	if err != nil {
		return d, err
	}
	defer log.Close()
	buf, rest := make([]byte, 1<<20), 0
	for end := time.Now().Add(mtatest.Patience); d.messages < messages; {
		n, _ := log.Read(buf[rest:]) // an error means that there is no more yet
		if n == 0 {
			if time.Now().After(end) {
				return d, fmt.Errorf("%d of %d messages have left the queue", d.messages, messages)
			}
			time.Sleep(2 * time.Millisecond)
			continue
		}
		text := buf[:rest+n]
		whole := bytes.LastIndexByte(text, '\n') + 1
		d.count(text[:whole])
		rest = copy(buf, text[whole:])
	}
	return d, nil
}

// count counts in whole lines of the log.
func (d *delivered) count(lines []byte) {
	for line := range bytes.Lines(lines) {
		switch {
		case bytes.HasSuffix(line, []byte(": removed\n")):
			d.messages++
		case bytes.Contains(line, []byte(", status=sent (")):
			d.recipients++
			if bytes.Contains(line, []byte(".encrypt.invalid>")) {
				d.sealed++
			}
		}
	}
}
