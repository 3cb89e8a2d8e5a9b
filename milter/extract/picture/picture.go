// Package picture recognises pictures, and those that are large enough to be a
// scan.
package picture

import (
	"bytes"
	"encoding/binary"
)

// minSide is the least side, in pixels, of a picture that may be a scan. Print
// of 10 points can be read at 100 dots an inch, and there a postcard, the
// smallest paper that is scanned, is 400 pixels wide. Logos, icons and banners in
// signatures are less high.
const minSide = 400

// MinPixels is the same threshold for a picture that comes in strips or tiles.
const MinPixels = minSide * minSide

// HeadSize is how many octets of a picture say its size, nearly always.
const HeadSize = 64 << 10

// Scan reports whether a picture with these sides is large enough to be a scan.
func Scan(width, height int) bool { return min(width, height) >= minSide }

// Is reports whether octets begin a picture. It is sure if text cannot begin
// with them.
func Is(start []byte) (is, sure bool) {
	k := kindOf(start)
	return k != nil, k != nil && k.sure
}

// IsMetafile reports whether octets begin a drawing of Windows, which can hold
// text.
func IsMetafile(start []byte) bool {
	return len(start) >= minStart && string(start[:4]) == "\x01\x00\x00\x00" && isEMF(start) ||
		bytes.HasPrefix(start, []byte("\xd7\xcd\xc6\x9a")) || bytes.HasPrefix(start, []byte("\x01\x00\x09\x00\x00\x03"))
}

// kind is a format of pictures.
type kind struct {
	magics []string
	sure   bool                      // no text begins like that
	is     func(start []byte) bool   // tests more than the magic
	sides  func(start []byte) [2]int // nil if the sides are not known; they may be negative
	need   int                       // octets that sides reads
}

// minStart is how many octets the functions of a kind get, with zeros for those
// that are missing.
const minStart = 44

// kinds are the formats. Phones, scanners and fax machines make TIFF and HEIC,
// and hardly anybody makes logos of them, so their size does not matter.
var kinds = []kind{
	{magics: []string{"\x89PNG\r\n\x1a\n"}, sure: true, sides: pngSides, need: 24},
	{magics: []string{jpegMagic}, sure: true},
	{magics: []string{"II*\x00", "MM\x00*", "II+\x00", "MM\x00+", "\x00\x00\x00\x0cjP  ", "\xff\x4f\xff\x51", "II\xbc\x01"}, sure: true},
	{magics: []string{"\xd7\xcd\xc6\x9a"}, sure: true, sides: wmfSides, need: 16},
	{magics: []string{"GIF87a", "GIF89a"}, sides: gifSides, need: 10},
	{magics: []string{"BM"}, is: isBMP, sides: bmpSides, need: 26},
	{magics: []string{"RIFF"}, is: isWebP, sides: webpSides, need: 30},
	{magics: []string{"\x00\x00\x00"}, is: isHEIF},
	{magics: []string{"\x01\x00\x00\x00"}, is: isEMF, sides: emfSides, need: 40},
	{magics: []string{"\x01\x00\x09\x00", "8BPS", "AT&TFORM"}},
	{magics: []string{"\x00\x00\x01\x00"}, sides: iconSides},
}

const jpegMagic = "\xff\xd8\xff"

// kindOf returns the format that octets begin, or nil.
func kindOf(start []byte) *kind {
	isShort := len(start) < 12
	start = pad(start)
	for i, k := range kinds {
		for _, magic := range k.magics {
			if string(start[:len(magic)]) == magic && (k.is == nil || !isShort && k.is(start)) {
				return &kinds[i]
			}
		}
	}
	return nil
}

// pad adds zeros up to minStart.
func pad(start []byte) []byte {
	var padded [minStart]byte
	if len(start) >= minStart {
		return start
	}
	copy(padded[:], start)
	return padded[:]
}

var little, big = binary.LittleEndian, binary.BigEndian

func isBMP(start []byte) bool { return string(start[6:10]) == "\x00\x00\x00\x00" }

func isWebP(start []byte) bool { return string(start[8:12]) == "WEBP" }

// isHEIF reports whether octets begin a HEIC or AVIF picture, which have the
// container of video.
func isHEIF(start []byte) bool {
	if string(start[4:8]) != "ftyp" {
		return false
	}
	switch string(start[8:12]) {
	case "heic", "heix", "hevc", "heim", "heis", "mif1", "msf1", "avif", "avis":
		return true
	}
	return false
}

func isEMF(start []byte) bool { return string(start[40:44]) == " EMF" }

func pngSides(start []byte) [2]int {
	return [2]int{int(big.Uint32(start[16:])), int(big.Uint32(start[20:]))}
}

func gifSides(start []byte) [2]int {
	return [2]int{int(little.Uint16(start[6:])), int(little.Uint16(start[8:]))}
}

func bmpSides(start []byte) [2]int {
	if start[14] == 12 { // the oldest form
		return [2]int{int(little.Uint16(start[18:])), int(little.Uint16(start[20:]))}
	}
	return [2]int{int(int32(little.Uint32(start[18:]))), int(int32(little.Uint32(start[22:])))}
}

func webpSides(start []byte) [2]int {
	switch string(start[12:16]) {
	case "VP8L":
		bits := little.Uint32(start[21:])
		return [2]int{int(bits&0x3fff) + 1, int(bits>>14&0x3fff) + 1}
	case "VP8X":
		return [2]int{int(little.Uint32(start[24:])&0xffffff) + 1, int(little.Uint32(start[26:])>>8) + 1}
	}
	return [2]int{int(little.Uint16(start[26:]) & 0x3fff), int(little.Uint16(start[28:]) & 0x3fff)}
}

// perInch is the resolution at which a metafile is shown.
const perInch = 96

// emfSides reads the frame of an enhanced metafile, in hundredths of a
// millimetre.
func emfSides(start []byte) [2]int {
	at := func(i int) int { return int(int32(little.Uint32(start[i:]))) }
	return [2]int{(at(32) - at(24)) * perInch / 2540, (at(36) - at(28)) * perInch / 2540}
}

// wmfSides reads the frame of a placeable metafile.
func wmfSides(start []byte) [2]int {
	at := func(i int) int { return int(int16(little.Uint16(start[i:]))) }
	unit := max(1, int(little.Uint16(start[14:])))
	return [2]int{(at(10) - at(6)) * perInch / unit, (at(12) - at(8)) * perInch / unit}
}

// iconSides are small whatever an icon says.
func iconSides([]byte) [2]int { return [2]int{1, 1} }
