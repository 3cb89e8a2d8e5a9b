package maillog

import (
	"encoding/json"
	"strconv"
	"strings"
)

// scanner reads the JSON of a line. It is several times as fast as encoding/json.
// Strings of the line are parts of text, without a copy.
type scanner struct {
	text string
	at   int
	bad  bool // the text is no JSON, or has another type; nothing more is read
}

func (s *scanner) fail() {
	s.bad = true
	s.at = len(s.text)
}

// next returns the next octet after blanks, or 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// take skips an octet that must come next.
func (s *scanner) take(c byte) bool {
	if s.next() != c {
		s.fail()
		return false
	}
	s.at++
	return true
}

// str reads a string.
func (s *scanner) str() string {
	if !s.take('"') {
		return ""
	}
	start := s.at
	for i := start; i < len(s.text); i++ {
		switch s.text[i] {
		case '"':
			s.at = i + 1
			return s.text[start:i]
		case '\\':
			return s.escaped(start)
		}
	}
	s.fail()
	return ""
}

// escaped reads the rest of a string that begins at start and has escapes.
func (s *scanner) escaped(start int) (text string) {
	for i := start; i < len(s.text); i++ {
		switch s.text[i] {
		case '\\':
			i++
		case '"':
			s.at = i + 1
			if json.Unmarshal([]byte(s.text[start-1:s.at]), &text) != nil {
				s.fail()
			}
			return text
		}
	}
	s.fail()
	return ""
}

// number reads a whole number.
func (s *scanner) number() int64 {
	s.next()
	start := s.at
	for s.at < len(s.text) && (s.text[s.at] == '-' || '0' <= s.text[s.at] && s.text[s.at] <= '9') {
		s.at++
	}
	n, err := strconv.ParseInt(s.text[start:s.at], 10, 64)
	if err != nil {
		s.fail()
	}
	return n
}

// isNull skips null, and reports whether it came next.
func (s *scanner) isNull() bool {
	if s.next() != 'n' || !strings.HasPrefix(s.text[s.at:], "null") {
		return false
	}
	s.at += len("null")
	return true
}

// object calls value for each key. value must read the value.
func (s *scanner) object(value func(key string)) {
	s.list('{', '}', func() {
		key := s.str()
		if s.take(':') && !s.isNull() {
			value(key)
		}
	})
}

// array calls value for each element.
func (s *scanner) array(value func()) { s.list('[', ']', value) }

func (s *scanner) list(first, last byte, element func()) {
	if !s.take(first) {
		return
	}
	if s.next() == last {
		s.at++
		return
	}
	for !s.bad {
		element()
		switch s.next() {
		case ',':
			s.at++
		case last:
			s.at++
			return
		default:
			s.fail()
		}
	}
}

// skip reads a value of any kind.
func (s *scanner) skip() {
	depth := 0
	for {
		switch s.next() {
		case '"':
			s.str()
		case '{', '[':
			depth++
			s.at++
		case '}', ']':
			depth--
			s.at++
		case ',', ':':
			if s.at++; depth == 0 {
				s.fail()
			}
		case 0:
			s.fail()
			return
		default:
			for s.at < len(s.text) && strings.IndexByte(",:]} \t\r\n\"{[", s.text[s.at]) < 0 {
				s.at++
			}
		}
		if depth <= 0 {
			if depth < 0 {
				s.fail()
			}
			return
		}
	}
}

// word reads a string that is one of the words.
func word[T ~uint8](s *scanner, words wordsOf[T]) T { return keyword(s, s.str(), words) }

// keyword returns the value of a word.
func keyword[T ~uint8](s *scanner, text string, words wordsOf[T]) T {
	for value, word := range words {
		if word == text {
			return T(value)
		}
	}
	s.fail()
	return 0
}

// wordsOf has the names of a type's values, which count from 0.
type wordsOf[T ~uint8] []string

func words[T interface {
	~uint8
	String() string
}](values ...T) wordsOf[T] {
	list := make(wordsOf[T], len(values))
	for _, value := range values {
		list[value] = value.String()
	}
	return list
}
