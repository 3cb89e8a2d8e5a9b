package document

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

func tabs(n int) string { return strings.Repeat("\t", n) }

// utf16le returns text in UTF-16.
func utf16le(s string) string {
	return string(le(utf16.Encode([]rune(s))...))
}

// le returns numbers in little-endian order.
func le[T uint8 | uint16 | uint32 | uint64](numbers ...T) []byte {
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, numbers)
	return b.Bytes()
}

// png returns the head of a picture.
func png(width, height uint32) string {
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	b = binary.BigEndian.AppendUint32(b, width)
	return string(binary.BigEndian.AppendUint32(b, height))
}

// node is a storage or stream of a compound file.
type node struct {
	name    string
	content string
	inside  []node // of a storage
}

// compound returns an OLE compound file. All streams are in the mini stream,
// whose sectors begin at the third.
func compound(nodes ...node) []byte {
	const none, end = 0xffffffff, 0xfffffffe
	var entries, mini bytes.Buffer
	var minis []uint32
	count := uint32(0)
	add := func(name string, kind byte, down, right, start, size uint32) {
		var e [128]byte
		copy(e[:], utf16le(name))
		binary.LittleEndian.PutUint16(e[64:], uint16(2*len(utf16.Encode([]rune(name)))+2))
		e[66] = kind
		copy(e[68:], le(uint32(none), right, down))
		copy(e[116:], le(start, size))
		entries.Write(e[:])
	}
	var all func(nodes []node)
	var total func(nodes []node) uint32
	total = func(nodes []node) (n uint32) {
		for _, x := range nodes {
			n += 1 + total(x.inside)
		}
		return n
	}
	all = func(nodes []node) {
		for i, x := range nodes {
			count++
			right := uint32(none)
			if i < len(nodes)-1 {
				right = count + 1 + total(x.inside)
			}
			if x.inside != nil {
				add(x.name, 1, count+1, right, 0, 0)
				all(x.inside)
				continue
			}
			start, size := uint32(len(minis)), uint32(len(x.content))
			for n := uint32(0); n < size; n += 64 {
				minis = append(minis, uint32(len(minis)+1))
			}
			if size == 0 {
				start = end
			} else {
				minis[len(minis)-1] = end
			}
			mini.WriteString(x.content)
			mini.Write(make([]byte, (64-len(x.content)%64)%64))
			add(x.name, 2, none, right, start, size)
		}
	}
	all(nodes)
	sectors := func(n int) uint32 { return uint32((n + 511) / 512) }
	pad := func(p []byte) []byte { return append(p, make([]byte, (512-len(p)%512)%512)...) }
	miniFAT, miniStream := sectors(4*len(minis)), sectors(mini.Len())
	directory := sectors(128 + entries.Len())
	streamAt, directoryAt := 1+miniFAT, 1+miniFAT+miniStream
	root := entries.Bytes()
	entries = bytes.Buffer{}
	add("Root Entry", 5, 1, none, streamAt, uint32(mini.Len()))
	table := le(uint32(0xfffffffd))
	for _, run := range []uint32{miniFAT, miniStream, directory} {
		for i := range run {
			next := uint32(len(table)/4) + 1
			if i == run-1 {
				next = end
			}
			table = append(table, le(next)...)
		}
	}
	header := make([]byte, 76, 512)
	copy(header, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	copy(header[24:], le[uint16](0x3e, 3, 0xfffe, 9, 6))
	copy(header[44:], le(uint32(1), directoryAt, 0, 4096, 1, miniFAT, uint32(end), 0))
	header = append(header, le(uint32(0))...)
	for len(header) < 512 {
		header = append(header, le(uint32(none))...)
	}
	return bytes.Join([][]byte{header, pad(table), pad(le(minis...)), pad(mini.Bytes()), pad(append(entries.Bytes(), root...))}, nil)
}
