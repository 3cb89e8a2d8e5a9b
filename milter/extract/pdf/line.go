package pdf

import (
	"cmp"
	"math"
	"slices"
	"unicode/utf8"
)

// flush passes on the runs in the order of the content stream. In this order, a
// number that continues in the next line of a column stays whole. If the order on
// the page is different, from top to bottom and from left to right, flush passes
// the runs on in that order too. Then a number stays whole although its parts were
// written at different times, and a value is beside its label.
//
// A line is the runs whose baselines differ by less than half of the font's size.
// It also ends where the text goes back to the left. A gap in a line is a blank.
// Tables follow once more with tabs, because which gaps are columns is a guess.
func (p *page) flush() {
	if len(p.runs) == 0 {
		return
	}
	written := make([]int32, len(p.runs))
	for i := range written {
		written[i] = int32(i)
	}
	p.sink.Text(p.join(written))
	order := p.inOrder()
	if !slices.Equal(order, written) {
		p.sink.Text([]byte("\f"))
		p.sink.Text(p.join(order))
	}
	p.tables(order)
	p.runs, p.text = p.runs[:0], p.text[:0]
}

// inOrder returns the runs from top to bottom and from left to right, without
// those that are written over an equal one.
func (p *page) inOrder() []int32 {
	order := make([]int32, len(p.runs))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(i, j int32) int {
		a, b := &p.runs[i], &p.runs[j]
		return cmp.Or(cmp.Compare(angleRank(a.angle), angleRank(b.angle)), cmp.Compare(a.angle, b.angle), cmp.Compare(b.v, a.v))
	})
	for start := 0; start < len(order); {
		first, end := &p.runs[order[start]], start+1
		for end < len(order) && isSameLine(first, &p.runs[order[end]]) {
			end++
		}
		slices.SortStableFunc(order[start:end], func(i, j int32) int { return cmp.Compare(p.runs[i].u0, p.runs[j].u0) })
		start = end
	}
	kept := order[:0]
	for _, i := range order {
		if n := len(kept); n == 0 || !p.isCopy(&p.runs[kept[n-1]], &p.runs[i]) {
			kept = append(kept, i)
		}
	}
	return kept
}

// angleRank puts text from left to right before turned text.
func angleRank(angle int16) int16 { return max(angle, -2*angle) }

func isSameLine(a, b *run) bool {
	return a.angle == b.angle && math.Abs(float64(a.v-b.v)) < 0.5*float64(max(a.em, b.em))
}

func (p *page) textOf(r *run) []byte { return p.text[r.start:r.end] }

// isCopy reports whether b is written over a, as bold print or a shadow.
func (p *page) isCopy(a, b *run) bool {
	return isSameLine(a, b) && b.u0-a.u0 < 0.3*a.em && string(p.textOf(a)) == string(p.textOf(b))
}

// join returns the text of runs.
func (p *page) join(order []int32) (out []byte) {
	tight := p.spaced(order)
	for i, n := range order {
		r := &p.runs[n]
		if i > 0 && !tight[i] {
			out = append(out, p.separator(&p.runs[order[i-1]], r)...)
		}
		for _, c := range p.textOf(r) {
			if c < ' ' {
				c = ' '
			}
			out = append(out, c)
		}
	}
	return append(out, '\n')
}

// separator returns what stands between two runs.
func (p *page) separator(a, b *run) string {
	em := max(a.em, b.em)
	gap := b.u0 - a.u1
	if !isSameLine(a, b) || gap < -overlap*em {
		return "\n"
	}
	if p.text[a.end-1] == ' ' || p.text[b.start] == ' ' {
		return ""
	}
	isRaised := math.Abs(float64(a.v-b.v)) > 0.15*float64(em) // a footnote's number
	if gap > noGap*em || isRaised {
		return " "
	}
	return ""
}

// Characters that are set apart from each other are a word, such as the digits in
// the boxes of a form.
const (
	leastSpaced = 4
	mostSpaced  = 4 // times the font's size between two characters
)

// spaced returns which runs belong to the one before, although there is a gap. In
// a sequence of single characters only the larger gaps are blanks.
func (p *page) spaced(order []int32) []bool {
	tight := make([]bool, len(order))
	isLinked := func(i int) bool {
		a, b := &p.runs[order[i-1]], &p.runs[order[i]]
		gap := b.u0 - a.u1
		return isSameLine(a, b) && gap > -noGap*b.em && gap < mostSpaced*b.em
	}
	for start := 0; start < len(order); {
		end, least := start+1, math.Inf(1)
		for p.isSingle(order[start]) && end < len(order) && p.isSingle(order[end]) && isLinked(end) {
			if gap, ok := p.gapBefore(order, end); ok {
				least = min(least, gap)
			}
			end++
		}
		for i := start + 1; i < end && end-start >= leastSpaced; i++ {
			gap, ok := p.gapBefore(order, i)
			tight[i] = ok && gap <= 1.5*max(least, 0)+0.1*float64(p.runs[order[i]].em)
		}
		start = end
	}
	return tight
}

// gapBefore returns the gap between a run and the one before. It returns false if
// either is a blank.
func (p *page) gapBefore(order []int32, i int) (float64, bool) {
	a, b := &p.runs[order[i-1]], &p.runs[order[i]]
	return float64(b.u0 - a.u1), p.text[a.start] != ' ' && p.text[b.start] != ' '
}

func (p *page) isSingle(i int32) bool {
	text := p.textOf(&p.runs[i])
	return len(text) <= utf8.UTFMax && utf8.RuneCount(text) == 1
}
