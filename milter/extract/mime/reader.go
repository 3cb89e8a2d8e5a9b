// Package mime reads what a message says, as its body comes, in constant
// memory. Text, and what cannot be read, goes to a detect.Sink. The octets of
// documents go to writers that the caller opens.
//
// Clients differ in how they read broken messages. What any of them shows is
// read, and what is not read is a finding.
package mime

import (
	"io"
	"strings"

	"github.com/postseal/postseal/milter/extract/subject"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// Limits bound what is read.
type Limits struct {
	// Document is how many octets of a document are passed on.
	Document int64
	// Depth is how deep parts, attached messages and signed contents nest.
	Depth int
	// Parts is the number of parts.
	Parts int
	// Header is the length of the header of a part or an attached message.
	Header int
}

// DefaultLimits returns limits that honest mail does not reach. Exchange and
// Gmail accept messages of up to 150 MB and 25 MB, and Postfix 10 MB unless it
// is told otherwise, of which base64 takes a quarter. Each forwarding as an
// attachment adds two to the depth. A digest of a mailing list has some hundred
// parts. Postfix limits the header of a message to 100 KiB.
func DefaultLimits() Limits {
	return Limits{Document: 64 << 20, Depth: 32, Parts: 2000, Header: 100 << 10}
}

// Reader reads one message.
type Reader struct {
	sink   tap
	open   func(part string) io.WriteCloser
	limits Limits

	header fields
	body   consumer // nil before the first octet of the body
	parts  int
	// tooMany says that a finding tells of too many parts.
	tooMany   bool
	encrypted []string // numbers of the encrypted parts
}

// consumer takes the octets of a part, or of something inside it.
type consumer interface {
	write(p []byte)
	close()
}

// NewReader returns a reader of a message. It calls open with the number of
// each part that is a document. A writer is closed before the next is opened.
// If open returns nil, the document is unreadable. The same holds for an error
// of the writer.
func NewReader(sink detect.Sink, open func(part string) io.WriteCloser, limits Limits) *Reader {
	return &Reader{sink: tap{Sink: sink}, open: open, limits: limits}
}

// Field adds a field of the message's header. The value includes folds, but not
// the last line end. A Subject goes to the sink at once.
func (r *Reader) Field(name, value string) {
	name = strings.TrimRight(name, " \t")
	if strings.EqualFold(name, "Subject") {
		r.subject("", value)
		return
	}
	r.header.add(name, value)
}

// subject shows a subject in all its readings.
func (r *Reader) subject(part, value string) {
	s := subject.Read(strings.TrimLeft(value, " \t"))
	for i, text := range append(append([]string{s.Text}, s.Readings...), s.Undecoded...) {
		if i > 0 && text == "" {
			continue
		}
		r.sink.Begin(detect.Place{Part: part, Kind: detect.Subject})
		r.sink.Text([]byte(strings.ToValidUTF8(text, "\uFFFD")))
	}
}

// EndHeader ends the message's header.
func (r *Reader) EndHeader() {
	if r.body == nil {
		r.body = r.entity(&r.header, position{inMessage: true})
	}
}

// Write adds octets of the message's body.
func (r *Reader) Write(p []byte) {
	r.EndHeader()
	r.body.write(p)
}

// Close ends the message.
func (r *Reader) Close() {
	r.EndHeader()
	r.body.close()
	r.settleEncrypted()
}

// unreadable tells the sink of a part that was not read, or not all of it.
func (r *Reader) unreadable(part string, reason finding.Reason) {
	r.sink.Found(finding.Finding{Name: finding.Unreadable, Reason: reason, Part: part})
}

// addPart counts a part. It returns false if there are too many.
func (r *Reader) addPart(part string) bool {
	if r.parts < r.limits.Parts {
		r.parts++
		return true
	}
	if !r.tooMany {
		r.tooMany = true
		r.unreadable(part, finding.TooLarge)
	}
	return false
}

// ignored is a part without text.
type ignored struct{}

func (ignored) write([]byte) {}
func (ignored) close()       {}
