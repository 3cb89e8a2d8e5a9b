package table

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/postseal/postseal/rules/similar"
)

// nameSet is a set of names, each with a note. It takes few octets in addition to
// their text, and has no pointers that a garbage collection follows, because the
// accredited list can be long. index must be called after the last add.
type nameSet struct {
	text     strings.Builder // each name, a NUL and its note
	starts   []uint32        // where each name begins in the text
	slots    []uint32        // a hash table: the number of a name, from 1, below bits of its hash
	numbers  uint32          // the bits of a slot that are the number
	halves   []uint32        // a bit for the hash of each half of a name
	alphabet []byte          // the octets of all names
	longest  int
}

func (s *nameSet) add(name, note string) {
	s.starts = append(s.starts, uint32(s.text.Len()))
	s.text.WriteString(name)
	s.text.WriteByte(0)
	s.text.WriteString(note)
	s.longest = max(s.longest, len(name))
}

// at returns a name and its note.
func (s *nameSet) at(i int) (name, note string) {
	text := s.text.String()[s.starts[i]:]
	if i+1 < len(s.starts) {
		text = text[:s.starts[i+1]-s.starts[i]]
	}
	name, note, _ = strings.Cut(text, "\x00")
	return name, note
}

// index makes the hash table. At most half of the slots are used.
func (s *nameSet) index() {
	size := bits.Len(uint(len(s.starts)))
	s.slots, s.halves = make([]uint32, 2<<size), make([]uint32, 1<<size)
	s.numbers = 1<<size - 1
	var used [256]bool
	for i := range s.starts {
		name, _ := s.at(i)
		for j := range len(name) {
			used[name[j]] = true
		}
		for end, part := range []string{name[:len(name)/2], name[len(name)/2:]} {
			word, bit := s.half(part, end, len(name))
			s.halves[word] |= bit
		}
		h := spread(hash(name))
		slot := s.first(h)
		for s.slots[slot] != 0 {
			slot = (slot + 1) & (len(s.slots) - 1)
		}
		s.slots[slot] = uint32(h)&^s.numbers | uint32(i+1)
	}
	for octet, is := range used {
		if is {
			s.alphabet = append(s.alphabet, byte(octet))
		}
	}
}

// The hash of a text is the sum of its octets, each times a power of factor. The hash
// of an edited text then follows from that of the text itself.
const (
	factor  = 0x9e3779b97f4a7c15
	inverse = 0xf1de83e19937733d // factor*inverse is 1
)

func hash(text string) (h uint64) {
	power := uint64(1)
	for i := range len(text) {
		h += uint64(text[i]) * power
		power *= factor
	}
	return h
}

// spread makes all bits of a hash depend on each other.
func spread(h uint64) uint64 {
	h = (h ^ h>>32) * 0xd6e8feb86659fd93
	return h ^ h>>32
}

// first returns the first slot for a hash. The number of slots is a power of two.
func (s *nameSet) first(h uint64) int { return int(h>>32) & (len(s.slots) - 1) }

// half returns the place of the bit for names of the given length of which this is the
// first half or, if end is 1, the second.
func (s *nameSet) half(text string, end, length int) (word int, bit uint32) {
	h := spread(hash(text)*factor + uint64(2*length+end))
	return int(h>>32) & (len(s.halves) - 1), 1 << (h % 32)
}

// hasHalf reports whether a name may have such a half.
func (s *nameSet) hasHalf(text string, end, length int) bool {
	word, bit := s.half(text, end, length)
	return s.halves[word]&bit != 0
}

// find returns the number of a name, the least if it was added again.
func (s *nameSet) find(name string) (i int, found bool) {
	s.probe(hash(name), func(number int) (more bool) {
		other, _ := s.at(number)
		i, found = number, other == name
		return !found
	})
	return i, found
}

// probe calls match with the numbers of the names that may have the hash.
func (s *nameSet) probe(h uint64, match func(i int) (more bool)) {
	if len(s.slots) == 0 {
		return
	}
	h = spread(h)
	for slot := s.first(h); s.slots[slot] != 0; slot = (slot + 1) & (len(s.slots) - 1) {
		if (s.slots[slot]^uint32(h))&^s.numbers == 0 && !match(int(s.slots[slot]&s.numbers)-1) {
			return
		}
	}
}

// near returns the numbers of the names that are one edit away. It looks for each
// text that an edit can make: a list of the edits of each name would take several
// times the memory of the names. It need not try all octets if no name has the half
// that the edit leaves as it is.
func (s *nameSet) near(name string) (found []int) {
	n := len(name)
	if n == 0 || n > s.longest+1 || len(s.slots) == 0 {
		return nil
	}
	try := func(h uint64) {
		if s.slots[s.first(spread(h))] == 0 { // as in most cases
			return
		}
		s.probe(h, func(i int) bool {
			if other, _ := s.at(i); similar.OneEdit([]byte(name), []byte(other)) && !slices.Contains(found, i) {
				found = append(found, i)
			}
			return true
		})
	}
	half, longer := n/2, (n+1)/2                                                   // the first halves of names of n and of n+1 octets
	replace := [2]bool{s.hasHalf(name[half:], 1, n), s.hasHalf(name[:half], 0, n)} // before the middle, and after it
	insert := [2]bool{s.hasHalf(name[longer-1:], 1, n+1), s.hasHalf(name[:longer], 0, n+1)}
	after := func(middle, i int) int {
		if i < middle {
			return 0
		}
		return 1
	}
	whole := hash(name)
	before, power := uint64(0), uint64(1) // of the octets before i, and of i
	for i := range n + 1 {
		if insert[after(longer, i)] {
			inserted := before + (whole-before)*factor
			for _, octet := range s.alphabet {
				try(inserted + uint64(octet)*power)
			}
		}
		if i == n {
			break
		}
		own := uint64(name[i]) * power
		if replace[after(half, i)] {
			for _, octet := range s.alphabet {
				try(whole - own + uint64(octet)*power)
			}
		}
		try(before + (whole-before-own)*inverse)
		if i+1 < n {
			next := uint64(name[i+1]) * power
			try(whole - own - next*factor + next + own*factor)
		}
		before += own
		power *= factor
	}
	return found
}
