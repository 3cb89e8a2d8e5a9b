package milter

import (
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding/charmap"

	"github.com/postseal/postseal/rules"
)

var wordDecoder = mime.WordDecoder{CharsetReader: charset.Reader}

// decodeSubject gives the text that a mail client shows for the value of a
// Subject field: unfolded (RFC 5322, section 2.2.3), encoded words decoded and
// adjacent ones joined (RFC 2047), bare 8-bit text read as UTF-8 or else as
// Windows-1252. Where an encoded word cannot be decoded the whole text is
// left as it stands.
func decodeSubject(value string) rules.Subject {
	text := strings.NewReplacer("\r\n", "", "\n", "", "\r", "").Replace(value)
	if decoded, err := wordDecoder.DecodeHeader(text); err == nil {
		text = decoded
	}
	if !utf8.ValidString(text) {
		if decoded, err := charmap.Windows1252.NewDecoder().String(text); err == nil {
			text = decoded
		}
	}
	return rules.Subject{Text: text}
}
