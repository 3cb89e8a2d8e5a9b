package replay

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/postseal/postseal/rules"
)

// maxShown is how many elements of a list the text shows.
const maxShown = 20

// String returns the place as text.
func (p Place) String() string {
	switch {
	case p.Number > 0:
		return fmt.Sprintf("%s: message %d", p.Path, p.Number)
	case p.QueueID != "":
		return fmt.Sprintf("%s: %s", p.Path, p.QueueID)
	}
	return p.Path
}

// String returns the difference as one line.
func (d Difference) String() string {
	more := ""
	if d.Recipients > 1 {
		more = fmt.Sprintf(" (%d recipients)", d.Recipients)
	}
	return fmt.Sprintf("%s: %s%s: %s -> %s", d.Place, shownDomain(d.Domain), more, by(d.Before, d.PolicyBefore), by(d.After, d.PolicyAfter))
}

func by(action rules.Action, policy string) string {
	if policy == "" {
		return action.String()
	}
	return fmt.Sprintf("%s by policy %s", action, policy)
}

func shownDomain(domain string) string { return cmp.Or(domain, "(no readable domain)") }

// section is a table of the text. Each row has a number for each configuration, or
// one number.
type section struct {
	title string
	rows  []sectionRow
}

type sectionRow struct {
	name    string
	numbers []int64
}

// counted adds a number of the configuration with the index i.
func (s *section) counted(name string, i int, n int64) {
	at := slices.IndexFunc(s.rows, func(r sectionRow) bool { return r.name == name })
	if at < 0 {
		at = len(s.rows)
		s.rows = append(s.rows, sectionRow{name: name})
	}
	r := &s.rows[at]
	for len(r.numbers) <= i {
		r.numbers = append(r.numbers, 0)
	}
	r.numbers[i] = n
}

// Print prints the figures.
func (r *Report) Print(out io.Writer) error {
	sections := []section{{title: "messages"}, {title: "recipients"}, {title: "policies, by recipients"}, {title: "rows, by recipients"}}
	all := []*Totals{&r.Totals}
	if r.Against != nil {
		all = append(all, r.Against)
	}
	for i, t := range all {
		for action := rules.Accept; action <= rules.Reject; action++ {
			sections[0].counted(action.String(), i, t.ByAction[action])
		}
		sections[1].counted("all", i, t.Recipients)
		sections[1].counted("sealed", i, t.Sealed)
		sections[1].counted("refused", i, t.Refused)
		for _, p := range t.ByPolicy {
			sections[2].counted(by(p.Action, p.Policy), i, p.Recipients)
		}
		for _, row := range t.ByRow[:min(len(t.ByRow), maxShown)] {
			sections[3].counted(fmt.Sprintf("%s, %s", cmp.Or(row.Row, "no row"), row.Class), i, row.Recipients)
		}
	}
	var partners section
	for _, p := range r.Partners[:min(len(r.Partners), maxShown)] {
		partners.counted(shownDomain(p.Domain), 0, p.Recipients)
	}
	var reasons section
	for _, reason := range r.Reasons {
		reasons.counted(fmt.Sprintf("%s, such as %s", reason.Reason, reason.Example), 0, reason.Count)
	}

	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s decided, %d unreadable\n", plural(r.Messages, "message"), r.Unreadable)
	for _, s := range sections {
		s.print(w, len(all))
	}
	if r.Against != nil {
		partners.title = "different for these domains, by recipients"
		fmt.Fprintf(w, "\n%s decided differently\n", plural(r.DifferentMessages, "message"))
		for _, c := range r.Changes[:min(len(r.Changes), maxShown)] {
			fmt.Fprintf(w, "%d\t  %s (%s) -> %s (%s)\n", c.Recipients, by(c.Before, c.PolicyBefore), cmp.Or(c.RowBefore, "no row"), by(c.After, c.PolicyAfter), cmp.Or(c.RowAfter, "no row"))
		}
	} else {
		partners.title = "not accepted for these domains, by recipients"
	}
	partners.print(w, 1)
	if more := r.Domains - len(partners.rows); more > 0 {
		fmt.Fprintf(w, "\t  and %d more\n", more)
	}
	reasons.title = "unreadable"
	reasons.print(w, 1)
	for _, note := range []struct {
		n    int64
		text string
	}{
		{r.Skipped, "files are no mail, and were left out"},
		{r.WithoutFindings, "messages were not read when they were logged: decided as if nothing had been found in them"},
		{r.LeftOut.Others, "lines of the log are of other programs, or not JSON"},
		{r.LeftOut.Cut, "lines of the log are cut off"},
		{r.LeftOut.Unknown, "lines of the log are of another version"},
		{r.LeftOut.Recipients, "lines of the log have recipients of a message that is missing"},
	} {
		if note.n > 0 {
			fmt.Fprintf(w, "\n%d %s\n", note.n, note.text)
		}
	}
	return w.Flush()
}

// print prints the section, unless it is empty.
func (s section) print(w io.Writer, columns int) {
	if len(s.rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", s.title)
	if columns > 1 {
		fmt.Fprint(w, "before\tafter\t\n")
	}
	for _, r := range s.rows {
		for i := range columns {
			n := int64(0)
			if i < len(r.numbers) {
				n = r.numbers[i]
			}
			fmt.Fprintf(w, "%d\t", n)
		}
		fmt.Fprintf(w, "  %s\n", r.name)
	}
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
