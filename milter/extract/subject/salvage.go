package subject

import (
	"regexp"
	"strings"
	"sync"
)

// malformedWord is an encoded word that may have blanks or quotes in its head,
// another name of an encoding, or one missing "?" or "=". Only some clients
// decode it. The groups are a charset and an encoding for each form of the
// head, and the content for each form of the end.
var malformedWord = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:` + strings.Join([]string{
		`=\s*\?(` + charsetName + `?)(` + encodingName + `)\s*\?`, // no "?" before the encoding
		`=\s*\?(` + charsetName + `)\?\s*(` + encodingName + `|[\w-]{0,7})\s*\?`,
		`[=?]?\s*(` + charsetName + `)\?\s*(` + encodingName + `)\s*\?`, // one character before the charset, or none
		`=\s*\?(` + charsetName + `)\?\s*([bq])`,                        // no "?" after the encoding
	}, "|") + `)(?:([^?]*)\?=|([^?\s]*))`)
})

const (
	charsetName  = `[^?=]{0,40}`
	encodingName = `b|q|qp|base-?64|quoted-?printable`
)

// maxNested is how deep words inside words are searched.
const maxNested = 4

// salvage returns the texts of words that may be malformed, and of words inside
// words.
func salvage(text string) []string {
	texts := mislabelled(text)
	for range maxNested {
		if !mayHoldWord(text) {
			break
		}
		likely, other, guessed := salvageOnce(text, nil, false), salvageOnce(text, nil, true), salvageOnce(text, &guesses[0], false)
		text = likely.text.String()
		texts = append(texts, text, likely.undecoded.String(), other.text.String(), other.undecoded.String(), guessed.text.String())
	}
	return texts
}

// minMislabelled is the length of the shortest base64 that can hold a marker.
const minMislabelled = 8

// mislabelled returns the texts of base64, whatever the text before it says.
func mislabelled(text string) (texts []string) {
	for part := range strings.SplitSeq(text, "?") {
		part = base64Start().FindString(part)
		if octets, ok := fromBase64(part); ok && len(part) >= minMislabelled {
			texts = append(texts, bareText(string(octets)))
		}
	}
	return texts
}

// mayHoldWord reports whether the text has one of the marks of an encoded word.
// A word that lacks a single character still has the other mark.
func mayHoldWord(text string) bool {
	return strings.Contains(text, "=?") || strings.Contains(text, "?=")
}

// salvageOnce decodes only the words. A blank replaces the text between them.
func salvageOnce(text string, guess *guess, other bool) *decoder {
	d := &decoder{guess: guess, other: other}
	last := 0
	for _, at := range malformedWord().FindAllStringSubmatchIndex(text, -1) {
		if strings.Trim(text[last:at[0]], " \t") != "" {
			d.flush()
			d.text.WriteByte(' ')
		}
		last = at[1]
		d.word(malformed(text, at))
	}
	d.flush()
	return d
}

var headCleaner = strings.NewReplacer(" ", "", "\t", "", `"`, "", "'", "")

var base64Start = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9+/]*`) })

var isBase64 = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9+/]*=*$`) })

// malformed makes a word from a match.
func malformed(text string, at []int) encodedWord {
	var groups []string // those that matched
	for i := 2; i < len(at); i += 2 {
		if at[i] >= 0 {
			groups = append(groups, text[at[i]:at[i+1]])
		}
	}
	encoding, content := strings.ToLower(groups[1]), groups[2]
	w := newWord(headCleaner.Replace(groups[0]), 'q')
	w.content = content
	if strings.HasPrefix(encoding, "b") || !strings.HasPrefix(encoding, "q") && isBase64().MatchString(content) {
		w.encoding = 'b'
	}
	return w
}
