package daemon

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	systemd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/maillog"
	"golang.org/x/sys/unix"
)

// keepTimeout is how long systemd may take to accept a connection.
const keepTimeout = time.Second

// metricsName is the FileDescriptorName= of postseal-metrics.socket.
const metricsName = "metrics"

// passed is what systemd has passed (sd_listen_fds(3)).
type passed struct {
	milter, metrics []net.Listener
	kept            []*os.File // connections for Resume
}

func passedSockets() (p passed, err error) {
	for _, file := range activation.Files(true) {
		if strings.HasPrefix(file.Name(), milter.SessionPrefix) {
			p.kept = append(p.kept, file)
			continue
		}
		l, err := net.FileListener(file)
		file.Close()
		if err != nil {
			return passed{}, fmt.Errorf("%s, passed by systemd: %w: use only ListenStream= lines in the .socket unit", file.Name(), err)
		}
		if file.Name() == metricsName {
			p.metrics = append(p.metrics, l)
		} else {
			p.milter = append(p.milter, l)
		}
	}
	return p, nil
}

// open returns the sockets to serve: those that systemd has passed, or else the
// one that the configuration names.
func (d *daemon) open(listen string, passed []net.Listener) (listeners []net.Listener, err error) {
	if listeners = passed; len(passed) > 0 {
		listen = ""
		d.server.Elsewhere = true
	} else {
		l, err := milter.Listen(listen)
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, l)
	}
	d.sockets = socketFiles(listeners, listen)
	return listeners, nil
}

// resume continues the sessions that systemd kept. It removes them from systemd,
// which would otherwise keep them open for ever.
func (d *daemon) resume(kept []*os.File) {
	for _, file := range kept {
		d.notify("FDSTOREREMOVE=1", "FDNAME="+file.Name())
		c, err := net.FileConn(file)
		file.Close()
		if err == nil {
			err = d.server.Resume(c, file.Name())
		}
		if err != nil {
			maillog.Write(d.log, maillog.SessionBroken{Reason: err.Error()})
		}
	}
}

// keep hands a connection to systemd, which passes it to the next daemon
// (FDSTORE in sd_notify(3)).
func keep(c net.Conn, name string) error {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	// Not connected: package net sends no rights over a socket that is.
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram"})
	if err != nil {
		return err
	}
	defer notify.Close()
	if err := notify.SetWriteDeadline(time.Now().Add(keepTimeout)); err != nil {
		return err
	}
	var sent error
	err = raw.Control(func(fd uintptr) {
		_, _, sent = notify.WriteMsgUnix([]byte("FDSTORE=1\nFDNAME="+name), syscall.UnixRights(int(fd)),
			&net.UnixAddr{Name: os.Getenv("NOTIFY_SOCKET"), Net: "unixgram"})
	})
	return errors.Join(err, sent)
}

// addresses renders the addresses of the listeners.
func addresses(listeners []net.Listener) string {
	var list []string
	for _, l := range listeners {
		list = append(list, l.Addr().String())
	}
	return strings.Join(list, ", ")
}

// notify tells systemd the state of the daemon (sd_notify(3)). Without
// systemd it does nothing.
func (d *daemon) notify(state ...string) {
	if _, err := systemd.SdNotify(false, strings.Join(state, "\n")); err != nil {
		maillog.Write(d.log, maillog.InternalError{Fault: err.Error()})
	}
}

// notifyReloading tells systemd that a reload has begun. READY=1 ends the reload.
// With the time, systemd can distinguish it from an earlier reload
// (Type=notify-reload).
func (d *daemon) notifyReloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		maillog.Write(d.log, maillog.InternalError{Fault: err.Error()})
	}
	d.notify(systemd.SdNotifyReloading, fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000))
}

// status returns the text that "systemctl status" shows. Every user can read it,
// so the reason for a refused reload is only in the log.
func (d *daemon) status() string {
	c := d.current.Load().Message
	text := fmt.Sprintf("STATUS=mode %s, %d rows, config %s, %d sessions", c.Mode, c.Rules.Table.Len(), c.Hash, d.server.Sessions())
	if d.refused.config {
		text += "; the configuration on disk was refused: see the log"
	}
	if d.refused.files {
		text += "; a changed list or rule file was refused: see the log"
	}
	if lost, stuck := d.logState(); stuck || lost > 0 {
		text += fmt.Sprintf("; the log cannot be written, %d lines are lost", lost)
	}
	if slices.ContainsFunc(d.sockets, func(s *socketFile) bool { return s.lost != "" }) {
		text += "; a socket is lost: see the log"
	}
	if d.stuck > 0 {
		text += fmt.Sprintf("; %d sessions are stuck: systemd restarts postseal unless they continue", d.stuck)
	}
	return text
}

// feed tells systemd's watchdog that the daemon works. It stops doing so while a
// session is stuck, because only a restart helps. systemd then restarts the daemon,
// unless the session continues in time.
func (d *daemon) feed(now time.Time) {
	before := d.stuck
	d.stuck = d.server.Stuck(now)
	switch {
	case d.stuck == 0:
		d.notify(systemd.SdNotifyWatchdog, d.status())
		return
	case before == 0:
		maillog.Write(d.log, maillog.InternalError{Fault: fmt.Sprintf("%d sessions have made no progress for 30 seconds: systemd restarts postseal unless they continue", d.stuck)})
	}
	d.notify(d.status())
}

// watchdog ticks four times in each interval of systemd's watchdog, so that one
// tick without a feed does no harm, or never if the watchdog is off.
func (d *daemon) watchdog() *time.Ticker {
	interval, err := systemd.SdWatchdogEnabled(true)
	if err != nil {
		maillog.Write(d.log, maillog.InternalError{Fault: err.Error()})
	}
	if interval == 0 {
		return &time.Ticker{}
	}
	return time.NewTicker(interval / 4)
}
