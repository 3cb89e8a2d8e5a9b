package mime

import (
	"bytes"
	"regexp"
)

// mbox splits a file into its messages. The first has the number of the file.
type mbox struct {
	r    *Reader
	at   position
	n    int // messages so far
	next consumer

	held    []byte // a line that may be an envelope
	length  int    // of the line so far, without its end
	isAfter bool   // the line before is empty
}

// envelopeLine is the line before a message in an mbox. Programs change lines of
// the text that begin like that.
var envelopeLine = regexp.MustCompile(`^From \S+ +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) `)

// maxEnvelope is how much of a line shows whether it is an envelope.
const maxEnvelope = 200

func (m *mbox) write(p []byte) {
	for len(p) > 0 {
		n := bytes.IndexByte(p, '\n') + 1
		isEnd := n > 0
		if !isEnd {
			n = len(p)
		}
		piece := p[:n]
		p = p[n:]
		if m.isAfter && (len(m.held) > 0 || m.length == 0) {
			m.held = append(m.held, piece...)
			if from := "From "; isEnd || len(m.held) >= maxEnvelope || !bytes.HasPrefix(m.held, []byte(from[:min(len(from), len(m.held))])) {
				m.decide()
			}
		} else {
			m.next.write(piece)
		}
		m.length += len(bytes.TrimRight(piece, "\r\n"))
		if isEnd {
			m.isAfter, m.length = m.length == 0, 0
		}
	}
}

// decide passes the held octets on, and begins a message if they are an
// envelope.
func (m *mbox) decide() {
	if at := m.at.file(m.n + 1); envelopeLine.Match(m.held) && m.r.addPart(at.number) {
		m.next.close()
		m.n++
		m.next = m.r.message(at, true)
	}
	m.next.write(m.held)
	m.held = m.held[:0]
}

func (m *mbox) close() {
	if len(m.held) > 0 {
		m.decide()
	}
	m.next.close()
}

func (m *mbox) owns(line []byte) bool { return owns(m.next, line) }
