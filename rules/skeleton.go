package rules

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// cell is one character of a subject as the eye takes it: in lower case,
// without its accents, and in ASCII where it passes for an ASCII letter,
// bracket or mark.
type cell struct {
	r     rune
	at    int32 // where in the text it stands, in octets
	alike bool  // the text holds another character here, or an unseen one before it
}

// skeleton gives the cells of a text. Characters that are not seen have none
// of their own.
func skeleton(text string) []cell {
	cells := make([]cell, 0, len(text))
	hidden := false // an unseen character stands before the next
	for i, r := range text {
		at := int32(i)
		switch {
		case r < utf8.RuneSelf && r > ' ' && r != 0x7f:
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			cells = append(cells, cell{r, at, hidden})
		case unicode.IsSpace(r):
			cells = append(cells, cell{' ', at, hidden || r >= utf8.RuneSelf})
		case unicode.Is(unicode.M, r):
			if len(cells) > 0 {
				cells[len(cells)-1].alike = true
			}
			continue
		case unicode.In(r, unicode.C) || strings.ContainsRune(blanks, r):
			hidden = true
			continue
		default:
			cells = appendFolded(cells, cell{r, at, hidden})
		}
		hidden = false
	}
	return cells
}

// appendFolded adds the cells of a character, of which normalisation may make
// several.
func appendFolded(cells []cell, c cell) []cell {
	if c.r < utf8.RuneSelf {
		return append(cells, c)
	}
	if r, ok := folds[c.r]; ok {
		return append(cells, cell{r, c.at, c.alike || !isSeparator(r)})
	}
	text := norm.NFKD.PropertiesString(string(c.r)).Decomposition()
	switch {
	case text != nil:
	case unicode.Is(unicode.Ps, c.r) && !strings.ContainsRune(lowQuotes, c.r):
		return append(cells, cell{'[', c.at, true})
	case unicode.Is(unicode.Pe, c.r) && !strings.ContainsRune(lowQuotes, c.r):
		return append(cells, cell{']', c.at, true})
	default:
		c.r = unicode.ToLower(c.r)
		return append(cells, c)
	}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		if unicode.Is(unicode.M, r) {
			continue
		}
		cells = appendFolded(cells, cell{unicode.ToLower(r), c.at, true})
	}
	return cells
}

func runes(cells []cell) []rune {
	text := make([]rune, len(cells))
	for i, c := range cells {
		text[i] = c.r
	}
	return text
}

// letters gives the letters and digits of cells.
func letters(cells []cell) []rune {
	word := make([]rune, 0, len(cells))
	for _, c := range cells {
		if c.isLetter() {
			word = append(word, c.r)
		}
	}
	return word
}

func (c cell) isLetter() bool {
	if c.r < utf8.RuneSelf {
		return 'a' <= c.r && c.r <= 'z' || '0' <= c.r && c.r <= '9'
	}
	return unicode.IsLetter(c.r) || unicode.IsDigit(c.r)
}

func (c cell) isDigit() bool { return unicode.IsDigit(c.r) }

// isSeparator tells the marks whose form is a matter of taste, as with the
// dashes that word processors put in.
func isSeparator(r rune) bool { return strings.ContainsRune("-:/|*", r) }

// lowQuotes are quotation marks that Unicode files under brackets.
const lowQuotes = "‚„⹂〝〞〟"

// blanks are letters and symbols that show nothing.
const blanks = "\u115f\u1160\u2800\u3164\uffa0"

// confusables lists, after an ASCII character, others that pass for it in the
// common fonts and that compatibility normalisation (UAX 15) does not already
// turn into it. Most are among the confusables of UTS 39.
var confusables = []string{
	"aаАαΑɑᴀᎪ", "bьЬвВβΒƄʙᏴ", "cсСϲϹᴄⲥⲤᏟꮯȼƈ", "dԁԀᴅᎠ", "eеЕєЄΕεɛҽҼəᴇ℮Ꭼⴹꬲɇ",
	"fƒϝϜғҒꜰ", "gɡցԍԌɢᏀ", "hһҺнНΗհʜᎻ", "iіІιΙıɪᎥ", "jјЈϳʝᴊᎫ",
	"kкКκΚᴋᏦ", "lӏӀłŁʟᏞ", "mмМΜᴍᎷ", "nпηΝոռɴ", "oоОοΟσօՕøØᴏ",
	"pрРρΡᴘᏢ", "qԛԚգզ", "rгяЯᴦʀⲅᎡᏒꭇɍɼɾ", "sѕЅʂꜱƽՏտᏚꮪȿ", "tтТτΤᴛᎢ",
	"uυսՍʋᴜцμʉ∪", "vνѵѴᴠᏙ", "wѡѠԝԜɯωшᴡᎳ", "xхХχΧ", "yуУγΥүҮʏ", "zΖᴢʐᏃ",

	// All other brackets of Unicode are taken for square ones.
	"[⎡⎣", "]⎤⎦", "(❨❪⟮⸨⦅", ")❩❫⟯⸩⦆", "{❴⦃", "}❵⦄",
	"<〈《⟨⟪❬❮❰‹«", ">〉》⟩⟫❭❯❱›»",

	"-‐‑‒–—―−", ":∶ː꞉", "/⁄∕", "|¦ǀ∣│", "*∗•",
}

var folds = func() map[rune]rune {
	m := make(map[rune]rune)
	for _, row := range confusables {
		to, size := utf8.DecodeRuneInString(row)
		for _, r := range row[size:] {
			m[r] = to
		}
	}
	// Negative circled and squared letters, and regional indicators.
	for _, first := range []rune{0x1F150, 0x1F170, 0x1F1E6} {
		for i := range rune(26) {
			m[first+i] = 'a' + i
		}
	}
	return m
}()
