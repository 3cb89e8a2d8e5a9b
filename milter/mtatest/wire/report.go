package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// report is all that was measured.
type report struct {
	Tables []*table `json:"tables"`
}

// table is what one section measured.
type table struct {
	Name    string   `json:"name"`
	Note    string   `json:"note"`
	Columns []string `json:"columns"`
	Lines   []*line  `json:"lines"`
	base    string   // the filter that others are compared with
	grows   bool     // each line is compared with the one before
}

// line is one filter in one case: the medians of the rounds.
type line struct {
	Case   string             `json:"case"`
	Filter string             `json:"filter"`
	Values map[string]float64 `json:"values"`
	Ratios map[string]spread  `json:"ratios,omitempty"` // to the base, of the same round
	rounds []map[string]float64
}

// spread is the median of ratios, the least and the greatest.
type spread struct {
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
}

func (r *report) table(name, note string, columns ...string) *table {
	t := &table{Name: name, Note: note, Columns: columns, base: nothing.Name}
	r.Tables = append(r.Tables, t)
	return t
}

// add adds the figures of one round.
func (t *table) add(name, filter string, values map[string]float64) {
	l := t.line(name, filter)
	if l == nil {
		l = &line{Case: name, Filter: filter}
		t.Lines = append(t.Lines, l)
	}
	l.rounds = append(l.rounds, values)
	fmt.Fprintf(os.Stderr, "%s: %s: %s\n", t.Name, name, filter)
}

func (t *table) line(name, filter string) *line {
	for _, l := range t.Lines {
		if l.Case == name && l.Filter == filter {
			return l
		}
	}
	return nil
}

// summarise computes the medians of the rounds and the ratios.
func (t *table) summarise() {
	for i, l := range t.Lines {
		l.Values, l.Ratios = make(map[string]float64), make(map[string]spread)
		base := t.line(l.Case, t.base)
		if t.grows && i > 0 && t.Lines[i-1].Case == l.Case {
			base = t.Lines[i-1]
		}
		for _, column := range t.Columns {
			var values, ratios []float64
			for i, round := range l.rounds {
				value, ok := round[column]
				if !ok {
					continue
				}
				values = append(values, value)
				if base != nil && base != l && base.rounds[i][column] > 0 {
					ratios = append(ratios, value/base.rounds[i][column])
				}
			}
			if len(values) > 0 {
				l.Values[column] = median(values)
			}
			if len(ratios) > 0 {
				l.Ratios[column] = spread{median(ratios), slices.Min(ratios), slices.Max(ratios)}
			}
		}
	}
}

func median(list []float64) float64 {
	slices.Sort(list)
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

// markdown returns the tables. A ratio is in brackets after its value.
func (r *report) markdown() string {
	var b strings.Builder
	b.WriteString("# postseal at the milter protocol\n\nTimes are in µs. In brackets: the ratio to the " + nothing.Name + " in the same round, the median of the rounds.\n")
	for _, t := range r.Tables {
		t.summarise()
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| case | filter | %s |\n|---|---|%s\n", t.Name, t.Note, strings.Join(t.Columns, " | "), strings.Repeat("---|", len(t.Columns)))
		for _, l := range t.Lines {
			fmt.Fprintf(&b, "| %s | %s |", l.Case, l.Filter)
			for _, column := range t.Columns {
				cell := ""
				if value, ok := l.Values[column]; ok {
					cell = short(value)
				}
				if ratio, ok := l.Ratios[column]; ok {
					cell += fmt.Sprintf(" (%.2f)", ratio.Median)
				}
				b.WriteString(" " + cell + " |")
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// short writes a figure with about three digits.
func short(value float64) string {
	switch {
	case value >= 100:
		return fmt.Sprintf("%.0f", value)
	case value >= 10:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.2f", value)
}

func (r *report) writeJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
