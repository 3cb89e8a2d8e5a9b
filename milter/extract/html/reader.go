// Package html reads HTML as a mail client shows it, in constant memory.
package html

import (
	"unicode/utf8"

	"github.com/postseal/postseal/milter/extract/plain"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// state is where in the markup a reader is.
type state byte

const (
	inText state = iota
	inEntity
	afterLess    // after "<"
	afterSlash   // after "</"
	inTagName    // and nothing else of the tag
	beforeName   // of an attribute
	inName       // of an attribute
	afterName    // after the name and a blank
	afterEquals  // before a value
	inDouble     // in a value with double quotes
	inSingle     // in a value with single quotes
	inValue      // in a value without quotes
	inDecl       // after "<!"
	inBogus      // in markup that ends with the next ">"
	inComment    // after "<!--"
	inRaw        // in text that only its end tag ends
	inRawTagName // after "</" in such text
)

// Reader reads HTML in UTF-8, cut anywhere. Text of all kinds is shown, even
// text that is hidden by its style. Attributes, comments, scripts and styles
// are not. Conditional comments are, because Outlook shows them.
type Reader struct {
	out   plain.Output
	part  string
	state state

	layout
	tag
	field  []byte // the value of the tag, if it is input
	entity entity
	buf    [2 * utf8.UTFMax]byte // for the text of an entity

	raw     rawKind
	rawTag  string // the element whose end tag ends the raw text
	written []byte // the name of an end tag in raw text, which may be text
	begun   int    // characters of markup that has begun, and may be something else
	dashes  int    // dashes that came last in a comment
	fresh   bool   // there were only dashes
	isDash  bool   // the character after "<!" was a dash
}

// NewReader returns a reader. part is the part's number, for findings.
func NewReader(sink detect.Sink, part string) *Reader {
	r := &Reader{part: part}
	r.out.Sink = sink
	r.layout.out = &r.out
	return r
}

// Write adds text.
func (r *Reader) Write(p []byte) {
	for len(p) > 0 {
		switch r.state {
		case inText:
			p = r.readText(p)
		case inEntity:
			p = r.readEntity(p)
		case inRaw, inRawTagName:
			p = r.readRaw(p)
		case inDecl, inBogus, inComment:
			p = r.readDeclaration(p)
		default:
			p = r.readTag(p)
		}
	}
}

// Close ends the text. Markup without an end hides the rest of the text, and
// other clients may show it.
func (r *Reader) Close() {
	switch r.state {
	case inText:
	case inEntity:
		r.endEntity()
	case afterLess:
		r.show([]byte("<"))
	case afterSlash:
		r.show([]byte("</"))
	case inRaw, inRawTagName:
		if r.raw == hidden {
			r.found(finding.Finding{Name: finding.Unreadable, Reason: finding.Damaged})
		} else if r.state == inRawTagName {
			r.notRawTag()
		}
	default:
		r.found(finding.Finding{Name: finding.Unreadable, Reason: finding.Damaged})
	}
	r.layout.end()
	r.out.Flush()
}

func (r *Reader) found(f finding.Finding) {
	r.out.Flush()
	f.Part = r.part
	r.out.Sink.Found(f)
}

// class is what an octet is in text.
type class byte

const (
	letter class = iota
	blank
	mark // begins markup or an entity
)

var classes = [256]class{'<': mark, '&': mark, ' ': blank, '\t': blank, '\n': blank, '\r': blank, '\f': blank}

// readText reads text up to markup or an entity.
func (r *Reader) readText(p []byte) []byte {
	n := 0
	for {
		for n < len(p) && classes[p[n]] == letter {
			n++
		}
		// A single blank between letters stays as it is.
		if n == 0 || n+1 >= len(p) || p[n] != ' ' || classes[p[n+1]] != letter {
			break
		}
		n++
	}
	if n > 0 {
		r.show(p[:n])
		return p[n:]
	}
	switch {
	case p[0] == '<':
		if n := r.readWholeTag(p); n > 0 {
			return p[n:]
		}
		r.state = afterLess
	case p[0] == '&':
		r.state = inEntity
		r.entity = entity{}
	default:
		r.space(p[0])
	}
	return p[1:]
}
