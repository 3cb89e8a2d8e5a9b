package mime

import (
	"github.com/postseal/postseal/milter/extract/picture"
	"github.com/postseal/postseal/rules/finding"
)

// image tells of a picture that may be a scan.
type image struct {
	*picture.Reader
	r      *Reader
	number string
}

func (r *Reader) image(number string, start []byte) consumer {
	return &image{picture.NewReader(start), r, number}
}

func (i *image) write(p []byte) { i.Write(p) }

func (i *image) close() {
	if i.IsScan() {
		i.r.sink.Found(finding.Finding{Name: finding.Picture, Part: i.number})
	}
}
