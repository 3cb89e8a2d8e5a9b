package font

import (
	"cmp"
	"slices"

	"github.com/postseal/postseal/milter/extract/pdf/object"
)

// cmap maps codes to text or to the numbers of glyphs.
type cmap struct {
	spaces     []span // the codes that there are
	spans      []span // sorted by from
	chars      map[int]target
	isVertical bool
	parent     *cmap
	size       int // how many targets there are
}

// span is a range of codes of some length in octets.
type span struct {
	from, to, octets int
	target           target
}

// target is what a code, or the first code of a range, is mapped to.
type target struct {
	text string   // UTF-16
	list []string // for a range: a text for each code
	cid  int
}

// mostText bounds the text of a code, which a page can show many times.
const mostText = 64

// mostTargets bounds the memory of a map. The codes beyond it are not known.
const mostTargets = 1 << 17

func loadToUnicode(f *object.File, d object.Dict) *cmap {
	s := f.Stream(d["ToUnicode"])
	if s == nil {
		return nil
	}
	return loadCMap(f, s, 0)
}

// loadCMap reads a stream. depth is how many maps use it.
func loadCMap(f *object.File, s *object.Stream, depth int) *cmap {
	m := &cmap{chars: make(map[int]target), isVertical: f.Int(s.Dict["WMode"], 0) == 1}
	if parent := f.Stream(s.Dict["UseCMap"]); parent != nil && depth < 5 {
		m.parent = loadCMap(f, parent, depth+1)
	}
	p := object.NewParser(f.Decode(s))
	var operands []any
	for {
		v, op, ok := p.Next()
		if !ok {
			break
		}
		if op == "" {
			if operands = append(operands, v); len(operands) > 1<<16 {
				operands = operands[:0]
			}
			continue
		}
		m.operator(op, operands)
		operands = operands[:0]
	}
	m.sort()
	return m
}

// sort puts the ranges in order. Of those that begin alike, the last counts.
func (m *cmap) sort() {
	slices.SortStableFunc(m.spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	spans := m.spans[:0]
	for i, s := range m.spans {
		if i+1 == len(m.spans) || m.spans[i+1].from != s.from {
			spans = append(spans, s)
		}
	}
	m.spans = spans
}

func (m *cmap) operator(op string, operands []any) {
	if m.size > mostTargets {
		return
	}
	switch op {
	case "endcodespacerange":
		for ; len(operands) >= 2; operands = operands[2:] {
			from, n := code(operands[0])
			to, _ := code(operands[1])
			if n > 0 && len(m.spaces) < 100 {
				m.spaces = append(m.spaces, span{from: from, to: to, octets: n})
			}
		}
	case "endbfchar", "endcidchar":
		for ; len(operands) >= 2; operands = operands[2:] {
			if from, n := code(operands[0]); n > 0 {
				m.chars[from] = m.target(operands[1])
			}
		}
	case "endbfrange", "endcidrange":
		for ; len(operands) >= 3; operands = operands[3:] {
			from, n := code(operands[0])
			to, _ := code(operands[1])
			if n > 0 && to >= from {
				m.spans = append(m.spans, span{from: from, to: to, octets: n, target: m.target(operands[2])})
			}
		}
	case "def":
		if n := len(operands); n >= 2 && operands[n-2] == object.Name("WMode") && operands[n-1] == 1.0 {
			m.isVertical = true
		}
	}
}

// code returns a code and how many octets it has, or 0.
func code(v any) (value, octets int) {
	s, _ := v.(object.String)
	return codeOf(string(s))
}

func codeOf(s string) (value, octets int) {
	if len(s) > 4 {
		return 0, 0
	}
	for i := range len(s) {
		value = value<<8 | int(s[i])
	}
	return value, len(s)
}

func (m *cmap) target(v any) (t target) {
	m.size++
	switch v := v.(type) {
	case float64:
		t.cid = int(v)
	case object.String:
		t.text = string(v[:min(len(v), mostText)])
	case object.Name: // some generators name the glyph
		s, _ := ofName(string(v))
		for _, r := range s {
			t.text += string([]byte{byte(r >> 8), byte(r)})
		}
	case object.Array:
		for _, item := range v[:min(len(v), 1<<16)] {
			t.list = append(t.list, m.target(item).text)
		}
	}
	return t
}

// find returns the target of a code and how far the code is behind the target's.
func (m *cmap) find(code int) (target, int, bool) {
	if t, ok := m.chars[code]; ok {
		return t, 0, true
	}
	i, found := slices.BinarySearchFunc(m.spans, code, func(s span, code int) int { return cmp.Compare(s.from, code) })
	if found {
		i++
	}
	if i > 0 && code <= m.spans[i-1].to {
		return m.spans[i-1].target, code - m.spans[i-1].from, true
	}
	if m.parent != nil {
		return m.parent.find(code)
	}
	return target{}, 0, false
}

// text returns the text of a code.
func (m *cmap) text(code int) (string, bool) {
	t, n, ok := m.find(code)
	if !ok {
		return "", false
	}
	if t.list != nil {
		if n >= len(t.list) {
			return "", false
		}
		return object.UTF16(t.list[n], 0, 1), true
	}
	s := []byte(t.text)
	if len(s) == 1 { // one octet, against the specification
		s = []byte{0, s[0]}
	}
	for i := len(s) - 1; i >= 0 && n > 0; i-- {
		n += int(s[i])
		s[i] = byte(n)
		n >>= 8
	}
	return object.UTF16(string(s), 0, 1), true
}

// cid returns the number of a code's glyph.
func (m *cmap) cid(code int) int {
	t, n, _ := m.find(code)
	return t.cid + n
}

// next returns the first code of a string.
func (m *cmap) next(s string) (value, octets int) {
	for octets = 1; octets <= 4 && octets <= len(s); octets++ {
		value = value<<8 | int(s[octets-1])
		for _, space := range m.spaces {
			if space.octets == octets && inSpace(value, space) {
				return value, octets
			}
		}
	}
	if m.parent != nil {
		return m.parent.next(s)
	}
	return two(s)
}

// inSpace compares octet by octet.
func inSpace(value int, s span) bool {
	for shift := 0; shift < 8*s.octets; shift += 8 {
		c := value >> shift & 0xff
		if c < s.from>>shift&0xff || c > s.to>>shift&0xff {
			return false
		}
	}
	return true
}

// two returns a code of two octets.
func two(s string) (value, octets int) {
	if len(s) < 2 {
		return int(s[0]), 1
	}
	return int(s[0])<<8 | int(s[1]), 2
}
