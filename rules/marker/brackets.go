package marker

import (
	"iter"
	"slices"

	"github.com/postseal/postseal/rules/similar"
)

func isOpening(r rune) bool { return r == '[' || r == '(' || r == '{' || r == '<' }

func isClosing(r rune) bool { return r == ']' || r == ')' || r == '}' || r == '>' }

func isBracket(r rune) bool { return isOpening(r) || isClosing(r) }

// isStrong tells the brackets that prose has little use for. Round and angle
// ones are weak: they are also asides, smileys and arrows, and prove less.
func isStrong(r rune) bool { return r == '[' || r == ']' || r == '{' || r == '}' }

func areMates(left, right rune) bool {
	return slices.Contains([]string{"[]", "()", "{}", "<>"}, string([]rune{left, right}))
}

// bracket is one in a subject; the zero value stands for either end of it.
type bracket struct {
	similar.Cell
	index int
	loose bool // without a mate, or an empty pair; weak ones at the start alone
}

// span is a stretch of the subject between two neighbouring brackets.
type span struct {
	left, right bracket
	inner       []similar.Cell
}

// spans cuts the cells at each bracket. The subject proper begins at start.
func spans(cells []similar.Cell, start int) iter.Seq[span] {
	brackets := findBrackets(cells)
	return func(yield func(span) bool) {
		for i, right := range brackets[1:] {
			left := brackets[i]
			if left.index == start && isOpening(left.Rune) && !isStrong(left.Rune) {
				left.loose = !slices.ContainsFunc(brackets[i:], func(b bracket) bool { return areMates(left.Rune, b.Rune) })
			}
			if !yield(span{left, right, cells[left.index+1 : right.index]}) {
				return
			}
		}
	}
}

// hasAsides reports whether brackets may stand inside of others.
func hasAsides(cells []similar.Cell) bool {
	depth := 0
	for _, c := range cells {
		switch {
		case isOpening(c.Rune):
			depth++
		case isClosing(c.Rune) && depth > 1:
			return true
		case isClosing(c.Rune):
			depth = 0
		}
	}
	return false
}

// withoutAsides leaves out what stands in brackets of its own inside of strong
// ones: "[secure (PDF)]" becomes "[secure ]".
func withoutAsides(cells []similar.Cell) []similar.Cell {
	kept := make([]similar.Cell, 0, len(cells))
	var open []int // of kept, the opening brackets that wait for their mates
	strong := 0    // how many of them are strong
	for _, c := range cells {
		kept = append(kept, c)
		if isOpening(c.Rune) {
			open = append(open, len(kept)-1)
			if isStrong(c.Rune) {
				strong++
			}
		}
		for isClosing(c.Rune) && len(open) > 0 {
			at := open[len(open)-1]
			left := kept[at].Rune
			if !areMates(left, c.Rune) && (isStrong(left) || !isStrong(c.Rune)) {
				break
			}
			open = open[:len(open)-1]
			if isStrong(left) {
				strong--
			}
			if areMates(left, c.Rune) {
				if strong > 0 {
					kept = kept[:at]
				}
				break
			}
		}
	}
	return kept
}

// findBrackets lists the brackets with the two ends around them, and pairs the
// strong ones.
func findBrackets(cells []similar.Cell) []bracket {
	brackets := []bracket{{index: -1}}
	var open []int // of brackets, those that wait for their mates
	for i, c := range cells {
		if !isBracket(c.Rune) {
			continue
		}
		b := bracket{c, i, isStrong(c.Rune)}
		if last := len(open) - 1; b.loose && isClosing(c.Rune) && last >= 0 {
			b.loose = brackets[open[last]].index == i-1
			brackets[open[last]].loose = b.loose
			open = open[:last]
		} else if b.loose && isOpening(c.Rune) {
			open = append(open, len(brackets))
		}
		brackets = append(brackets, b)
	}
	return append(brackets, bracket{index: len(cells)})
}
