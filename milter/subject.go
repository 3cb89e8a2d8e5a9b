package milter

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/postseal/postseal/rules"
)

// unfolder takes out the line ends of folds. Any other stays, and is a blank to
// the reader of the marker.
var unfolder = strings.NewReplacer("\r\n ", " ", "\r\n\t", "\t", "\n ", " ", "\n\t", "\t")

// decodeSubject gives the text that mail clients show for the value of a
// Subject field: unfolded (RFC 5322, section 2.2.3), encoded words decoded
// (RFC 2047), bare 8-bit text read as UTF-8 or else as Windows-1252. Like the
// clients it takes encoded words that touch other text or hold blanks. A word
// that they would have to guess at is left undecoded.
func decodeSubject(value string) rules.Subject {
	var d decoder
	rest := unfolder.Replace(value)
	for rest != "" {
		if w, ok := d.cutWord(rest); ok {
			d.word(w)
			rest = rest[len(w.whole):]
			continue
		}
		end := strings.Index(rest[1:], "=?") + 1
		if end == 0 {
			end = len(rest)
		}
		d.literal(rest[:end])
		rest = rest[end:]
	}
	d.flush()
	d.text.WriteString(d.gap)
	return rules.Subject{Text: d.text.String(), Undecoded: d.undecoded.String()}
}

// decoder is at work on one subject.
type decoder struct {
	text, undecoded strings.Builder
	unclosed        bool // no "?=" is left

	// Clients split characters between words, so that the octets of adjacent
	// words in one charset are gathered before they are read.
	charset string
	octets  []byte
	whole   []byte // the words that octets come from

	afterWord bool
	gap       string // blanks that stand for nothing if a word follows
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
	w := encodedWord{encoding: encoding[0] | 0x20, complete: true}
	charset, _, _ = strings.Cut(charset, "*") // the language of RFC 2231, section 5
	w.charset = strings.ToLower(charset)
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

// literal takes text that stands for itself. The blanks between two encoded
// words do not (RFC 2047, section 6.2).
func (d *decoder) literal(text string) {
	if d.afterWord && strings.Trim(text, " \t") == "" {
		d.gap += text
		return
	}
	d.flush()
	d.text.WriteString(d.gap)
	d.text.WriteString(bareText(text))
	d.gap, d.afterWord = "", false
}

// word takes an encoded word.
func (d *decoder) word(w encodedWord) {
	octets, ok := w.octets()
	if !ok || w.charset != d.charset {
		d.flush()
	}
	d.charset, d.gap, d.afterWord = w.charset, "", true
	d.octets = append(d.octets, octets...)
	d.whole = append(d.whole, w.whole...)
	if !ok {
		d.giveUp()
	}
}

// flush writes the text of the words that were gathered.
func (d *decoder) flush() {
	if len(d.whole) == 0 {
		return
	}
	text, ok := fromCharset(d.charset, d.octets)
	if !ok {
		d.giveUp()
		return
	}
	d.text.WriteString(text)
	d.octets, d.whole = d.octets[:0], d.whole[:0]
}

// giveUp leaves undecoded the words that were gathered.
func (d *decoder) giveUp() {
	text, ok := fromCharset(d.charset, d.octets)
	if !ok {
		text = bareText(string(d.octets))
	}
	d.undecoded.WriteString(strings.ToValidUTF8(string(d.whole), "\uFFFD") + " " + text + " ")
	d.text.WriteRune(utf8.RuneError)
	d.octets, d.whole = d.octets[:0], d.whole[:0]
}

// bareText reads text without a charset of its own: UTF-8 (RFC 6532), or what
// it was before that.
func bareText(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	decoded, err := charmap.Windows1252.NewDecoder().String(text)
	if err != nil {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	return decoded
}
