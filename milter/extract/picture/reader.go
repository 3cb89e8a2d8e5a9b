package picture

// Reader finds out how large a picture is.
type Reader struct {
	scan bool
	jpeg jpeg
}

// NewReader returns a reader of a picture. start is how it begins. The reader
// must get these octets with Write, too.
func NewReader(start []byte) *Reader {
	r := &Reader{scan: true}
	switch k := kindOf(start); {
	case k == nil:
	case k.magics[0] == jpegMagic:
		r.jpeg.open = true
	case k.sides != nil && len(start) >= k.need:
		sides := k.sides(pad(start)) // negative if the picture is upside down
		w, h := max(sides[0], -sides[0]), max(sides[1], -sides[1])
		r.scan = w == 0 && h == 0 || Scan(w, h)
	}
	return r
}

// Write adds octets.
func (r *Reader) Write(p []byte) {
	if r.jpeg.open {
		r.jpeg.write(p)
	}
}

// IsScan reports whether the picture is large enough to be a scan. One whose
// size is not found is.
func (r *Reader) IsScan() bool {
	if r.jpeg.known {
		return Scan(r.jpeg.width, r.jpeg.height)
	}
	return r.scan
}

// Large reports whether the octets begin a picture, and whether it is large
// enough to be a scan.
func Large(head []byte) (is, large bool) {
	if is, _ = Is(head); !is {
		return false, false
	}
	r := NewReader(head)
	r.Write(head)
	return true, r.IsScan()
}

// jpeg finds the size of a JPEG picture, which follows segments of any length.
type jpeg struct {
	open          bool
	skip          int
	head          []byte // of a segment
	known         bool
	width, height int
}

func (j *jpeg) write(p []byte) {
	for j.open {
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
		j.open = false
	case len(h) < 2:
	case h[1] == 0xff: // filled
		j.head = h[:1]
	case h[1] == 0x01 || 0xd0 <= h[1] && h[1] <= 0xd8: // the start of the picture, and marks without a length
		j.head = h[:0]
	case h[1] == 0xd9 || h[1] == 0xda:
		j.open = false
	case len(h) < 4:
	case 0xc0 <= h[1] && h[1] <= 0xcf && h[1] != 0xc4 && h[1] != 0xc8 && h[1] != 0xcc:
		if len(h) == 9 {
			j.open, j.known = false, true
			j.width, j.height = int(big.Uint16(h[7:])), int(big.Uint16(h[5:]))
		}
	default:
		j.skip = max(int(big.Uint16(h[2:]))-2, 0)
		j.head = h[:0]
	}
}
