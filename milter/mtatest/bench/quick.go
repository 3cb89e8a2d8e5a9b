package main

import (
	"fmt"
	"strings"
)

// bound is how much worse than the C filter with the same edits postseal may be with
// -quick. The median of the rounds must keep to it.
type bound struct {
	rival string
	to    string // the C filter
	c     testCase
	rate  float64 // the least ratio of messages a second
	cpu   float64 // the greatest ratio of CPU time
}

// bounds leave room for noise: about 15 % of the rate and 25 % of the CPU time. Change
// them after a change that makes postseal faster.
var bounds = []bound{
	{"tag", "c-tag", quickCases[0], 1.10, 0.65},
	{"tag", "c-tag", quickCases[1], 1.15, 0.55},
	{"tag", "c-tag", quickCases[2], 1.00, 0.80},
	{"divert", "c-divert", quickCases[0], 1.10, 0.65},
	{"divert", "c-divert", quickCases[1], 1.15, 0.55},
	{"divert", "c-divert", quickCases[2], 1.00, 0.80},
}

// verdict returns a line for each bound, and the number of bounds that postseal
// does not keep to.
func (r *report) verdict() (lines string, broken int) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s Ratios to a C filter that makes the same edits without a decision:\n\n", r.heading())
	row(&b, "postseal", "case", "rate", "at least", "CPU", "at most", "")
	row(&b, "---", "---", "---", "---", "---", "---", "---")
	for _, bound := range bounds {
		postseal, c := r.find(bound.c, bound.rival).Rounds, r.find(bound.c, bound.to).Rounds
		rate := ratio(postseal, c, func(m measurement) float64 { return m.Rate })
		cpu := ratio(postseal, c, func(m measurement) float64 { return m.CPU })
		worse := ""
		if rate.Median < bound.rate || cpu.Median > bound.cpu {
			worse = "WORSE"
			broken++
		}
		row(&b, bound.rival, bound.c.String(),
			fmt.Sprintf("%.2f (%.2f–%.2f)", rate.Median, rate.Min, rate.Max), fmt.Sprintf("%.2f", bound.rate),
			fmt.Sprintf("%.2f (%.2f–%.2f)", cpu.Median, cpu.Min, cpu.Max), fmt.Sprintf("%.2f", bound.cpu), worse)
	}
	return b.String(), broken
}

// find returns the result of a case with a rival, both of which were measured.
func (r *report) find(c testCase, rival string) result {
	for _, result := range r.Results {
		if result.testCase == c && result.Rival == rival {
			return result
		}
	}
	panic(fmt.Sprintf("%s was not measured in the case %s", rival, c))
}

// ratio returns a value of one rival as a ratio to that of another in the same round.
func ratio(a, b []measurement, value func(measurement) float64) spread {
	var ratios []float64
	for i := range a {
		ratios = append(ratios, value(a[i])/value(b[i]))
	}
	return spreadOf(ratios)
}
