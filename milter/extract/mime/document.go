package mime

import (
	"io"

	"github.com/postseal/postseal/rules/finding"
)

// document passes the octets of a document to a writer.
type document struct {
	r      *Reader
	number string
	w      io.WriteCloser // nil after an error
	left   int64
}

func (r *Reader) document(number string) consumer {
	r.sink.clear = true
	w := r.open(number)
	if w == nil {
		r.unreadable(number, finding.UnknownType)
		return ignored{}
	}
	return &document{r: r, number: number, w: w, left: r.limits.Document}
}

func (d *document) write(p []byte) {
	if d.w == nil || len(p) == 0 {
		return
	}
	n := min(int64(len(p)), d.left)
	d.left -= n
	if _, err := d.w.Write(p[:n]); err != nil {
		d.end(finding.Damaged)
	} else if n < int64(len(p)) {
		d.end(finding.TooLarge)
	}
}

// end ends a document that is not read to its end.
func (d *document) end(reason finding.Reason) {
	d.w.Close()
	d.w = nil
	d.r.unreadable(d.number, reason)
}

func (d *document) close() {
	if d.w != nil && d.w.Close() != nil {
		d.r.unreadable(d.number, finding.Damaged)
	}
}
