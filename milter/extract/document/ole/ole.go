// Package ole reads OLE compound files ([MS-CFB]), which hold the documents of
// older programs. It reads as much of a damaged file as it can.
package ole

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"unicode/utf16"
)

// ErrBroken is the error of a file that is damaged or ends early.
var ErrBroken = errors.New("broken compound file")

const (
	headerSize  = 512
	entrySize   = 128
	miniSize    = 64      // octets of a sector of the mini stream
	miniLimit   = 4096    // a stream that is smaller is in the mini stream
	maxSectors  = 1 << 22 // 2 GiB
	maxEntries  = 100_000
	endOfChain  = 0xfffffffe
	noEntry     = 0xffffffff
	kindStorage = 1
	kindStream  = 2
	kindRoot    = 5
)

// File is a compound file.
type File struct {
	// Entries are the storages and streams. The first is the root.
	Entries []Entry

	r      io.ReaderAt
	sector int64 // its size
	fat    []uint32
	mini   []uint32
	small  []uint32 // the sectors of the mini stream
	index  map[key]int
}

// key is what a stream is found by.
type key struct {
	storage int
	name    string // in lower case
}

// Entry is a storage or stream.
type Entry struct {
	Name    string
	Storage bool
	Parent  int // the entry of the storage that it is in; -1 for none

	start             uint32
	size              int64
	left, right, down uint32
}

// New reads the directory of a file. An error may come with a file of which a
// part can be read.
func New(r io.ReaderAt) (*File, error) {
	var header [headerSize]byte
	if _, err := r.ReadAt(header[:], 0); err != nil {
		return nil, ErrBroken
	}
	le := binary.LittleEndian
	f := &File{r: r, sector: headerSize}
	if le.Uint16(header[30:]) == 12 {
		f.sector = 4096
	}
	f.readFAT(header[:])
	f.mini = f.numbers(f.chain(le.Uint32(header[60:]), f.fat))
	err := f.directory(f.chain(le.Uint32(header[48:]), f.fat))
	return f, err
}

// offset returns where a sector is. The header has the place of one.
func (f *File) offset(sector uint32) int64 { return (int64(sector) + 1) * f.sector }

// read returns a sector, or what the file has of it.
func (f *File) read(sector uint32) []byte {
	buf := make([]byte, f.sector)
	n, _ := f.r.ReadAt(buf, f.offset(sector))
	return buf[:n]
}

// readFAT reads the table of the chains of sectors. The header names its first
// 109 sectors, and more sectors the others.
func (f *File) readFAT(header []byte) {
	le := binary.LittleEndian
	var sectors []uint32
	list := header[76:headerSize]
	next := le.Uint32(header[68:])
	for range maxSectors {
		for ; len(list) >= 4; list = list[4:] {
			if n := le.Uint32(list); n < endOfChain-4 {
				sectors = append(sectors, n)
			}
		}
		more := f.read(next)
		if next >= endOfChain-4 || int64(len(more)) < f.sector || len(sectors)*int(f.sector/4) > maxSectors {
			break
		}
		list, next = more[:f.sector-4], le.Uint32(more[f.sector-4:])
	}
	f.fat = f.numbers(sectors)
}

// numbers returns the numbers in sectors.
func (f *File) numbers(sectors []uint32) (numbers []uint32) {
	for _, sector := range sectors {
		if len(numbers) >= maxSectors {
			break
		}
		data := f.read(sector)
		if len(data) == 0 {
			break
		}
		for i := range int(f.sector / 4) {
			n := uint32(endOfChain)
			if 4*i+4 <= len(data) {
				n = binary.LittleEndian.Uint32(data[4*i:])
			}
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// chain returns the sectors of a stream. A chain that never ends is as long as
// the table.
func (f *File) chain(start uint32, table []uint32) (sectors []uint32) {
	for sector := start; int64(sector) < int64(len(table)) && len(sectors) < len(table); sector = table[sector] {
		sectors = append(sectors, sector)
	}
	return sectors
}

// directory reads the entries.
func (f *File) directory(sectors []uint32) error {
	for _, sector := range sectors {
		for data := f.read(sector); len(data) >= entrySize && len(f.Entries) < maxEntries; data = data[entrySize:] {
			f.Entries = append(f.Entries, f.entry(data))
		}
	}
	if len(f.Entries) == 0 {
		return ErrBroken
	}
	f.small = f.chain(f.Entries[0].start, f.fat)
	return f.tree()
}

func (f *File) entry(data []byte) Entry {
	le := binary.LittleEndian
	e := Entry{Parent: -1, left: le.Uint32(data[68:]), right: le.Uint32(data[72:]), down: le.Uint32(data[76:]), start: le.Uint32(data[116:]), size: int64(le.Uint32(data[120:]))}
	units := make([]uint16, 0, 32)
	for i := 0; i < 64 && i+2 < int(le.Uint16(data[64:])); i += 2 {
		units = append(units, le.Uint16(data[i:]))
	}
	e.Name = string(utf16.Decode(units))
	switch data[66] {
	case kindStorage, kindRoot:
		e.Storage = true
	case kindStream:
	default:
		e.Name = ""
	}
	return e
}

// tree finds the storage that each entry is in. The entries of a storage are a
// binary tree.
func (f *File) tree() (err error) {
	type visit struct {
		entry  uint32
		parent int
	}
	seen := make([]bool, len(f.Entries))
	f.index = make(map[key]int)
	for todo := []visit{{f.Entries[0].down, 0}}; len(todo) > 0; {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if v.entry == noEntry {
			continue
		}
		if int64(v.entry) >= int64(len(f.Entries)) || seen[v.entry] {
			err = ErrBroken
			continue
		}
		seen[v.entry] = true
		e := &f.Entries[v.entry]
		e.Parent = v.parent
		todo = append(todo, visit{e.left, v.parent}, visit{e.right, v.parent})
		if !e.Storage {
			f.index[key{v.parent, strings.ToLower(e.Name)}] = int(v.entry)
		} else {
			todo = append(todo, visit{e.down, int(v.entry)})
		}
	}
	return err
}

// Find returns the stream of a storage, in any case; -1 if it has none.
func (f *File) Find(storage int, name string) int {
	if i, ok := f.index[key{storage, strings.ToLower(name)}]; ok {
		return i
	}
	return -1
}

// Bytes returns the content of a stream. An error may come with a part of it.
func (f *File) Bytes(i int) ([]byte, error) {
	e := f.Entries[i]
	sectors, size := f.chain(e.start, f.fat), f.sector
	isSmall := e.size < miniLimit
	if isSmall {
		sectors, size = f.chain(e.start, f.mini), miniSize
	}
	data := make([]byte, 0, min(e.size, int64(len(sectors))*size))
	for _, sector := range sectors {
		left := e.size - int64(len(data))
		if left <= 0 {
			break
		}
		at := f.offset(sector)
		if isSmall {
			per := f.sector / miniSize
			outer := int64(sector) / per
			if outer >= int64(len(f.small)) {
				return data, ErrBroken
			}
			at = f.offset(f.small[outer]) + int64(sector)%per*miniSize
		}
		n := int(min(size, left))
		part := data[len(data) : len(data)+n]
		got, _ := f.r.ReadAt(part, at)
		if data = data[:len(data)+got]; got < n {
			return data, ErrBroken
		}
	}
	if int64(len(data)) < e.size {
		return data, ErrBroken
	}
	return data, nil
}
