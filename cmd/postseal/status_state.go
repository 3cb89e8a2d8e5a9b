package main

import (
	"fmt"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/milter/metrics"
)

// state is the exit status of a Nagios plugin.
type state int

const (
	stateOK state = iota
	stateWarning
	stateCritical
	stateUnknown
)

var stateNames = [...]string{"ok", "warning", "critical", "unknown"}

func (s state) String() string { return stateNames[s] }

// MarshalText writes the name.
func (s state) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// isWorse reports whether s is worse than another state. The order is that of the
// monitoring plugins.
func (s state) isWorse(than state) bool {
	rank := [...]int{stateOK: 0, stateUnknown: 1, stateWarning: 2, stateCritical: 3}
	return rank[s] > rank[than]
}

// statusReport is the object that status -json prints. Its keys are never renamed
// within a major version.
type statusReport struct {
	State    state     `json:"state"`
	Problems []problem `json:"problems"` // the worst first
	Running  bool      `json:"running"`
	Error    string    `json:"error"` // why the status of the daemon cannot be read
	*metrics.Status
	Queue *queueReport `json:"queue,omitempty"`

	site       siteConfig
	thresholds thresholds
	unhealthy  string // why the daemon does not decide
}

type problem struct {
	State  state  `json:"state"`
	Text   string `json:"text"`
	Remedy string `json:"remedy"`
}

type queueReport struct {
	Held                int    `json:"held"`
	OldestHeldSeconds   int    `json:"oldest_held_seconds"`
	Sealed              int    `json:"sealed"`
	OldestSealedSeconds int    `json:"oldest_sealed_seconds"`
	Error               string `json:"error"`
}

func (q *queueReport) oldestHeld() time.Duration {
	return time.Duration(q.OldestHeldSeconds) * time.Second
}

func (q *queueReport) oldestSealed() time.Duration {
	return time.Duration(q.OldestSealedSeconds) * time.Second
}

// threshold says how old mail may be.
type threshold struct{ warning, critical time.Duration }

func (t threshold) state(oldest time.Duration) state {
	switch {
	case oldest > t.critical:
		return stateCritical
	case oldest > t.warning:
		return stateWarning
	}
	return stateOK
}

type thresholds struct{ held, sealed threshold }

// fault returns what is wrong with the options, or "".
func (t thresholds) fault() string {
	for _, of := range []struct {
		name string
		threshold
	}{{"held", t.held}, {"sealed", t.sealed}} {
		switch {
		case of.warning < 0 || of.critical < 0:
			return fmt.Sprintf("-%s-warning and -%[1]s-critical cannot be negative", of.name)
		case of.warning > of.critical:
			return fmt.Sprintf("-%[1]s-warning %[2]v is more than -%[1]s-critical %[3]v: set both", of.name, of.warning, of.critical)
		}
	}
	return ""
}

// soon is the number of days before its expiry from which status warns of a row. The
// log has a reminder on that day.
const soon = 14

// findProblems sets Problems and State.
func (r *statusReport) findProblems(now time.Time) {
	var found [len(stateNames)][]problem
	add := func(s state, text, remedy string) {
		if s != stateOK {
			found[s] = append(found[s], problem{s, text, remedy})
		}
	}
	r.daemonProblems(now, add)
	if q := r.Queue; q != nil && q.Error != "" {
		remedy := "run the command as root, or as a user who can list the MTA's queue"
		if r.site.unread {
			remedy = "correct the configuration file"
		}
		add(stateUnknown, "queue: cannot be read: "+q.Error, remedy)
	} else if q != nil {
		add(r.thresholds.held.state(q.oldestHeld()), fmt.Sprintf("%s held, the oldest for %s", counted(q.Held, "message"), age(q.oldestHeld())),
			`look at each message, then release or delete it: "Held mail" in contrib/postfix/README.md or contrib/sendmail/README.md`)
		add(r.thresholds.sealed.state(q.oldestSealed()), fmt.Sprintf("%s sealed but not sent, the oldest for %s", counted(q.Sealed, "message"), age(q.oldestSealed())),
			"look in the MTA's log for the reason, and check the encryption relay and the route to it")
	}
	r.Problems = []problem{}
	for _, s := range []state{stateCritical, stateWarning, stateUnknown} {
		r.Problems = append(r.Problems, found[s]...)
	}
	for _, p := range r.Problems {
		if p.State.isWorse(r.State) {
			r.State = p.State
		}
	}
}

func (r *statusReport) daemonProblems(now time.Time, add func(s state, text, remedy string)) {
	const look = "systemctl status postseal.socket postseal and journalctl -u postseal -n 50 say why"
	switch {
	case r.Running && r.unhealthy != "":
		add(stateCritical, "the daemon runs, but does not decide mail: "+printable(r.unhealthy), look+". Then run systemctl restart postseal.socket postseal")
	case !r.Running:
		add(stateCritical, "the status of the daemon cannot be read: "+r.Error,
			look+". Then run systemctl restart postseal. Without systemd, start postseal serve with metrics.listen set")
	}
	if r.site.fault != nil {
		add(stateWarning, "the configuration file is faulty, so a restart would fail", "run postseal check: it names each fault")
	}
	if !r.Running {
		return
	}
	if r.Refused {
		add(stateWarning, "a configuration, list or rule file on disk is refused, and the old one stays in force",
			"run postseal check, correct the fault, then run systemctl reload postseal")
	}
	if e := r.LastError; e != nil && !hasOwnProblem(e.Msg) && now.Sub(parseTime(e.Time)) < 24*time.Hour {
		add(stateWarning, fmt.Sprintf("%q %s ago", printable(e.Msg), age(now.Sub(parseTime(e.Time)))), "postseal-log(5) says what the message means and what to do")
	}
	if r.LinesLost > 0 {
		add(stateWarning, counted(r.LinesLost, "log line")+" lost since the daemon started",
			"make space for the log, or make it writable. Then run systemctl restart postseal, which also clears this warning")
	}
	if imported := parseTime(r.ListImported); !imported.IsZero() {
		if days := int(now.Sub(imported) / (24 * time.Hour)); days > config.MaxListAge {
			add(stateWarning, fmt.Sprintf("the accredited list is %d days old, which is more than %d", days, config.MaxListAge), "run postseal import with today's list")
		}
	}
	if r.RowsExpired > 0 {
		add(stateWarning, counted(r.RowsExpired, "row")+" of the table expired", "renew or remove each row: postseal check names them")
	}
	if days, ok := r.DaysToExpiry(now); ok && days <= soon {
		add(stateWarning, fmt.Sprintf("a row expires on %s, in %s", printable(r.NextExpiry), counted(days, "day")), "run postseal check: it names the row")
	}
}

// parseTime returns the zero time for any other text.
func parseTime(text string) time.Time {
	t, _ := time.Parse(time.RFC3339, text)
	return t
}

// hasOwnProblem reports whether another problem says for how long the state lasts
// that an event of the log begins. /healthz fails while the MTA cannot connect.
func hasOwnProblem(msg string) bool {
	switch msg {
	case "reload refused", "lines lost", "socket lost", "too many connections":
		return true
	}
	return false
}
