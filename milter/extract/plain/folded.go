package plain

import "github.com/postseal/postseal/rules/detect"

// folded reads the content lines of calendars and vCards (RFC 5545, section
// 3.1, and RFC 6350, section 3.2): it joins folded lines and reads the escapes
// of text.
type folded struct {
	out  Output
	end  bool // after a line end, which may be a fold
	cr   bool // after a CR
	mark bool // after a backslash
}

// NewFolded returns a reader of folded lines.
func NewFolded(sink detect.Sink) Reader { return &folded{out: Output{Sink: sink}} }

func (f *folded) Write(p []byte) {
	for len(p) > 0 {
		c := p[0]
		switch {
		case f.cr && c == '\n':
			f.cr, p = false, p[1:]
			continue
		case f.end && (c == ' ' || c == '\t'):
			f.end, f.cr, p = false, false, p[1:]
			continue
		}
		f.settle()
		switch c {
		case '\r', '\n':
			f.end, f.cr, p = true, c == '\r', p[1:]
		case '\\':
			if f.mark {
				f.text(p[:1])
			} else {
				f.mark = true
			}
			p = p[1:]
		default:
			n := until(p, '\\')
			f.text(p[:n])
			p = p[n:]
		}
	}
}

// settle writes the line end, if there was one.
func (f *folded) settle() {
	if f.end && f.mark {
		f.out.Byte('\\')
		f.mark = false
	}
	if f.end {
		f.out.Byte('\n')
	}
	f.end, f.cr = false, false
}

// text writes text, which may begin after a backslash.
func (f *folded) text(p []byte) {
	if f.mark {
		f.mark = false
		switch p[0] {
		case 'n', 'N':
			f.out.Byte('\n')
			p = p[1:]
		case ',', ';', '\\':
		default:
			f.out.Byte('\\')
		}
	}
	f.out.Write(p)
}

func (f *folded) Close() {
	f.end = f.end || f.mark
	f.settle()
	f.out.Flush()
}
