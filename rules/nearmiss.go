package rules

import (
	"slices"
	"strings"
)

// nearMiss names the first near miss in the cells, or gives "". The subject
// proper begins at start.
func (m MarkerReader) nearMiss(cells []cell, start int) NearMissKind {
	for s := range spans(cells, start) {
		if isOpening(s.left.r) && isClosing(s.right.r) {
			if kind := m.enclosed(s); kind != "" {
				return kind
			}
		}
		if kind := m.broken(s); kind != "" {
			return kind
		}
	}
	subject := cells[start:]
	if n := slices.IndexFunc(subject, cell.isLetter); n > 0 {
		subject = subject[n:]
	}
	if word := m.label(subject); word != nil {
		return kindOf(BareWord, word...)
	}
	return ""
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
	for _, w := range m.words {
		// "(secured)" is an aside.
		if isSlip(text, w.letters) && (left || right || !hasPrefix(text, w.letters)) {
			return Misspelt
		}
	}
	if !left || !right {
		return ""
	}
	inner := s.inner[countBlanks(s.inner):]
	switch {
	case m.label(inner) != nil, holdsAny(text, m.words) && m.isPhrase(inner, m.words):
		return kindOf(ExtraWords, append([]cell{s.left.cell, s.right.cell}, inner...)...)
	case holdsAny(text, m.others) && m.isPhrase(inner, m.others):
		return OtherMarker
	}
	return ""
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
	n := longest(m.words, func(w markerWord) int { return wordLength(cells, w.shape) })
	if n == 0 {
		return nil
	}
	rest := cells[n:]
	end := slices.IndexFunc(rest, func(c cell) bool { return c.isLetter() || isOpening(c.r) })
	if end < 0 {
		return cells[:n]
	}
	for i, c := range rest[:end] {
		before := i > 0 && rest[i-1].r == ' '
		after := i+1 < end && rest[i+1].r == ' ' || i+1 == end && isOpening(rest[end].r)
		if strings.ContainsRune(`:;|\`, c.r) || isClosing(c.r) ||
			c.r == '-' && (before || after) ||
			strings.ContainsRune("/*#~_=", c.r) && after {
			return cells[:n]
		}
	}
	return nil
}

// isIn tells whether a word stands anywhere in the text.
func (m MarkerReader) isIn(text string) bool {
	if text == "" {
		return false
	}
	folded := string(runes(skeleton(text)))
	return slices.ContainsFunc(m.words, func(w markerWord) bool { return strings.Contains(folded, string(w.shape)) })
}
