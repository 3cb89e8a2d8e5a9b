package mime

import (
	"bytes"

	"github.com/postseal/postseal/rules/finding"
)

// Object identifiers of CMS (RFC 5652), without the octet that tells them
// apart.
var (
	pkcs7 = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07}
	smime = []byte{0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01}
)

// cmsOf returns what CMS content begins with these octets, or unknown.
func cmsOf(start []byte) Content {
	if len(start) < 16 || start[0] != 0x30 {
		return unknown
	}
	header := 2
	if start[1] > 0x80 {
		header += int(start[1] & 0x7f)
	}
	oid := start[min(header, len(start)):]
	if kind, ok := bytes.CutPrefix(oid, pkcs7); ok && len(kind) > 0 {
		switch kind[0] {
		case 2:
			return signedContent
		case 3, 6: // enveloped, encrypted
			return encryptedContent
		}
	}
	if kind, ok := bytes.CutPrefix(oid, smime); ok && len(kind) > 0 && kind[0] == 23 { // authenticated and enveloped
		return encryptedContent
	}
	return unknown
}

// signed finds the content in CMS signed data. A detached signature has none.
type signed struct {
	r    *Reader
	at   position
	next consumer // nil before the content

	step   int
	head   []byte // of an element
	left   int64  // octets of the element
	isText bool   // the element is content
	open   int    // elements of indefinite length that are skipped
	before int64  // octets left of what holds the content; -1 if its end is marked
	ended  bool
}

// step is an element on the way to the content.
type step struct {
	tag   byte
	enter bool
}

// steps lead from ContentInfo to eContent.
var steps = []step{
	{0x30, true},  // ContentInfo
	{0x06, false}, // signed data
	{0xa0, true},
	{0x30, true},  // SignedData
	{0x02, false}, // version
	{0x31, false}, // digest algorithms
	{0x30, true},  // encapContentInfo
	{0x06, false}, // the type of the content
	{0xa0, true},
}

const (
	stepInside = 7 // the first step inside encapContentInfo
	octets     = 0x04
	manyOctets = 0x24
)

func newSigned(r *Reader, at position) consumer { return &signed{r: r, at: at} }

func (s *signed) write(p []byte) {
	for len(p) > 0 && !s.ended {
		if s.left > 0 {
			n := min(s.left, int64(len(p)))
			if s.isText {
				s.pass(p[:n])
			}
			s.left -= n
			p = p[n:]
			continue
		}
		s.isText = false
		s.head = append(s.head, p[0])
		p = p[1:]
		if length, ok := elementLength(s.head); ok {
			s.element(s.head[0], length)
			s.head = s.head[:0]
		}
	}
}

const indefinite = -1

// elementLength returns the length of an element from its head, if the head is
// complete.
func elementLength(head []byte) (length int64, ok bool) {
	switch {
	case len(head) < 2:
		return 0, false
	case head[1] < 0x80:
		return int64(head[1]), true
	case head[1] == 0x80:
		return indefinite, true
	}
	n := int(head[1] & 0x7f)
	if len(head) < 2+n {
		return 0, false
	}
	for _, c := range head[2:] {
		length = min(length, 1<<40)<<8 | int64(c)
	}
	return length, true
}

// element reads the head of an element.
func (s *signed) element(tag byte, length int64) {
	switch {
	case s.open > 0:
		s.skip(tag, length)
	case s.step == len(steps):
		s.content(tag, length)
	case s.step == stepInside+1 && (s.before == 0 || tag == 0 || tag != steps[s.step].tag):
		s.ended = true // there is no content
	case tag != steps[s.step].tag:
		s.fail()
	default:
		s.walk(length)
	}
}

// walk follows a step.
func (s *signed) walk(length int64) {
	step := steps[s.step]
	s.step++
	switch {
	case step.enter && s.step == stepInside:
		s.before = length
	case step.enter:
	case length == indefinite:
		s.open = 1
	default:
		s.left = length
		if s.step == stepInside+1 && s.before > 0 { // the type, before the content
			s.before -= int64(len(s.head)) + length
		}
	}
}

// skip reads an element inside one of indefinite length.
func (s *signed) skip(tag byte, length int64) {
	switch {
	case tag == 0 && length == 0:
		s.open--
	case length == indefinite:
		s.open++
	default:
		s.left = length
	}
}

// content reads the head of a piece of the content.
func (s *signed) content(tag byte, length int64) {
	switch {
	case tag == octets && length >= 0:
		s.left, s.isText = length, true
	case tag == manyOctets:
	default:
		s.ended = true
	}
}

func (s *signed) fail() {
	s.ended = true
	s.r.unreadable(s.at.number, finding.Damaged)
}

func (s *signed) pass(p []byte) {
	if s.next == nil {
		at := position{number: s.at.number, depth: s.at.depth + 1}
		if at.depth > s.r.limits.Depth {
			s.r.unreadable(s.at.number, finding.TooDeep)
			s.next = ignored{}
		} else {
			s.next = &leaf{r: s.r, at: at, signed: true}
		}
	}
	s.next.write(p)
}

func (s *signed) close() {
	if s.next != nil {
		s.next.close()
	}
	if !s.ended && (s.left > 0 || s.step < len(steps)) {
		s.fail()
	}
}
