package config

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/tomlfile"
)

type patternTable struct {
	Name    string   `toml:"name"`
	Match   string   `toml:"match"`   // in the syntax of RE2
	Context []string `toml:"context"` // phrases, of which one must be near
	Check   string   `toml:"check"`   // "mod11", or empty
}

// documents starts the processes that read documents. One for each processor is
// enough, because they hardly wait. /proc/self/exe is this program even after an
// upgrade has replaced its file.
var documents = subprocess.NewPool(max(2, runtime.NumCPU()), subprocess.MaxTime, "/proc/self/exe", subprocess.Command)

// maxPatternName limits the name of a pattern, which is logged.
const maxPatternName = 50

// content returns what the detectors look for.
func (f *File) content() (detect.Config, error) {
	c := detect.Config{Labels: f.Content.Labels, Disclaimer: f.Content.Disclaimer}
	var faults []error
	if f.Content.VisibleRecipients < 1 {
		faults = append(faults, &tomlfile.Fault{
			Path: "content.visible_recipients",
			Err:  fmt.Errorf("content.visible_recipients: %d: give a number of addresses, 1 or more", f.Content.VisibleRecipients),
		})
	}
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
