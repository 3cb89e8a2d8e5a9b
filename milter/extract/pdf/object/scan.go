package object

import "bytes"

// scan is what a look through the whole file finds, whatever its
// cross-reference sections say.
type scan struct {
	entries  map[int]entry
	trailers []Dict
	roots    []Ref // catalogs
}

// rescue uses the scan alone.
func (f *File) rescue() {
	s := f.scanFile()
	f.entries = s.entries
	clear(f.cache)
	clear(f.packs)
	for _, d := range s.trailers {
		if f.Dict(f.Dict(d["Root"])["Pages"]) != nil {
			f.Trailer = d
		}
	}
	for _, root := range s.roots {
		if f.Dict(f.Catalog()["Pages"]) == nil && f.Dict(f.Dict(root)["Pages"]) != nil {
			f.Trailer = Dict{"Root": root, "Encrypt": f.Trailer["Encrypt"], "ID": f.Trailer["ID"]}
		}
	}
	if f.crypt == nil {
		f.crypt = f.openCrypt()
	}
}

// scanFile searches for "num gen obj". The last object with a number counts.
func (f *File) scanFile() *scan {
	if f.scanned != nil {
		return f.scanned
	}
	s := &scan{entries: make(map[int]entry)}
	f.scanned = s
	var streams []int // numbers of object streams
	for pos := 0; f.Spend(perEntry); {
		n := bytes.Index(f.data[pos:], []byte("obj"))
		if n < 0 {
			break
		}
		pos += n + len("obj")
		num, start, ok := objectHead(f.data, pos-len("obj"))
		if !ok {
			continue
		}
		s.entries[num] = entry{kind: plain, offset: start}
		head := f.data[pos:min(len(f.data), pos+400)]
		if n := bytes.Index(head, []byte("endobj")); n >= 0 {
			head = head[:n]
		}
		if bytes.Contains(head, []byte("ObjStm")) {
			streams = append(streams, num)
		}
		if bytes.Contains(head, []byte("/Catalog")) {
			s.roots = append(s.roots, Ref{Num: num})
		}
		if bytes.Contains(head, []byte("XRef")) {
			if d, ok := f.dictAt(pos); ok {
				s.trailers = append(s.trailers, d)
			}
		}
	}
	f.scanTrailers(s)
	f.scanStreams(s, streams)
	return s
}

// objectHead reads "num gen " backwards from before obj.
func objectHead(data []byte, end int) (num, start int, ok bool) {
	back := func(is func(byte) bool) int {
		from := end
		for end > 0 && from-end < 10 && is(data[end-1]) {
			end--
		}
		return from - end
	}
	isBlank := func(c byte) bool { return class[c] == blank }
	back(isBlank)
	if back(isDigit) == 0 || back(isBlank) == 0 {
		return 0, 0, false
	}
	n := back(isDigit)
	value, _ := parseNumber(data[end : end+n])
	return int(value), end, n > 0
}

// mostTrailer is how long a trailer is, because a damaged one has no end.
const mostTrailer = 1 << 16

func (f *File) dictAt(pos int) (Dict, bool) {
	p := &Parser{data: f.data[:min(len(f.data), pos+mostTrailer)], pos: pos, values: mostValues, scratch: f.scratch}
	d, ok := p.object(p.token(), 0).(Dict)
	f.scratch = p.scratch
	f.charge(p, 4*(p.pos-pos))
	return d, ok
}

func (f *File) scanTrailers(s *scan) {
	for pos := 0; f.Spend(perEntry); {
		n := bytes.Index(f.data[pos:], []byte("trailer"))
		if n < 0 {
			break
		}
		pos += n + len("trailer")
		if d, ok := f.dictAt(pos); ok {
			s.trailers = append(s.trailers, d)
		}
	}
	if f.Trailer != nil {
		return
	}
	for _, d := range s.trailers {
		if f.Trailer == nil || d["Encrypt"] != nil && f.Trailer["Encrypt"] == nil {
			f.Trailer = d
		}
	}
	f.entries = s.entries
	f.crypt = f.openCrypt()
}

// scanStreams adds the objects in object streams. A plain object that is behind
// the stream is newer.
func (f *File) scanStreams(s *scan, streams []int) {
	for _, num := range streams {
		e := s.entries[num]
		if old, ok := f.entries[num]; !ok || old.kind != plain {
			f.entries[num] = e
		}
		p := f.pack(num)
		if p == nil {
			continue
		}
		for inner := range p.offsets {
			if old := s.entries[inner]; old.kind != plain || old.offset < e.offset {
				s.entries[inner] = entry{kind: compressed, offset: num}
			}
			if !f.Spend(perEntry) {
				return
			}
		}
	}
}
