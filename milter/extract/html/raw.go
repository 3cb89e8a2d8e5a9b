package html

import "bytes"

// rawKind is how the text of an element is read that only its end tag ends.
type rawKind byte

const (
	hidden   rawKind = iota // script, style
	shown                   // as it stands
	entities                // as it stands, but for entities
)

// startRaw begins or ends such an element.
func (r *Reader) startRaw() {
	isLine := !r.name.is("script") && !r.name.is("style")
	if isLine {
		r.breakLine()
	}
	if r.isEnd {
		return
	}
	r.state, r.rawTag = inRaw, r.name.String()
	switch r.rawTag {
	case "script", "style":
		r.raw = hidden
	case "title", "textarea":
		r.raw = entities
	default:
		r.raw = shown
	}
	if isLine && r.rawTag != "title" {
		r.pre++
	}
}

// endRaw ends the element at its end tag.
func (r *Reader) endRaw() {
	if r.raw != hidden {
		r.breakLine()
		if r.rawTag != "title" {
			r.pre--
		}
	}
	r.tag = tag{isEnd: true} // its attributes do nothing
	r.state = beforeName
	r.rawTag = ""
}

// readRaw reads raw text up to an end tag.
func (r *Reader) readRaw(p []byte) []byte {
	if r.state == inRawTagName {
		return r.readRawTagName(p)
	}
	n := bytes.IndexByte(p, '<')
	if n < 0 {
		n = len(p)
	}
	if r.raw != hidden {
		if n > 0 {
			return r.readShown(p, n)
		}
	} else if p = p[n:]; len(p) == 0 {
		return nil
	}
	r.state, r.name, r.written, r.begun = inRawTagName, short{}, r.written[:0], 0
	return p[1:]
}

// readShown shows the first n octets of raw text, up to an entity.
func (r *Reader) readShown(p []byte, n int) []byte {
	i := 0
	for i < n && classes[p[i]] == letter || i < n && p[i] == '&' && r.raw == shown {
		i++
	}
	switch {
	case i > 0:
		r.show(p[:i])
		return p[i:]
	case p[0] == '&':
		r.state, r.entity = inEntity, entity{}
	default:
		r.space(p[0])
	}
	return p[1:]
}

// readRawTagName reads what follows "<" in raw text.
func (r *Reader) readRawTagName(p []byte) []byte {
	c := p[0]
	switch {
	case r.begun == 0 && c == '/' && r.rawTag != "plaintext":
		r.begun++
		return p[1:]
	case r.begun > 0 && r.name.n < len(r.rawTag) && isLetter(c):
		r.name.add(c)
		r.written = append(r.written, c)
		return p[1:]
	case r.begun > 0 && r.name.is(r.rawTag) && (classes[c] == blank || c == '/' || c == '>'):
		r.endRaw()
		return p
	}
	r.notRawTag()
	return p
}

// notRawTag shows what was not an end tag in fact.
func (r *Reader) notRawTag() {
	r.state = inRaw
	if r.raw == hidden {
		return
	}
	r.show([]byte("<"))
	if r.begun > 0 {
		r.show([]byte("/"))
		r.show(r.written)
	}
}
