package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/postseal/postseal/cmd/postseal/queue"
	"github.com/postseal/postseal/rules"
)

// text returns the report for a person: first the problems, then the figures.
func (r *statusReport) text(now time.Time) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-14s %s\n", name, printable(fmt.Sprintf(format, args...)))
	}
	if r.State == stateOK {
		b.WriteString("good: the daemon runs, and nothing needs your attention\n")
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "%s: %s\n  to do: %s\n", p.State, printable(p.Text), p.Remedy)
	}
	b.WriteByte('\n')
	if r.Running {
		r.daemonText(line, now)
	} else {
		line("daemon", "status cannot be read")
	}
	switch q := r.Queue; {
	case q == nil:
	case q.Error != "":
		line("queue", "cannot be read")
	default:
		line("held", "%s", waiting(q.Held, q.oldestHeld()))
		line("sealed", "%s", waiting(q.Sealed, q.oldestSealed()))
	}
	return b.String()
}

func (r *statusReport) daemonText(line func(name, format string, args ...any), now time.Time) {
	since := func(text string) string {
		t := parseTime(text)
		return fmt.Sprintf("%s (%s ago)", t.Local().Format("2006-01-02 15:04"), age(now.Sub(t)))
	}
	line("daemon", "runs since %s, version %s", since(r.Started), r.Version)
	if r.Mode.String() == "observe" {
		line("mode", "observe: mail is decided and logged, but not changed")
	} else {
		line("mode", "%s", r.Mode)
	}
	line("configuration", "%s %s, edition %s, %s", r.site.file, r.Config, r.Edition, counted(r.Rows, "row"))
	line("", "in force since %s", since(r.Loaded))
	if r.Refused {
		line("", "a newer file on disk is refused")
	}
	if r.ListImported != "" {
		line("list", "imported %s", since(r.ListImported))
	} else {
		line("list", "none")
	}
	if days, ok := r.DaysToExpiry(now); ok {
		line("next expiry", "%s, in %s", r.NextExpiry, counted(days, "day"))
	} else {
		line("next expiry", "none")
	}
	decided := []string{}
	for action := range rules.Reject + 1 {
		if n := r.Today.ByAction[action]; n > 0 {
			decided = append(decided, fmt.Sprintf("%d %s", n, action))
		}
	}
	line("today", "%s", strings.Join(append([]string{counted(r.Today.Messages, "message") + " decided"}, decided...), ", "))
	line("", "%s refused", counted(r.Today.RefusedRecipients, "recipient"))
	line("", "%s sensitive, without the marker, to recipients that need it", counted(r.Today.SensitiveUnmarked, "message"))
	line("sessions", "%d open", r.Sessions)
	if e := r.LastError; e != nil {
		line("last error", "%s: %s: %.200s", since(e.Time), e.Msg, e.Text)
	} else {
		line("last error", "none since the start")
	}
}

func waiting(n int, oldest time.Duration) string {
	if n == 0 {
		return "no message waits"
	}
	return counted(n, "message") + ", the oldest for " + age(oldest)
}

// nagios returns one line of printable ASCII for Nagios, with performance data. No text
// from outside contains "|", which begins that.
func (r *statusReport) nagios(now time.Time) string {
	var says []string
	for _, p := range r.Problems {
		says = append(says, p.Text)
	}
	if len(says) == 0 {
		says = append(says, fmt.Sprintf("mode %s, %s today", r.Mode, counted(r.Today.Messages, "message")))
		if q := r.Queue; q != nil {
			says = append(says, fmt.Sprintf("%d held", q.Held), fmt.Sprintf("%d sealed and waiting", q.Sealed))
		}
	}
	line := strings.Map(func(r rune) rune {
		switch {
		case r == '|':
			return '/'
		case r < ' ' || r > '~':
			return '?'
		}
		return r
	}, strings.Join(says, "; "))
	if len(line) > 400 {
		line = strings.ToValidUTF8(line[:397], "") + "..."
	}
	line = "POSTSEAL " + strings.ToUpper(r.State.String()) + " - " + line
	if data := r.performance(now); len(data) > 0 {
		line += " | " + strings.Join(data, " ")
	}
	return line + "\n"
}

// performance returns the performance data: label=value[unit];warning;critical;minimum.
func (r *statusReport) performance(now time.Time) (data []string) {
	add := func(label string, n int, unit string) {
		data = append(data, fmt.Sprintf("%s=%d%s;;;0", label, n, unit))
	}
	oldest := func(label string, seconds int, t threshold) {
		data = append(data, fmt.Sprintf("%s=%ds;%d;%d;0", label, seconds, int(t.warning.Seconds()), int(t.critical.Seconds())))
	}
	if q := r.Queue; q != nil && q.Error == "" {
		add("held", q.Held, "")
		oldest("held_oldest", q.OldestHeldSeconds, r.thresholds.held)
		add("sealed", q.Sealed, "")
		oldest("sealed_oldest", q.OldestSealedSeconds, r.thresholds.sealed)
	}
	if !r.Running {
		return data
	}
	for action := range rules.Reject + 1 {
		add("today_"+action.String(), r.Today.ByAction[action], "")
	}
	add("today_refused_recipients", r.Today.RefusedRecipients, "")
	add("today_sensitive_unmarked", r.Today.SensitiveUnmarked, "")
	add("sessions", r.Sessions, "")
	add("lines_lost", r.LinesLost, "c")
	if imported := parseTime(r.ListImported); !imported.IsZero() {
		add("list_age", int(now.Sub(imported).Seconds()), "s")
	}
	return data
}

// gauge writes a gauge without labels for the textfile collector of node_exporter.
func gauge(b *strings.Builder, name, help string, value int64) {
	gaugeHead(b, name, help)
	fmt.Fprintf(b, "%s %d\n", name, value)
}

// gaugeHead writes what is before the series of a gauge.
func gaugeHead(b *strings.Builder, name, help string) {
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %[1]s gauge\n", name, help)
}

// prometheusText returns the metrics of the queue.
func prometheusText(f queue.Figures, now time.Time) string {
	var b strings.Builder
	gauge(&b, "postseal_held_messages", "Messages that are held or quarantined in the MTA's queue.", int64(f.Held.Count))
	gauge(&b, "postseal_held_oldest_seconds", "Age of the oldest of them, or 0.", int64(f.Held.Oldest.Seconds()))
	gauge(&b, "postseal_sealed_waiting_messages", "Messages in the MTA's queue that wait for the encryption relay.", int64(f.Sealed.Count))
	gauge(&b, "postseal_sealed_waiting_oldest_seconds", "Age of the oldest of them, or 0.", int64(f.Sealed.Oldest.Seconds()))
	gauge(&b, "postseal_queue_read_timestamp_seconds", "When the queue was read.", now.Unix())
	return b.String()
}

// age returns a duration in words.
func age(d time.Duration) string {
	switch d = max(0, d); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// printable replaces what could move the cursor of a terminal, and line breaks.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
