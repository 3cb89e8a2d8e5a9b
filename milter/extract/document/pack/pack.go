// Package pack reads ZIP archives, which also hold most kinds of documents.
package pack

import (
	"archive/zip"
	"bytes"
	"cmp"
	"compress/bzip2"
	"errors"
	"io"
	"slices"

	"github.com/postseal/postseal/milter/extract/document/flow"
)

// Entry is a file in an archive.
type Entry struct {
	Name   string
	Number int // its place, counted from 1
	open   func() (io.ReadCloser, error)
	locked bool
}

// maxDirectory is how many entries an archive may list, because all of the list
// is in memory.
const maxDirectory = 50_000

// encrypted is the flag of an entry that needs a password (APPNOTE.TXT of
// PKWARE, section 4.4.4).
const encrypted = 1

// Read returns the entries of an archive, and its comment. An error may come with
// entries that were found without the table of contents. Entries that the table
// leaves out come last, because some programs unpack them.
func Read(r io.ReaderAt, size int64) (entries []Entry, comment string, err error) {
	if n, err := count(r, size, "PK\x01\x02"); err != nil {
		return nil, "", err
	} else if n > maxDirectory {
		return nil, "", flow.ErrLimit
	}
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return salvage(r, size, nil), "", flow.ErrDamaged
	}
	z.RegisterDecompressor(12, func(r io.Reader) io.ReadCloser { return io.NopCloser(bzip2.NewReader(r)) })
	var listed []span
	for i, f := range z.File {
		if start, err := f.DataOffset(); err == nil {
			listed = append(listed, span{start, start + int64(f.CompressedSize64)})
		}
		if f.FileInfo().IsDir() && f.UncompressedSize64 == 0 {
			continue
		}
		entries = append(entries, Entry{Name: f.Name, Number: i + 1, open: f.Open, locked: f.Flags&encrypted != 0})
	}
	slices.SortFunc(listed, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	for _, e := range salvage(r, size, listed) {
		e.Number += len(z.File)
		entries = append(entries, e)
	}
	return entries, z.Comment, nil
}

// Open unpacks the entry. What is read counts towards the limits of the job.
func (e *Entry) Open(j *flow.Job) (io.ReadCloser, error) {
	if e.locked {
		return nil, flow.ErrEncrypted
	}
	r, err := e.open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return nil, flow.ErrUnknown
	} else if err != nil {
		return nil, flow.ErrDamaged
	}
	return &opened{Reader: j.Unpack(r), Closer: r}, nil
}

type opened struct {
	io.Reader
	io.Closer
}

// Head returns the first octets of the entry.
func (e *Entry) Head(j *flow.Job, size int) ([]byte, error) {
	r, err := e.Open(j)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	head := make([]byte, size)
	n, err := io.ReadFull(r, head)
	if errors.Is(err, flow.ErrLimit) || n == 0 && err != io.EOF {
		return nil, err
	}
	return head[:n], nil
}

// scan calls found with the offset of each place where the archive has the four
// octets, until it returns false.
func scan(r io.ReaderAt, size int64, magic string, found func(at int64) bool) error {
	buf := make([]byte, 256<<10)
	for at := int64(0); at < size; at += int64(len(buf) - 3) {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if err != nil && err != io.EOF {
			return err
		}
		for p, from := buf[:n], at; ; {
			i := bytes.Index(p, []byte(magic))
			if i < 0 {
				break
			}
			if !found(from + int64(i)) {
				return nil
			}
			p, from = p[i+4:], from+int64(i)+4
		}
	}
	return nil
}

// count returns how often the archive has the four octets.
func count(r io.ReaderAt, size int64, magic string) (n int, err error) {
	err = scan(r, size, magic, func(int64) bool {
		n++
		return n <= maxDirectory
	})
	return n, err
}
