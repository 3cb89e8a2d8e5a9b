package document

import (
	"bytes"
	"io"
	"regexp"
	"unicode/utf8"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/mapi"
	"github.com/postseal/postseal/milter/extract/document/markup"
	"github.com/postseal/postseal/milter/extract/document/picture"
)

// kind is what a document is. Without a reader it is a picture, or unknown.
type kind struct {
	open   flow.Opener                          // needs random access
	stream func(j *flow.Job, r io.Reader) error // reads from the start to the end
	ignore bool                                 // cannot hold text
}

// magics are the octets that begin a kind, at an offset.
var magics = []struct {
	at    int
	octet string
	kind  kind
}{
	{0, "PK\x03\x04", kind{open: readZIP}},
	{0, "PK\x05\x06", kind{open: readZIP}},
	{0, "PK00PK\x03\x04", kind{open: readZIP}},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", kind{open: readOLE}},
	{0, "\x78\x9f\x3e\x22", kind{stream: mapi.ReadTNEF}},
	{0, "\x1f\x8b\x08", kind{stream: readGzip}},
	{0, "BZh", kind{stream: readBzip2}},
	{257, "ustar", kind{stream: readTar}},
	{0, "%!PS", kind{}},
	{0, "ID3", kind{ignore: true}},
	{0, "OggS", kind{ignore: true}},
	{0, "fLaC", kind{ignore: true}},
	{0, "\xff\xfb", kind{ignore: true}},
	{0, "\xff\xf3", kind{ignore: true}},
	{0, "#!AMR", kind{ignore: true}},
	{0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", kind{ignore: true}}, // sound and films
	{0, "\x1a\x45\xdf\xa3", kind{ignore: true}},
	{0, "\x00\x00\x01\xba", kind{ignore: true}},
	{0, "\x00\x00\x01\xb3", kind{ignore: true}},
	{0, "\x00\x01\x00\x00\x00", kind{ignore: true}}, // fonts
	{0, "OTTO", kind{ignore: true}},
	{0, "wOFF", kind{ignore: true}},
	{0, "wOF2", kind{ignore: true}},
}

// sniff decides by the content what a document is.
func sniff(head []byte) kind {
	for _, m := range magics {
		if len(head) > m.at && bytes.HasPrefix(head[m.at:], []byte(m.octet)) {
			return m.kind
		}
	}
	// A PDF may begin after other octets.
	if bytes.Contains(head[:min(len(head), 1024)], []byte("%PDF-")) {
		return kind{open: readPDF}
	}
	if is, _ := picture.Large(head); is && !isText(head) {
		return kind{}
	}
	if len(head) > 12 && string(head[4:8]) == "ftyp" { // a film
		return kind{ignore: true}
	}
	begin := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n\x00")
	switch {
	case bytes.HasPrefix(begin, []byte(`{\rt`)):
		return kind{stream: readRTF}
	case isMarkup(begin):
		return kind{stream: readMarkup}
	case utf16Text(head) != nil:
		return kind{stream: readText}
	case !isText(head):
		return kind{}
	case isMail.Match(begin):
		return kind{stream: readMail}
	}
	return kind{stream: readText}
}

// isMarkup reports whether octets begin with a tag, in UTF-8 or UTF-16.
func isMarkup(p []byte) bool {
	for _, start := range []string{"<", "\xff\xfe<\x00", "\xfe\xff\x00<"} {
		if bytes.HasPrefix(p, []byte(start)) {
			return true
		}
	}
	return false
}

// isMail matches the first field of a saved message or web archive.
var isMail = regexp.MustCompile(`^(?i:From |(?:Return-Path|Received|MIME-Version|From|To|Date|Subject|Message-ID|Delivered-To|Content-Type|X-[A-Z-]{1,40}): )`)

// readMail reads the text of a message, whose parts may be encoded: they are not
// read.
func readMail(j *flow.Job, r io.Reader) error {
	if err := readText(j, r); err != nil {
		return err
	}
	return flow.ErrUnknown
}

// isText reports whether octets are text: without NUL, and with few other
// control characters.
func isText(head []byte) bool {
	head = head[:min(len(head), 8192)]
	controls := 0
	for _, c := range head {
		switch {
		case c == 0:
			return false
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\v' && c != 0x1a && c != 0x1b || c == 0x7f:
			controls++
		}
	}
	return controls*100 <= len(head)
}

// whole returns how many octets hold whole characters.
func whole(p []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(p); i++ {
		if utf8.RuneStart(p[len(p)-i]) {
			if !utf8.FullRune(p[len(p)-i:]) {
				return len(p) - i
			}
			break
		}
	}
	return len(p)
}

// root returns the name of the first element.
func root(head []byte) string { return markup.Root(bytes.NewReader(head)) }
