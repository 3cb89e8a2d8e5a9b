package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/daemon"
	"github.com/postseal/postseal/cmd/postseal/doctor"
	"github.com/postseal/postseal/cmd/postseal/queue"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/rules"
)

const doctorUsage = `Usage: postseal doctor [-config FILE] [-json | [-log] [-prometheus] | -send ADDRESS]
                       [-mta postfix|sendmail]
                       [-config-directory DIR | -sendmail-cf FILE]

Looks for settings of the MTA that bypass or defeat postseal, and at postseal
itself. Each finding says what is set, what happens to mail, and the command or
line that corrects it, the worst first. It changes nothing. Run it as root.

The MTA is Postfix if it is installed, and otherwise Sendmail.

Exit status: 0 no findings, 1 findings, 2 wrong usage or the MTA's configuration
cannot be read, 78 faulty configuration.
`

const sendmailCF = "/etc/mail/sendmail.cf"

func runDoctor(args []string, std stdio) int {
	c := newCommand("doctor", doctorUsage, std)
	asJSON := c.Bool("json", false, "print one JSON array")
	asLog := c.Bool("log", false, "write each finding to the log, as an event doctor")
	asMetrics := c.Bool("prometheus", false, "print how many findings there are, for the textfile collector of Prometheus's node_exporter")
	mta := c.String("mta", "", "look at the `MTA` postfix or sendmail")
	directory := c.String("config-directory", "", "read Postfix's main.cf and master.cf in `DIR`")
	cf := c.String("sendmail-cf", "", "read `FILE` instead of "+sendmailCF)
	send := c.String("send", "", "send one marked message to the outside address `ADDRESS`, and say whether postseal diverts it")
	if code, stop := c.parse(args); stop {
		return code
	}
	switch {
	case c.NArg() > 0:
		return c.misused("unexpected argument %q", c.Arg(0))
	case moreThanOne(*asJSON, *asLog || *asMetrics, *send != ""):
		return c.misused("use only one of -json, -log with or without -prometheus, and -send")
	case *mta != "" && *mta != "postfix" && *mta != "sendmail":
		return c.misused("-mta %q is not one of [\"postfix\" \"sendmail\"]", *mta)
	case *directory != "" && *cf != "", *directory != "" && *mta == "sendmail", *cf != "" && *mta == "postfix":
		return c.misused("-config-directory is for Postfix, and -sendmail-cf is for Sendmail: use one")
	}
	loaded, err := config.Load(*c.config)
	if err != nil {
		return c.failed(exitConfig, err)
	}
	if *directory != "" {
		if *directory, err = filepath.Abs(*directory); err != nil {
			return c.failed(exitUsage, err)
		}
		os.Setenv("MAIL_CONFIG", *directory) // for postqueue
	}
	now := time.Now()
	var site *doctor.Site
	if *cf != "" || *mta == "sendmail" || *mta == "" && *directory == "" && !doctor.HasPostfix() {
		if *cf == "" {
			*cf = sendmailCF
		}
		site = c.site(loaded, queue.Sendmail, now)
		site.Sendmail, err = doctor.ReadSendmail(*cf)
	} else {
		site = c.site(loaded, queue.Postfix, now)
		site.Postfix, err = doctor.ReadPostfix(*directory)
	}
	if err != nil {
		return c.failed(exitUsage, fmt.Errorf("cannot look: %w", err))
	}
	if *send != "" {
		return c.sendMessage(loaded, site, *send)
	}
	found, fault := site.Look(loaded.File.Doctor.Accept)
	switch {
	case *asJSON:
		err = newEncoder(std.out).Encode(found)
	case !*asLog && !*asMetrics:
		_, err = io.WriteString(std.out, findingsText(found, fault != nil))
	}
	if *asLog {
		err = logFindings(loaded, found, std.err)
	}
	if *asMetrics && fault == nil && err == nil { // old metrics say that nobody could look
		_, err = io.WriteString(std.out, findingsMetrics(found, now))
	}
	if err != nil {
		return c.failed(exitFailure, err)
	}
	if fault != nil {
		return c.failed(exitUsage, fmt.Errorf("cannot look: %w", fault))
	}
	for _, f := range found {
		if !f.Accepted {
			return exitFailure
		}
	}
	return exitDone
}

// site asks the daemon and the queue, as status does.
func (c *command) site(loaded *config.Config, mta queue.MTA, now time.Time) *doctor.Site {
	r := statusReport{site: readSite(*c.config)}
	r.ask()
	figures, err := r.site.queue(mta, now)
	s := doctor.NewSite()
	s.Rules, s.Local, s.Now = loaded.Message.Rules, loaded.File.LocalDomains, now
	s.Sockets = sockets(loaded.File.Listen)
	s.Own = doctor.Own{
		File: loaded.Origin, Fault: r.unhealthy, Hash: loaded.Message.Hash, Mode: loaded.Message.Mode,
		Queue: doctor.Queue{
			Held: figures.Held.Count, OldestHeld: figures.Held.Oldest,
			Sealed: figures.Sealed.Count, OldestSealed: figures.Sealed.Oldest, Fault: err,
		},
		MaxListAge: config.MaxListAge, Soon: soon,
	}
	if r.Running {
		s.Own.Status = r.Status
	} else {
		s.Own.Fault = "the daemon cannot be asked: " + r.Error
	}
	policies, _ := loaded.File.Policies() // without a fault, as it is loaded
	s.Markers = slices.ContainsFunc(policies, func(p rules.Policy) bool { return p.AddMarker })
	if slices.ContainsFunc(policies, func(p rules.Policy) bool { return p.Action == rules.Divert || p.Action == rules.Quarantine }) {
		s.Relay = loaded.File.Relay.Domain
	}
	return s
}

// sockets returns where the MTA reaches postseal: at the sockets of the unit, or at
// listen.
func sockets(listen string) []string {
	found := []string{listen}
	ctx, cancel := context.WithTimeout(context.Background(), maxAsk)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemctl", "show", "--property=Listen", "postseal.socket").Output()
	if err != nil {
		return found // no systemd
	}
	for line := range strings.Lines(string(out)) {
		where, ok := strings.CutSuffix(strings.TrimPrefix(strings.TrimSpace(line), "Listen="), " (Stream)")
		switch {
		case !ok:
		case filepath.IsAbs(where):
			found = append(found, "unix:"+where)
		default:
			found = append(found, "inet:"+where)
		}
	}
	return found
}

// logFindings writes the findings that are not accepted where the daemon writes its
// log.
func logFindings(loaded *config.Config, found []doctor.Finding, stderr io.Writer) error {
	if err := loaded.CheckKey(); err != nil {
		return err
	}
	log, end := daemon.Log(stderr, loaded.File.Log.Format)
	defer end()
	shown := loaded.Message.Addresses
	for _, f := range found {
		if !f.Accepted {
			maillog.Write(log, maillog.Doctor{
				ID: string(f.ID), Severity: f.Severity.String(), Setting: shown.Text(f.Setting), Service: f.Service, Effect: shown.Text(f.Effect),
			})
		}
	}
	return nil
}

// findingsMetrics returns how many findings that are not accepted have each severity.
func findingsMetrics(found []doctor.Finding, now time.Time) string {
	counts := make(map[doctor.Severity]int)
	for _, f := range found {
		if !f.Accepted {
			counts[f.Severity]++
		}
	}
	var b strings.Builder
	gaugeHead(&b, "postseal_doctor_findings", "Findings of postseal doctor that are not accepted.")
	for severity := doctor.Leak; severity <= doctor.Advice; severity++ {
		fmt.Fprintf(&b, "postseal_doctor_findings{severity=\"%s\"} %d\n", severity, counts[severity])
	}
	gauge(&b, "postseal_doctor_run_timestamp_seconds", "When doctor looked.", now.Unix())
	return b.String()
}

// findingsText returns the findings for a person.
func findingsText(found []doctor.Finding, incomplete bool) string {
	var b strings.Builder
	if len(found) == 0 && !incomplete {
		return "good: no findings\n"
	}
	for i, f := range found {
		if i > 0 {
			b.WriteByte('\n')
		}
		severity := f.Severity.String()
		if f.Accepted {
			severity = "accepted"
		}
		fmt.Fprintf(&b, "%s: %s: %s: %s\n  %s\n  to do: %s\n", severity, f.ID, printable(f.Service), printable(f.Setting), printable(f.Effect), printable(f.Fix))
	}
	return b.String()
}
