package address

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// The greatest length of a domain name in text (RFC 1035, section 2.3.4) and of
// a label.
const (
	MaxDomain = 253
	maxLabel  = 63
)

// NormalizeDomain returns the spelling by which domains are compared: lower
// case, A-labels, no trailing dot. Labels consist of letters, digits, "-" and
// "_". A U-label must be the form that its A-label decodes to by RFC 5891, so
// that no look-alike character is silently mapped to an ASCII one.
func NormalizeDomain(text string) (string, error) {
	name := strings.TrimSuffix(text, ".")
	// The check comes first because the time to make an A-label grows with the
	// square of its length. An A-label has at least one octet for each
	// character of its U-label.
	if utf8.RuneCountInString(name) > MaxDomain {
		return "", fmt.Errorf("%q is longer than %d octets", text, MaxDomain)
	}
	if !IsASCII(name) {
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil {
			return "", fmt.Errorf("%q is not a valid internationalised name", text)
		}
		back, err := idna.Lookup.ToUnicode(ascii)
		if err != nil || back != strings.ToLower(name) {
			return "", fmt.Errorf("%q contains characters that are read as others", text)
		}
		name = ascii
	}
	name = strings.ToLower(name)
	if len(name) > MaxDomain {
		return "", fmt.Errorf("%q is longer than %d octets", text, MaxDomain)
	}
	if name == "" {
		return "", errors.New("the name is empty")
	}
	length := 0
	for i := range len(name) {
		switch c := name[i]; {
		case c == '.':
			if length == 0 {
				return "", fmt.Errorf("%q has an empty label", text)
			}
			length = 0
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
			if length++; length > maxLabel {
				return "", fmt.Errorf("%q has a label of more than %d octets", text, maxLabel)
			}
		default:
			return "", fmt.Errorf("%q contains %q, which is not allowed in a domain name", text, c)
		}
	}
	if length == 0 {
		return "", fmt.Errorf("%q has an empty label", text)
	}
	return name, nil
}

// IsAtOrBelow reports whether the name is the suffix or a name below it.
func IsAtOrBelow(name, suffix string) bool {
	return name == suffix || strings.HasSuffix(name, "."+suffix)
}
