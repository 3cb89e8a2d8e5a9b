// Package daemon runs the milter. It opens the sockets, handles signals, reloads
// changed files, notifies systemd, and writes the log.
package daemon

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/metrics"
)

// Serve runs the milter until a signal stops it. first is the configuration that
// was read from the path. An error means that the milter could not start.
func Serve(path string, first *config.Config, stderr io.Writer, version string) error {
	stop, hangUp := signals()
	defer signal.Stop(stop)
	defer signal.Stop(hangUp)

	// If the reader of the log is gone, a write returns an error. SIGPIPE would end
	// the daemon.
	signal.Ignore(syscall.SIGPIPE)
	abortAtSignal(stderr)
	figures := metrics.New()
	writer, lines := newLogWriter(openLog(stderr, journalSocket), first.File.Log.Format, figures.Count)
	defer writer.close()
	d := newDaemon(path, first, maillog.NewLog(lines, figures.Count))
	d.logState = writer.state
	slog.SetDefault(slog.New(milter.LibraryHandler(d.log)))
	passed, err := passedSockets()
	if err != nil {
		return err
	}
	web, err := d.openMetrics(first, passed.metrics)
	if err != nil {
		return err
	}
	listeners, err := d.open(first.File.Listen, passed.milter)
	if err != nil {
		return err
	}
	first.Message.Read.Documents.Count(figures.Document) // all configurations share its processes
	if os.Getenv("NOTIFY_SOCKET") != "" {
		d.server.HandOver = keep
	}
	d.resume(passed.kept)
	d.server.Start(listeners...)
	defer d.serveWeb(append(web, d.openStatus()...), figures.Handler(metrics.Daemon{
		Version:   version,
		InForce:   d.inForce,
		Sessions:  d.server.Sessions,
		Refused:   d.server.Refused,
		LinesLost: writer.lostLines,
		Probe:     d.server.Probe,
	}))()
	maillog.Write(d.log, maillog.Started{
		Version: version, Listen: addresses(listeners), File: first.Origin,
		Mode: first.Message.Mode, Edition: first.File.Rules.Edition, Rows: first.Message.Rules.Table.Len(), Config: first.Message.Hash,
	})
	d.remind(time.Now())
	d.notify(systemd.SdNotifyReady, d.status())
	collect(first.Message.Rules.Table.Len())
	defer useFew()()
	d.run(stop, hangUp)
	signal.Reset(syscall.SIGINT) // another one ends the daemon at once
	d.notify(systemd.SdNotifyStopping)
	maillog.Write(d.log, maillog.Stopped{CutOff: d.server.Shutdown()})
	return nil
}

// daemon is the state that a reload changes. Only one goroutine calls its methods.
type daemon struct {
	path string
	log  *maillog.Log
	// logState returns how many lines are lost, and whether the log is stuck.
	logState func() (lost int, stuck bool)
	current  atomic.Pointer[config.Config]
	server   *milter.Server

	sockets  []*socketFile
	refused  refusals
	polled   string // the files' stamp at the last poll
	tried    string // the files' stamp at the last load, good or not
	reminded string // the day of the last reminders
	stuck    int    // sessions at the last tick of the watchdog
}

func newDaemon(path string, first *config.Config, log *maillog.Log) *daemon {
	d := &daemon{path: path, log: log, logState: func() (int, bool) { return 0, false }, polled: first.Stamp, tried: first.Stamp}
	d.current.Store(first)
	d.server = &milter.Server{
		Config:   func() *message.Config { return d.current.Load().Message },
		Log:      log,
		Timeouts: milter.DefaultTimeouts,
		Drain:    milter.DefaultDrain,
		Now:      time.Now,

		MaxConnections: maxConnections(),
	}
	return d
}

// signals returns the signals that stop the daemon, and those that reload it. A reload
// can take seconds, and package os/signal drops what does not fit: a signal to stop
// must not be lost behind many to reload. One more reload covers all that came meanwhile.
func signals() (stop, hangUp chan os.Signal) {
	stop, hangUp = make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	signal.Notify(hangUp, syscall.SIGHUP)
	return stop, hangUp
}

// run handles signals and polls the files until a signal stops it.
func (d *daemon) run(stop, hangUp <-chan os.Signal) {
	poll, watchdog := time.NewTicker(pollInterval), d.watchdog()
	defer poll.Stop()
	for {
		select {
		case <-poll.C:
			d.tick(time.Now())
		case <-watchdog.C:
			d.feed(d.server.Now())
		case <-stop:
			return
		case <-hangUp:
			d.notifyReloading()
			d.reload(time.Now())
			d.notify(systemd.SdNotifyReady)
		}
	}
}

// reload reads everything again.
func (d *daemon) reload(now time.Time) {
	defer useMany()()
	old := d.current.Load()
	var fresh *config.Config
	origin, text, err := config.Read(d.path)
	if err == nil {
		fresh, err = config.Build(origin, text)
	}
	if err == nil {
		err = fresh.TakeKey()
	}
	if err == nil && fresh.Origin != old.Origin {
		err = fmt.Errorf("%s would replace %s: put the file back, or restart postseal", fresh.Origin, old.Origin)
	}
	if err == nil && (fresh.File.Listen != old.File.Listen || fresh.File.Log.Format != old.File.Log.Format || fresh.File.Metrics != old.File.Metrics) {
		err = fmt.Errorf("%s: listen, log.format or metrics.listen has changed: restart postseal to apply the change", fresh.Origin)
	}
	switch {
	case err == nil:
		d.polled, d.tried = fresh.Stamp, fresh.Stamp
		d.refused = refusals{}
	case origin == old.Origin && bytes.Equal(text, old.Text): // the fault is in the other files
		d.refused = refusals{files: true}
	default:
		d.refused.config = true
	}
	d.swap(fresh, err, "SIGHUP", now)
}

// swap replaces the configuration with a fresh one in one step, or keeps the old
// one if there is an error. The cause says why postseal reloaded.
func (d *daemon) swap(fresh *config.Config, err error, cause string, now time.Time) {
	rows := d.current.Load().Message.Rules.Table.Len()
	if err != nil {
		old := d.current.Load().Message
		maillog.Write(d.log, maillog.ReloadRefused{Cause: cause, Reason: old.Addresses.Text(err.Error()), Config: old.Hash})
	} else {
		d.current.Store(fresh)
		maillog.Write(d.log, maillog.Reloaded{
			Cause: cause, ConfigRefused: d.refused.config,
			Mode: fresh.Message.Mode, Edition: fresh.File.Rules.Edition, Rows: fresh.Message.Rules.Table.Len(), Config: fresh.Message.Hash,
		})
		d.remind(now)
		rows = max(rows, fresh.Message.Rules.Table.Len())
	}
	d.notify(d.status())
	collect(rows)
}

// refusals records which files on disk are refused. Each cause has its own flag,
// because correcting a rule file does not correct the configuration file.
type refusals struct {
	config bool // the configuration file, at SIGHUP
	files  bool // a list or rule file
}
