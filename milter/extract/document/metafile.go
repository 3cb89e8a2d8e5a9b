package document

import (
	"bytes"
	"encoding/binary"
	"io"

	"golang.org/x/text/encoding/charmap"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/picture"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// metafile is a drawing of Windows, such as cells that were pasted as a picture.
// Its text is stored as characters.
type metafile struct {
	flow   *flow.Flow
	y      int  // of the last text
	text   bool // there was text
	glyphs bool // there was text without characters
}

// readMetafile reads the text of EMF ([MS-EMF]) and WMF ([MS-WMF]).
func readMetafile(j *flow.Job, r io.Reader) error {
	data, err := io.ReadAll(r)
	j.Fail(err)
	if _, large := picture.Large(data); large {
		j.Picture()
	}
	m := &metafile{flow: j.Begin(detect.Body)}
	if isEMF := bytes.HasPrefix(data, []byte("\x01\x00\x00\x00")); isEMF {
		j.Fail(m.enhanced(data))
	} else {
		j.Fail(m.windows(data))
	}
	m.flow.Close()
	if m.glyphs && !m.text {
		j.Unreadable(finding.NoCharacters)
	}
	return nil
}

// at returns the number at an offset, or 0.
func at(p []byte, offset int) int {
	if offset < 0 || offset+4 > len(p) {
		return 0
	}
	return int(int32(binary.LittleEndian.Uint32(p[offset:])))
}

func at16(p []byte, offset int) int {
	if offset+2 > len(p) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(p[offset:]))
}

// put adds the text at a height. Text at the same height is one line.
func (m *metafile) put(y int, text string) {
	if text == "" {
		return
	}
	if m.text && y == m.y {
		m.flow.String(" ")
	} else if m.text {
		m.flow.Line()
	}
	m.flow.String(text)
	m.text, m.y = true, y
}

// string adds n characters at an offset.
func (m *metafile) string(y int, p []byte, offset, n int, isWide bool) {
	if offset < 0 || n < 0 || offset > len(p) {
		return
	}
	p = p[offset:]
	if isWide {
		m.put(y, flow.UTF16(p[:min(2*n, len(p)&^1)]))
		return
	}
	text, _ := charmap.Windows1252.NewDecoder().Bytes(p[:min(n, len(p))])
	m.put(y, string(text))
}

// Records of EMF, and flags of their texts.
const (
	emfComment    = 70
	extTextA      = 83
	extTextW      = 84
	smallText     = 108
	glyphIndex    = 0x10
	noRectangle   = 0x100
	smallChars    = 0x200
	plusString    = 0x401c // in a comment
	plusGlyphs    = 0x4036
	plusAreChars  = 1
	plusHeader    = 12
	emfTextObject = 36
)

func (m *metafile) enhanced(data []byte) error {
	for len(data) >= 8 {
		kind, size := at(data, 0), at(data, 4)
		if size < 8 || size > len(data) {
			return flow.ErrDamaged
		}
		p := data[:size]
		data = data[size:]
		switch kind {
		case extTextA, extTextW:
			if at(p, emfTextObject+16)&glyphIndex != 0 {
				m.glyphs = true
				continue
			}
			m.string(at(p, emfTextObject+4), p, at(p, emfTextObject+12), at(p, emfTextObject+8), kind == extTextW)
		case smallText:
			start, flags := 36, at(p, 20)
			if flags&noRectangle == 0 {
				start += 16
			}
			m.string(at(p, 12), p, start, at(p, 16), flags&smallChars == 0)
		case emfComment:
			if len(p) > 16 && string(p[12:16]) == "EMF+" {
				m.plus(p[16:])
			}
		}
	}
	return nil
}

// plus reads the records of EMF+ ([MS-EMFPLUS]) in a comment.
func (m *metafile) plus(data []byte) {
	for len(data) >= plusHeader {
		kind, size := at16(data, 0), at(data, 4)
		if size < plusHeader || size > len(data) {
			return
		}
		p := data[plusHeader:size]
		data = data[size:]
		switch {
		case kind == plusString:
			m.string(at(p, 16), p, 28, at(p, 8), true)
		case kind == plusGlyphs && at(p, 4)&plusAreChars != 0:
			m.string(at(p, 8), p, 16, at(p, 12), true)
		case kind == plusGlyphs:
			m.glyphs = true
		}
	}
}

// Records of WMF, and the size of its headers.
const (
	wmfText    = 0x0521
	wmfExtText = 0x0a32
	wmfFrame   = 6 // flags: a rectangle precedes the text
	wmfHeader  = 18
	placeable  = 22
)

func (m *metafile) windows(data []byte) error {
	if bytes.HasPrefix(data, []byte("\xd7\xcd\xc6\x9a")) {
		data = data[min(placeable, len(data)):]
	}
	data = data[min(wmfHeader, len(data)):]
	for len(data) >= 6 {
		size := 2 * at(data, 0)
		if size < 6 || size > len(data) {
			return flow.ErrDamaged
		}
		p := data[6:size]
		switch at16(data, 4) {
		case wmfText:
			n := at16(p, 0)
			m.string(at16(p, 2+(n+1)&^1), p, 2, n, false)
		case wmfExtText:
			start := 8
			if at16(p, 6)&wmfFrame != 0 {
				start += 8
			}
			if at16(p, 6)&glyphIndex != 0 {
				m.glyphs = true
			} else {
				m.string(at16(p, 0), p, start, at16(p, 4), false)
			}
		}
		data = data[size:]
	}
	return nil
}
