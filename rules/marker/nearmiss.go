package marker

import (
	"slices"
	"strings"

	"github.com/postseal/postseal/rules/similar"
)

// Kind says how the marker was written wrongly. Alerts use these names in the
// log, so they never change.
type Kind string

// The kinds of near misses. In the examples the word is "secure".
const (
	WrongBrackets  Kind = "wrong-brackets"  // (secure)
	BrokenBrackets Kind = "broken-brackets" // [secure or [secure}
	BlanksInside   Kind = "blanks-inside"   // [ secure ] or [secure.]
	LookAlike      Kind = "look-alike"      // characters that look like those of [secure], or are invisible
	Misspelt       Kind = "misspelt"        // [sercure]
	ExtraWords     Kind = "extra-words"     // [secure email]
	OtherMarker    Kind = "other-marker"    // [encrypt]
	BareWord       Kind = "bare-word"       // secure: at the start
	NotAtStart     Kind = "not-at-start"    // [secure] elsewhere, if only the start counts
	Escaped        Kind = "escaped"         // %5Bsecure%5D or [<b>secure</b>]
	Undecodable    Kind = "undecodable"     // the word in text that cannot be decoded, or a subject too long to read
	SomeFields     Kind = "some-fields"     // [secure] in only some of several Subject fields
)

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{
		WrongBrackets, BrokenBrackets, BlanksInside, LookAlike, Misspelt, ExtraWords,
		OtherMarker, BareWord, NotAtStart, Escaped, Undecodable, SomeFields,
	}
}

// nearMiss returns the kind of the first near miss in the cells, or "". The
// subject itself begins at start.
func (m Reader) nearMiss(cells []similar.Cell, start int) Kind {
	mentioned := m.mentions(cells)
	for s := range spans(cells, start) {
		if isOpening(s.left.Rune) && isClosing(s.right.Rune) {
			if kind := m.enclosed(s); kind != "" {
				return kind
			}
		}
		if mentioned {
			if kind := m.broken(s); kind != "" {
				return kind
			}
		}
		if m.isBrokenSlip(s) {
			return Misspelt
		}
	}
	if m.isInterrupted(cells) {
		return BrokenBrackets
	}
	if hasAsides(cells) {
		outer := withoutAsides(cells)
		for s := range spans(outer, len(outer)) {
			if kind := m.company(s); isOpening(s.left.Rune) && isClosing(s.right.Rune) && kind != "" {
				return kind
			}
		}
	}
	subject := cells[start:]
	if n := slices.IndexFunc(subject, similar.Cell.IsLetter); n > 0 {
		subject = subject[n:]
	}
	if m.beginsWithSlip(subject) {
		return Misspelt
	}
	if !mentioned {
		return ""
	}
	word := m.label(subject)
	if word == nil {
		word = m.setOff(cells[start:])
	}
	if word == nil {
		word = m.taggedLabel(cells[start:])
	}
	if word != nil {
		return kindOf(BareWord, word...)
	}
	return ""
}

// mentions reports whether the cells contain a word. Most near misses require
// this.
func (m Reader) mentions(cells []similar.Cell) bool {
	return slices.ContainsFunc(m.words, func(w markerWord) bool {
		for i, c := range cells[:max(0, len(cells)-len(w.shape)+1)] {
			if c.Rune == w.shape[0] && beginsWith(cells[i:], w.shape) {
				return true
			}
		}
		return false
	})
}

// kindOf returns the kind, or LookAlike if one of the cells only looks like its
// character.
func kindOf(kind Kind, cells ...similar.Cell) Kind {
	if slices.ContainsFunc(cells, func(c similar.Cell) bool { return c.Alike }) {
		return LookAlike
	}
	return kind
}

// enclosed decides on the text between an opening and a closing bracket.
func (m Reader) enclosed(s span) Kind {
	text := similar.Letters(s.inner)
	if len(text) == 0 {
		return ""
	}
	for _, w := range m.words {
		if slices.Equal(text, w.letters) {
			return exactKind(s, w)
		}
	}
	left, right := isStrong(s.left.Rune), isStrong(s.right.Rune)
	if left && right && isAny(text, m.others) {
		return OtherMarker
	}
	company := m.company(s)
	if company != "" && len(fields(s.inner, 1)) > 1 { // a single word may be a slip
		return company
	}
	for _, w := range m.words {
		// "(secured)" is an aside.
		if isSlip(text, w.letters) && (left || right || !hasPrefix(text, w.letters)) {
			return Misspelt
		}
	}
	if company == "" && left && right && (isSlipOfAny(text, m.others) || holdsAny(text, m.others) && m.isPhrase(s.inner, m.others)) {
		return OtherMarker
	}
	return company
}

// company decides on strong brackets that contain more than the word.
func (m Reader) company(s span) Kind {
	if !isStrong(s.left.Rune) || !isStrong(s.right.Rune) || !holdsAny(similar.Letters(s.inner), m.words) {
		return ""
	}
	word := m.wordAmong(s.inner)
	if word == nil {
		return ""
	}
	return kindOf(ExtraWords, append([]similar.Cell{s.left.Cell, s.right.Cell}, word...)...)
}

// isAny reports whether the text has the letters of one of the words.
func isAny(text []rune, words []markerWord) bool {
	return slices.ContainsFunc(words, func(w markerWord) bool { return slices.Equal(text, w.letters) })
}

// isSlipOfAny reports whether the text is a slip of one of the words.
func isSlipOfAny(text []rune, words []markerWord) bool {
	return slices.ContainsFunc(words, func(w markerWord) bool { return isSlip(text, w.letters) })
}

// holdsAny reports whether the text contains the letters of one of the words.
func holdsAny(text []rune, words []markerWord) bool {
	return slices.ContainsFunc(words, func(w markerWord) bool { return strings.Contains(string(text), string(w.letters)) })
}

// exactKind returns the reason why a span with the letters of the word is not
// the marker.
func exactKind(s span, w markerWord) Kind {
	kind := BrokenBrackets
	switch {
	case slices.Equal(similar.Runes(s.inner), w.shape) && s.left.Rune == '[' && s.right.Rune == ']':
		return LookAlike
	case s.left.Rune == '[' && s.right.Rune == ']':
		kind = BlanksInside
	case areMates(s.left.Rune, s.right.Rune):
		kind = WrongBrackets
	}
	return kindOf(kind, append([]similar.Cell{s.left.Cell, s.right.Cell}, s.inner...)...)
}

// broken decides on a word beside a bracket that is not one of a pair: "[secure
// results", "secure]", "]secure[", "[]secure".
func (m Reader) broken(s span) Kind {
	inner := s.inner
	if s.left.loose {
		if isOpening(s.left.Rune) {
			inner = inner[countBlanks(inner):]
		}
		if n := longest(m.words, func(w markerWord) int { return wordLength(inner, w.shape) }); n > 0 {
			return kindOf(BrokenBrackets, append([]similar.Cell{s.left.Cell}, inner[:n]...)...)
		}
	}
	inner = s.inner
	if s.right.loose {
		if isClosing(s.right.Rune) {
			inner = trimBlanks(inner)
		}
		if n := longest(m.words, func(w markerWord) int { return lastWordLength(inner, w.shape) }); n > 0 {
			return kindOf(BrokenBrackets, append([]similar.Cell{s.right.Cell}, inner[len(inner)-n:]...)...)
		}
	}
	return ""
}

// isBrokenSlip reports whether a misspelling is beside a strong bracket that is
// not one of a pair: "[secrue results", "psecure]". It also finds the beginning
// of the word if the subject was cut off there: "results [secu...".
func (m Reader) isBrokenSlip(s span) bool {
	if s.left.loose && isStrong(s.left.Rune) && isOpening(s.left.Rune) {
		inner := s.inner[countBlanks(s.inner):]
		end := letterLength(inner)
		typed := similar.Letters(inner[:end])
		isCutOff := len(typed) >= minCutOff && s.right.Rune == 0 && !slices.ContainsFunc(inner[end:], similar.Cell.IsLetter)
		if isSlipOfAny(typed, m.words) || isCutOff && slices.ContainsFunc(m.words, func(w markerWord) bool { return hasPrefix(w.letters, typed) }) {
			return true
		}
	}
	if s.right.loose && isStrong(s.right.Rune) && isClosing(s.right.Rune) {
		inner := trimBlanks(s.inner)
		begin := len(inner)
		for begin > 0 && inner[begin-1].IsLetter() {
			begin--
		}
		return isSlipOfAny(similar.Letters(inner[begin:]), m.words)
	}
	return false
}

// minCutOff is how many letters are needed to recognise a word that was cut
// off.
const minCutOff = 3

// isInterrupted reports whether the word has a bracket inside: "[sec]ure]",
// "[secu[re]".
func (m Reader) isInterrupted(cells []similar.Cell) bool {
	reach := longest(m.words, func(w markerWord) int { return len(w.letters) }) + 3
	for i, c := range cells {
		if c.Rune != '[' {
			continue
		}
		interrupted := false
		for j, c := range cells[i+1 : min(i+1+reach, len(cells))] {
			if c.Rune == ' ' {
				break
			}
			if c.Rune == ']' && interrupted {
				typed := similar.Letters(cells[i+1 : i+1+j])
				if len(typed) > 0 && isAny(typed, m.words) || isSlipOfAny(typed, m.words) {
					return true
				}
			}
			interrupted = interrupted || isBracket(c.Rune)
		}
	}
	return false
}

func longest(words []markerWord, length func(markerWord) int) int {
	most := 0
	for _, w := range words {
		most = max(most, length(w))
	}
	return most
}

// isIn reports whether the text contains a word. It also reports true if the
// text is too long to be read.
func (m Reader) isIn(text string) bool {
	switch {
	case text == "":
		return false
	case len(text) > MaxSubject:
		return true
	}
	return slices.ContainsFunc(append(plainTexts(text), text), func(text string) bool {
		folded := string(similar.Runes(similar.Skeleton(text)))
		return slices.ContainsFunc(m.words, func(w markerWord) bool { return strings.Contains(folded, string(w.shape)) })
	})
}

// minSlip is how many letters a word must have. A misspelling of a shorter word
// may be another word.
const minSlip = 5

// isSlip reports whether a word was typed with one letter missing, added or
// wrong, with two neighbours exchanged, or with keys held down too long.
func isSlip(typed, word []rune) bool {
	return len(word) >= minSlip && (similar.OneEdit(typed, word) ||
		len(typed) > len(word) && slices.Equal(slices.Compact(slices.Clone(typed)), slices.Compact(slices.Clone(word))))
}

func hasPrefix(text, prefix []rune) bool {
	return len(text) > len(prefix) && slices.Equal(text[:len(prefix)], prefix)
}
