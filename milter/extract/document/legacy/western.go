package legacy

import (
	"golang.org/x/text/encoding/charmap"
)

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
