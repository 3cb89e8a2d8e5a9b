// Package plain reads text without markup: lines, format=flowed, tables of
// comma-separated values, and the folded lines of calendars.
package plain

import (
	"bytes"

	"github.com/postseal/postseal/rules/detect"
)

// Reader reads text in UTF-8, cut anywhere. It passes on what is shown.
type Reader interface {
	Write(p []byte)
	Close()
}

// Output collects text, so that a sink gets few calls.
type Output struct {
	Sink detect.Sink
	buf  [4096]byte
	n    int
}

// Write adds text.
func (o *Output) Write(p []byte) {
	if len(p) > len(o.buf)-o.n {
		o.Flush()
		if len(p) > len(o.buf) {
			o.Sink.Text(p)
			return
		}
	}
	o.n += copy(o.buf[o.n:], p)
}

// Byte adds an ASCII character.
func (o *Output) Byte(c byte) {
	if o.n == len(o.buf) {
		o.Flush()
	}
	o.buf[o.n] = c
	o.n++
}

// Flush passes on what is collected.
func (o *Output) Flush() {
	if o.n > 0 {
		o.Sink.Text(o.buf[:o.n])
		o.n = 0
	}
}

// until returns the length of the text before a line end or the character.
func until(p []byte, c byte) int {
	for _, end := range []byte{'\n', '\r', c} {
		if i := bytes.IndexByte(p, end); i >= 0 {
			p = p[:i]
		}
	}
	return len(p)
}
