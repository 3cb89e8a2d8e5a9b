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
	"github.com/postseal/postseal/milter/extract/document/mapi"
	"github.com/postseal/postseal/milter/extract/document/markup"
	"github.com/postseal/postseal/milter/extract/document/odf"
	"github.com/postseal/postseal/milter/extract/document/ooxml"
	"github.com/postseal/postseal/milter/extract/document/rtf"
	"github.com/postseal/postseal/milter/extract/mime"
	"github.com/postseal/postseal/milter/extract/pdf"
	"github.com/postseal/postseal/rules/detect"
)

// Limits are what a document may cost. Beyond them it is too-large or too-deep.
type Limits = flow.Limits

// Read passes what a document says to sink.
func Read(r io.ReaderAt, size int64, place detect.Place, sink detect.Sink, limits Limits) {
	flow.New(sink, place, &limits, open, stream).Open(r, size)
}

// open reads a file of any kind.
func open(j *flow.Job, r io.ReaderAt, size int64) error {
	head := make([]byte, min(size, mime.StartSize))
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	if read := openers[mime.ContentOf(head[:n], "")]; read != nil {
		return read(j, r, size)
	}
	return stream(j, "", io.NewSectionReader(r, 0, size))
}

// stream reads a file of any kind that has no random access. media is its type,
// if one is declared.
func stream(j *flow.Job, media string, r io.Reader) error {
	buffered := bufio.NewReader(r)
	head, err := buffered.Peek(mime.StartSize)
	if err != nil && err != io.EOF {
		j.Fail(err) // what came before is read
	}
	content := mime.ContentOf(head, media)
	if read := streamers[content]; read != nil {
		return read(j, buffered)
	}
	if read := openers[content]; read != nil {
		data, err := io.ReadAll(buffered)
		j.Fail(err)
		return read(j, bytes.NewReader(data), int64(len(data)))
	}
	return readFile(j, media, buffered)
}

// openers read the documents that need random access.
var openers map[mime.Content]flow.Opener

// streamers read documents from the start to the end.
var streamers map[mime.Content]func(j *flow.Job, r io.Reader) error

func init() { // the readers read documents in documents with these tables
	openers = map[mime.Content]flow.Opener{mime.ZIP: readZIP, mime.OLE: readOLE, mime.PDF: readPDF}
	streamers = map[mime.Content]func(j *flow.Job, r io.Reader) error{
		mime.TNEF: mapi.ReadTNEF, mime.Gzip: readGzip, mime.Bzip2: readBzip2, mime.Tar: readTar, mime.RTF: rtf.Read, mime.OfficeXML: readXML, mime.Metafile: readMetafile,
	}
}

// readXML reads a document that is one XML file.
func readXML(j *flow.Job, r io.Reader) error {
	in := bufio.NewReaderSize(r, 8<<10)
	head, _ := in.Peek(8 << 10)
	switch markup.Root(bytes.NewReader(head)) {
	case "document", "document-content":
		return odf.ReadFlat(j, in)
	case "wordDocument", "package":
		return ooxml.ReadFlat(j, in)
	case "Workbook":
		return ooxml.ReadWorkbook2003(j, in)
	}
	return ooxml.ReadAny(j, in)
}

// readPDF reads a PDF. The files in it have the places of entries.
func readPDF(j *flow.Job, r io.ReaderAt, size int64) error {
	n := 0
	pdf.Read(r, size, j.Place(), j.Sink(), func(file io.ReaderAt, size int64) {
		if n++; !j.TakeEntry() {
			j.Fail(flow.ErrLimit)
			return
		}
		j.Entry(n).Open(file, size)
	})
	return nil
}
