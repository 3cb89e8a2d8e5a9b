package flow

import (
	"encoding/binary"
	"unicode/utf16"
)

// UTF16 returns text in UTF-16LE, as Office files hold it. An odd octet at the
// end is ignored.
func UTF16(p []byte) string {
	units := make([]uint16, len(p)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(p[2*i:])
	}
	return string(utf16.Decode(units))
}
