// Package address reads envelope addresses and domain names. It knows what
// needs no table: the faults of an address, public suffixes and consumer mail
// services.
package address

import (
	"strings"
	"unicode/utf8"
)

// Fault says why an address cannot be rewritten safely. The empty fault means
// that it can.
type Fault string

// The faults of an address. Only with TrailingDot is the domain readable.
const (
	NoAddress    Fault = "it is empty"
	NoDomain     Fault = "it has no domain"
	SourceRoute  Fault = "it is a source route"
	Literal      Fault = "its domain is an address literal"
	Comment      Fault = "it contains a comment"
	TrailingDot  Fault = "its domain ends in a dot"
	BadLocalPart Fault = "its local part is malformed"
	BadDomain    Fault = "its domain is malformed"
	TooLong      Fault = "it is too long"
	Rerouted     Fault = "its local part names another host"
	SentOn       Fault = "this host forwards it to another domain"
	NotASCII     Fault = "it is not ASCII, and the client did not ask for SMTPUTF8"
	NotShown     Fault = "Postfix does not show how it was typed"
)

// maxPath is the longest path without its angle brackets (RFC 5321, section
// 4.5.3.1.3). MaxDiverted is the longest that Sendmail lets a filter add, one
// octet less.
const (
	maxPath     = 254
	MaxDiverted = 253
)

// Address is a mailbox of an envelope.
type Address struct {
	Local  string // as written, with quotes
	Domain string // as NormalizeDomain returns it; empty if it cannot be read
	Fault  Fault
}

// Parse reads a path (RFC 5321, section 4.1.2) without its angle brackets. It
// never guesses: any text that is not a mailbox of that section has a Fault. It
// reads UTF-8 by RFC 6531.
func Parse(text string) Address {
	switch {
	case text == "":
		return Address{Fault: NoAddress}
	case text[0] == '@' && strings.Contains(text, ":"):
		return Address{Fault: SourceRoute}
	}
	end, ok := localPartEnd(text)
	switch {
	case !ok && strings.ContainsAny(text, "()"):
		return Address{Fault: Comment}
	case !ok || end == 0 || text[:end] == `""`: // MTAs read "" as no local part
		return Address{Fault: BadLocalPart}
	case end == len(text):
		return Address{Local: text, Fault: NoDomain}
	}
	a := Address{Local: text[:end]}
	domain := text[end+1:]
	if strings.HasPrefix(domain, "[") {
		a.Fault = Literal
		return a
	}
	name, err := NormalizeDomain(domain)
	switch {
	case err != nil && strings.ContainsAny(domain, "()"):
		a.Fault = Comment
	case err != nil:
		a.Fault = BadDomain
	case len(text) > maxPath:
		a.Fault = TooLong
	case strings.HasSuffix(domain, "."):
		a.Domain, a.Fault = name, TrailingDot
	default:
		a.Domain = name
	}
	return a
}

// localPartEnd returns the length of the Local-part at the start of text. "@"
// or the end of the text must follow it.
func localPartEnd(text string) (end int, ok bool) {
	if !utf8.ValidString(text) {
		return 0, false
	}
	if text[0] == '"' {
		end = quotedStringEnd(text)
		if end == 0 {
			return 0, false
		}
	} else if end = strings.IndexByte(text, '@'); end < 0 {
		end = len(text)
	}
	if end < len(text) && text[end] != '@' {
		return 0, false
	}
	if text[0] != '"' && !isDotString(text[:end]) {
		return 0, false
	}
	return end, true
}

// quotedStringEnd returns the length of the Quoted-string at the start of text,
// or 0 if it does not end or contains a character that is not allowed.
func quotedStringEnd(text string) int {
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			i++
			if i == len(text) || text[i] < ' ' || text[i] == 0x7f {
				return 0
			}
		case c < ' ' || c == 0x7f:
			return 0
		}
	}
	return 0
}

// isDotString reports whether s is a Dot-string. It allows dots in odd places,
// because real addresses have them.
func isDotString(s string) bool {
	for i := range len(s) {
		if isSpecial[s[i]] {
			return false
		}
	}
	return true
}

// isSpecial has the characters that only a Quoted-string may contain.
var isSpecial = func() (special [256]bool) {
	for c := range byte(' ' + 1) {
		special[c] = true
	}
	for _, c := range []byte("\x7f()<>,;:\\\"[]@") {
		special[c] = true
	}
	return special
}()

// IsASCII reports whether the text is ASCII.
func IsASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// TrimAngles removes one pair of angle brackets from a path.
func TrimAngles(path string) string {
	if n := len(path); n >= 2 && path[0] == '<' && path[n-1] == '>' {
		return path[1 : n-1]
	}
	return path
}

// Mailbox is an address in a spelling that can be compared.
type Mailbox struct{ Local, Domain string }

// Mailbox returns the spelling by which addresses are compared. A quoted local
// part equals the same one without quotes (RFC 5321, section 4.1.2). ASCII
// letters are compared in any case: RFC 5321, section 2.4, leaves case to the
// receiving host, but in practice no host uses it to tell two people apart.
func (a Address) Mailbox() Mailbox {
	return Mailbox{strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, unquoted(a.Local)), a.Domain}
}

// unquote removes the backslashes from text that was between quotes.
func unquote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
