// Package subject returns the text of a mail's subject as mail clients show it:
// encoded words, charsets, and what programs on the way have broken.
package subject

import (
	"slices"
	"strings"
	"unicode"

	"github.com/postseal/postseal/rules/marker"
)

// unfolder removes the line ends of folds. Other line ends stay, and the
// marker's reader treats them as blanks.
var unfolder = strings.NewReplacer("\r\n ", " ", "\r\n\t", "\t", "\n ", " ", "\n\t", "\t")

// Read returns what mail clients show for the value of a Subject field:
// unfolded (RFC 5322, section 2.2.3), with encoded words decoded (RFC 2047),
// and bare 8-bit text read as UTF-8 or else as Windows-1252. Like the clients,
// it decodes encoded words that touch other text or contain blanks. If clients
// differ or must guess, it also returns the other texts.
func Read(value string) marker.Subject {
	value = unfolder.Replace(value)
	if isPlain(value) {
		return marker.Subject{Text: value}
	}
	declared := decode(value, nil, false)
	s := marker.Subject{Text: declared.text.String()}
	s.Undecoded = addText(s.Undecoded, declared.undecoded.String())
	if max(len(s.Text), declared.undecoded.Len()) > marker.MaxSubject {
		return s // a near miss at least, whatever the rest says
	}
	if declared.ambiguous {
		other := decode(value, nil, true)
		addReading(&s, other)
		if other.broken {
			addReading(&s, decode(value, &guesses[0], true))
		}
	}
	for i := range guesses {
		g := &guesses[i]
		if (declared.broken || !g.inParts) && slices.ContainsFunc(declared.doubtful, g.fits) {
			guessed := decode(value, g, false)
			addReading(&s, guessed)
			s.Undecoded = addText(s.Undecoded, guessed.undecoded.String())
		}
	}
	if declared.broken || mayHoldWord(s.Text) {
		for _, text := range append(salvage(value), salvage(s.Text)...) {
			s.Undecoded = addText(s.Undecoded, text)
		}
	}
	return s
}

// isPlain reports whether a value has the same text in every reading.
func isPlain(value string) bool { return !mayHoldWord(value) && !isDoubtful(value, value) }

func addReading(s *marker.Subject, d *decoder) {
	if text := d.text.String(); text != s.Text {
		s.Readings = addText(s.Readings, text)
	}
}

// addText adds a text that has letters or digits, if it is not in texts already.
func addText(texts []string, text string) []string {
	isIn := func(other string) bool { return strings.Contains(other, strings.TrimSpace(text)) }
	hasMeaning := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	if !strings.ContainsFunc(text, hasMeaning) || slices.ContainsFunc(texts, isIn) {
		return texts
	}
	return append(texts, text)
}
