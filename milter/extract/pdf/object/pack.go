package object

import "github.com/postseal/postseal/rules/finding"

// pack is an object stream: objects that are compressed together.
type pack struct {
	data    []byte
	offsets map[int]int // by the object's number
}

// loadCompressed reads an object from an object stream.
func (f *File) loadCompressed(num, stream int) (v any, values int, found bool) {
	p := f.pack(stream)
	if p == nil {
		return nil, 0, false
	}
	offset, ok := p.offsets[num]
	if !ok {
		return nil, 0, false
	}
	parser := &Parser{data: p.data, pos: offset, values: mostValues}
	v = parser.object(parser.token(), 0)
	f.charge(parser, parser.pos-offset)
	return v, mostValues - parser.values, true
}

func (f *File) pack(num int) *pack {
	if p, ok := f.packs[num]; ok {
		return p
	}
	s, ok := f.resolve(num).(*Stream)
	if !ok {
		return nil
	}
	p := &pack{data: f.Decode(s), offsets: make(map[int]int)}
	first := f.Int(s.Dict["First"], 0)
	parser := NewParser(p.data)
	for range f.Int(s.Dict["N"], 0) {
		num, offset := parser.token(), parser.token()
		if num.kind != number || offset.kind != number || !f.Spend(perEntry) {
			break
		}
		at := first + int(offset.num)
		if at < 0 || at > len(p.data) || offset.num > 1<<31 {
			f.report(finding.Damaged)
			continue
		}
		p.offsets[int(num.num)] = at
	}
	if f.packed += len(p.data); f.packed > mostPacked {
		f.packed = len(p.data)
		clear(f.packs)
	}
	f.packs[num] = p
	return p
}
