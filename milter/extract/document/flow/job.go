// Package flow receives what the readers of documents read. A Job is one
// document of a message, and a Flow is the text of one place in it.
package flow

import (
	"errors"
	"io"
	"strconv"

	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// Limits are what a document may cost with all that is in it.
type Limits struct {
	Unpacked int64 // octets after decompression
	Entries  int   // of archives
	Depth    int   // of documents in documents
}

// Job is a document that is read.
type Job struct {
	place detect.Place
	depth int
	*shared
}

// shared is what a document and all documents inside it have in common.
type shared struct {
	sink   detect.Sink
	left   *Limits
	open   Opener
	stream Streamer
	found  map[finding.Finding]bool
}

// Opener reads a document of any kind.
type Opener func(j *Job, r io.ReaderAt, size int64) error

// Streamer reads a document of any kind that has no random access. media is its
// type, or "".
type Streamer func(j *Job, media string, r io.Reader) error

// New returns the job of a document. Its limits shrink as it is read. For a
// document inside a document it calls open, or stream if there is no random
// access.
func New(sink detect.Sink, place detect.Place, left *Limits, open Opener, stream Streamer) *Job {
	return &Job{place: place, shared: &shared{sink: sink, left: left, open: open, stream: stream, found: make(map[finding.Finding]bool)}}
}

// ErrLimit ends a document that is larger than the limits.
var ErrLimit = errors.New("larger than the limits")

// ErrDepth ends a document that is nested too deeply.
var ErrDepth = errors.New("nested too deeply")

// ErrDamaged ends a document that does not follow its format.
var ErrDamaged = errors.New("damaged")

// ErrEncrypted ends a document that needs a password.
var ErrEncrypted = errors.New("encrypted")

// ErrUnknown ends a document of a kind that is not read.
var ErrUnknown = errors.New("unknown type")

// Place returns the place of the document.
func (j *Job) Place() detect.Place { return j.place }

// Sink returns what receives the text.
func (j *Job) Sink() detect.Sink { return j.sink }

// Fail finds why a document is unreadable. The error may be nil.
func (j *Job) Fail(err error) {
	switch {
	case err == nil:
	case errors.Is(err, ErrLimit):
		j.Unreadable(finding.TooLarge)
	case errors.Is(err, ErrDepth):
		j.Unreadable(finding.TooDeep)
	case errors.Is(err, ErrEncrypted):
		j.Unreadable(finding.Encrypted)
	case errors.Is(err, ErrUnknown):
		j.Unreadable(finding.UnknownType)
	default:
		j.Unreadable(finding.Damaged)
	}
}

// Unreadable finds that something was not read.
func (j *Job) Unreadable(reason finding.Reason) {
	j.once(finding.Finding{Name: finding.Unreadable, Reason: reason, Part: j.place.Part})
}

// Picture finds a picture that is not read.
func (j *Job) Picture() { j.once(finding.Finding{Name: finding.Picture, Part: j.place.Part}) }

// once finds each fact once a part.
func (j *Job) once(f finding.Finding) {
	if !j.found[f] {
		j.found[f] = true
		j.sink.Found(f)
	}
}

// Entry returns the job of the n-th entry of an archive, counted from 1.
func (j *Job) Entry(n int) *Job { return j.At(j.place.Part + "/" + strconv.Itoa(n)) }

// At returns the job of a document at another place.
func (j *Job) At(part string) *Job {
	inner := *j
	inner.place.Part = part
	return &inner
}

// Open reads a document inside the document.
func (j *Job) Open(r io.ReaderAt, size int64) {
	j.deeper(func(inner *Job) error { return j.open(inner, r, size) })
}

// Stream reads a document inside the document. media is its type, if one is
// declared. The caller counts what it unpacks.
func (j *Job) Stream(media string, r io.Reader) {
	j.deeper(func(inner *Job) error { return j.stream(inner, media, r) })
}

func (j *Job) deeper(read func(*Job) error) {
	if j.depth >= j.left.Depth {
		j.Fail(ErrDepth)
		return
	}
	inner := *j
	inner.depth++
	j.Guard(func() error { return read(&inner) })
}

// Guard reads a part of a document, and finds why it could not be read. A panic
// means damaged, so that a fault in the reader of one part does not hide the others.
// The sink of a test can have it shown.
func (j *Job) Guard(read func() error) {
	defer func() {
		if fault := recover(); fault != nil {
			if s, ok := j.sink.(interface{ Panicked(fault any) }); ok {
				s.Panicked(fault)
			}
			j.Fail(ErrDamaged)
		}
	}()
	j.Fail(read())
}

// TakeEntry counts an entry of an archive. It reports whether the limits allow
// it.
func (j *Job) TakeEntry() bool {
	j.left.Entries--
	return j.left.Entries >= 0
}

// Charge counts text that a document repeats, such as a string in several cells.
func (j *Job) Charge(n int) error {
	if j.left.Unpacked -= int64(n); j.left.Unpacked < 0 {
		j.left.Unpacked = 0
		return ErrLimit
	}
	return nil
}

// Unpack returns a reader of r that counts what it reads.
func (j *Job) Unpack(r io.Reader) io.Reader { return &counter{r: r, left: j.left} }

type counter struct {
	r    io.Reader
	left *Limits
}

func (c *counter) Read(p []byte) (int, error) {
	if c.left.Unpacked <= 0 {
		return 0, ErrLimit
	}
	if int64(len(p)) > c.left.Unpacked {
		p = p[:c.left.Unpacked]
	}
	n, err := c.r.Read(p)
	c.left.Unpacked -= int64(n)
	return n, err
}
