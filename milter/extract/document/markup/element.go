package markup

import (
	"bytes"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// start reads a start tag.
func (s *Scanner) start() (Kind, error) {
	if len(s.path) >= maxDepth {
		return None, ErrDepth
	}
	s.closes = s.tag[len(s.tag)-1] == '/'
	s.Name = s.intern(localName(s.tag))
	s.path = append(s.path, s.Name)
	return Start, nil
}

// endTag returns the end of the element that the tag names, and of those that
// are open inside it. Without such an element, the tag is left out.
func (s *Scanner) endTag() Kind {
	name := s.intern(localName(s.tag[1:]))
	for i := len(s.path) - 1; i >= 0; i-- {
		if s.path[i] != name {
			continue
		}
		if isOpen := func(name string) bool { return name != "br" }; slices.ContainsFunc(s.path[i+1:], isOpen) {
			s.fail(ErrBroken) // Excel writes <br> as in HTML
		}
		s.path = s.path[:i+1]
		s.Name, s.ended = name, true
		return End
	}
	s.fail(ErrBroken)
	return None
}

// localName returns the name that begins a tag, without its prefix.
func localName(tag []byte) []byte {
	end := bytes.IndexAny(tag, " \t\r\n/")
	if end >= 0 {
		tag = tag[:end]
	}
	return tag[bytes.LastIndexByte(tag, ':')+1:]
}

func (s *Scanner) intern(name []byte) string {
	if known, ok := s.names[string(name)]; ok {
		return known
	}
	text := string(name)
	if len(s.names) < maxNames {
		s.names[text] = text
	}
	return text
}

// Attr returns the attribute of the element that starts, of any namespace.
func (s *Scanner) Attr(name string) string {
	rest := s.tag
	if i := bytes.IndexAny(rest, " \t\r\n"); i >= 0 {
		rest = rest[i:]
	} else {
		return ""
	}
	for {
		key, value, after, ok := attribute(rest)
		if !ok {
			return ""
		}
		if string(localName(key)) == name {
			return string(Unescape(nil, value))
		}
		rest = after
	}
}

// Int returns the attribute as a number; fallback if it is none.
func (s *Scanner) Int(name string, fallback int) int {
	n, err := strconv.Atoi(s.Attr(name))
	if err != nil {
		return fallback
	}
	return n
}

// attribute splits the first attribute off a tag.
func attribute(p []byte) (key, value, rest []byte, ok bool) {
	p = bytes.TrimLeft(p, " \t\r\n")
	equals := bytes.IndexByte(p, '=')
	if equals < 0 {
		return nil, nil, nil, false
	}
	key = bytes.TrimSpace(p[:equals])
	p = bytes.TrimLeft(p[equals+1:], " \t\r\n")
	if len(p) == 0 || p[0] != '"' && p[0] != '\'' {
		return nil, nil, nil, false
	}
	end := bytes.IndexByte(p[1:], p[0])
	if end < 0 {
		return nil, nil, nil, false
	}
	return key, p[1 : 1+end], p[end+2:], true
}

// entities are those that XML defines, and the blank that HTML authors expect.
var entities = map[string]string{"amp": "&", "lt": "<", "gt": ">", "quot": `"`, "apos": "'", "nbsp": "\u00a0"}

// maxEntity is the length of the longest entity.
const maxEntity = 12

// unescape returns text with its entities resolved. It keeps one that is cut at
// the end for the next text, unless the text is whole.
func (s *Scanner) unescape(p []byte, whole bool) []byte {
	if len(s.carry) == 0 && bytes.IndexByte(p, '&') < 0 {
		return p
	}
	p = slices.Concat(s.carry, p)
	s.carry = s.carry[:0]
	if i := bytes.LastIndexByte(p, '&'); !whole && i >= 0 && len(p)-i < maxEntity && bytes.IndexByte(p[i:], ';') < 0 {
		s.carry = append(s.carry, p[i:]...)
		p = p[:i]
	}
	s.text = Unescape(s.text[:0], p)
	return s.text
}

// Unescape appends text with its entities resolved.
func Unescape(to, p []byte) []byte {
	for {
		i := bytes.IndexByte(p, '&')
		if i < 0 {
			return append(to, p...)
		}
		to = append(to, p[:i]...)
		p = p[i:]
		end := bytes.IndexByte(p[:min(len(p), maxEntity)], ';')
		if end < 0 {
			to, p = append(to, '&'), p[1:]
			continue
		}
		to = appendEntity(to, p[:end+1])
		p = p[end+1:]
	}
}

func appendEntity(to, entity []byte) []byte {
	name := entity[1 : len(entity)-1]
	if text, ok := entities[string(name)]; ok {
		return append(to, text...)
	}
	if len(name) < 2 || name[0] != '#' {
		return append(to, entity...)
	}
	digits, base := string(name[1:]), 10
	if digits[0] == 'x' || digits[0] == 'X' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	if err != nil {
		return append(to, entity...)
	}
	return utf8.AppendRune(to, rune(n))
}

// Root returns the name of the first element of r, and "" if r is not XML.
func Root(r io.Reader) string {
	s := New(r)
	for range 16 {
		switch s.Next() {
		case Start:
			return s.Name
		case None:
			return ""
		case Text:
			if len(bytes.TrimSpace(s.Text)) > 0 {
				return ""
			}
		}
	}
	return ""
}
