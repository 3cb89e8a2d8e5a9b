package marker

import (
	"iter"
	"slices"

	"github.com/postseal/postseal/rules/similar"
)

func isOpening(r rune) bool { return r == '[' || r == '(' || r == '{' || r == '<' }

func isClosing(r rune) bool { return r == ']' || r == ')' || r == '}' || r == '>' }

func isBracket(r rune) bool { return isOpening(r) || isClosing(r) }

// isStrong reports whether a bracket is rare in prose. Round and angle brackets
// are weak: they are also used for asides, smileys and arrows, and so prove
// less.
func isStrong(r rune) bool { return r == '[' || r == ']' || r == '{' || r == '}' }

func areMates(left, right rune) bool {
	return slices.Contains([]string{"[]", "()", "{}", "<>"}, string([]rune{left, right}))
}

// bracket is a bracket in a subject. The zero value stands for either end of
// the subject.
type bracket struct {
	similar.Cell
	index int
	loose bool // without a mate, or an empty pair; weak brackets only at the start
}

// span is the part of the subject between two neighbouring brackets.
type span struct {
	left, right bracket
	inner       []similar.Cell
}

// spans cuts the cells at each bracket. The subject itself begins at start.
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

// hasAsides reports whether there may be brackets inside others.
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

// withoutAsides removes text in brackets inside strong brackets: "[secure
// (PDF)]" becomes "[secure ]".
func withoutAsides(cells []similar.Cell) []similar.Cell {
	kept := make([]similar.Cell, 0, len(cells))
	var open []int // indexes in kept of the opening brackets without a mate so far
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

// findBrackets returns the brackets and the two ends around them. It pairs the
// strong brackets.
func findBrackets(cells []similar.Cell) []bracket {
	brackets := []bracket{{index: -1}}
	var open []int // indexes in brackets of those without a mate so far
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
