package document

import (
	"bufio"
	"bytes"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/odf"
	"github.com/postseal/postseal/milter/extract/document/ooxml"
	"github.com/postseal/postseal/milter/extract/pdf"
	"github.com/postseal/postseal/rules/detect"
)

// readText reads plain text: UTF-16, or UTF-8 in which other octets are
// Windows-1252.
func readText(j *flow.Job, r io.Reader) error {
	in := bufio.NewReaderSize(r, 32<<10)
	head, _ := in.Peek(512)
	wide := utf16Text(head)
	if wide != nil {
		in = bufio.NewReaderSize(wide.NewDecoder().Reader(in), 32<<10)
	} else if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		in.Discard(3)
	}
	f := j.Begin(detect.Body)
	defer f.Close()
	buf, kept := make([]byte, 32<<10), 0
	for {
		n, err := in.Read(buf[kept:])
		p := buf[:kept+n]
		cut := whole(p)
		if err != nil {
			cut = len(p)
		}
		if wide == nil && bytes.IndexByte(p[:cut], 0) >= 0 { // something else follows the text
			j.Fail(flow.ErrUnknown)
		}
		f.Text(flow.Western(p[:cut]))
		kept = copy(buf, p[cut:])
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// utf16Text returns the encoding of UTF-16 text, with or without a byte order
// mark; nil for other octets.
func utf16Text(head []byte) encoding.Encoding {
	head = head[:min(len(head), 512)&^1]
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	}
	var zeros, others [2]int
	for i, c := range head {
		if c == 0 {
			zeros[i%2]++
		} else if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			others[i%2]++
		}
	}
	most := len(head) * 2 / 5 // of the pairs, 4 in 5
	switch {
	case len(head) < 8 || others[0]+others[1] > 0:
		return nil
	case zeros[1] >= most && zeros[0] == 0:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case zeros[0] >= most && zeros[1] == 0:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	return nil
}

// readMarkup reads HTML, or XML of any kind.
func readMarkup(j *flow.Job, r io.Reader) error {
	in := bufio.NewReaderSize(r, 32<<10)
	head, _ := in.Peek(8 << 10)
	switch root(head) {
	case "document", "document-content":
		if bytes.Contains(head, []byte("urn:oasis:names:tc:opendocument")) {
			return odf.ReadFlat(j, in)
		}
	case "wordDocument", "package":
		return ooxml.ReadFlat(j, in)
	case "Workbook":
		return ooxml.ReadWorkbook2003(j, in)
	}
	if bytes.HasPrefix(bytes.TrimLeft(head, "\xef\xbb\xbf\xff\xfe \t\r\n"), []byte("<?xml")) && root(head) != "html" {
		return ooxml.ReadAny(j, in)
	}
	return readHTML(j, in)
}

// readHTML reads HTML as its reader sees it.
func readHTML(j *flow.Job, r io.Reader) error { return stripTags(j, r) }

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
