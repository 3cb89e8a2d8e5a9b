package plain

import (
	"bytes"

	"github.com/postseal/postseal/rules/detect"
)

// lines reads text as it stands. It writes each kind of line end as "\n".
type lines struct {
	out Output
	cr  bool // after a CR
}

// NewLines returns a reader of text as it stands.
func NewLines(sink detect.Sink) Reader { return &lines{out: Output{Sink: sink}} }

func (l *lines) Write(p []byte) {
	for len(p) > 0 {
		if l.cr {
			l.cr = false
			l.out.Byte('\n')
			if p[0] == '\n' {
				p = p[1:]
			}
			continue
		}
		n := bytes.IndexByte(p, '\r')
		if n < 0 {
			l.out.Write(p)
			return
		}
		l.out.Write(p[:n])
		l.cr, p = true, p[n+1:]
	}
}

func (l *lines) Close() {
	if l.cr {
		l.out.Byte('\n')
	}
	l.out.Flush()
}
