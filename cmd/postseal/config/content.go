package config

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/tomlfile"
)

// contentTable sets what postseal looks for in a message, and the limits for its
// documents.
type contentTable struct {
	VisibleRecipients int      `toml:"visible_recipients"`
	Disclaimer        string   `toml:"disclaimer"`
	Labels            []string `toml:"labels"` // of msip_labels
	MaxDocumentMiB    int      `toml:"max_document_mib"`
	MaxUnpackedMiB    int      `toml:"max_unpacked_mib"`
	MaxEntries        int      `toml:"max_entries"`
	MaxDepth          int      `toml:"max_depth"`
	MaxSeconds        int      `toml:"max_seconds"`
}

func defaultContent() contentTable {
	limits := subprocess.DefaultLimits()
	return contentTable{
		VisibleRecipients: 15,
		MaxDocumentMiB:    int(limits.Document >> 20),
		MaxUnpackedMiB:    int(limits.Unpacked >> 20),
		MaxEntries:        limits.Entries,
		MaxDepth:          limits.Depth,
		MaxSeconds:        int(limits.Time / time.Second),
	}
}

func (c contentTable) limits() subprocess.Limits {
	return subprocess.Limits{
		Document: int64(c.MaxDocumentMiB) << 20,
		Unpacked: int64(c.MaxUnpackedMiB) << 20,
		Entries:  c.MaxEntries,
		Depth:    c.MaxDepth,
		Time:     time.Duration(c.MaxSeconds) * time.Second,
	}
}

// check returns the numbers that are out of range. max_seconds is less than 30,
// because systemd restarts postseal after 30 seconds without progress, and
// contrib's Sendmail gives up after 30 seconds without an answer.
func (c contentTable) check() (faults []error) {
	for _, key := range []struct {
		name        string
		value, most int
		unit        string
	}{
		{"visible_recipients", c.VisibleRecipients, 10_000, "addresses"},
		{"max_document_mib", c.MaxDocumentMiB, 512, "MiB"},
		{"max_unpacked_mib", c.MaxUnpackedMiB, 2048, "MiB"},
		{"max_entries", c.MaxEntries, 1_000_000, "files"},
		{"max_depth", c.MaxDepth, 50, "archives and documents"},
		{"max_seconds", c.MaxSeconds, 25, "seconds"},
	} {
		if key.value < 1 || key.value > key.most {
			path := "content." + key.name
			faults = append(faults, &tomlfile.Fault{
				Path: path,
				Err:  fmt.Errorf("%s: %d: give a number of %s from 1 to %d", path, key.value, key.unit, key.most),
			})
		}
	}
	return faults
}

type patternTable struct {
	Name    string   `toml:"name"`
	Match   string   `toml:"match"`   // in the syntax of RE2
	Context []string `toml:"context"` // phrases, of which one must be near
	Check   string   `toml:"check"`   // "mod11", or empty
}

// documents starts the processes that read documents. One for each processor is
// enough, because they hardly wait. In a container, GOMAXPROCS respects the limit of
// processors, NumCPU does not. All configurations share them. /proc/self/exe is
// this program even after an upgrade has replaced its file.
var documents = subprocess.NewPool(max(2, runtime.GOMAXPROCS(0)), subprocess.DefaultLimits(), "/proc/self/exe", subprocess.Command)

// maxPatternName limits the name of a pattern, which is logged.
const maxPatternName = 50

// content returns what the detectors look for.
func (f *File) content() (detect.Config, error) {
	c := detect.Config{Labels: f.Content.Labels, Disclaimer: detect.NewDisclaimer(f.Content.Disclaimer)}
	faults := f.Content.check()
	seen := make(map[string]bool)
	for i, p := range f.Pattern {
		pattern, err := p.pattern()
		if err == nil && seen[p.Name] {
			err = errors.New("an earlier pattern has the same name: give each pattern its own")
		}
		if err != nil {
			faults = append(faults, &tomlfile.Fault{
				Path: fmt.Sprintf("pattern[%d]", i),
				Err:  fmt.Errorf("pattern %d (%q): %w", i+1, p.Name, err),
			})
		}
		seen[p.Name] = true
		c.Patterns = append(c.Patterns, pattern)
	}
	return c, errors.Join(faults...)
}

func (p patternTable) pattern() (detect.Pattern, error) {
	isOther := func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	}
	switch {
	case p.Name == "" || len(p.Name) > maxPatternName || strings.ContainsFunc(p.Name, isOther):
		return detect.Pattern{}, fmt.Errorf("the log shows the name: write 1 to %d lower-case letters, digits, \"-\" and \"_\"", maxPatternName)
	case p.Match == "":
		return detect.Pattern{}, errors.New("match is missing: give an expression in the syntax of RE2")
	}
	return detect.NewPattern(p.Name, p.Match, p.Context, p.Check)
}

// hasPattern reports whether the file has the pattern that a finding names.
func (f *File) hasPattern(name finding.Name) bool {
	for _, p := range f.Pattern {
		if name == finding.PatternPrefix+finding.Name(p.Name) {
			return true
		}
	}
	return false
}
