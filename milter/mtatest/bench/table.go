package main

import (
	"fmt"
	"slices"
	"strings"
)

// markdown returns the tables.
func (r *report) markdown() string {
	var b strings.Builder
	queue := "the queue on a disk"
	if r.Tmpfs {
		queue = "the queue in memory"
	}
	fmt.Fprintf(&b, "%s. Postfix %s, %s, %d rows. %d rounds of %g s.\n\n", r.Machine, r.Versions["postfix"], queue, r.Rows, r.Rounds, r.Seconds)
	fmt.Fprintf(&b, "Messages a second as a ratio to %q: the median (and the least and greatest of the rounds). Then the filter's milliseconds of processor time for a message.\n\n", r.Rivals[0].Title)
	row := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	head := []string{"case"}
	for _, rival := range r.Rivals[1:] {
		head = append(head, rival.Title)
	}
	row(head)
	row(slices.Repeat([]string{"---"}, len(head)))
	for results := range slices.Chunk(r.Results, len(r.Rivals)) {
		cells := []string{results[0].testCase.String()}
		for _, result := range results[1:] {
			cells = append(cells, fmt.Sprintf("%s; %.2f", result.Ratio, result.CPU.Median))
		}
		row(cells)
	}
	fmt.Fprintf(&b, "\nMemory in all of these cases (PSS, MiB), and voluntary context switches for a message:\n\n")
	row([]string{"filter", "memory", "switches"})
	row(slices.Repeat([]string{"---"}, 3))
	for i, rival := range r.Rivals[1:] {
		var pss, switches []float64
		for results := range slices.Chunk(r.Results, len(r.Rivals)) {
			for _, m := range results[i+1].Rounds {
				pss = append(pss, m.PSS)
				switches = append(switches, m.Switches)
			}
		}
		row([]string{rival.Title, spreadOf(pss).String(), spreadOf(switches).String()})
	}
	return b.String()
}

func (s spread) String() string {
	return fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Min, s.Max)
}
