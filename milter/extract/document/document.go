// Package document reads the documents that mail carries: Office files, old and
// new, OpenDocument, RTF, PDF, and archives with any of them. The content decides
// what a document is, never its name.
//
// Whatever could hold text and was not read becomes a finding. The packages
// below it read one family of formats each.
package document

import (
	"bufio"
	"bytes"
	"io"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/picture"
	"github.com/postseal/postseal/milter/extract/document/rtf"
	"github.com/postseal/postseal/rules/detect"
)

// Limits are what the documents of a message may cost together. Beyond them they
// are too-large or too-deep.
type Limits = flow.Limits

// Read passes what a document says to sink. It returns what is left of the
// limits, for the message's next document.
func Read(r io.ReaderAt, size int64, place detect.Place, sink detect.Sink, limits Limits) (left Limits) {
	flow.New(sink, place, &limits, open, stream).Open(r, size)
	return limits
}

// open reads a document of any kind.
func open(j *flow.Job, r io.ReaderAt, size int64) error {
	head := make([]byte, min(size, picture.HeadSize))
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	head = head[:n]
	k := sniff(head)
	if k.open != nil {
		return k.open(j, r, size)
	}
	return filter(j, k, head, io.NewSectionReader(r, 0, size))
}

// stream reads a document of any kind that has no random access.
func stream(j *flow.Job, r io.Reader) error {
	buffered := bufio.NewReaderSize(r, picture.HeadSize)
	head, err := buffered.Peek(picture.HeadSize)
	if err != nil && err != io.EOF {
		j.Fail(err) // what came before is read
	}
	k := sniff(head)
	if k.open == nil {
		return filter(j, k, head, buffered)
	}
	data, err := io.ReadAll(buffered)
	j.Fail(err)
	return k.open(j, bytes.NewReader(data), int64(len(data)))
}

// filter reads a document from its start to its end.
func filter(j *flow.Job, k kind, head []byte, r io.Reader) error {
	switch {
	case k.stream != nil:
		return k.stream(j, r)
	case k.ignore:
		_, err := io.Copy(io.Discard, r)
		return err
	}
	if is, large := picture.Large(head); is {
		if large {
			j.Picture()
		}
		_, err := io.Copy(io.Discard, r)
		return err
	}
	return flow.ErrUnknown
}

// readRTF reads RTF, and what is embedded in it.
func readRTF(j *flow.Job, r io.Reader) error { return rtf.Read(j, r) }
