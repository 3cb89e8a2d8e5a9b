package similar

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isSeparator reports whether the character is a mark whose form does not
// matter, such as the dashes that word processors put in.
func isSeparator(r rune) bool { return strings.ContainsRune("-:/|*", r) }

// lowQuotes are quotation marks that Unicode classifies as brackets.
const lowQuotes = "‚„⹂〝〞〟"

// symbolFont is the private block in which Word puts the characters of symbol
// fonts.
const symbolFont = 0xF000

// blanks are letters and symbols that show nothing.
const blanks = "\u115f\u1160\u2800\u3164\uffa0"

// confusables lists, after an ASCII character, others that look like it in
// common fonts and that compatibility normalisation (UAX 15) does not already
// replace with it. Most are among the confusables of UTS 39.
var confusables = []string{
	"aаАαΑɑᴀᎪ", "bьЬвВβΒƄʙᏴ", "cсСϲϹᴄⲥⲤᏟꮯȼƈ", "dԁԀᴅᎠ", "eеЕєЄΕεɛҽҼəᴇ℮Ꭼⴹꬲɇ",
	"fƒϝϜғҒꜰ", "gɡցԍԌɢᏀ", "hһҺнНΗհʜᎻ", "iіІιΙıɪᎥ", "jјЈϳʝᴊᎫ",
	"kкКκΚᴋᏦ", "lӏӀłŁʟᏞ", "mмМΜᴍᎷ", "nпηΝոռɴ", "oоОοΟσօՕøØᴏ",
	"pрРρΡᴘᏢ", "qԛԚգզ", "rгяЯᴦʀⲅᎡᏒꭇɍɼɾ", "sѕЅʂꜱƽՏտᏚꮪȿ", "tтТτΤᴛᎢ",
	"uυսՍʋᴜцμʉ∪", "vνѵѴᴠᏙ", "wѡѠԝԜɯωшᴡᎳ", "xхХχΧ", "yуУγΥүҮʏ", "zΖᴢʐᏃ",

	// All other brackets of Unicode are read as square ones.
	"[⎡⎣", "]⎤⎦", "(❨❪⟮⸨⦅", ")❩❫⟯⸩⦆", "{❴⦃", "}❵⦄",
	"<〈《⟨⟪❬❮❰‹«≪˂", ">〉》⟩⟫❭❯❱›»≫˃",

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
	// Text in Word's Symbol font, as it is pasted elsewhere.
	for r := '!'; r <= '~'; r++ {
		m[symbolFont+r] = unicode.ToLower(r)
	}
	return m
}()
