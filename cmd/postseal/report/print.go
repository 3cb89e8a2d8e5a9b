package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// CSV writes the figures: one line for the period, one for that before if the log has
// it, and one for each day.
func (r *Report) CSV(out io.Writer) error {
	w := csv.NewWriter(out)
	head := []string{"of", "since", "until"}
	for _, field := range fields {
		head = append(head, field.name)
	}
	w.Write(head)
	for i := range r.Figures {
		f := &r.Figures[i]
		line := []string{f.Of, f.Since, f.Until}
		for _, field := range fields {
			line = append(line, strconv.FormatInt(*field.of(f), 10))
		}
		w.Write(line)
	}
	w.Flush()
	return w.Error()
}

// Text writes the figures as text.
func (r *Report) Text(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	period, before := r.Period(), r.before()
	fmt.Fprintf(w, "%s\n", span(period))
	if before != nil {
		fmt.Fprintf(w, "compared with %s\n", span(before))
	}
	group := ""
	for _, field := range fields {
		if field.group != group {
			group = field.group
			fmt.Fprintf(w, "\n%s\n", group)
		}
		fmt.Fprintf(w, "%s\t", field.shown(period))
		if before != nil {
			fmt.Fprintf(w, "%s\t", field.shown(before))
		}
		label := field.label
		if field.isPart {
			label = "- " + label
		}
		fmt.Fprintf(w, "  %s\n", label)
	}
	for _, l := range r.textLists() {
		if len(l.rows) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", l.title)
		for _, row := range l.rows {
			fmt.Fprintf(w, "%s\t  %s\n", thousands(row.n), strings.Join(row.texts, ", "))
		}
	}
	notes := r.notes()
	if len(notes) > 0 {
		fmt.Fprint(w, "\nWhat is left out\n")
	}
	for _, note := range notes {
		fmt.Fprintf(w, "%s\t  %s\n", note.Count(), note.Text)
	}
	return w.Flush()
}

// list is a list with a count in each row.
type list struct {
	title string
	rows  []listRow
}

type listRow struct {
	n     int64
	texts []string
}

func (l *list) add(n int64, texts ...string) { l.rows = append(l.rows, listRow{n, texts}) }

// lists returns the lists of the text.
func (r *Report) textLists() []list {
	nearMisses := list{title: "Near misses of the marker, by messages"}
	for _, n := range r.NearMisses {
		nearMisses.add(n.Messages, strings.TrimSuffix(n.Kind+": "+n.Advice, ": "))
	}
	findings := list{title: "Findings, by messages"}
	for _, f := range r.Findings {
		findings.add(f.Messages, f.Name)
	}
	unreadable := list{title: "Why a part could not be read, by messages"}
	for _, u := range r.Unreadable {
		unreadable.add(u.Messages, u.Reason)
	}
	policies := list{title: "Policies, by recipients"}
	for _, p := range r.Policies {
		policies.add(p.Recipients, p.Policy, p.Action.String())
	}
	refusals := list{title: "Recipients refused, by reason"}
	for _, f := range r.Refusals {
		refusals.add(f.Recipients, f.Kind)
	}
	partners := list{title: "Domains missing from the table, by messages"}
	for _, p := range r.Partners[:min(len(r.Partners), maxShown)] {
		if p.Consumer {
			partners.add(p.Messages, p.Domain, p.Class.String(), "consumer mail service")
		} else {
			partners.add(p.Messages, p.Domain, p.Class.String())
		}
	}
	exceptions := list{title: "Rows with an end, by recipients"}
	for _, e := range r.Exceptions {
		exceptions.add(e.Recipients, e.Row, e.ends())
	}
	configurations := list{title: "Configurations in force, by messages"}
	for _, c := range r.Configurations {
		configurations.add(c.Messages, c.Config, c.Mode, c.First+" to "+c.Last)
	}
	alerts := list{title: "Warnings and errors, by lines"}
	for _, a := range r.Alerts {
		alerts.add(a.Lines, a.Event)
	}
	return []list{nearMisses, findings, unreadable, policies, refusals, partners, exceptions, configurations, alerts}
}

// maxShown is how many elements of a long list the text and the page show.
const maxShown = 20

func (e Exception) ends() string {
	if e.Expired {
		return "expired on " + longDay(e.Expires)
	}
	return "expires on " + longDay(e.Expires)
}

// note says what the figures lack.
type note struct {
	n    int64
	Text string
}

// Count returns the number as it is shown.
func (n note) Count() string { return thousands(n.n) }

func (r *Report) notes() (notes []note) {
	for _, n := range []note{
		{r.LeftOut.Others, "lines of other programs, or not JSON"},
		{r.LeftOut.Cut, "lines that are cut off"},
		{r.LeftOut.Unknown, "lines with events or words of another version of postseal"},
		{r.LeftOut.Recipients, "lines with recipients of a message that is missing"},
		{r.OtherDays, "lines beyond " + thousands(maxDays) + " days"},
		{r.Period().LinesLost, "lines that postseal could not write"},
		{r.Incomplete, "messages whose list of recipients is not complete: counted, but the recipients are missing from policies, domains and rows"},
		{r.PartnersFew, "domains with fewer than five messages, which can be those of one person"},
		{r.PartnersHidden, "recipients at a domain that the log does not show"},
	} {
		if n.n > 0 {
			notes = append(notes, n)
		}
	}
	return notes
}

// shown returns a figure as text.
func (f field) shown(of *Figures) string {
	n := *f.of(of)
	switch f.name {
	case "observe_seconds", "enforce_seconds":
		return hours(n)
	case "list_age_days":
		if n == 0 {
			return "-"
		}
	}
	return thousands(n)
}

// hours returns seconds in hours.
func hours(seconds int64) string {
	tenths := (seconds + 180) / 360
	if tenths >= 1000 || tenths%10 == 0 {
		return thousands((seconds + 1800) / 3600)
	}
	return fmt.Sprintf("%d.%d", tenths/10, tenths%10)
}

// thousands returns a number with commas.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(digits) - 3; i > start; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// span returns the days of figures.
func span(f *Figures) string {
	if f.Since == f.Until {
		return longDay(f.Since)
	}
	return longDay(f.Since) + " to " + longDay(f.Until)
}

// longDay returns a day as in 29 November 2026.
func longDay(day string) string { return formatDay(day, "2 January 2006") }

func formatDay(day, layout string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format(layout)
}
