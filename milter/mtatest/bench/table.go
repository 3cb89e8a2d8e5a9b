package main

import (
	"fmt"
	"slices"
	"strings"
)

// markdown returns the tables.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nMessages that Postfix accepts in a second, as a ratio to %q, with the least and greatest of the rounds; the filter's CPU milliseconds a message:\n\n",
		r.heading(), r.Rivals[0].Title)
	r.table(&b, func(c result) string {
		return fmt.Sprintf("%.2f (%.2f–%.2f); %.2f", c.Ratio.Median, c.Ratio.Min, c.Ratio.Max, c.CPU.Median)
	})

	fmt.Fprintf(&b, "\nThe filter's voluntary context switches a message, if connections are reused:\n\n")
	r.table(&b, func(c result) string {
		if c.Connection != reused {
			return ""
		}
		return fmt.Sprintf("%.1f", c.Switches.Median)
	})

	fmt.Fprintf(&b, "\nThe filter's memory in MiB (PSS), with the least and greatest of all rounds:\n\n")
	row(&b, "filter", "memory")
	row(&b, "---", "---")
	for i, rival := range r.Rivals[1:] {
		var all []float64
		for results := range slices.Chunk(r.Results, len(r.Rivals)) {
			for _, m := range results[i+1].Rounds {
				all = append(all, m.PSS)
			}
		}
		s := spreadOf(all)
		row(&b, rival.Title, fmt.Sprintf("%.1f (%.1f–%.1f)", s.Median, s.Min, s.Max))
	}
	return b.String()
}

// heading returns what the measurements depend on.
func (r *report) heading() string {
	queue := "on a disk"
	if r.Tmpfs {
		queue = "in memory"
	}
	return fmt.Sprintf("%s. Postfix %s, its queue %s. %d rows. Medians of %d rounds of %g s.",
		r.Machine, r.Versions["postfix"], queue, r.Rows, r.Rounds, r.Seconds)
}

// table writes a table with a line for each case and a column for each rival except
// the first. A line whose cells are all empty is left out.
func (r *report) table(b *strings.Builder, cell func(result) string) {
	head := []string{"case"}
	for _, rival := range r.Rivals[1:] {
		head = append(head, rival.Title)
	}
	row(b, head...)
	row(b, slices.Repeat([]string{"---"}, len(head))...)
	for results := range slices.Chunk(r.Results, len(r.Rivals)) {
		cells := []string{results[0].testCase.String()}
		for _, result := range results[1:] {
			cells = append(cells, cell(result))
		}
		if strings.Join(cells[1:], "") != "" {
			row(b, cells...)
		}
	}
}

func row(b *strings.Builder, cells ...string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}
