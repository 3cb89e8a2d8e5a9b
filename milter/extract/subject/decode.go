package subject

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postseal/postseal/milter/extract/charset"
)

// decoder decodes one subject in one of the ways that clients use.
type decoder struct {
	guess *guess // the charset of doubtful octets; nil for the declared one
	other bool   // if a run of words has two readings, use the less likely one

	text      strings.Builder
	undecoded strings.Builder
	doubtful  []string // octets that may be in another charset than they seem to be
	broken    bool     // the encoding of a word is broken
	ambiguous bool     // a run of words has another reading

	unclosed bool          // no "?=" is left
	run      []encodedWord // adjacent words in one charset
	gap      string        // blanks that are dropped if a word follows
}

// decode decodes an unfolded value.
func decode(value string, guess *guess, other bool) *decoder {
	d := &decoder{guess: guess, other: other}
	for value != "" {
		if w, ok := d.cutWord(value); ok {
			d.word(w)
			value = value[len(w.whole):]
			continue
		}
		end := strings.Index(value[1:], "=?") + 1
		if end == 0 {
			end = len(value)
		}
		d.literal(value[:end])
		value = value[end:]
	}
	d.flush()
	d.text.WriteString(d.gap)
	return d
}

// cutWord reads the encoded word that text begins with.
func (d *decoder) cutWord(text string) (encodedWord, bool) {
	after, ok := strings.CutPrefix(text, "=?")
	if !ok {
		return encodedWord{}, false
	}
	charset, after, _ := strings.Cut(after, "?")
	encoding, content, ok := strings.Cut(after, "?")
	if !ok || len(encoding) != 1 || strings.ContainsAny(charset, " \t") {
		return encodedWord{}, false
	}
	w := newWord(charset, encoding[0])
	end := -1
	if !d.unclosed {
		end = strings.Index(content, "?=")
	}
	size := end + len("?=")
	if end < 0 {
		d.unclosed, w.complete = true, false
		if w.encoding != 'q' && w.encoding != 'b' {
			return w, false
		}
		if end = strings.IndexAny(content, " \t"); end < 0 {
			end = len(content)
		}
		size = end
	}
	w.content = content[:end]
	w.whole = text[:len(text)-len(content)+size]
	return w, true
}

// literal adds text that is not encoded. Blanks between two encoded words are
// dropped (RFC 2047, section 6.2).
func (d *decoder) literal(text string) {
	if len(d.run) > 0 && strings.Trim(text, " \t") == "" {
		d.gap += text
		return
	}
	d.flush()
	d.text.WriteString(d.gap)
	d.gap = ""
	shown := bareText(text)
	if isDoubtful(text, shown) {
		d.doubtful = append(d.doubtful, text)
		if guessed, ok := d.guessAt(text); ok {
			shown = guessed
		}
	}
	d.text.WriteString(shown)
}

// guessAt reads octets in the guessed charset, if that is likely.
func (d *decoder) guessAt(octets string) (text string, ok bool) {
	if d.guess == nil {
		return "", false
	}
	text = d.guess.read(octets)
	return text, isLikely(text)
}

// word adds an encoded word.
func (d *decoder) word(w encodedWord) {
	if len(d.run) > 0 && w.charset != d.run[0].charset {
		d.flush()
	}
	d.run, d.gap = append(d.run, w), ""
}

// flush writes the text of the words so far. Some clients cut the encoded text
// anywhere, so its parts do not decode alone. Other clients join such parts
// before they decode them.
func (d *decoder) flush() {
	if len(d.run) == 0 {
		return
	}
	likely := d.read(d.run)
	if slices.ContainsFunc(d.run[:len(d.run)-1], encodedWord.isCut) {
		joined := d.read(join(d.run))
		d.ambiguous = d.ambiguous || joined.text.String() != likely.text.String()
		if joined.isBetter(likely) != d.other {
			likely = joined
		}
	}
	d.text.WriteString(likely.text.String())
	d.undecoded.WriteString(likely.undecoded.String())
	d.doubtful = append(d.doubtful, likely.doubtful...)
	d.broken = d.broken || likely.broken
	d.run = d.run[:0]
}

// reading is the text of a run of words.
type reading struct {
	text, undecoded strings.Builder
	doubtful        []string
	broken          bool
}

// isBetter reports whether a reading has fewer signs of an error than another.
func (r *reading) isBetter(other *reading) bool {
	if r.broken != other.broken {
		return other.broken
	}
	return countWrong(r.text.String()) < countWrong(other.text.String())
}

// read decodes words in one charset. Clients split characters between words, so
// the octets of all words are collected first.
func (d *decoder) read(words []encodedWord) *reading {
	r := &reading{}
	var octets []byte
	first := 0 // index of the first word that octets come from
	for i, w := range words {
		part, ok := w.octets()
		if ok {
			octets = append(octets, part...)
			continue
		}
		d.settle(r, words[first:i], string(octets), false)
		if w.encoding == 'b' && d.guess != nil && d.guess.inParts {
			part = fromBrokenBase64InParts(w.content)
		}
		d.settle(r, words[i:i+1], string(part), true)
		octets, first = octets[:0], i+1
	}
	d.settle(r, words[first:], string(octets), false)
	return r
}

// settle adds the text of the words' octets to r.
func (d *decoder) settle(r *reading, words []encodedWord, octets string, broken bool) {
	if len(words) == 0 {
		return
	}
	text, known := fromCharset(words[0].charset, octets)
	if !known {
		text = bareText(octets)
	}
	r.broken = r.broken || broken
	unreadable := broken || !known
	if unreadable || isDoubtful(octets, text) {
		r.doubtful = append(r.doubtful, octets)
		if guessed, ok := d.guessAt(octets); ok || unreadable && d.guess != nil && d.guess.bare {
			r.text.WriteString(guessed)
			if unreadable || d.guess.sure && !strings.Contains(guessed, text) {
				r.undecoded.WriteString(guessed + " ")
			}
			return
		}
	}
	if !unreadable {
		r.text.WriteString(text)
		return
	}
	r.text.WriteRune(utf8.RuneError)
	for _, w := range words {
		r.undecoded.WriteString(strings.ToValidUTF8(w.whole, "\uFFFD"))
	}
	r.undecoded.WriteString(" " + text + " ")
	if text, ok := charset.FromUTF7(words[0].charset, octets); ok { // Outlook decodes it
		r.undecoded.WriteString(text + " ")
	}
}
