package subprocess

import (
	"encoding/json"
	"time"
)

// Limits are the limits for documents. What exceeds them is unreadable.
type Limits struct {
	// Document is the size of a document, in octets.
	Document int64
	// Unpacked is the size of an unpacked document with everything inside it, in
	// octets.
	Unpacked int64
	// Entries is the number of files in archives and documents.
	Entries int
	// Depth is the number of archives and documents inside each other.
	Depth int
	// Time is how long all documents of a message may take together. The MTA gets
	// no answer in that time.
	Time time.Duration
}

// DefaultLimits returns limits that ordinary documents do not reach:
// postseal.toml(5) has examples. The slowest kind, cells of XLSX, needs a third of
// the time for 128 MiB.
func DefaultLimits() Limits {
	return Limits{Document: 40 << 20, Unpacked: 128 << 20, Entries: 10_000, Depth: 10, Time: 20 * time.Second}
}

// memory returns how many octets a process may write to. Archives in archives or
// messages, and streams of a PDF, need a few copies of the unpacked octets. The
// program needs the rest.
func (l Limits) memory() uint64 { return uint64(88<<20 + l.Document + 5*l.Unpacked) }

// text returns how many octets of text a document can have. It can have more than is
// unpacked, because readers repeat some of it.
func (l Limits) text() int64 { return 2 * l.Unpacked }

// argument returns the limits as an argument of the process.
func (l Limits) argument() string {
	text, _ := json.Marshal(l) // numbers cannot fail
	return string(text)
}

// parseLimits is the reverse of argument.
func parseLimits(text string) (l Limits, err error) {
	err = json.Unmarshal([]byte(text), &l)
	return l, err
}
