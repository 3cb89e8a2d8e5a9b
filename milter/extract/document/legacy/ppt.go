package legacy

import (
	"bytes"
	"compress/zlib"
	"io"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/ole"
	"github.com/postseal/postseal/rules/detect"
)

// Types of records ([MS-PPT], section 2.13.24).
const (
	pptTextChars     = 4000
	pptTextBytes     = 4008
	pptString        = 4026
	pptHeadersFooter = 4057
	pptTagData       = 5003 // of PowerPoint 2002 and later: comments
	pptObject        = 4113
	pptEncryption    = 12052

	// What newer programs keep for themselves, in ZIP archives.
	firstRoundTrip = 1038
	lastRoundTrip  = 1087
)

const (
	isContainer   = 0xf
	maxContainers = 100
	encryptedPPT  = 0xf3d1c4df
)

// ppt is a presentation.
type ppt struct {
	job     *flow.Job
	flow    *flow.Flow
	objects [][]byte
	secret  bool
}

func readPPT(j *flow.Job, f *ole.File, storage int, data []byte) error {
	if i := f.Find(storage, "Current User"); i >= 0 {
		if user, _ := f.Bytes(i); len(user) >= 16 && le.Uint32(user[12:]) == encryptedPPT {
			return flow.ErrEncrypted
		}
	}
	p := &ppt{job: j, flow: j.Begin(detect.Body)}
	err := p.records(data, 0)
	p.flow.Close()
	if p.secret {
		return flow.ErrEncrypted
	}
	for _, object := range p.objects {
		p.object(object)
	}
	return err
}

// records reads all records, of slides, notes, masters and comments. After a
// fault it goes on with the record that follows.
func (p *ppt) records(data []byte, depth int) (fault error) {
	if depth > maxContainers {
		return flow.ErrDepth
	}
	for len(data) >= 8 {
		version, kind, size := le.Uint16(data), le.Uint16(data[2:]), uint64(le.Uint32(data[4:]))
		data = data[8:]
		if size > uint64(len(data)) {
			fault = flow.ErrDamaged
			if depth == 0 && version&0xf != isContainer {
				data = data[nextContainer(data):]
				continue
			}
		}
		content := data[:min(size, uint64(len(data)))]
		data = data[len(content):]
		var err error
		switch {
		case kind == pptHeadersFooter:
			p.flow.Turn(detect.Margin)
			err = p.records(content, depth+1)
			p.flow.Turn(detect.Body)
		case kind == pptTagData:
			p.records(content, depth+1) // other programs keep other things there
		case version&0xf == isContainer && (kind < firstRoundTrip || kind > lastRoundTrip):
			err = p.records(content, depth+1)
		default:
			p.atom(version>>4, kind, content)
		}
		if fault == nil {
			fault = err
		}
	}
	return fault
}

// nextContainer returns where the next document, slide, notes page or master
// begins.
func nextContainer(data []byte) int {
	for i := 0; i+4 <= len(data); i++ {
		if data[i] == isContainer && data[i+1] == 0 && data[i+3] == 3 && bytes.IndexByte([]byte{0xe8, 0xee, 0xf0, 0xf8}, data[i+2]) >= 0 {
			return i
		}
	}
	return len(data)
}

func (p *ppt) atom(instance, kind uint16, content []byte) {
	switch kind {
	case pptTextChars, pptString:
		p.text(flow.UTF16(content))
	case pptTextBytes:
		p.text(latin(content))
	case pptObject:
		if instance == 1 {
			p.objects = append(p.objects, content)
		} else {
			p.objects = append(p.objects, append([]byte{0, 0, 0, 0}, content...))
		}
	case pptEncryption:
		p.secret = true
	}
}

func (p *ppt) text(s string) {
	out := make([]byte, 0, len(s))
	for _, c := range []byte(s) {
		if c == '\r' {
			c = '\n'
		}
		out = append(out, c)
	}
	p.flow.Text(out)
	p.flow.Line()
}

// object reads an embedded document. It follows its length, and is compressed
// unless the length is 0.
func (p *ppt) object(data []byte) {
	if len(data) < 4 {
		return
	}
	if le.Uint32(data) == 0 {
		p.job.Open(bytes.NewReader(data[4:]), int64(len(data)-4))
		return
	}
	z, err := zlib.NewReader(bytes.NewReader(data[4:]))
	if err != nil {
		p.job.Fail(flow.ErrDamaged)
		return
	}
	// What follows the length does not matter to PowerPoint.
	plain, err := io.ReadAll(io.LimitReader(p.job.Unpack(z), int64(le.Uint32(data))))
	p.job.Fail(err)
	p.job.Open(bytes.NewReader(plain), int64(len(plain)))
}
