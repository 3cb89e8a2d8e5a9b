package pack

import (
	"archive/zip"
	"compress/flate"
	"encoding/binary"
	"io"

	"github.com/postseal/postseal/milter/extract/document/flow"
)

// maxSalvaged is how many entries are looked for in a damaged archive.
const maxSalvaged = 10_000

// localSize is the length of a local file header without its name (APPNOTE.TXT,
// section 4.3.7).
const localSize = 30

// span is the place of the octets of an entry.
type span struct{ start, end int64 }

// salvage returns the entries of an archive whose table of contents is damaged
// or cut off, or leaves entries out. The octets before each entry name it. What
// is listed, or inside it, is not returned.
func salvage(r io.ReaderAt, size int64, listed []span) (entries []Entry) {
	scan(r, size, "PK\x03\x04", func(at int64) bool {
		e, start, ok := local(r, size, at)
		for len(listed) > 0 && listed[0].end <= at {
			listed = listed[1:]
		}
		if isListed := len(listed) > 0 && listed[0].start <= start; ok && !isListed {
			e.Number = len(entries) + 1
			entries = append(entries, e)
		}
		return len(entries) < maxSalvaged
	})
	return entries
}

// local returns the entry whose header is at an offset.
func local(r io.ReaderAt, size, at int64) (e Entry, start int64, ok bool) {
	var header [localSize]byte
	if _, err := r.ReadAt(header[:], at); err != nil {
		return Entry{}, 0, false
	}
	le := binary.LittleEndian
	nameSize, extraSize := int64(le.Uint16(header[26:])), int64(le.Uint16(header[28:]))
	name := make([]byte, nameSize)
	if _, err := r.ReadAt(name, at+localSize); err != nil {
		return Entry{}, 0, false
	}
	start = at + localSize + nameSize + extraSize
	flags, method := le.Uint16(header[6:]), le.Uint16(header[8:])
	packed := int64(le.Uint32(header[18:]))
	if packed == 0 && flags&8 != 0 || packed > size-start {
		packed = size - start // the data says where it ends
	}
	if packed <= 0 {
		return Entry{}, 0, false
	}
	open := func() (io.ReadCloser, error) {
		section := io.NewSectionReader(r, start, packed)
		switch method {
		case zip.Store:
			return io.NopCloser(section), nil
		case zip.Deflate:
			return flate.NewReader(section), nil
		}
		return nil, flow.ErrUnknown
	}
	return Entry{Name: string(name), open: open, locked: flags&encrypted != 0}, start, true
}
