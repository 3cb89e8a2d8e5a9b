package detect

import (
	"fmt"
	"strings"
	"testing"
)

const paragraph = `Thank you for the figures. The board met on Tuesday and agreed that the
first offer from the supplier should be refused. Of the five sites, the one
in Leeds is the furthest behind: its staff have had to fill in forms by hand
since May. Sue Smith (0113 496 0000) will look into it before 12 June 2026.

`

// prose is a megabyte of English.
func prose() string { return strings.Repeat(paragraph, 1<<20/len(paragraph)) }

// sheet is a megabyte of a spreadsheet with many digits, of which few are
// NHS numbers.
func sheet() string {
	var b strings.Builder
	b.WriteString("Name\tNHS No\tDate of birth\tMobile\tAmount\n")
	for i := 0; b.Len() < 1<<20; i++ {
		fmt.Fprintf(&b, "Smith\t99900%05d\t%02d/%02d/19%02d\t07700900%03d\t%d.%02d\n", i, i%28+1, i%12+1, i%90+10, i%1000, i*37%10000, i%100)
	}
	return b.String()
}

// dense is a megabyte of numbers that need their context, and have none.
func dense() string {
	var b strings.Builder
	for i := uint64(9990000000); b.Len() < 1<<20; i++ {
		if isIssued(i) {
			fmt.Fprintf(&b, "order %d\n", i)
		}
	}
	return b.String()
}

func benchmark(b *testing.B, config Config, s string) {
	text := []byte(s)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		d := New(config)
		d.Begin(Place{"1", Body})
		for rest := text; len(rest) > 0; {
			n := min(len(rest), 4096)
			d.Text(rest[:n])
			rest = rest[n:]
		}
		d.Findings()
	}
}

func BenchmarkProse(b *testing.B) { benchmark(b, Config{}, prose()) }
func BenchmarkSheet(b *testing.B) { benchmark(b, Config{}, sheet()) }
func BenchmarkDense(b *testing.B) { benchmark(b, Config{}, dense()) }
func BenchmarkSmall(b *testing.B) { benchmark(b, Config{}, prose()[:4096]) }
func BenchmarkCyrillic(b *testing.B) {
	benchmark(b, Config{}, strings.Repeat("Благодарим вас за письмо. ", 1<<15))
}

func BenchmarkDisclaimer(b *testing.B) {
	benchmark(b, Config{Disclaimer: NewDisclaimer("This e-mail is for the person to whom it is addressed.")}, prose())
}

func BenchmarkPatterns(b *testing.B) {
	var config Config
	for _, expression := range []string{`\bRX\d{6}\b`, `\b\d{7}\b`} {
		p, err := NewPattern("x", expression, []string{"hospital"}, "")
		if err != nil {
			b.Fatal(err)
		}
		config.Patterns = append(config.Patterns, p)
	}
	b.Run("prose", func(b *testing.B) { benchmark(b, config, prose()) })
	b.Run("sheet", func(b *testing.B) { benchmark(b, config, sheet()) })
}
