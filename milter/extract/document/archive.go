package document

import (
	"archive/tar"
	"compress/bzip2"
	"compress/gzip"
	"io"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/odf"
	"github.com/postseal/postseal/milter/extract/document/ooxml"
	"github.com/postseal/postseal/milter/extract/document/pack"
)

// readZIP reads a ZIP archive, or the document that it is.
func readZIP(j *flow.Job, r io.ReaderAt, size int64) error {
	entries, err := pack.Read(r, size)
	j.Fail(err)
	switch {
	case ooxml.Is(entries):
		return ooxml.Read(j, entries)
	case odf.Is(entries):
		return odf.Read(j, entries)
	}
	for i := range entries {
		e := &entries[i]
		if !j.TakeEntry() {
			return flow.ErrLimit
		}
		inner := j.Entry(e.Number)
		inner.Fail(flow.Guard(func() error { return readEntry(inner, e) }))
	}
	return nil
}

func readEntry(j *flow.Job, e *pack.Entry) error {
	r, err := e.Open(j)
	if err != nil {
		return err
	}
	defer r.Close()
	j.Stream("", r)
	return nil
}

// readTar reads the files of a tar archive.
func readTar(j *flow.Job, r io.Reader) error {
	t := tar.NewReader(r)
	for n := 1; ; n++ {
		h, err := t.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case !j.TakeEntry():
			return flow.ErrLimit
		case h.Size > 0:
			j.Entry(n).Stream("", t)
		}
	}
}

// readGzip reads what gzip packed.
func readGzip(j *flow.Job, r io.Reader) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	j.Entry(1).Stream("", j.Unpack(z))
	return nil
}

// readBzip2 reads what bzip2 packed.
func readBzip2(j *flow.Job, r io.Reader) error {
	j.Entry(1).Stream("", j.Unpack(bzip2.NewReader(r)))
	return nil
}
