// Package marker reads the marker in the subject of a message as a person
// would. A Reader is made from the words in the configuration. It does not know
// encodings: each subject that it gets is decoded, and comes with the parts
// that could not be decoded.
package marker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postseal/postseal/rules/keyword"
	"github.com/postseal/postseal/rules/replytext"
	"github.com/postseal/postseal/rules/similar"
)

// State says whether the subject has the marker. The values are ordered from
// the surest to the least sure.
type State uint8

const (
	Present  State = iota // every Subject field has the marker
	NearMiss              // the writer of the subject plainly meant the marker
	Missing
)

var stateNames = [...]string{"present", "near-miss", "missing"}

func (m State) String() string { return stateNames[m] }

// MarshalText returns the name that configuration, log and JSON use.
func (m State) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the name. Any other text is an error.
func (m *State) UnmarshalText(text []byte) error {
	return keyword.Number(m, text, stateNames[:])
}

// Position says where in the subject the marker counts.
type Position uint8

const (
	Anywhere Position = iota
	Start             // after reply prefixes, a protective marking and tags such as [External]
)

var positionNames = [...]string{"anywhere", "start"}

// UnmarshalText reads the name. Any other text is an error.
func (p *Position) UnmarshalText(text []byte) error {
	return keyword.Number(p, text, positionNames[:])
}

// Subject is one Subject field.
type Subject struct {
	// Text is decoded and unfolded. U+FFFD stands for octets that could not be
	// decoded.
	Text string
	// Undecoded are the parts that could not be decoded, or that clients may
	// leave undecoded. Each contains the text as written and its nearest reading.
	Undecoded []string
	// Readings are other texts that a mail client may show.
	Readings []string
}

// Reading is what the Subject fields of a message say.
type Reading struct {
	State State
	Kind  Kind // empty unless State is NearMiss
}

// Reader reads subjects. Its words are literal text, not patterns.
type Reader struct {
	words    []markerWord
	others   []markerWord // words of other systems' markers
	position Position
}

// markerWord is a word of a marker.
type markerWord struct {
	text    string
	shape   []rune // its skeleton
	letters []rune // letters of the shape
}

// ShippedOthers returns the words of other systems' markers if a configuration
// names none. If a site's own word is "encrypt", "[secure]" is another system's
// marker.
func ShippedOthers() []string {
	return []string{"secure", "encrypt", "encrypted", "rw4encrypt", "private", "confidential"}
}

// NewReader makes a Reader from its own words, without brackets, and the words
// of other systems' markers. postseal itself writes the first of its own words.
func NewReader(words, others []string, position Position) (Reader, error) {
	if len(words) == 0 {
		return Reader{}, errors.New(`marker.words is empty: name at least one word, as in ["secure"]`)
	}
	own, err := newWords("marker.words", words)
	foreign, otherErr := newWords("marker.others", others)
	if replyErr := replytext.Check(words[0], replytext.MaxName); replyErr != nil { // other words are only read
		err = errors.Join(err, fmt.Errorf("marker.words: %q: %w", words[0], replyErr))
	}
	if err = errors.Join(err, otherErr); err != nil {
		return Reader{}, err
	}
	return Reader{own, foreign, position}, nil
}

// newWords checks the words of a key.
func newWords(key string, texts []string) ([]markerWord, error) {
	var words []markerWord
	var faults []error
	for _, text := range texts {
		cells := similar.Skeleton(text)
		words = append(words, markerWord{text, similar.Runes(cells), similar.Letters(cells)})
		switch {
		case strings.TrimSpace(text) == "", len(cells) == 0:
			faults = append(faults, fmt.Errorf("%s contains an empty word: remove it", key))
		case strings.TrimSpace(text) != text, strings.ContainsFunc(text, unicode.IsControl), !utf8.ValidString(text):
			faults = append(faults, fmt.Errorf("%s: %q has blanks around it or control characters: write only the word", key, text))
		case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"):
			faults = append(faults, fmt.Errorf("%s: %q: write the word without its brackets", key, text))
		case strings.ContainsAny(text, ",;|"):
			faults = append(faults, fmt.Errorf("%s: %q: a word is literal text: put each word in quotes, without a comma, a semicolon or \"|\"", key, text))
		}
	}
	return words, errors.Join(faults...)
}

// Text returns the marker as it must be typed.
func (m Reader) Text() string { return m.Texts()[0] }

// Texts returns the marker of each word, as it must be typed.
func (m Reader) Texts() (texts []string) {
	for _, word := range m.words {
		texts = append(texts, "["+word.text+"]")
	}
	return texts
}

// Read reads the Subject fields of a message. The marker is present only if
// every field has it, because nobody knows which of several fields the next
// host reads.
func (m Reader) Read(subjects []Subject) Reading {
	best, worst := Reading{State: Missing}, Reading{State: Missing}
	for i, s := range subjects {
		r := m.readOne(s)
		if i == 0 || r.State < best.State {
			best = r
		}
		if i == 0 || r.State > worst.State {
			worst = r
		}
	}
	if best.State == Present && worst.State != Present {
		return Reading{NearMiss, SomeFields}
	}
	return best
}

// MaxSubject is how many octets of a subject are searched for more than the
// literal marker. It is far above what people write. It limits the memory,
// which is many times the length.
const MaxSubject = 8 << 10

// readOne needs time in proportion to the length of the subject, whatever the
// subject contains, and limited memory. A text beyond MaxSubject may have been
// meant as the marker.
func (m Reader) readOne(s Subject) Reading {
	found := m.find(s.Text)
	if found && m.position == Anywhere {
		return Reading{State: Present}
	}
	text := s.Text[:min(len(s.Text), MaxSubject)]
	cells := similar.Skeleton(text)
	start := prefixEnd(cells)
	// Undecoded parts come first, because the rest is not all that the writer
	// of the subject saw.
	switch {
	case found && start < len(cells) && m.begins(s.Text[cells[start].At:]):
		return Reading{State: Present}
	case slices.ContainsFunc(s.Undecoded, func(text string) bool { return m.isIn(text) || m.isMeant(text) }):
		return Reading{NearMiss, Undecodable}
	case found:
		return Reading{NearMiss, NotAtStart}
	}
	escaped := plainTexts(text)
	if slices.ContainsFunc(escaped, m.find) {
		return Reading{NearMiss, Escaped}
	}
	if kind := m.nearMiss(cells, start); kind != "" {
		return Reading{NearMiss, kind}
	}
	for _, plain := range escaped {
		cells = similar.Skeleton(plain)
		if m.nearMiss(cells, prefixEnd(cells)) != "" {
			return Reading{NearMiss, Escaped}
		}
	}
	if len(text) < len(s.Text) || slices.ContainsFunc(s.Readings, m.isMeant) {
		return Reading{NearMiss, Undecodable}
	}
	return Reading{State: Missing}
}

// isMeant reports whether the text contains the marker or a near miss.
func (m Reader) isMeant(text string) bool {
	return m.readOne(Subject{Text: text}).State != Missing
}

// find reports whether the text contains the exact marker.
func (m Reader) find(text string) bool {
	for {
		at := strings.IndexByte(text, '[')
		if at < 0 {
			return false
		}
		if m.begins(text[at:]) {
			return true
		}
		text = text[at+1:]
	}
}

// begins reports whether text begins with the marker. A combining mark after
// the last bracket makes that another character.
func (m Reader) begins(text string) bool {
	text, ok := strings.CutPrefix(text, "[")
	if !ok {
		return false
	}
	for _, word := range m.words {
		rest, ok := cutWord(text, word.text)
		if !ok || !strings.HasPrefix(rest, "]") {
			continue
		}
		if r, _ := utf8.DecodeRuneInString(rest[1:]); !unicode.Is(unicode.M, r) {
			return true
		}
	}
	return false
}

// cutWord cuts the word off the start of text, in any case. An ASCII letter
// matches only ASCII letters: U+017F is not an "s", nor U+212A a "k".
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
