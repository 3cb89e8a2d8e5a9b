package document

import (
	"bytes"
	"io"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/mime"
)

// readFile reads what a mail can hold without a reader of documents: text,
// pictures, saved messages. The documents in it come back.
func readFile(j *flow.Job, media string, r io.Reader) error {
	open := func(part string) io.WriteCloser {
		switch {
		case part == j.Place().Part: // of a kind that is not read
			return nil
		case !j.TakeEntry():
			j.Fail(flow.ErrLimit)
			return &kept{job: j, full: true}
		}
		return &kept{job: j.At(part)}
	}
	return mime.ReadFile(r, j.Place().Part, media, j.Sink(), open, mime.DefaultLimits())
}

// kept keeps a document in a saved message, and reads it at its end.
type kept struct {
	job  *flow.Job
	data bytes.Buffer
	full bool // nothing more is kept
}

func (k *kept) Write(p []byte) (int, error) {
	if k.full {
		return len(p), nil
	}
	if err := k.job.Charge(len(p)); err != nil {
		k.job.Fail(err)
		k.full = true
		return len(p), nil
	}
	return k.data.Write(p)
}

func (k *kept) Close() error {
	if k.data.Len() > 0 {
		k.job.Open(bytes.NewReader(k.data.Bytes()), int64(k.data.Len()))
	}
	return nil
}
