package main

import (
	"fmt"
	"strings"
)

// bound is how much worse than the C filter postseal may be with -quick. The median
// of the rounds must keep to it.
type bound struct {
	rival string
	c     testCase
	rate  float64 // the least ratio of messages a second
	cpu   float64 // the greatest ratio of CPU time
}

// bounds leave room for noise: about 15 % of the rate and 20 % of the CPU time. Change
// them after a change that makes postseal faster. Postfix itself spends much on each
// recipient that a filter replaces.
var bounds = []bound{
	{"tag", quickCases[0], 0.85, 1.30},
	{"tag", quickCases[1], 0.85, 1.10},
	{"tag", quickCases[2], 0.75, 1.55},
	{"divert", quickCases[0], 0.80, 1.30},
	{"divert", quickCases[1], 0.80, 1.10},
	{"divert", quickCases[2], 0.40, 1.95},
}

// verdict returns a line for each bound, and the number of bounds that postseal
// does not keep to. The first rival must be the C filter.
func (r *report) verdict() (lines string, broken int) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s Ratios to the C filter that does nothing:\n\n", r.heading())
	row(&b, "postseal", "case", "rate", "at least", "CPU", "at most", "")
	row(&b, "---", "---", "---", "---", "---", "---", "---")
	for _, bound := range bounds {
		rate := r.find(bound.c, bound.rival).Ratio
		cpu := r.cpuRatio(bound.c, bound.rival)
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

// cpuRatio returns a rival's CPU time as a ratio to that of the first in the same
// round.
func (r *report) cpuRatio(c testCase, rival string) spread {
	var ratios []float64
	first := r.find(c, r.Rivals[0].Name).Rounds
	for i, m := range r.find(c, rival).Rounds {
		ratios = append(ratios, m.CPU/first[i].CPU)
	}
	return spreadOf(ratios)
}
