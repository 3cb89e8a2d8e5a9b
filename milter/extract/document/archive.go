package document

import (
	"archive/tar"
	"compress/bzip2"
	"compress/gzip"
	"io"
	"strings"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/odf"
	"github.com/postseal/postseal/milter/extract/document/ooxml"
	"github.com/postseal/postseal/milter/extract/document/pack"
	"github.com/postseal/postseal/rules/detect"
)

// readZIP reads a ZIP archive, or the document that it is.
func readZIP(j *flow.Job, r io.ReaderAt, size int64) error {
	entries, comment, err := pack.Read(r, size)
	j.Fail(err)
	switch {
	case ooxml.Is(entries):
		return ooxml.Read(j, entries)
	case odf.Is(entries):
		return odf.Read(j, entries)
	}
	showName(j, comment)
	for i := range entries {
		e := &entries[i]
		if !j.TakeEntry() {
			return flow.ErrLimit
		}
		inner := j.Entry(e.Number)
		showName(inner, e.Name)
		inner.Guard(func() error { return readEntry(inner, e) })
	}
	return nil
}

// showName shows the name of a file in an archive, which its reader sees. A
// password does not hide it. Short names do not have room for a number.
func showName(j *flow.Job, name string) {
	const shortest = len("9990000018")
	if len(name) < shortest {
		return
	}
	f := j.Begin(detect.Body)
	for _, folder := range strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '\\' }) {
		f.String(strings.ToValidUTF8(folder, "\uFFFD"))
		f.Line()
	}
	f.Close()
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
		}
		showName(j.Entry(n), h.Name)
		showName(j.Entry(n), h.Linkname)
		if h.Size > 0 {
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
	showName(j.Entry(1), z.Name)
	showName(j.Entry(1), z.Comment)
	j.Entry(1).Stream("", j.Unpack(z))
	return nil
}

// readBzip2 reads what bzip2 packed.
func readBzip2(j *flow.Job, r io.Reader) error {
	j.Entry(1).Stream("", j.Unpack(bzip2.NewReader(r)))
	return nil
}
