package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// row is what was seen of one kind of fault.
type row struct {
	drawn int
	took  time.Duration // the longest time until mail passed
	told  map[string]bool
}

// add adds what was said. Beside a fault of the daemon, only the MTA speaks of another.
func (r *row) add(took time.Duration, told []string, beside bool) {
	r.drawn++
	r.took = max(r.took, took)
	for _, text := range told {
		if !beside || strings.HasPrefix(text, "MTA: ") {
			r.told[text] = true
		}
	}
}

// says lists what one of the sources said.
func (r *row) says(sources ...string) string {
	var list []string
	for _, text := range slices.Sorted(maps.Keys(r.told)) {
		if source, said, _ := strings.Cut(text, ": "); slices.Contains(sources, source) {
			list = append(list, said)
		}
	}
	return strings.Join(list, ", ")
}

type report struct {
	kind   string
	seed   uint64
	rows   map[string]*row // by the name of the fault
	sums   sums
	faults []string
}

func (r *report) row(name string) *row {
	if r.rows[name] == nil {
		r.rows[name] = &row{told: make(map[string]bool)}
	}
	return r.rows[name]
}

// text is the table of the faults, and the sums of the ledger.
func (r *report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s, seed %d\n", r.kind, r.seed)
	b.WriteString("\n| fault | drawn | mail passes within | the log | metrics | status | the MTA |\n|---|---|---|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(r.rows)) {
		row := r.rows[name]
		fmt.Fprintf(&b, "| %s | %d | %.1f s | %s | %s | %s | %s |\n", name, row.drawn, row.took.Seconds(), row.says("log"), row.says("metrics"), row.says("status"), row.says("MTA"))
	}
	s := r.sums
	fmt.Fprintf(&b, "\n%d messages. Recipients: %d direct, %d sealed, %d held, %d returned, %d refused.\n", s.Messages, s.Direct, s.Sealed, s.Held, s.Returned, s.Refused)
	fmt.Fprintf(&b, "%d attempts were repeated after 4xx or a broken connection.\n", s.Retried)
	fmt.Fprintf(&b, "Repeats that are not postseal's: %d by clients that lost a reply, %d by the MTA in a fault of its own or of the relay.\n", s.ClientRepeats, s.MTARepeats)
	fmt.Fprintf(&b, "Lost %d, in clear %d, twice %d, on the wrong leg %d, wrongly refused %d, without a decision %d, still waiting %d, strays %d.\n",
		s.Lost, s.InClear, s.Twice, s.WrongLeg, s.WronglyRefused, s.Undecided, s.Waiting, s.Strays)
	const most = 20
	all := append(slices.Clone(r.faults), s.faults...)
	for _, text := range all[:min(len(all), most)] {
		b.WriteString("FAULT: " + text + "\n")
	}
	if len(all) > most {
		fmt.Fprintf(&b, "FAULT: and %d more\n", len(all)-most)
	}
	return b.String()
}

func (r *report) verdict() error {
	if n := len(r.faults) + len(r.sums.faults); n > 0 {
		return fmt.Errorf("%s: %d faults, with -seed %d", r.kind, n, r.seed)
	}
	return nil
}
