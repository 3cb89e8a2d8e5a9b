package subject

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// encodedWord is an encoded word of RFC 2047, section 2.
type encodedWord struct {
	whole    string // as written
	charset  string // in lower case
	encoding byte   // 'q' or 'b', or one that is not defined
	content  string
	complete bool // it ends in "?="
}

// newWord returns a word without its content. It removes the language of RFC
// 2231, section 5, from the charset.
func newWord(charset string, encoding byte) encodedWord {
	charset, _, _ = strings.Cut(charset, "*")
	return encodedWord{charset: strings.ToLower(charset), encoding: encoding | 0x20, complete: true}
}

// isCut reports whether the content does not encode whole octets.
func (w encodedWord) isCut() bool {
	if w.encoding == 'b' {
		_, err := base64.StdEncoding.Strict().DecodeString(blankRemover.Replace(w.content))
		return err != nil
	}
	_, ok := w.octets()
	return !ok
}

// join joins neighbouring words in the same encoding into one.
func join(words []encodedWord) []encodedWord {
	var joined []encodedWord
	for len(words) > 0 {
		n := 1
		for n < len(words) && words[n].encoding == words[0].encoding {
			n++
		}
		joined = append(joined, joinAlike(words[:n]))
		words = words[n:]
	}
	return joined
}

func joinAlike(words []encodedWord) encodedWord {
	var whole, content strings.Builder
	for i, w := range words {
		whole.WriteString(w.whole)
		if w.encoding == 'b' && i < len(words)-1 {
			w.content = strings.TrimRight(w.content, "= \t")
		}
		content.WriteString(w.content)
	}
	joined := words[len(words)-1]
	joined.whole, joined.content = whole.String(), content.String()
	return joined
}

// octets decodes the content. If the encoding is broken, it returns what can be
// read, and false.
func (w encodedWord) octets() ([]byte, bool) {
	switch w.encoding {
	case 'q':
		octets, ok := fromQ(w.content)
		return octets, ok && w.complete
	case 'b':
		octets, ok := fromBase64(w.content)
		return octets, ok && w.complete
	}
	return []byte(w.content), false
}

// fromQ decodes the "Q" encoding of RFC 2047, section 4.2. It accepts octets
// that should have been encoded.
func fromQ(content string) (octets []byte, ok bool) {
	octets, ok = make([]byte, 0, len(content)), true
	for i := 0; i < len(content); i++ {
		c := content[i]
		switch {
		case c == '_':
			c = ' '
		case c == '=':
			var pair [1]byte
			if _, err := hex.Decode(pair[:], []byte(content[i+1:min(i+3, len(content))])); err != nil || i+2 >= len(content) {
				ok = false
				break
			}
			c = pair[0]
			i += 2
		}
		octets = append(octets, c)
	}
	return octets, ok
}

var blankRemover = strings.NewReplacer(" ", "", "\t", "")

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// fromBase64 decodes the "B" encoding. It accepts blanks and missing padding.
func fromBase64(content string) (octets []byte, ok bool) {
	content = strings.TrimRight(blankRemover.Replace(content), "=")
	if octets, err := base64.RawStdEncoding.DecodeString(content); err == nil {
		return octets, true
	}
	return fromBrokenBase64(content), false
}

// fromBrokenBase64 leaves out all that is not base64, as Python does.
func fromBrokenBase64(content string) []byte {
	content = strings.Map(func(r rune) rune {
		if strings.ContainsRune(base64Alphabet, r) {
			return r
		}
		return -1
	}, content)
	if len(content)%4 == 1 {
		content = content[:len(content)-1]
	}
	octets, _ := base64.RawStdEncoding.DecodeString(content)
	return octets
}

// urlAlphabet replaces the characters of base64 for URLs (RFC 4648, section 5).
var urlAlphabet = strings.NewReplacer("-", "+", "_", "/")

// fromBrokenBase64InParts begins again after padding and accepts base64 for URLs, as
// JavaScript does.
func fromBrokenBase64InParts(content string) (octets []byte) {
	for part := range strings.SplitSeq(urlAlphabet.Replace(content), "=") {
		octets = append(octets, fromBrokenBase64(part)...)
	}
	return octets
}
