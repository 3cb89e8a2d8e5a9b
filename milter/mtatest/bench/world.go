package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

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
	binaries        map[string]string // of the programs that were built
	stops           []func() error
}

// mainSettings are added to main.cf. They are the same for all rivals.
var mainSettings = []string{
	// Postfix accepts the mail of the load and keeps it in the hold queue. Its
	// delivery would cost the same with every filter, and would blur the result.
	"smtpd_data_restrictions = check_sender_access inline:{ { " + loadSender + " = HOLD } }",
	// Each sender has an smtpd process.
	"default_process_limit = 1000",
}

// startWorld starts Postfix and the hosts. After an error nothing is left running.
func startWorld(root string) (w *world, err error) {
	w = &world{root: root, bin: filepath.Join(root, "bin", "bench"), binaries: make(map[string]string)}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.stop())
		}
	}()
	if err := os.MkdirAll(w.bin, 0o755); err != nil {
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

// stop ends what was started, in reverse order. It tells all filters first, because
// libmilter needs up to 5 seconds to end.
func (w *world) stop() error {
	for _, e := range w.entrants {
		for _, p := range e.running {
			p.cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	var faults []error
	for i := len(w.stops) - 1; i >= 0; i-- {
		faults = append(faults, w.stops[i]())
	}
	return errors.Join(faults...)
}

// built returns the path of a rival's copy of a program, which is built for the first
// rival that runs it. Two processes of one file would share its memory.
func (w *world) built(e *entrant, name string, build func() (string, error)) (path string, err error) {
	if w.binaries[name] == "" {
		if w.binaries[name], err = build(); err != nil {
			return "", err
		}
	}
	program, err := os.ReadFile(w.binaries[name])
	if err != nil {
		return "", err
	}
	path = filepath.Join(e.dir, name)
	return path, os.WriteFile(path, program, 0o755)
}

// configure adds the settings, and an smtpd service for each rival. The services
// differ only in smtpd_milters.
func (w *world) configure(rivals []rival) error {
	services, milters := []string{"-M"}, []string{"-P"}
	for _, r := range rivals {
		e := &entrant{rival: r, dir: filepath.Join(w.postfix.SocketDir(), r.name)}
		var err error
		if e.addr, err = mtatest.FreeAddr(); err != nil {
			return err
		}
		if err := makeSocketDir(w.postfix.SocketDir(), e.dir); err != nil {
			return err
		}
		milter := ""
		if r.programs != nil {
			milter = "unix:" + e.socket()
		}
		services = append(services, e.addr+"/inet="+e.addr+" inet n - n - - smtpd")
		milters = append(milters, e.addr+"/inet/smtpd_milters="+milter)
		w.entrants = append(w.entrants, e)
	}
	for _, args := range [][]string{append([]string{"-e"}, mainSettings...), services, milters} {
		if err := w.postfix.Run("postconf", args...); err != nil {
			return err
		}
	}
	if err := w.postfix.Reload(); err != nil {
		return err
	}
	for _, e := range w.entrants {
		if !mtatest.Within(func() bool { return accepts("tcp", e.addr) }) {
			return fmt.Errorf("nothing listens at %s: %s", e.addr, w.postfix.Log())
		}
	}
	return nil
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
