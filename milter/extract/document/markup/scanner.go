// Package markup scans XML. Unlike encoding/xml it needs little memory whatever
// it reads, and goes on after a fault, as a reader of text should.
package markup

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// Kind is a kind of token.
type Kind byte

// The kinds. None is the end of the input.
const (
	None Kind = iota
	Start
	End
	Text
)

const (
	window   = 64 << 10 // the longest text that is one token
	maxTag   = 1 << 20
	maxDepth = 4096
	maxNames = 4096
)

// ErrBroken is the error of text that is not XML or ends early.
var ErrBroken = errors.New("broken XML")

// ErrDepth is the error of elements that are nested too deeply.
var ErrDepth = errors.New("XML is nested too deeply")

// ErrEntities is the error of XML that defines its own entities.
var ErrEntities = errors.New("XML defines entities")

// Scanner reads tokens. Names have no namespace.
type Scanner struct {
	Name string // of the element that starts or ends
	Text []byte // valid until the next token

	r      *bufio.Reader
	tag    []byte
	path   []string
	names  map[string]string
	text   []byte
	carry  []byte
	inTag  bool // "<" was read
	inData bool // in a CDATA section
	closes bool // the element that started has no content
	ended  bool // the last token was an end
	err    error
}

// New returns a scanner of r, in any encoding.
func New(r io.Reader) *Scanner {
	return &Scanner{r: decoded(bufio.NewReaderSize(r, window)), names: make(map[string]string)}
}

// Err returns why the scanner ended before the end of the XML, or what it left
// out.
func (s *Scanner) Err() error { return s.err }

// Parent returns the name of the n-th element around the token. Parent(0) is
// the innermost one: at Start and End the element itself.
func (s *Scanner) Parent(n int) string {
	if n >= len(s.path) {
		return ""
	}
	return s.path[len(s.path)-1-n]
}

// Depth returns how many elements are open.
func (s *Scanner) Depth() int { return len(s.path) }

// Next reads a token.
func (s *Scanner) Next() Kind {
	if s.closes {
		s.closes, s.ended = false, true
		return End
	}
	if s.ended {
		s.ended, s.path = false, s.path[:len(s.path)-1]
	}
	for {
		kind, err := s.token()
		if kind != None {
			return kind
		}
		if err != nil {
			s.fail(err)
			return None
		}
	}
}

func (s *Scanner) fail(err error) {
	if err == io.EOF {
		if err = nil; len(s.path) > 0 || s.inTag || s.inData {
			err = ErrBroken
		}
	}
	if s.err == nil {
		s.err = err
	}
}

// token reads a token. It returns None for what is none, such as a comment.
func (s *Scanner) token() (Kind, error) {
	switch {
	case s.inData:
		return s.data()
	case s.inTag:
		s.inTag = false
		return s.markup()
	}
	p, err := s.r.ReadSlice('<')
	if err == bufio.ErrBufferFull {
		err = nil
	} else if n := len(p); n > 0 && p[n-1] == '<' {
		p, s.inTag = p[:n-1], true
	}
	if p = s.unescape(p, s.inTag || err != nil); len(p) > 0 {
		s.Text = p
		return Text, nil
	}
	return None, err
}

// data reads text of a CDATA section.
func (s *Scanner) data() (Kind, error) {
	p, err := s.r.ReadSlice('>')
	if err == bufio.ErrBufferFull {
		err = nil
	}
	if bytes.HasSuffix(p, []byte("]]>")) {
		p, s.inData = p[:len(p)-3], false
	}
	if len(p) > 0 {
		s.Text = p
		return Text, nil
	}
	return None, err
}

// markup reads what follows "<".
func (s *Scanner) markup() (Kind, error) {
	head, err := s.r.Peek(1)
	if err != nil {
		return None, early(err)
	}
	switch head[0] {
	case '!':
		return None, s.declaration()
	case '?':
		return None, s.skipTo("?>")
	}
	if err := s.readTag(); err != nil {
		return None, err
	}
	if s.tag[0] == '/' {
		return s.endTag(), nil
	}
	return s.start()
}

func (s *Scanner) declaration() error {
	if head, _ := s.r.Peek(8); bytes.Equal(head, []byte("![CDATA[")) {
		s.inData = true
		_, err := s.r.Discard(8)
		return err
	}
	if head, _ := s.r.Peek(3); bytes.Equal(head, []byte("!--")) {
		return s.skipTo("-->")
	}
	p, err := s.r.ReadSlice('>')
	if bytes.IndexByte(p, '[') >= 0 {
		s.fail(ErrEntities)
		return s.skipTo("]>")
	}
	return err
}

// skipTo skips to the end of a declaration.
func (s *Scanner) skipTo(end string) error {
	var last []byte
	for {
		p, err := s.r.ReadSlice('>')
		if err != nil && err != bufio.ErrBufferFull {
			return err
		}
		last = append(last, p[max(0, len(p)-len(end)):]...)
		if bytes.HasSuffix(last, []byte(end)) {
			return nil
		}
		last = append(last[:0], last[max(0, len(last)-len(end)):]...)
	}
}

// early returns the error of input that ends inside markup.
func early(err error) error {
	if err == io.EOF {
		return ErrBroken
	}
	return err
}

// readTag reads a tag without its brackets. ">" in a quoted value does not end
// it.
func (s *Scanner) readTag() error {
	s.tag = s.tag[:0]
	quote := byte(0)
	for {
		p, err := s.r.ReadSlice('>')
		for _, c := range p {
			switch {
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			case c == quote:
				quote = 0
			}
		}
		if len(s.tag) < maxTag {
			s.tag = append(s.tag, p...)
		}
		if err != nil && err != bufio.ErrBufferFull {
			return early(err)
		}
		if err == nil && quote == 0 {
			break
		}
	}
	s.tag = bytes.TrimSuffix(s.tag, []byte(">"))
	if len(s.tag) == 0 {
		s.tag = append(s.tag, '?')
	}
	return nil
}
