package plain

import "github.com/postseal/postseal/rules/detect"

// flowed reads format=flowed (RFC 3676): it joins the lines of a paragraph.
type flowed struct {
	out   Output
	delSp bool

	inQuote bool // at the beginning of a line, where marks of quotes stand
	depth   int  // marks of the line
	joins   bool // the line before is flowed
	before  int  // its depth
	space   bool // the line ends with a blank so far, which is not written yet
	length  int  // octets of the line after the marks
	dashes  bool // the line is "--" so far
	cr      bool
}

// NewFlowed returns a reader of format=flowed. delSp says that the blank before
// a soft line break is no part of the text.
func NewFlowed(sink detect.Sink, delSp bool) Reader {
	return &flowed{out: Output{Sink: sink}, delSp: delSp, inQuote: true}
}

func (f *flowed) Write(p []byte) {
	for len(p) > 0 {
		if f.cr {
			f.cr = false
			if p[0] == '\n' {
				p = p[1:]
			}
			f.endLine()
			continue
		}
		if f.inQuote {
			p = f.quote(p)
			continue
		}
		n := until(p, '\n')
		f.add(p[:n])
		if n == len(p) {
			return
		}
		if p[n] == '\r' {
			f.cr = true
		} else {
			f.endLine()
		}
		p = p[n+1:]
	}
}

// quote reads the marks of quotes and the stuffed blank.
func (f *flowed) quote(p []byte) []byte {
	if p[0] == '>' {
		f.depth++
		return p[1:]
	}
	f.startLine()
	if p[0] == ' ' {
		return p[1:]
	}
	return p
}

// startLine writes the marks, unless the line continues the one before.
func (f *flowed) startLine() {
	f.inQuote, f.length, f.dashes = false, 0, true
	if f.joins && f.depth == f.before {
		return
	}
	if f.joins {
		f.out.Byte('\n')
	}
	for range f.depth {
		f.out.Byte('>')
	}
	if f.depth > 0 {
		f.out.Byte(' ')
	}
}

// add adds text of a line.
func (f *flowed) add(p []byte) {
	if len(p) == 0 {
		return
	}
	if f.space {
		f.out.Byte(' ')
	}
	for i := 0; i < len(p) && f.length+i < 3; i++ {
		f.dashes = f.dashes && p[i] == "-- "[f.length+i]
	}
	f.length += len(p)
	f.space = p[len(p)-1] == ' '
	if f.space {
		p = p[:len(p)-1]
	}
	f.out.Write(p)
}

func (f *flowed) endLine() {
	if f.inQuote {
		f.startLine()
	}
	isSignature := f.dashes && f.length == 3
	f.joins, f.before = f.space && !isSignature, f.depth
	if f.space && !(f.joins && f.delSp) {
		f.out.Byte(' ')
	}
	if !f.joins {
		f.out.Byte('\n')
	}
	f.inQuote, f.depth, f.space = true, 0, false
}

func (f *flowed) Close() {
	if f.cr {
		f.endLine()
	}
	if f.inQuote && f.depth > 0 {
		f.startLine()
	}
	if f.space {
		f.out.Byte(' ')
	}
	f.out.Flush()
}
