package rules

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MarkerState is what the subject says. The values are ordered from the
// surest to the least sure.
type MarkerState uint8

const (
	Present  MarkerState = iota // the marker stands in every Subject field
	NearMiss                    // whoever wrote the subject plainly meant it
	Missing
)

var markerNames = [...]string{"present", "near-miss", "missing"}

func (m MarkerState) String() string { return markerNames[m] }

// MarshalText gives the name that configuration, log and JSON use.
func (m MarkerState) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the name; anything else is an error.
func (m *MarkerState) UnmarshalText(text []byte) error {
	return unmarshalName(m, text, markerNames[:])
}

// Position says where in the subject the marker counts.
type Position uint8

const (
	Anywhere Position = iota
	Start             // after reply prefixes and a protective marking
)

var positionNames = [...]string{"anywhere", "start"}

// UnmarshalText reads the name; anything else is an error.
func (p *Position) UnmarshalText(text []byte) error {
	return unmarshalName(p, text, positionNames[:])
}

// MarkerReader reads subjects. Its words are literal text, not patterns.
type MarkerReader struct {
	words    []string
	position Position
}

// NewMarkerReader takes the words without their brackets; the first is the
// one that postseal itself writes.
func NewMarkerReader(words []string, position Position) (MarkerReader, error) {
	if len(words) == 0 {
		return MarkerReader{}, errors.New(`marker.words is empty: name at least one word, as in ["secure"]`)
	}
	for _, word := range words {
		switch {
		case strings.TrimSpace(word) == "":
			return MarkerReader{}, errors.New("marker.words holds an empty word: take it out")
		case strings.TrimSpace(word) != word, strings.ContainsFunc(word, unicode.IsControl), !utf8.ValidString(word):
			return MarkerReader{}, fmt.Errorf("marker.words: %q holds blanks around it or control characters: write the word alone", word)
		case strings.HasPrefix(word, "[") && strings.HasSuffix(word, "]"):
			return MarkerReader{}, fmt.Errorf("marker.words: %q: write the word without its brackets", word)
		}
	}
	return MarkerReader{words: words, position: position}, nil
}

// Text is the marker as it is to be typed.
func (m MarkerReader) Text() string { return "[" + m.words[0] + "]" }

// Read gives the state of a message from its decoded Subject fields. The
// marker counts only where each of them bears it, since nobody knows which of
// several the next host reads.
func (m MarkerReader) Read(subjects []string) MarkerState {
	if len(subjects) == 0 {
		return Missing
	}
	best, worst := Missing, Present
	for _, subject := range subjects {
		state := m.readOne(subject)
		best, worst = min(best, state), max(worst, state)
	}
	if worst == Present {
		return Present
	}
	if best != Missing {
		return NearMiss
	}
	return Missing
}

func (m MarkerReader) readOne(subject string) MarkerState {
	near := false
	for i := 0; i < len(subject); {
		r, size := utf8.DecodeRuneInString(subject[i:])
		if isOpening(r) {
			if rest := subject[i+size:]; r == '[' && m.startsWithMarker(rest) {
				if m.position == Anywhere || isStart(subject[:i]) {
					return Present
				}
				near = true
			} else if m.startsWithNearMiss(rest) {
				near = true
			}
		}
		i += size
	}
	if near {
		return NearMiss
	}
	return Missing
}

// startsWithMarker tells whether text goes on with a word and "]".
func (m MarkerReader) startsWithMarker(text string) bool {
	for _, word := range m.words {
		if rest, ok := cutWord(text, word); ok && strings.HasPrefix(rest, "]") {
			return true
		}
	}
	return false
}

// startsWithNearMiss tells whether text goes on with a word and a bracket of
// any kind, blanks allowed.
func (m MarkerReader) startsWithNearMiss(text string) bool {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	for _, word := range m.words {
		rest, ok := cutWord(text, word)
		if !ok {
			continue
		}
		r, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(rest, unicode.IsSpace))
		if isClosing(r) {
			return true
		}
	}
	return false
}

// cutWord cuts the word off the front of text, in any case. An ASCII letter
// matches ASCII letters alone: U+017F is not an "s", nor U+212A a "k".
func cutWord(text, word string) (rest string, ok bool) {
	for _, w := range word {
		r, size := utf8.DecodeRuneInString(text)
		if size == 0 || (r < utf8.RuneSelf) != (w < utf8.RuneSelf) || unicode.ToLower(r) != unicode.ToLower(w) {
			return "", false
		}
		text = text[size:]
	}
	return text, true
}

// Brackets that people and their keyboards take for square ones, and the
// full-width and CJK ones beside them.
const (
	openings = "[({<［（｛＜〔【〖〈《「『⟦⟨"
	closings = "])}>］）｝＞〕】〗〉》」』⟧⟩"
)

func isOpening(r rune) bool { return strings.ContainsRune(openings, r) }

func isClosing(r rune) bool { return strings.ContainsRune(closings, r) }

// replyPrefixes are what mail clients put before the subject of an answer or
// of a forwarded message, in lower case, without the colon.
var replyPrefixes = []string{"re", "fw", "fwd", "aw", "wg", "sv", "vs", "vl", "vb", "tr", "rv", "rif", "enc", "antw", "odp", "pd", "ynt", "ilt", "atb", "yml"}

// isStart tells whether the text before a marker holds nothing but reply
// prefixes, bracketed tags such as [External], and a protective marking.
func isStart(before string) bool {
	for {
		before = strings.TrimSpace(before)
		if before == "" {
			return true
		}
		rest, ok := cutPrefix(before)
		if !ok {
			return false
		}
		before = rest
	}
}

func cutPrefix(text string) (rest string, ok bool) {
	if text[0] == '[' {
		_, rest, ok = strings.Cut(text, "]")
		return rest, ok
	}
	if rest, ok = cutMarking(text); ok {
		return rest, true
	}
	prefix, rest, ok := strings.Cut(text, ":")
	if !ok {
		return "", false
	}
	prefix = strings.ToLower(strings.TrimRightFunc(prefix, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsDigit(r) || strings.ContainsRune("[]()^*", r)
	}))
	for _, p := range replyPrefixes {
		if p == prefix {
			return rest, true
		}
	}
	return "", false
}

// cutMarking cuts a protective marking of the government's scheme off the
// front of text: OFFICIAL or OFFICIAL-SENSITIVE, with a separator after it.
func cutMarking(text string) (rest string, ok bool) {
	rest, ok = cutWord(text, "official")
	if !ok {
		return "", false
	}
	sensitive := strings.TrimLeft(rest, " -–")
	if r, found := cutWord(sensitive, "sensitive"); found {
		rest = r
	}
	if rest != "" && !strings.ContainsAny(rest[:1], " :-/|,") {
		return "", false
	}
	return strings.TrimLeft(rest, " :-/|,"), true
}
