package pdf

import (
	"math"
	"strings"

	"github.com/postseal/postseal/milter/extract/picture"
	"github.com/postseal/postseal/rules/finding"
)

// page is what a page shows.
type page struct {
	*document
	runs     []run
	text     []byte // of the runs
	asides   []byte // text without a place on the page
	pixels   int    // of all images
	segments int    // of all lines and curves
	unknown  int    // glyphs beside each other without known characters
	strange  int    // all glyphs without known characters
	shown    int    // all glyphs with text, also those that were left out
	open     map[int]bool
	done     map[int]bool // patterns and masks
	writer   writer
	last     lastGlyph
	odd      lastGlyph // the last one without known characters
}

// run is text whose glyphs follow each other without a gap. u counts along the
// line and v up from it.
type run struct {
	u0, u1, v, em float32
	start, end    int32 // of the text
	angle         int16 // of the line, in degrees
}

// writer is how the glyphs of a string stand on the page.
type writer struct {
	cos, sin, em float64
	angle        int16
	isFirst      bool // no glyph of the string was written
}

// lastGlyph is the glyph before. A glyph that is written over it with the same
// text is bold print.
type lastGlyph struct {
	u, v float64
	text string
}

// Gaps between glyphs, as multiples of the font's size.
const (
	noGap   = 0.15 // kerning is less, a blank is more
	overlap = 0.5
)

// mostRuns bounds the memory of a page. The next run begins a new page.
const mostRuns = 1 << 18

// put adds the text of a glyph.
func (p *page) put(w *writer, text string, x, y, width float64) {
	u, v := x*w.cos+y*w.sin, y*w.cos-x*w.sin
	if text == "" || math.IsNaN(u) || math.IsNaN(v) {
		return
	}
	p.shown++
	if last := &p.last; w.isFirst && last.text == text && text != " " &&
		math.Abs(u-last.u) < 0.2*w.em && math.Abs(v-last.v) < 0.2*w.em {
		return
	}
	p.last = lastGlyph{u, v, text}
	if n := len(p.runs) - 1; n >= 0 {
		r := &p.runs[n]
		gap := u - float64(r.u1)
		if r.angle == w.angle && math.Abs(v-float64(r.v)) < 0.1*w.em && math.Abs(w.em-float64(r.em)) < 0.1*w.em &&
			-overlap*w.em < gap && gap < noGap*w.em && !p.isBlank(r) {
			p.text = append(p.text, text...)
			r.u1, r.end = float32(u+width), int32(len(p.text))
			return
		}
	}
	if len(p.runs) >= mostRuns || len(p.text) > mostContents {
		p.flush()
	}
	start := int32(len(p.text))
	p.text = append(p.text, text...)
	p.runs = append(p.runs, run{float32(u), float32(u + width), float32(v), float32(w.em), start, int32(len(p.text)), w.angle})
}

// isBlank reports whether a run is a blank that stands alone, as between
// characters that are set apart.
func (p *page) isBlank(r *run) bool { return r.end == r.start+1 && p.text[r.start] == ' ' }

// aside adds text that has no place on the page.
func (p *page) aside(text string) {
	if text == "" || !p.file.Spend(len(text)) {
		return
	}
	p.shown++
	if p.asides = append(append(p.asides, clean(text)...), '\n'); len(p.asides) > 1<<20 {
		p.sink.Text(p.asides)
		p.asides = p.asides[:0]
	}
}

// unknownGlyph counts a glyph whose characters nobody knows.
func (p *page) unknownGlyph(w *writer, x, y float64) {
	u, v := x*w.cos+y*w.sin, y*w.cos-x*w.sin
	if math.Abs(v-p.odd.v) > 0.5*w.em || math.Abs(u-p.odd.u) > mostSpaced*w.em {
		p.unknown = 0
	}
	p.odd = lastGlyph{u: u, v: v}
	p.strange++
	if p.unknown++; p.unknown > mostUnknown {
		p.report(finding.NoCharacters)
	}
}

// weight changes if the page shows more text or images.
func (p *page) weight() int {
	return p.shown + p.pixels + p.strange
}

const (
	scanLetters  = 32  // a scanner adds its name, or a number for the page
	scanSegments = 120 // outlines of ten digits
)

// end passes on the text of the page.
func (p *page) end() {
	letters := 0
	for _, c := range p.text {
		if c > ' ' {
			letters++
		}
	}
	if p.pixels >= picture.MinPixels && letters < scanLetters || p.segments >= scanSegments && letters == 0 {
		p.foundOnce(finding.Finding{Name: finding.Picture, Part: p.place.Part})
	}
	if p.strange > 0 && letters == 0 {
		p.report(finding.NoCharacters)
	}
	p.flush()
	p.sink.Text(p.asides)
	p.sink.Text([]byte("\f"))
}

// clean returns text without control characters that mean something else to the
// sink.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r == '\f' || r == '\v':
			return ' '
		}
		return r
	}, text)
}
