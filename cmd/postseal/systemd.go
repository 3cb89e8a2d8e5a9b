package main

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	systemd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"github.com/postseal/postseal/milter"
)

// sockets gives the sockets that systemd has passed (sd_listen_fds(3)). Where
// it has passed none, it opens the one that the configuration names.
func sockets(listen string) ([]net.Listener, error) {
	files := activation.Files(true)
	if len(files) == 0 {
		l, err := milter.Listen(listen)
		return []net.Listener{l}, err
	}
	var listeners []net.Listener
	for _, file := range files {
		l, err := net.FileListener(file)
		file.Close()
		if err != nil {
			return nil, fmt.Errorf("%s, as systemd passed it: %w: give postseal.socket lines ListenStream= only", file.Name(), err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// addresses renders what is listened on.
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
		d.log.Error("internal error", "fault", err.Error())
	}
}

// notifyReloading tells systemd that a reload has begun. READY=1 ends it. The
// time lets systemd tell it from an earlier one (Type=notify-reload).
func (d *daemon) notifyReloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		d.log.Error("internal error", "fault", err.Error())
	}
	d.notify(systemd.SdNotifyReloading, fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000))
}

// status is what "systemctl status" shows. Everybody may read that, so that
// the reason of a refused reload stays in the log.
func (d *daemon) status() string {
	c := d.current.Load().milter
	text := fmt.Sprintf("STATUS=mode %s, %d rows, config %s, %d sessions", c.Mode, c.Rules.Table.Len(), c.Hash, d.server.Sessions())
	if d.refused {
		text += "; the last reload was refused: see the log"
	}
	return text
}

// watchdog ticks twice in each interval of systemd's watchdog, or never where
// that is off.
func (d *daemon) watchdog() *time.Ticker {
	interval, err := systemd.SdWatchdogEnabled(true)
	if err != nil {
		d.log.Error("internal error", "fault", err.Error())
	}
	if interval == 0 {
		return &time.Ticker{}
	}
	return time.NewTicker(interval / 2)
}
