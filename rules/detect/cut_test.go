package detect

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postseal/postseal/rules/finding"
)

// everything is a Config in which everything can be found.
func everything(t testing.TB) Config {
	config := Config{Disclaimer: NewDisclaimer("This e-mail is confidential – to you.")}
	for _, expression := range []string{`\bRX\d{6}\b`, `\bX[0-9 ]{3,}Y`, `[é9]{3}`} {
		p, err := NewPattern("p"+expression, expression, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		config.Patterns = append(config.Patterns, p)
	}
	p, err := NewPattern("near", `\b\d{5}\b`, []string{"unit no"}, "mod11")
	if err != nil {
		t.Fatal(err)
	}
	config.Patterns = append(config.Patterns, p)
	return config
}

// cut returns the findings of a text that is read in pieces, by scans of one
// size.
func cut(config Config, kind Kind, window int, pieces ...string) []finding.Finding {
	d := New(config)
	if window > 0 {
		d.window = window
	}
	d.Begin(Place{"1", kind})
	for _, p := range pieces {
		d.Text([]byte(p))
	}
	return d.Findings()
}

// TestCuts holds that neither the pieces in which a text comes nor the
// octets at which scans begin matter.
func TestCuts(t *testing.T) {
	config := everything(t)
	samples := slices.Concat(numberSamples, markingSamples, patternSamples, disclaimerSamples)
	filler := strings.Repeat("a line\n", (behind+ahead)/7)
	for _, s := range samples {
		want := cut(config, Body, 0, s.text)
		if got := cut(config, Body, utf8.UTFMax, filler, "\f"+s.text, "\f"+filler); !slices.Equal(got, want) {
			t.Fatalf("%q in scans of four octets: got %v, want %v", s.text, got, want)
		}
		for i := range len(s.text) + 1 {
			if len(s.text) > 400 && i%37 > 0 {
				continue // each octet of a long sample takes too long
			}
			for _, got := range [][]finding.Finding{
				cut(config, Body, 0, s.text[:i], s.text[i:]),
				// A scan ends at the octet.
				cut(config, Body, len(filler)+1+i-behind, filler, "\f"+s.text, "\f"+filler),
			} {
				if !slices.Equal(got, want) {
					t.Fatalf("%q cut at %d: got %v, want %v", s.text, i, got, want)
				}
			}
		}
	}
}

// TestCutsAtRandom reads all samples together.
func TestCutsAtRandom(t *testing.T) {
	config := everything(t)
	samples := slices.Concat(numberSamples, markingSamples, subjectSamples, patternSamples, disclaimerSamples)
	for i := range 200 {
		random := rand.New(rand.NewPCG(1, uint64(i)))
		var b strings.Builder
		for range random.IntN(100) {
			b.WriteString(samples[random.IntN(len(samples))].text)
			b.WriteString([]string{"\n", "\t", " ", "\f", "", "é", "\xff\x80", " patient "}[random.IntN(8)])
		}
		s := b.String()
		want := cut(config, Body, 0, s)
		var pieces []string
		for rest := s; rest != ""; {
			n := 1 + random.IntN(min(len(rest), 1<<(1+random.IntN(12))))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		window := utf8.UTFMax + random.IntN(3000)
		if got := cut(config, Body, window, pieces...); !slices.Equal(got, want) {
			t.Fatalf("%d: window %d: got %v, want %v", i, window, got, want)
		}
	}
}

// FuzzDetector reads any text in two ways, which must agree.
func FuzzDetector(f *testing.F) {
	for _, s := range slices.Concat(numberSamples, markingSamples, subjectSamples, patternSamples, disclaimerSamples) {
		f.Add(s.text, uint(len(s.text)/2), uint8(Body))
	}
	config := everything(f)
	f.Fuzz(func(t *testing.T, s string, at uint, kind uint8) {
		at %= uint(len(s) + 1)
		place := Kind(kind % 3)
		want := cut(config, place, 0, s)
		if got := cut(config, place, utf8.UTFMax+int(at), s[:at], s[at:]); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if len(s) < 2*ahead {
			padding := strings.Repeat("\f", behind+ahead)
			if got := cut(config, place, utf8.UTFMax, padding, s[:at], s[at:], padding); !slices.Equal(got, want) {
				t.Errorf("padded: got %v, want %v", got, want)
			}
		}
		for _, f := range want {
			if f.Count > finding.MaxCount || f.Part != "1" && f.Name != finding.NoDisclaimer {
				t.Errorf("got %+v", f)
			}
		}
	})
}
