package mime

import (
	"github.com/postseal/postseal/milter/extract/transfer"
	"github.com/postseal/postseal/rules/finding"
)

// encoded decodes a transfer encoding.
type encoded struct {
	r       *Reader
	at      position
	next    consumer
	decoder transfer.Decoder
	start   []byte // of base64, until it is known whether it is base64
	began   bool
}

// startOfBase64 is how many octets show whether text is base64.
const startOfBase64 = 512

// encoded returns the consumer of encoded octets.
func (r *Reader) encoded(e encoding, at position, next consumer) consumer {
	c := &encoded{r: r, at: at, next: next}
	switch e {
	case base64:
		c.decoder = transfer.NewBase64(next.write)
	case quotedPrintable:
		c.decoder, c.began = transfer.NewQuotedPrintable(next.write), true
	default:
		return next
	}
	return c
}

func (c *encoded) write(p []byte) {
	if !c.began {
		n := min(len(p), startOfBase64-len(c.start))
		c.start = append(c.start, p[:n]...)
		p = p[n:]
		if len(c.start) < startOfBase64 {
			return
		}
		c.begin()
	}
	c.pass(p)
}

// begin decides whether the text is base64. If not, clients show it as it
// stands, or try to decode it.
func (c *encoded) begin() {
	c.began = true
	if !transfer.LooksLikeBase64(c.start) {
		c.decoder = nil
		c.r.unreadable(c.at.number, finding.Damaged)
	}
	c.pass(c.start)
	c.start = nil
}

func (c *encoded) pass(p []byte) {
	if c.decoder == nil {
		c.next.write(p)
		return
	}
	c.decoder.Write(p)
}

func (c *encoded) close() {
	if !c.began {
		c.begin()
	}
	isSound := c.decoder == nil || c.decoder.Close()
	c.next.close()
	if !isSound {
		c.r.unreadable(c.at.number, finding.Damaged)
	}
}

func (c *encoded) owns(line []byte) bool { return c.decoder == nil && owns(c.next, line) }
