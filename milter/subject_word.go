package milter

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"

	"github.com/emersion/go-message/charset"
)

// encodedWord is one of RFC 2047, section 2.
type encodedWord struct {
	whole    string // as it stands
	charset  string // in lower case
	encoding byte   // 'q' or 'b', or one that nobody knows
	content  string
	complete bool // "?=" ends it
}

// octets undoes the encoding. Where it is broken, what can be read is returned
// with false.
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

// fromQ undoes the "Q" encoding of RFC 2047, section 4.2. Octets that should
// have been encoded stand for themselves.
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

// fromBase64 undoes the "B" encoding, blanks and the lack of padding forgiven.
func fromBase64(content string) (octets []byte, ok bool) {
	content = strings.TrimRight(blankRemover.Replace(content), "=")
	if octets, err := base64.RawStdEncoding.DecodeString(content); err == nil {
		return octets, true
	}
	content = strings.Map(func(r rune) rune {
		if strings.ContainsRune(base64Alphabet, r) {
			return r
		}
		return -1
	}, content)
	if len(content)%4 == 1 {
		content = content[:len(content)-1]
	}
	octets, _ = base64.RawStdEncoding.DecodeString(content)
	return octets, false
}

// fromCharset decodes text in a charset, and returns false for one that is not
// known.
func fromCharset(name string, octets []byte) (string, bool) {
	if name == "utf-8" || name == "utf8" {
		return string(bytes.ToValidUTF8(octets, []byte("\uFFFD"))), true
	}
	reader, err := charset.Reader(name, bytes.NewReader(octets))
	if err != nil {
		return "", false
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		return "", false
	}
	// That alone is what golang.org/x/text gives for any text in the charsets
	// that it refuses, such as ISO-2022-KR.
	return string(text), string(text) != "\uFFFD"
}
