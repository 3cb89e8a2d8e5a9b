package rules

import (
	"slices"
	"strings"
)

// nearMiss names the first near miss in the cells, or gives "". The subject
// proper begins at start.
func (m MarkerReader) nearMiss(cells []cell, start int) NearMissKind {
	mentioned := m.mentions(cells)
	for s := range spans(cells, start) {
		if isOpening(s.left.r) && isClosing(s.right.r) {
			if kind := m.enclosed(s); kind != "" {
				return kind
			}
		}
		if mentioned {
			if kind := m.broken(s); kind != "" {
				return kind
			}
		}
	}
	if hasAsides(cells) {
		outer := withoutAsides(cells)
		for s := range spans(outer, len(outer)) {
			if kind := m.company(s); isOpening(s.left.r) && isClosing(s.right.r) && kind != "" {
				return kind
			}
		}
	}
	if !mentioned {
		return ""
	}
	subject := cells[start:]
	if n := slices.IndexFunc(subject, cell.isLetter); n > 0 {
		subject = subject[n:]
	}
	word := m.label(subject)
	if word == nil {
		word = m.taggedLabel(cells[start:])
	}
	if word != nil {
		return kindOf(BareWord, word...)
	}
	return ""
}

// mentions reports whether the cells hold a word, on which most near misses
// depend.
func (m MarkerReader) mentions(cells []cell) bool {
	return slices.ContainsFunc(m.words, func(w markerWord) bool {
		for i, c := range cells[:max(0, len(cells)-len(w.shape)+1)] {
			if c.r == w.shape[0] && beginsWith(cells[i:], w.shape) {
				return true
			}
		}
		return false
	})
}

// kindOf gives the kind, unless one of the cells is not what it seems.
func kindOf(kind NearMissKind, cells ...cell) NearMissKind {
	if slices.ContainsFunc(cells, func(c cell) bool { return c.alike }) {
		return LookAlike
	}
	return kind
}

// enclosed judges what stands between an opening and a closing bracket.
func (m MarkerReader) enclosed(s span) NearMissKind {
	text := letters(s.inner)
	if len(text) == 0 {
		return ""
	}
	for _, w := range m.words {
		if slices.Equal(text, w.letters) {
			return exactKind(s, w)
		}
	}
	left, right := isStrong(s.left.r), isStrong(s.right.r)
	if left && right && slices.ContainsFunc(m.others, func(w markerWord) bool { return slices.Equal(text, w.letters) }) {
		return OtherMarker
	}
	company := m.company(s)
	if company != "" && len(fields(s.inner)) > 1 { // else it may be a slip
		return company
	}
	for _, w := range m.words {
		// "(secured)" is an aside.
		if isSlip(text, w.letters) && (left || right || !hasPrefix(text, w.letters)) {
			return Misspelt
		}
	}
	if company == "" && left && right && holdsAny(text, m.others) && m.isPhrase(s.inner, m.others) {
		return OtherMarker
	}
	return company
}

// company decides on strong brackets that hold more than the word.
func (m MarkerReader) company(s span) NearMissKind {
	if !isStrong(s.left.r) || !isStrong(s.right.r) || !holdsAny(letters(s.inner), m.words) {
		return ""
	}
	word := m.wordAmong(s.inner)
	if word == nil {
		return ""
	}
	return kindOf(ExtraWords, append([]cell{s.left.cell, s.right.cell}, word...)...)
}

// holdsAny tells whether the letters of a word are among those of the text.
func holdsAny(text []rune, words []markerWord) bool {
	return slices.ContainsFunc(words, func(w markerWord) bool { return strings.Contains(string(text), string(w.letters)) })
}

// exactKind says why a span with the letters of the word is not the marker.
func exactKind(s span, w markerWord) NearMissKind {
	kind := BrokenBrackets
	switch {
	case slices.Equal(runes(s.inner), w.shape) && s.left.r == '[' && s.right.r == ']':
		return LookAlike
	case s.left.r == '[' && s.right.r == ']':
		kind = BlanksInside
	case areMates(s.left.r, s.right.r):
		kind = WrongBrackets
	}
	return kindOf(kind, append([]cell{s.left.cell, s.right.cell}, s.inner...)...)
}

// broken judges the word beside a bracket that is not one of a pair:
// "[secure results", "secure]", "]secure[", "[]secure".
func (m MarkerReader) broken(s span) NearMissKind {
	inner := s.inner
	if s.left.loose {
		if isOpening(s.left.r) {
			inner = inner[countBlanks(inner):]
		}
		if n := longest(m.words, func(w markerWord) int { return wordLength(inner, w.shape) }); n > 0 {
			return kindOf(BrokenBrackets, append([]cell{s.left.cell}, inner[:n]...)...)
		}
	}
	inner = s.inner
	if s.right.loose {
		if isClosing(s.right.r) {
			inner = trimBlanks(inner)
		}
		if n := longest(m.words, func(w markerWord) int { return lastWordLength(inner, w.shape) }); n > 0 {
			return kindOf(BrokenBrackets, append([]cell{s.right.cell}, inner[len(inner)-n:]...)...)
		}
	}
	return ""
}

func longest(words []markerWord, length func(markerWord) int) int {
	most := 0
	for _, w := range words {
		most = max(most, length(w))
	}
	return most
}

// label gives the word where the cells begin with it as a label: "secure:
// results", "SECURE - results", "secure/ results", or nothing but the word. It
// gives nil for the first word of a sentence.
func (m MarkerReader) label(cells []cell) []cell {
	word := m.firstWord(cells)
	rest := cells[len(word):]
	if word == nil || !endsLabel(rest) && slices.ContainsFunc(rest, beginsText) {
		return nil
	}
	return word
}

// taggedLabel returns the word if the cells hold it as a label behind tags of
// any kind: "[#12345] secure: results", "URGENT: SECURE - results". Fewer marks
// end a label there, and one must: "Side door: secure" has none.
func (m MarkerReader) taggedLabel(cells []cell) []cell {
	for {
		n := anyPrefixLength(cells)
		if n == 0 {
			return nil
		}
		cells = cells[n:]
		cells = cells[prefixEnd(cells):]
		if n := slices.IndexFunc(cells, beginsText); n > 0 {
			cells = cells[n:]
		}
		word := m.firstWord(cells)
		for i, c := range cells[len(word):] {
			if word == nil || beginsText(c) || isClosing(c.r) {
				break
			}
			next := cells[len(word)+i+1:]
			if strings.ContainsRune(":;|", c.r) || c.r == '-' && len(next) > 0 && next[0].r == ' ' {
				return word
			}
		}
	}
}

// firstWord returns the longest of the words that the cells begin with, or nil.
func (m MarkerReader) firstWord(cells []cell) []cell {
	n := longest(m.words, func(w markerWord) int { return wordLength(cells, w.shape) })
	if n == 0 {
		return nil
	}
	return cells[:n]
}

func beginsText(c cell) bool { return c.isLetter() || isOpening(c.r) }

// endsLabel reports whether the cells begin with a mark that ends a label.
func endsLabel(cells []cell) bool {
	end := slices.IndexFunc(cells, beginsText)
	if end < 0 {
		end = len(cells)
	}
	for i, c := range cells[:end] {
		before := i > 0 && cells[i-1].r == ' '
		after := i+1 < end && cells[i+1].r == ' ' || i+1 == end && end < len(cells) && isOpening(cells[end].r)
		if strings.ContainsRune(`:;|\`, c.r) || isClosing(c.r) ||
			c.r == '-' && (before || after) ||
			strings.ContainsRune("/*#~_=", c.r) && after {
			return true
		}
	}
	return false
}

// isIn reports whether a word stands anywhere in the text, or may stand in it
// if it is too long to be read.
func (m MarkerReader) isIn(text string) bool {
	switch {
	case text == "":
		return false
	case len(text) > MaxSubject:
		return true
	}
	return slices.ContainsFunc(append(plainTexts(text), text), func(text string) bool {
		folded := string(runes(skeleton(text)))
		return slices.ContainsFunc(m.words, func(w markerWord) bool { return strings.Contains(folded, string(w.shape)) })
	})
}
