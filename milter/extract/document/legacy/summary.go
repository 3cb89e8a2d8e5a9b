package legacy

import (
	"bytes"

	"golang.org/x/text/encoding/charmap"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/ole"
	"github.com/postseal/postseal/rules/detect"
)

// readSummary reads the texts in a document's properties ([MS-OLEPS], section
// 2.21).
func readSummary(j *flow.Job, _ *ole.File, _ int, data []byte) error {
	f := j.Begin(detect.Body)
	defer f.Close()
	if len(data) < 48 {
		return nil
	}
	for i := range min(le.Uint32(data[24:]), 2) {
		at := 28 + 20*int(i) + 16
		if at+4 > len(data) {
			return nil
		}
		if start := le.Uint32(data[at:]); uint64(start)+8 <= uint64(len(data)) {
			readSet(f, data[start:])
		}
	}
	return nil
}

const (
	typeANSI = 0x1e
	typeWide = 0x1f
)

// readSet reads one set of properties.
func readSet(f *flow.Flow, set []byte) {
	for p, n := set[8:], le.Uint32(set[4:]); n > 0 && len(p) >= 8; n, p = n-1, p[8:] {
		at := uint64(le.Uint32(p[4:]))
		if at+8 > uint64(len(set)) {
			continue
		}
		value := set[at+8:]
		size := uint64(le.Uint32(set[at+4:]))
		switch le.Uint16(set[at:]) {
		case typeANSI:
			text := value[:min(size, uint64(len(value)))]
			text, _, _ = bytes.Cut(text, []byte{0})
			text, _ = charmap.Windows1252.NewDecoder().Bytes(text)
			f.Text(text)
			f.Line()
		case typeWide:
			f.String(flow.UTF16(value[:min(2*size, uint64(len(value)))]))
			f.Line()
		}
	}
}
