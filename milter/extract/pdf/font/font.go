// Package font turns the codes that a PDF file shows into characters.
package font

import (
	"strings"

	"github.com/postseal/postseal/milter/extract/pdf/object"
)

// Font is a font of a PDF file.
type Font struct {
	IsVertical bool

	simple    *[256]Glyph // nil for a composite font
	composite *composite
}

// Glyph is what a code shows.
type Glyph struct {
	Text    string  // "" also for a known code that shows nothing
	Width   float64 // how far the next glyph is, as a multiple of the font's size
	IsKnown bool    // false if nobody can tell which characters the glyph shows
	IsBlank bool    // a code to which word spacing applies
}

// loading is what a font costs to read, beside its streams.
const loading = 8 << 10

// Load reads a font. If there is none, viewers show text all the same: a font
// without a dictionary shows Latin letters.
func Load(f *object.File, d object.Dict) *Font {
	f.Spend(loading)
	toUnicode := loadToUnicode(f, d)
	if f.Name(d["Subtype"]) == "Type0" {
		c := loadComposite(f, d, toUnicode)
		return &Font{composite: c, IsVertical: c.isVertical}
	}
	return &Font{simple: loadSimple(f, d, toUnicode)}
}

// Next returns the first glyph of a string and how many octets its code has.
func (f *Font) Next(s string) (Glyph, int) {
	if f.simple != nil {
		return f.simple[s[0]], 1
	}
	return f.composite.next(s)
}

// readable returns a text of a ToUnicode map without what is no character. In the
// private use area, fonts for symbols have the ASCII characters at F020.
func readable(s string) string {
	isBad := func(r rune) bool { return r < ' ' || r == 0xfffd || 0xe000 <= r && r <= 0xf8ff }
	if !strings.ContainsFunc(s, isBad) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case 0xf020 <= r && r < 0xf07f:
			return r - 0xf000
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case isBad(r):
			return -1
		}
		return r
	}, s)
}
