package mime

import (
	"bytes"
	"strings"

	"github.com/postseal/postseal/milter/extract/text"
	"github.com/postseal/postseal/milter/extract/transfer"
	"github.com/postseal/postseal/rules/finding"
)

// headed reads a part or a message that begins with its header.
type headed struct {
	r         *Reader
	at        position
	isMessage bool
	// doubtful says that the lines of the header may be text. They are shown.
	doubtful bool

	raw  []byte // the header so far
	line int    // where its last line begins
	text int    // where the first line begins that is not a field, or 0
	body consumer
}

// message returns the consumer of a message with its header.
func (r *Reader) message(at position, doubtful bool) consumer {
	return &headed{r: r, at: at.body(), isMessage: true, doubtful: doubtful}
}

func (h *headed) write(p []byte) {
	for h.body == nil && len(p) > 0 {
		p = h.readLine(p)
	}
	if h.body != nil && len(p) > 0 {
		h.body.write(p)
	}
}

// readLine adds a part of a line to the header.
func (h *headed) readLine(p []byte) []byte {
	n := bytes.IndexByte(p, '\n') + 1
	if n == 0 {
		n = len(p)
	}
	n = min(n, h.r.limits.Header+1-len(h.raw))
	h.raw = append(h.raw, p[:n]...)
	p = p[n:]
	switch line := bytes.TrimRight(h.raw[h.line:], "\r\n"); {
	case len(h.raw) > h.r.limits.Header:
		h.r.unreadable(h.at.leaf().number, finding.TooLarge)
		h.doubtful = true
		h.end(false)
	case h.raw[len(h.raw)-1] != '\n':
	case len(line) == 0:
		h.end(true)
	default:
		isFirst := h.line == 0
		if bytes.IndexByte(line, '\r') >= 0 || !isField(line) && !(isFirst && isEnvelope(line)) || isFirst && (line[0] == ' ' || line[0] == '\t') {
			h.doubtful = true
		}
		if h.text == 0 && (!isField(line) || len(bytes.TrimSpace(line)) == 0) {
			h.text = h.line
		}
		h.line = len(h.raw)
	}
	return p
}

// isEnvelope reports whether a line is the first of a message in an mbox.
func isEnvelope(line []byte) bool {
	return bytes.HasPrefix(bytes.TrimPrefix(line, []byte(">")), []byte("From "))
}

// lineEnds makes all line ends alike. To some clients a CR alone is one.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// end ends the header. complete says that an empty line ends it.
func (h *headed) end(complete bool) {
	f := parseHeader(lineEnds.Replace(string(h.raw)))
	at := h.at
	if h.isMessage {
		for _, value := range f.subjects {
			h.r.subject(at.number, value)
		}
	}
	raw, isText := h.raw, h.doubtful || !complete
	h.raw = nil
	if isText && len(f.types) == 0 && len(f.encodings) == 0 && !at.digest {
		// The header is the beginning of the text.
		h.body = &leaf{r: h.r, at: at.leaf(), declared: contentType{media: "text/plain"}, noMessage: true}
		h.body.write(raw)
		return
	}
	if isText {
		c := h.r.plainText(at.leaf(), text.Type{Media: "text/plain"}, nil)
		c.write(raw)
		c.close()
	}
	h.body = h.r.entity(&f, at)
	if isText && h.text > 0 && f.isLeaf(at) && isBody(raw[h.text:], &f) {
		h.body.write(raw[h.text:])
	}
}

// isBody reports whether the rest of a header is the beginning of the body,
// because no empty line ends the header. Some clients show a body without one.
func isBody(rest []byte, f *fields) bool {
	if g := parseHeader(string(rest)); len(g.types) > 0 || len(g.encodings) > 0 {
		return false
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(rest, " \t\r\n"), []byte("\n"))
	line = bytes.TrimRight(line, " \t\r")
	enc, _ := f.encoding()
	return enc != base64 || len(line)%4 == 0 && transfer.LooksLikeBase64(line)
}

func (h *headed) close() {
	if h.body == nil && bytes.IndexByte(h.raw, '\n') < 0 && bytes.IndexByte(h.raw, '\r') >= 0 {
		raw := bytes.ReplaceAll(h.raw, []byte("\r"), []byte("\n"))
		h.raw = nil
		h.write(raw)
	}
	if h.body == nil {
		// Nothing follows that the fields could be about, so some clients
		// show them as text.
		h.end(len(bytes.TrimSpace(h.raw)) == 0)
	}
	h.body.close()
}

func (h *headed) owns(line []byte) bool { return owns(h.body, line) }
