package mime

import (
	"encoding/binary"

	"github.com/postseal/postseal/rules/finding"
)

// minScan is the least side, in pixels, of an image that counts as a picture.
// Print of 10 points can be read at 100 dots an inch, and there a postcard, the
// smallest paper that is scanned, is 400 pixels wide. Logos, icons and banners
// in signatures are less high.
const minScan = 400

// pictures are how images begin that cannot be text.
var pictures = []string{
	"\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "II*\x00", "MM\x00*", "II+\x00", "MM\x00+", "\xd7\xcd\xc6\x9a",
	"\x00\x00\x00\x0cjP  ", "\xff\x4f\xff\x51", "II\xbc\x01",
}

// isPicture reports whether octets that are not text begin an image.
func isPicture(start []byte) bool {
	return hasPrefix(start, []string{"GIF87a", "GIF89a", "8BPS", "AT&TFORM"}) || len(start) > 16 && (isBMP(start) || isWebP(start) || isHEIF(start)) || len(start) > 44 && string(start[40:44]) == " EMF"
}

func isBMP(start []byte) bool {
	return string(start[:2]) == "BM" && string(start[6:10]) == "\x00\x00\x00\x00"
}

func isWebP(start []byte) bool { return string(start[:4]) == "RIFF" && string(start[8:12]) == "WEBP" }

// isHEIF reports whether octets begin a HEIC or AVIF image, which have the
// container of video.
func isHEIF(start []byte) bool {
	return string(start[4:8]) == "ftyp" && hasPrefix(start[8:], []string{"heic", "heix", "hevc", "heim", "heis", "mif1", "msf1", "avif", "avis"})
}

// picture returns the consumer of an image. Phones, scanners and fax machines
// make TIFF and HEIC, and nobody makes logos of them, so they are large, and so
// is each image whose size is not found.
func (r *Reader) picture(number string, start []byte) consumer {
	if hasPrefix(start, []string{"\xff\xd8\xff"}) {
		return &jpeg{r: r, number: number, skip: 2}
	}
	r.size(number, dimensions(start))
	return ignored{}
}

// size tells the sink of an image, if it is large. {0, 0} is one whose size is
// not known.
func (r *Reader) size(number string, sides [2]int) {
	if sides == [2]int{} || min(sides[0], sides[1]) >= minScan {
		r.sink.Found(finding.Finding{Name: finding.Picture, Part: number})
	}
}

// dimensions returns the sides of an image, if its first octets tell them.
func dimensions(start []byte) (sides [2]int) {
	little, big := binary.LittleEndian, binary.BigEndian
	switch {
	case len(start) < 30:
	case hasPrefix(start, pictures[:1]):
		return [2]int{int(big.Uint32(start[16:])), int(big.Uint32(start[20:]))}
	case string(start[:3]) == "GIF":
		return [2]int{int(little.Uint16(start[6:])), int(little.Uint16(start[8:]))}
	case isBMP(start) && start[14] == 12:
		return [2]int{int(little.Uint16(start[18:])), int(little.Uint16(start[20:]))}
	case isBMP(start):
		return [2]int{side(little.Uint32(start[18:])), side(little.Uint32(start[22:]))}
	case isWebP(start):
		return webPSides(start)
	}
	return sides
}

// side returns the length of a side, which BMP gives as negative if the image
// is upside down.
func side(n uint32) int { return max(int(int32(n)), -int(int32(n))) }

func webPSides(start []byte) (sides [2]int) {
	little := binary.LittleEndian
	switch string(start[12:16]) {
	case "VP8 ":
		return [2]int{int(little.Uint16(start[26:]) & 0x3fff), int(little.Uint16(start[28:]) & 0x3fff)}
	case "VP8L":
		bits := little.Uint32(start[21:])
		return [2]int{int(bits&0x3fff) + 1, int(bits>>14&0x3fff) + 1}
	case "VP8X":
		return [2]int{int(little.Uint32(start[24:])&0xffffff) + 1, int(little.Uint32(start[26:])>>8) + 1}
	}
	return sides
}

// jpeg finds the size of a JPEG image, which follows segments of any length.
type jpeg struct {
	r      *Reader
	number string
	skip   int
	head   []byte // of a segment
	done   bool
}

func (j *jpeg) write(p []byte) {
	for !j.done {
		n := min(j.skip, len(p))
		j.skip -= n
		p = p[n:]
		if len(p) == 0 {
			return
		}
		j.head = append(j.head, p[0])
		p = p[1:]
		j.readHead()
	}
}

// readHead reads the head of a segment: FF, a marker, a length, and the size in
// the segments that have one.
func (j *jpeg) readHead() {
	h := j.head
	switch {
	case h[0] != 0xff:
		j.end([2]int{})
	case len(h) < 2:
	case h[1] == 0xff: // filled
		j.head = h[:1]
	case h[1] == 0x01 || 0xd0 <= h[1] && h[1] <= 0xd8:
		j.head = h[:0]
	case h[1] == 0xd9 || h[1] == 0xda:
		j.end([2]int{})
	case len(h) < 4:
	case 0xc0 <= h[1] && h[1] <= 0xcf && h[1] != 0xc4 && h[1] != 0xc8 && h[1] != 0xcc:
		if len(h) == 9 {
			j.end([2]int{int(binary.BigEndian.Uint16(h[5:])), int(binary.BigEndian.Uint16(h[7:]))})
		}
	default:
		j.skip = max(int(binary.BigEndian.Uint16(h[2:]))-2, 0)
		j.head = h[:0]
	}
}

func (j *jpeg) end(sides [2]int) {
	j.done = true
	j.r.size(j.number, sides)
}

func (j *jpeg) close() {
	if !j.done {
		j.end([2]int{})
	}
}
