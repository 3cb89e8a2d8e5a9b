package sheet

// Strings are the strings of a workbook, to which its cells refer.
type Strings struct {
	text []byte
	ends []uint32
}

// Add adds text to the string that is last.
func (s *Strings) Add(p []byte) { s.text = append(s.text, p...) }

// End ends the string that is last.
func (s *Strings) End() { s.ends = append(s.ends, uint32(len(s.text))) }

// At returns a string; nil if there is none.
func (s *Strings) At(i int) []byte {
	if i < 0 || i >= len(s.ends) {
		return nil
	}
	start := uint32(0)
	if i > 0 {
		start = s.ends[i-1]
	}
	return s.text[start:s.ends[i]]
}

// Each calls f with each string.
func (s *Strings) Each(f func([]byte)) {
	for i := range s.ends {
		f(s.At(i))
	}
}
