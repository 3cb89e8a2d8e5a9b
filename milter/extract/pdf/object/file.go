package object

import (
	"bytes"
	"errors"
	"io"

	"github.com/postseal/postseal/rules/finding"
)

// entry is where an object is.
type entry struct {
	offset int // in the file, or the number of the object stream
	kind   entryKind
}

type entryKind byte

const (
	free entryKind = iota
	plain
	compressed
)

// File is a PDF file.
type File struct {
	Trailer Dict

	data    []byte
	entries map[int]entry
	scanned *scan // nil before the file was scanned
	crypt   *crypt
	report  func(finding.Reason)
	left    int // what may still be spent

	cache     map[int]any
	cached    int // values in the cache
	resolving map[int]bool
	packs     map[int]*pack
	packed    int // octets in packs
	inflater  io.ReadCloser
	scratch   []byte
	endless   int // the lowest position behind which there is no endstream
}

// errNoPDF means that octets are not a PDF file.
var errNoPDF = errors.New("not a PDF file")

// Memory and work are limited to a multiple of the file's size and a constant.
// The unit is an octet that a filter returns.
const (
	unpackedOctets = 256 << 20 // for the file
	perOctet       = 16        // for each octet of the file
	perValue       = 16
	perEntry       = 250
	mostCached     = 1 << 20 // values
	mostPacked     = 48 << 20
)

// Open reads the cross-references of a file. It calls report, now and later, with
// the reason why an object could not be read.
func Open(r io.ReaderAt, size int64, report func(finding.Reason)) (*File, error) {
	data := make([]byte, size)
	n, err := r.ReadAt(data, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	f := &File{
		data: data[:n], report: report, endless: n, left: unpackedOctets + perOctet*n,
		entries: make(map[int]entry), cache: make(map[int]any),
		resolving: make(map[int]bool), packs: make(map[int]*pack),
	}
	f.readXref()
	if f.Dict(f.Catalog()["Pages"]) == nil {
		f.rescue()
	}
	if len(f.entries) == 0 {
		return nil, errNoPDF
	}
	return f, nil
}

// Catalog returns the dictionary that refers to everything else.
func (f *File) Catalog() Dict { return f.Dict(f.Trailer["Root"]) }

// IsLocked reports whether the file needs a password.
func (f *File) IsLocked() bool { return f.crypt != nil && f.crypt.locked }

// Spend counts work of n octets. It returns false after the file has cost too
// much. Then the reader must stop.
func (f *File) Spend(n int) bool {
	if f.left < 0 {
		return false
	}
	if f.left -= n; f.left < 0 {
		f.report(finding.TooLarge)
	}
	return f.left >= 0
}

// Objects calls visit with each object of the file, in no order.
func (f *File) Objects(visit func(ref Ref, v any)) {
	for num := range f.entries {
		visit(Ref{Num: num}, f.resolve(num))
	}
}

func (f *File) resolve(num int) any {
	if v, ok := f.cache[num]; ok {
		return v
	}
	if f.resolving[num] || !f.Spend(perEntry) {
		return nil
	}
	f.resolving[num] = true
	v, values := f.load(num)
	delete(f.resolving, num)
	if f.cached += values + 1; f.cached > mostCached {
		f.cached = values + 1
		clear(f.cache)
	}
	f.cache[num] = v
	return v
}

// load returns an object and how many values it holds. An object that is not
// where the file says is searched for in the whole file.
func (f *File) load(num int) (any, int) {
	e, ok := f.entries[num]
	if ok && e.kind == free {
		return nil, 0
	}
	v, values, found := f.loadAt(num, e)
	if !ok || !found {
		if e, ok = f.scanFile().entries[num]; !ok {
			return nil, 0
		}
		f.entries[num] = e
		v, values, _ = f.loadAt(num, e)
	}
	return v, values
}

func (f *File) loadAt(num int, e entry) (v any, values int, found bool) {
	switch e.kind {
	case plain:
		return f.loadPlain(num, e.offset)
	case compressed:
		return f.loadCompressed(num, e.offset)
	}
	return nil, 0, false
}

// loadPlain reads "num gen obj …" at an offset.
func (f *File) loadPlain(num, offset int) (v any, values int, found bool) {
	if offset < 0 || offset >= len(f.data) {
		return nil, 0, false
	}
	p := &Parser{data: f.data, pos: offset, values: mostValues}
	head, gen, obj := p.token(), p.token(), p.token()
	if head.kind != number || gen.kind != number || string(obj.text) != "obj" || int(head.num) != num {
		return nil, 0, false
	}
	list, last := p.list(end, 0)
	f.charge(p, p.pos-offset)
	if len(list) == 0 {
		return nil, 0, true
	}
	ref := Ref{num, int(gen.num)}
	v = f.crypt.object(list[0], ref, 0)
	if d, ok := v.(Dict); ok && last == "stream" {
		v = &Stream{Dict: d, ref: ref, raw: f.streamOctets(d, p.pos)}
	}
	return v, mostValues - p.values, true
}

// charge counts what the parser did.
func (f *File) charge(p *Parser, octets int) {
	if p.tooDeep {
		f.report(finding.TooDeep)
	}
	if p.tooMany {
		f.report(finding.TooLarge)
	}
	f.Spend(octets + perValue*(mostValues-p.values))
}

// streamOctets returns the octets behind the word stream. If the length in the
// dictionary does not lead to endstream, they end at the next one.
func (f *File) streamOctets(d Dict, start int) []byte {
	rest := f.data[start:]
	switch {
	case bytes.HasPrefix(rest, []byte("\r\n")):
		start += 2
	case len(rest) > 0 && (rest[0] == '\n' || rest[0] == '\r'):
		start++
	}
	length := f.Int(d["Length"], -1)
	if length >= 0 && length <= len(f.data)-start {
		p := Parser{data: f.data[:min(len(f.data), start+length+100)], pos: start + length}
		p.skipBlanks()
		if bytes.HasPrefix(f.data[p.pos:], []byte("endstream")) || bytes.HasPrefix(f.data[p.pos:], []byte("endobj")) {
			return f.data[start : start+length]
		}
	}
	n := -1
	if start < f.endless {
		n = bytes.Index(f.data[start:], []byte("endstream"))
	}
	if n < 0 {
		f.endless = min(f.endless, start)
		f.report(finding.Damaged)
		n = len(f.data) - start
	}
	f.Spend(n)
	return f.data[start : start+n]
}
