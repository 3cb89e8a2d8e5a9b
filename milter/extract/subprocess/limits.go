package subprocess

import (
	"encoding/json"
	"time"
)

// Limits are what documents may cost. Beyond them a document is unreadable.
type Limits struct {
	// Document is the size of a document, in octets.
	Document int64
	// Unpacked is how many octets a document may become, with all that is inside.
	Unpacked int64
	// Entries is the number of files in archives and documents.
	Entries int
	// Depth is how deep archives and documents nest.
	Depth int
	// Time is for all documents of a message together, and with it the time in
	// which the MTA gets no answer.
	Time time.Duration
}

// DefaultLimits returns limits that honest documents do not reach. Mail services
// rarely take messages of more than 50 MB, in which base64 leaves 37 MB for a
// document. A workbook of two million cells unpacks to about 100 MiB, an archive
// of a department's letters has some thousand files, and each forwarding adds one
// to the depth. The slowest kind, cells of XLSX, needs a third of the time for
// 128 MiB. contrib gives Sendmail 30 seconds. Postfix allows 300 seconds by
// default (milter_content_timeout).
func DefaultLimits() Limits {
	return Limits{Document: 40 << 20, Unpacked: 128 << 20, Entries: 10_000, Depth: 10, Time: 20 * time.Second}
}

// memory returns how many octets a process may write to. Archives in archives or
// messages, and what a PDF unpacks, need a few copies of what is unpacked. The
// program needs the rest.
func (l Limits) memory() uint64 { return uint64(88<<20 + l.Document + 5*l.Unpacked) }

// text returns how many octets of text a document can say. It may repeat some of what
// is unpacked.
func (l Limits) text() int64 { return 2 * l.Unpacked }

// argument returns the limits as an argument of the process.
func (l Limits) argument() string {
	text, _ := json.Marshal(l) // numbers alone
	return string(text)
}

// parseLimits is the reverse of argument.
func parseLimits(text string) (l Limits, err error) {
	err = json.Unmarshal([]byte(text), &l)
	return l, err
}
