package charset

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// utf7 decodes UTF-7 (RFC 2152). Octets that UTF-7 does not allow stand for
// themselves.
type utf7 struct {
	encoded bool // after "+"
	first   bool // nothing has followed the "+"
	bits    uint32
	n       int    // number of bits
	high    uint16 // the first half of a surrogate pair
}

const utf7Name = "utf-7"

// FromUTF7 decodes octets if name, in lower case, is a name of UTF-7. Lookup does not
// find UTF-7.
func FromUTF7(name, octets string) (text string, ok bool) {
	if name != utf7Name && aliases[name] != utf7Name {
		return "", false
	}
	text, _, err := transform.String(&utf7{}, octets)
	return text, err == nil
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// Reset implements transform.Transformer.
func (u *utf7) Reset() { *u = utf7{} }

// Transform implements transform.Transformer.
func (u *utf7) Transform(dst, src []byte, _ bool) (n, used int, err error) {
	for used < len(src) {
		if len(dst)-n < 2*utf8.UTFMax {
			return n, used, transform.ErrShortDst
		}
		n += u.octet(dst[n:], src[used])
		used++
	}
	return n, used, nil
}

// octet decodes one octet, and returns the length of its text.
func (u *utf7) octet(dst []byte, c byte) int {
	if !u.encoded {
		if c == '+' {
			*u = utf7{encoded: true, first: true}
			return 0
		}
		return plain(dst, c)
	}
	value := strings.IndexByte(base64Alphabet, c)
	if value < 0 {
		first := u.first
		u.Reset()
		switch {
		case c == '-' && first:
			dst[0] = '+'
			return 1
		case c == '-':
			return 0
		}
		return plain(dst, c)
	}
	u.first = false
	u.bits, u.n = u.bits<<6|uint32(value), u.n+6
	if u.n < 16 {
		return 0
	}
	u.n -= 16
	return u.unit(dst, uint16(u.bits>>u.n))
}

// unit decodes one unit of UTF-16.
func (u *utf7) unit(dst []byte, unit uint16) int {
	r := rune(unit)
	switch {
	case u.high != 0:
		r = utf16.DecodeRune(rune(u.high), r)
		u.high = 0
	case utf16.IsSurrogate(r):
		u.high = unit
		return 0
	}
	return utf8.EncodeRune(dst, r)
}

func plain(dst []byte, c byte) int {
	if c < utf8.RuneSelf {
		dst[0] = c
		return 1
	}
	return utf8.EncodeRune(dst, rune(c))
}
