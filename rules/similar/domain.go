package similar

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// FoldDomain replaces the letters of a domain's U-labels with the ASCII letters
// that they look like, without accents.
func FoldDomain(domain string) string {
	if !strings.Contains(domain, "xn--") {
		return domain
	}
	unicodeName, err := idna.Lookup.ToUnicode(domain)
	if err != nil {
		return domain
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		if ascii, ok := folds[r]; ok {
			return ascii
		}
		return r
	}, norm.NFKD.String(unicodeName))
}
