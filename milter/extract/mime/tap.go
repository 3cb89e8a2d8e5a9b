package mime

import (
	"bytes"

	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// tap notes whether a message says anything in clear.
type tap struct {
	detect.Sink
	isSubject bool
	isTitle   bool // the text is the name of a file, which encryption does not hide
	isAside   bool // the text is around the parts of a multipart
	aside     int  // octets of such text
	clear     bool
}

// maxAside is how long the text around the parts may be in a message that is
// encrypted. It is longer than the remarks that programs put there for old
// clients.
const maxAside = 512

// Begin implements detect.Sink.
func (t *tap) Begin(place detect.Place) {
	t.isSubject = place.Kind == detect.Subject
	t.Sink.Begin(place)
}

// Text implements detect.Sink.
func (t *tap) Text(p []byte) {
	if !t.clear && !t.isSubject && !t.isTitle {
		t.note(p)
	}
	t.Sink.Text(p)
}

func (t *tap) note(p []byte) {
	if t.isAside {
		t.aside += len(p)
		t.clear = t.aside > maxAside
		return
	}
	for _, c := range p {
		if c > ' ' {
			t.clear = true
			return
		}
	}
}

// Found implements detect.Sink.
func (t *tap) Found(f finding.Finding) {
	t.clear = true
	t.Sink.Found(f)
}

// aside marks the text of a consumer as text around the parts. Usually there is
// only an empty line.
type aside struct {
	r     *Reader
	next  consumer
	began bool
}

func (a *aside) write(p []byte) {
	if !a.began {
		p = bytes.TrimLeft(p, "\r\n")
		a.began = len(p) > 0
	}
	a.r.sink.isAside = true
	a.next.write(p)
	a.r.sink.isAside = false
}

func (a *aside) close() {
	a.r.sink.isAside = true
	a.next.close()
	a.r.sink.isAside = false
}

// addEncrypted notes a part that is encrypted.
func (r *Reader) addEncrypted(number string) {
	if n := len(r.encrypted); n == 0 || r.encrypted[n-1] != number {
		r.encrypted = append(r.encrypted, number)
	}
}

// settleEncrypted tells the sink of the encrypted parts. The message is
// encrypted if it says nothing in clear. If not, only the parts are unreadable.
func (r *Reader) settleEncrypted() {
	if len(r.encrypted) == 0 {
		return
	}
	if !r.sink.clear {
		r.sink.Found(finding.Finding{Name: finding.EncryptedMessage, Part: r.encrypted[0]})
		return
	}
	for _, number := range r.encrypted {
		r.unreadable(number, finding.Encrypted)
	}
}
