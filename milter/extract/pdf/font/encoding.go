package font

import (
	"strings"
	"sync"

	"golang.org/x/text/encoding/charmap"
)

// codeTexts is the text of each code of a simple font.
type codeTexts [256]string

func fromCharmap(m *charmap.Charmap) *codeTexts {
	var e codeTexts
	for i := 0x20; i < 256; i++ {
		if r := m.DecodeByte(byte(i)); r != '\uFFFD' {
			e[i] = string(r)
		}
	}
	return &e
}

// fromNames returns the encoding with the glyphs from a code on. "-" is none.
func fromNames(first int, names string) *codeTexts {
	var e codeTexts
	for i, name := range strings.Fields(names) {
		if name != "-" {
			e[first+i], _ = ofName(name)
		}
	}
	return &e
}

var (
	winAnsi  = sync.OnceValue(func() *codeTexts { return fromCharmap(charmap.Windows1252) })
	macRoman = sync.OnceValue(func() *codeTexts { return fromCharmap(charmap.Macintosh) })
	standard = sync.OnceValue(standardEncoding)
	symbol   = sync.OnceValue(symbolEncoding)
)

// standardEncoding is ASCII with other quotes, and old places for other letters.
// A code that it lacks is taken from Windows.
func standardEncoding() *codeTexts {
	e := fromNames(0xa1, `exclamdown cent sterling fraction yen florin section currency quotesingle
		quotedblleft guillemotleft guilsinglleft guilsinglright fi fl - endash dagger daggerdbl
		periodcentered - paragraph bullet quotesinglbase quotedblbase quotedblright guillemotright
		ellipsis perthousand - questiondown - grave acute circumflex tilde macron breve dotaccent
		dieresis - ring cedilla - hungarumlaut ogonek caron emdash - - - - - - - - - - - - - - - -
		AE - ordfeminine - - - - Lslash Oslash OE ordmasculine - - - - - ae - - - dotlessi - -
		lslash oslash oe germandbls`)
	for i := range e {
		if e[i] == "" {
			e[i] = winAnsi()[i]
		}
	}
	e['\''], e['`'] = "’", "‘"
	return e
}

func symbolEncoding() *codeTexts {
	e := fromNames(0x40, `congruent Alpha Beta Chi Delta Epsilon Phi Gamma Eta Iota theta1 Kappa Lambda Mu
		Nu Omicron Pi Theta Rho Sigma Tau Upsilon sigma1 Omega Xi Psi Zeta bracketleft therefore
		bracketright perpendicular underscore radicalex alpha beta chi delta epsilon phi gamma eta
		iota phi1 kappa lambda mu nu omicron pi theta rho sigma tau upsilon omega1 omega xi psi zeta
		braceleft bar braceright similar`)
	for i := 0x20; i < 0x40; i++ {
		e[i] = string(rune(i))
	}
	for i := 0x7f; i < 256; i++ { // arrows, brackets and the like
		e[i] = "\uFFFD"
	}
	return e
}

func named(name string) *codeTexts {
	switch name {
	case "WinAnsiEncoding":
		return winAnsi()
	case "MacRomanEncoding":
		return macRoman()
	case "StandardEncoding", "MacExpertEncoding":
		return standard()
	}
	return nil
}
