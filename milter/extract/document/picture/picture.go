// Package picture recognises pictures, and those that are big enough to be a
// scan.
package picture

import (
	"bytes"
	"encoding/binary"
)

// A picture is big enough to be a scan or a screenshot with text if it has that
// many pixels and no side is shorter.
const (
	MinPixels = 250_000
	MinSide   = 300
)

// HeadSize is how many octets of a picture say its size, nearly always.
const HeadSize = 64 << 10

// Large reports whether the octets begin a picture, and whether it is big enough
// to be a scan. A picture of unknown size is.
func Large(head []byte) (is, large bool) {
	for _, k := range kinds {
		if bytes.HasPrefix(head, []byte(k.magic)) {
			w, h, ok := k.size(head)
			return true, !ok || Scan(w, h)
		}
	}
	if len(head) > 12 && string(head[4:8]) == "ftyp" && bytes.Contains([]byte("heic heix hevc mif1 msf1 avif"), head[8:12]) {
		return true, true
	}
	return false, false
}

// Scan reports whether a picture of so many pixels is big enough to be a scan.
func Scan(width, height int) bool {
	return width >= MinSide && height >= MinSide && width*height >= MinPixels
}

// kind is a format of pictures. size returns false if the size is not in the
// head.
type kind struct {
	magic string
	size  func(head []byte) (w, h int, ok bool)
}

var kinds = []kind{
	{"\x89PNG\r\n\x1a\n", fixed(16, 4, binary.BigEndian)},
	{"\xff\xd8\xff", jpeg},
	{"GIF8", fixed(6, 2, binary.LittleEndian)},
	{"BM", bmp},
	{"II*\x00", tiff(binary.LittleEndian)},
	{"MM\x00*", tiff(binary.BigEndian)},
	{"RIFF", webp},
	{"\x00\x00\x00\x0cjP  ", unknown},
	{"\xff\x4f\xff\x51", unknown},
	{"8BPS", unknown},
	{"\x00\x00\x01\x00", small}, // an icon
	{"\x01\x00\x00\x00", emf},
	{"\xd7\xcd\xc6\x9a", wmf},
	{"\x01\x00\x09\x00", unknown}, // a Windows metafile without its size
	{"II\xbc", unknown},           // JPEG XR
}

func unknown([]byte) (w, h int, ok bool) { return 0, 0, false }

func small([]byte) (w, h int, ok bool) { return 0, 0, true }

// fixed reads width and height from an offset.
func fixed(offset, size int, order binary.ByteOrder) func([]byte) (int, int, bool) {
	return func(head []byte) (w, h int, ok bool) {
		switch {
		case len(head) < offset+2*size:
			return 0, 0, false
		case size == 2:
			return int(order.Uint16(head[offset:])), int(order.Uint16(head[offset+2:])), true
		}
		return clamp(order.Uint32(head[offset:])), clamp(order.Uint32(head[offset+4:])), true
	}
}

// clamp returns a length that is negative if the picture is upside down.
func clamp(n uint32) int {
	v := int(int32(n))
	return min(max(v, -v), 1<<20)
}

func bmp(head []byte) (w, h int, ok bool) {
	return fixed(18, 4, binary.LittleEndian)(head)
}

// jpeg reads the first frame header.
func jpeg(head []byte) (w, h int, ok bool) {
	for p := head[2:]; len(p) >= 9; {
		marker := p[1]
		switch {
		case p[0] != 0xff:
			return 0, 0, false
		case marker == 0xff:
			p = p[1:]
			continue
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
			return int(binary.BigEndian.Uint16(p[7:])), int(binary.BigEndian.Uint16(p[5:])), true
		}
		n := 2 + int(binary.BigEndian.Uint16(p[2:]))
		if n > len(p) {
			break
		}
		p = p[n:]
	}
	return 0, 0, false
}

// tiff reads the first directory.
func tiff(order binary.ByteOrder) func([]byte) (int, int, bool) {
	return func(head []byte) (w, h int, ok bool) {
		if len(head) < 8 {
			return 0, 0, false
		}
		at := int64(order.Uint32(head[4:]))
		if at+2 > int64(len(head)) {
			return 0, 0, false
		}
		n := int(order.Uint16(head[at:]))
		for p := head[at+2:]; n > 0 && len(p) >= 12; n, p = n-1, p[12:] {
			value := int(order.Uint16(p[8:]))
			if order.Uint16(p[2:]) == 4 {
				value = clamp(order.Uint32(p[8:]))
			}
			switch order.Uint16(p) {
			case 256:
				w = value
			case 257:
				return w, value, true
			}
		}
		return 0, 0, false
	}
}

func webp(head []byte) (w, h int, ok bool) {
	if len(head) < 30 || string(head[8:12]) != "WEBP" {
		return 0, 0, len(head) >= 12 // sound or film
	}
	switch string(head[12:16]) {
	case "VP8X":
		return 1 + int(head[24]) + int(head[25])<<8 + int(head[26])<<16, 1 + int(head[27]) + int(head[28])<<8 + int(head[29])<<16, true
	case "VP8L":
		bits := binary.LittleEndian.Uint32(head[21:])
		return 1 + int(bits&0x3fff), 1 + int(bits>>14&0x3fff), true
	}
	return int(binary.LittleEndian.Uint16(head[26:]) & 0x3fff), int(binary.LittleEndian.Uint16(head[28:]) & 0x3fff), true
}

// perInch is the resolution at which a metafile is shown.
const perInch = 96

// emf reads the frame of an enhanced metafile, in hundredths of a millimetre.
func emf(head []byte) (w, h int, ok bool) {
	if len(head) < 44 || string(head[40:44]) != " EMF" {
		return 0, 0, true // not a picture that holds text
	}
	at := func(i int) int { return int(int32(binary.LittleEndian.Uint32(head[i:]))) }
	return clamp(uint32((at(32) - at(24)) * perInch / 2540)), clamp(uint32((at(36) - at(28)) * perInch / 2540)), true
}

// wmf reads the frame of a placeable metafile.
func wmf(head []byte) (w, h int, ok bool) {
	if len(head) < 16 {
		return 0, 0, false
	}
	at := func(i int) int { return int(int16(binary.LittleEndian.Uint16(head[i:]))) }
	unit := max(1, int(binary.LittleEndian.Uint16(head[14:])))
	return (at(10) - at(6)) * perInch / unit, (at(12) - at(8)) * perInch / unit, true
}
