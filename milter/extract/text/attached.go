package text

import (
	"bytes"

	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// attached finds files in the text of calendars and vCards, which are not read.
type attached struct {
	detect.Sink
	tail  []byte // of the text so far, in lower case
	found bool
}

// fileMarks stand before the octets of a file (RFC 5545, section 3.2.7, RFC 6350
// and vCard 2.1 and 3.0).
var fileMarks = [][]byte{[]byte("encoding=base64"), []byte("encoding=b;"), []byte("encoding=b:"), []byte(";base64")}

const longestMark = len("encoding=base64")

// Text implements detect.Sink.
func (a *attached) Text(p []byte) {
	a.Sink.Text(p)
	if a.found {
		return
	}
	text := append(a.tail, bytes.ToLower(p)...)
	for _, mark := range fileMarks {
		a.found = a.found || bytes.Contains(text, mark)
	}
	a.tail = append(a.tail[:0], text[max(len(text)-longestMark, 0):]...)
}

// tell tells of files.
func (a *attached) tell(part string) {
	if a.found {
		a.Found(finding.Finding{Name: finding.Unreadable, Reason: finding.UnknownType, Part: part})
	}
}
