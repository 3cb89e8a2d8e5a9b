package html

import "bytes"

// readDeclaration reads what begins with "<!" or "<?".
func (r *Reader) readDeclaration(p []byte) []byte {
	switch r.state {
	case inDecl:
		return r.readBegin(p)
	case inBogus:
		n := bytes.IndexByte(p, '>')
		if n < 0 {
			return nil
		}
		r.state = inText
		return p[n+1:]
	}
	return r.readComment(p)
}

const (
	comment = "--"
	cdata   = "[cdata["
)

// readBegin reads the characters after "<!". They tell what it is.
func (r *Reader) readBegin(p []byte) []byte {
	c := p[0]
	isComment := r.begun < len(comment) && c == comment[r.begun] && (r.begun == 0 || r.isDash)
	isCData := r.begun < len(cdata) && c|0x20 == cdata[r.begun]|0x20 && (r.begun == 0 || !r.isDash)
	if !isComment && !isCData {
		r.state = inBogus
		return p
	}
	r.isDash = isComment
	r.begun++
	switch {
	case isComment && r.begun == len(comment):
		r.state, r.dashes, r.fresh, r.begun = inComment, len(comment), true, 0
	case isCData && r.begun == len(cdata):
		r.state = inText // as clients show XML
	}
	return p[1:]
}

// conditional begins a comment that Outlook reads as HTML.
const conditional = "[if"

const (
	noMatch = -1 // the comment is not conditional
	bang    = -1 // "--!" came last
)

// readComment reads a comment up to its end.
func (r *Reader) readComment(p []byte) []byte {
	for len(p) > 0 {
		c := p[0]
		if r.begun != noMatch && r.isConditional(c) {
			r.state = inBogus
			return p[1:]
		}
		switch {
		case c == '-':
			r.dashes = max(r.dashes, 0) + 1
		case c == '>' && (r.dashes >= 2 || r.dashes == bang):
			r.state = inText
			return p[1:]
		case c == '!' && r.dashes >= 2 && (!r.fresh || r.dashes >= 4):
			r.dashes, r.fresh = bang, false
		default:
			r.dashes, r.fresh = 0, false
			if r.begun == noMatch {
				n := bytes.IndexByte(p, '-')
				if n < 0 {
					return nil
				}
				p = p[n:]
				continue
			}
		}
		p = p[1:]
	}
	return nil
}

// isConditional reports whether a character completes the beginning of a
// conditional comment.
func (r *Reader) isConditional(c byte) bool {
	switch {
	case c|0x20 == conditional[r.begun]|0x20:
		r.begun++
	case r.begun > 0 || classes[c] != blank:
		r.begun = noMatch
	}
	if r.begun < len(conditional) {
		return false
	}
	r.begun = noMatch
	return true
}
