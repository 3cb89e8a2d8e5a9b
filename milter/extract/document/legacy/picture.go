package legacy

import (
	"bytes"
	"compress/zlib"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/ole"
	"github.com/postseal/postseal/milter/extract/picture"
)

// Pictures of Office ([MS-ODRAW], section 2.2.23) begin with a record header.
const (
	blipHeader     = 8
	blipID         = 16
	metafileHeader = 34
)

// blip is a record with a picture.
type blip struct {
	magic    string // the header, without its length
	ids      int
	metafile bool
}

var blips = []blip{
	{"\x40\x3d\x1a\xf0", 1, true}, {"\x50\x3d\x1a\xf0", 2, true}, // EMF
	{"\x60\x21\x1b\xf0", 1, true}, {"\x70\x21\x1b\xf0", 2, true}, // WMF
	{"\x20\x54\x1c\xf0", 1, false}, {"\x30\x54\x1c\xf0", 2, false}, // PICT
	{"\x80\x7a\x1f\xf0", 1, false}, {"\x90\x7a\x1f\xf0", 2, false}, // DIB
	{"\x40\x6e\x29\xf0", 1, false}, {"\x50\x6e\x29\xf0", 2, false}, // TIFF
}

// readPictures looks for pictures in a stream.
func readPictures(j *flow.Job, _ *ole.File, _ int, data []byte) error {
	for _, magic := range []string{"\x89PNG\r\n\x1a\n", "\xff\xd8\xff"} {
		each(data, magic, func(p []byte) {
			if _, large := picture.Large(p[:min(len(p), picture.HeadSize)]); large {
				j.Picture()
			}
		})
	}
	for _, b := range blips {
		each(data, b.magic, func(p []byte) { readBlip(j, b, p) })
	}
	return nil
}

// each calls f with the rest of data, from each place where magic begins.
func each(data []byte, magic string, f func(p []byte)) {
	for {
		i := bytes.Index(data, []byte(magic))
		if i < 0 {
			return
		}
		f(data[i:])
		data = data[i+len(magic):]
	}
}

// readBlip reads a drawing of Windows, which is compressed. A picture of another
// kind is reported at any size, because logos are not made in these formats.
func readBlip(j *flow.Job, b blip, p []byte) {
	start := blipHeader + b.ids*blipID
	if len(p) < start+metafileHeader {
		return
	}
	if !b.metafile {
		j.Picture()
		return
	}
	if p = p[start:]; p[metafileHeader-2] != 0 { // not compressed
		j.Open(bytes.NewReader(p[metafileHeader:]), int64(len(p)-metafileHeader))
		return
	}
	z, err := zlib.NewReader(bytes.NewReader(p[metafileHeader:]))
	if err != nil {
		j.Fail(flow.ErrDamaged)
		return
	}
	j.Stream("", j.Unpack(z))
}
