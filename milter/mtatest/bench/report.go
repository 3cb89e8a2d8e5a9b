package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// report is the file bench.json.
type report struct {
	Date     string            `json:"date"`
	Machine  machine           `json:"machine"`
	Versions map[string]string `json:"versions"`
	Rounds   int               `json:"rounds"`
	Seconds  float64           `json:"seconds"` // of sending, in each measurement
	Rows     int               `json:"rows"`    // of each filter's table
	Tmpfs    bool              `json:"tmpfs"`   // whether Postfix's queue is in memory
	Rivals   []titled          `json:"rivals"`  // the ratios are to the first
	Results  []result          `json:"results"`
}

// titled is a rival's name, and its title in the table.
type titled struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// newReport returns a report without results.
func newReport(root string, s settings, inMemory bool) *report {
	r := &report{
		Date: time.Now().UTC().Format(time.RFC3339), Machine: thisMachine(), Versions: versions(root),
		Rounds: s.rounds, Seconds: s.seconds, Rows: rows, Tmpfs: inMemory,
	}
	for _, rival := range s.rivals {
		r.Rivals = append(r.Rivals, titled{rival.name, rival.title})
	}
	return r
}

// result is one case with one rival.
type result struct {
	testCase
	Rival    string        `json:"rival"`
	Ratio    spread        `json:"ratio"`
	Rate     spread        `json:"rate"`
	CPU      spread        `json:"cpu_ms"`
	PSS      spread        `json:"pss_mib"`
	Switches spread        `json:"switches"`
	Rounds   []measurement `json:"measurements"`
}

// spread is the median of several measurements, and the least and greatest.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spreadOf returns the spread of some numbers, of which there must be one.
func spreadOf(values []float64) spread {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return spread{(values[(n-1)/2] + values[n/2]) / 2, values[0], values[n-1]}
}

// newResults returns a result for each case and rival, without measurements.
func newResults(cases []testCase, entrants []*entrant) (results []result) {
	for _, c := range cases {
		for _, e := range entrants {
			results = append(results, result{testCase: c, Rival: e.name})
		}
	}
	return results
}

// summarise sets the spreads.
func (r *result) summarise() {
	of := func(value func(measurement) float64) spread {
		var values []float64
		for _, m := range r.Rounds {
			values = append(values, value(m))
		}
		return spreadOf(values)
	}
	r.Ratio = of(func(m measurement) float64 { return m.Ratio })
	r.Rate = of(func(m measurement) float64 { return m.Rate })
	r.CPU = of(func(m measurement) float64 { return m.CPU })
	r.PSS = of(func(m measurement) float64 { return m.PSS })
	r.Switches = of(func(m measurement) float64 { return m.Switches })
}

// write writes bench.json and bench.md.
func (r *report) write(dir, tables string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "bench.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "bench.md"), []byte(tables), 0o644)
}
