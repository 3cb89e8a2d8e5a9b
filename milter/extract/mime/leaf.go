package mime

import (
	"bytes"

	"github.com/postseal/postseal/milter/extract/text"
	"github.com/postseal/postseal/rules/finding"
)

// leaf reads a part that is no multipart. The beginning of the content decides
// how.
type leaf struct {
	r        *Reader
	at       position
	declared contentType
	signed   bool // the content of a signature, which is usually a part with a header
	// noMessage says that the header of the message, if there is one, has been
	// read.
	noMessage bool

	start []byte
	next  consumer // nil until the content is known
}

func (l *leaf) write(p []byte) {
	if l.next == nil {
		if len(l.start) == 0 && len(p) >= text.StartSize {
			l.begin(p[:text.StartSize])
		} else {
			n := min(len(p), text.StartSize-len(l.start))
			l.start = append(l.start, p[:n]...)
			p = p[n:]
			if len(l.start) < text.StartSize {
				return
			}
			l.beginHeld()
		}
	}
	l.next.write(p)
}

func (l *leaf) close() {
	if l.next == nil {
		l.beginHeld()
	}
	l.next.close()
}

func (l *leaf) beginHeld() {
	l.begin(l.start)
	l.next.write(l.start)
	l.start = nil
}

// begin chooses the consumer by the first octets.
func (l *leaf) begin(start []byte) {
	l.noteDeclared()
	if line, _, ok := bytes.Cut(start, []byte("\n")); l.signed && ok && isField(line) {
		l.next = &headed{r: l.r, at: l.at.body()}
		return
	}
	content := ContentOf(start, l.declared.media)
	if content == messageContent && l.noMessage {
		content = plainContent
	}
	switch content {
	case nothing:
		l.next = ignored{}
	case plainContent:
		if bytes.Contains(start, []byte("\n%PDF-")) {
			l.r.unreadable(l.at.number, finding.UnknownType) // viewers accept text before a PDF
		}
		l.next = l.r.plainText(l.at, l.declared.textType(), start)
	case messageContent:
		if l.next = l.r.message(l.at, true); isEnvelope(bytes.TrimLeft(start, " \t\r\n")) {
			l.next = &mbox{r: l.r, at: l.at, n: 1, next: l.next}
		}
	case pictureContent:
		l.next = l.r.image(l.at.number, start)
	case signedContent:
		l.next = newSigned(l.r, l.at)
	case encryptedContent:
		l.r.addEncrypted(l.at.number)
		l.next = ignored{}
	case unknown:
		l.r.unreadable(l.at.number, finding.UnknownType)
		l.next = ignored{}
	default:
		l.next = l.r.document(l.at.number)
	}
}

// noteDeclared tells of types that say that something is missing.
func (l *leaf) noteDeclared() {
	switch l.declared.media {
	case "message/partial", "message/external-body":
		l.r.unreadable(l.at.number, finding.UnknownType)
	}
}
