package legacy

import (
	"unicode/utf16"

	"github.com/postseal/postseal/milter/extract/document/flow"
)

// segments reads a record that others continue.
type segments struct {
	parts [][]byte
	err   error
}

// take returns up to n octets of one part.
func (s *segments) take(n int) []byte {
	for len(s.parts) > 0 && len(s.parts[0]) == 0 {
		s.parts = s.parts[1:]
	}
	if len(s.parts) == 0 {
		s.err = flow.ErrDamaged
		return nil
	}
	n = min(n, len(s.parts[0]))
	p := s.parts[0][:n]
	s.parts[0] = s.parts[0][n:]
	return p
}

// octets returns n octets.
func (s *segments) octets(n int) (all []byte) {
	for n > 0 && s.err == nil {
		p := s.take(n)
		all, n = append(all, p...), n-len(p)
	}
	return all
}

func (s *segments) skip(n int) {
	for n > 0 && s.err == nil {
		n -= len(s.take(n))
	}
}

func (s *segments) uint8() byte { return append(s.octets(1), 0)[0] }

func (s *segments) uint16() uint16 { return le.Uint16(append(s.octets(2), 0, 0)) }

func (s *segments) uint32() uint32 { return le.Uint32(append(s.octets(4), 0, 0, 0, 0)) }

// Flags of a string ([MS-XLS], section 2.5.293).
const (
	wideChars = 1
	extended  = 4
	rich      = 8
)

// unicode reads a string of n characters, with its flags before it and its
// formatting after it.
func (s *segments) unicode(n int) string {
	flags := s.uint8()
	after := 0
	if flags&rich != 0 {
		after = 4 * int(s.uint16())
	}
	if flags&extended != 0 {
		after += int(s.uint32())
	}
	text := s.chars(n, flags&wideChars != 0)
	s.skip(after)
	return text
}

// chars reads n characters. In each part that continues them, flags say again
// how wide they are.
func (s *segments) chars(n int, isWide bool) string {
	var units []uint16
	for n > 0 && s.err == nil {
		if len(s.parts) > 0 && len(s.parts[0]) == 0 {
			isWide = s.uint8()&wideChars != 0
			continue
		}
		width := 1
		if isWide {
			width = 2
		}
		p := s.take(n * width)
		for i := 0; i+width <= len(p); i += width {
			if isWide {
				units = append(units, le.Uint16(p[i:]))
			} else {
				units = append(units, uint16(p[i]))
			}
			n--
		}
		if len(p) < width {
			s.err = flow.ErrDamaged
		}
	}
	return string(utf16.Decode(units))
}
