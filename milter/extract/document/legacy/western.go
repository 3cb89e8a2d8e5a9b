package legacy

import (
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"
)

// wide returns text in UTF-16.
func wide(p []byte) string {
	units := make([]uint16, len(p)/2)
	for i := range units {
		units[i] = le.Uint16(p[2*i:])
	}
	return string(utf16.Decode(units))
}

// latin returns text whose octets are the first 256 characters of Unicode.
func latin(p []byte) string {
	runes := make([]rune, len(p))
	for i, c := range p {
		runes[i] = rune(c)
	}
	return string(runes)
}

// western returns text in Windows-1252.
func western(p []byte) string {
	text, _ := charmap.Windows1252.NewDecoder().Bytes(p)
	return string(text)
}
