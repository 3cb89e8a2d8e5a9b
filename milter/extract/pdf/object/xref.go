package object

import (
	"bytes"

	"github.com/postseal/postseal/rules/finding"
)

// readXref reads the cross-reference sections, the newest first. An object's
// newest entry counts.
func (f *File) readXref() {
	at := bytes.LastIndex(f.data, []byte("startxref"))
	if at < 0 {
		return
	}
	p := &Parser{data: f.data, pos: at + len("startxref")}
	next := []token{p.token()}
	seen := make(map[int]bool)
	for len(next) > 0 {
		offset := int(next[0].num)
		if next[0].kind != number || offset < 0 || offset >= len(f.data) {
			return
		}
		next = next[1:]
		if seen[offset] {
			f.report(finding.Damaged) // a loop
			continue
		}
		seen[offset] = true
		trailer := f.section(offset)
		if f.Trailer == nil {
			f.Trailer = trailer
			f.crypt = f.openCrypt()
		}
		for _, key := range []Name{"XRefStm", "Prev"} {
			if n, ok := trailer[key].(float64); ok {
				next = append(next, token{kind: number, num: n})
			}
		}
	}
}

// section reads a table or a stream of entries. It returns its trailer.
func (f *File) section(offset int) Dict {
	p := &Parser{data: f.data, pos: offset, values: mostValues}
	first := p.token()
	if string(first.text) == "xref" {
		return f.table(p)
	}
	if first.kind != number {
		return nil
	}
	v, _, _ := f.loadPlain(int(first.num), offset)
	s, ok := v.(*Stream)
	if !ok {
		return nil
	}
	s.ref = Ref{Num: -1} // such a stream is not encrypted
	f.xrefStream(s)
	return s.Dict
}

func (f *File) add(num int, e entry) bool {
	if _, ok := f.entries[num]; !ok && num >= 0 {
		f.entries[num] = e
	}
	return f.Spend(perEntry)
}

// table reads "first count", and "offset gen n" or "offset gen f" for each
// object.
func (f *File) table(p *Parser) Dict {
	for {
		t := p.token()
		if t.kind != number {
			if string(t.text) != "trailer" {
				return nil
			}
			d, _ := p.object(p.token(), 0).(Dict)
			f.charge(p, 0)
			return d
		}
		first, count := int(t.num), p.token()
		for i := range int(min(count.num, 1<<31)) {
			offset, gen, in := p.token(), p.token(), p.token()
			if offset.kind != number || gen.kind != number || in.kind != word {
				return nil
			}
			if string(in.text) != "n" {
				continue // the object may be in XRefStm, which old viewers do not read
			}
			if !f.add(first+i, entry{kind: plain, offset: int(offset.num)}) {
				return nil
			}
		}
	}
}

// xrefStream reads entries of three fields: the kind, and an offset or the number
// of an object stream. The third is not needed.
func (f *File) xrefStream(s *Stream) {
	var w [3]float64
	if f.Numbers(s.Dict["W"], w[:]) < 3 || w[0] < 0 || w[1] < 1 || w[2] < 0 || w[0]+w[1]+w[2] > 100 {
		return
	}
	index := f.Array(s.Dict["Index"])
	if index == nil {
		index = Array{0.0, s.Dict["Size"]}
	}
	data, size := f.Decode(s), int(w[0]+w[1]+w[2])
	for ; len(index) >= 2; index = index[2:] {
		first := f.Int(index[0], 0)
		for i := 0; i < f.Int(index[1], 0) && len(data) >= size; i++ {
			e := entry{kind: plain}
			if w[0] > 0 {
				e.kind = entryKind(min(bigEndian(data[:int(w[0])]), 3))
			}
			e.offset = bigEndian(data[int(w[0]):int(w[0]+w[1])])
			data = data[size:]
			if !f.add(first+i, e) {
				return
			}
		}
	}
}

func bigEndian(octets []byte) (n int) {
	for _, c := range octets {
		n = n<<8&(1<<50-1) | int(c)
	}
	return n
}
