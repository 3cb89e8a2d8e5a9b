package mapi

import (
	"encoding/binary"

	"github.com/postseal/postseal/milter/extract/document/flow"
)

// Compressed RTF ([MS-OXRTFCP]). The window begins with words that are frequent
// in RTF.
const (
	lzfuHeader     = 16
	lzfuWindow     = 4096
	lzfuCompressed = 0x75465a4c
	lzfuPlain      = 0x414c454d
	lzfuWords      = `{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0` + "\r\n" + `\par \pard\plain\f0\fs20\b\i\u\tab\tx`
)

// decompress returns the RTF that an Outlook message holds. An error may come
// with a part of it.
func decompress(p []byte) ([]byte, error) {
	if len(p) < lzfuHeader {
		return nil, flow.ErrDamaged
	}
	kind := binary.LittleEndian.Uint32(p[8:])
	p = p[lzfuHeader:]
	switch kind {
	case lzfuPlain:
		return p, nil
	case lzfuCompressed:
	default:
		return nil, flow.ErrDamaged
	}
	var window [lzfuWindow]byte
	at := copy(window[:], lzfuWords)
	var out []byte
	add := func(c byte) {
		out = append(out, c)
		window[at] = c
		at = (at + 1) % lzfuWindow
	}
	for len(p) > 0 {
		flags := p[0]
		p = p[1:]
		for bit := 0; bit < 8 && len(p) > 0; bit, flags = bit+1, flags>>1 {
			if flags&1 == 0 {
				add(p[0])
				p = p[1:]
				continue
			}
			if len(p) < 2 {
				return out, flow.ErrDamaged
			}
			ref := int(binary.BigEndian.Uint16(p))
			p = p[2:]
			from, n := ref>>4, ref&0xf+2
			if from == at {
				return out, nil
			}
			for i := range n {
				add(window[(from+i)%lzfuWindow])
			}
		}
	}
	return out, flow.ErrDamaged // without its end
}
