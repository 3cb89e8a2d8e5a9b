package ole

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

const none = 0xffffffff

func numbers(n ...uint32) (b []byte) {
	for _, x := range n {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	return b
}

// entry returns an entry of a directory.
func entry(kind byte, right, down, start, size uint32) []byte {
	e := make([]byte, entrySize)
	copy(e, "a\x00")
	e[64], e[66] = 4, kind
	copy(e[68:], numbers(none, right, down))
	copy(e[116:], numbers(start, size))
	return e
}

// compound returns a file of sectors: first those of the table, then those of
// the directory, then others.
func compound(directory []byte, table func(sector, tables, directories uint32) uint32, more []byte) []byte {
	directory = append(directory, make([]byte, (512-len(directory)%512)%512)...)
	directories := uint32(len(directory) / 512)
	count := directories + uint32(len(more)/512)
	tables := (count + 127) / 128
	tables = (count + tables + 127) / 128
	header := make([]byte, 76)
	copy(header, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	header[30] = 9
	copy(header[44:], numbers(tables, tables, 0, 4096, endOfChain, 0, endOfChain, 0))
	for i := range uint32(109) {
		n := uint32(none)
		if i < tables {
			n = i
		}
		header = append(header, numbers(n)...)
	}
	var fat []byte
	for i := range tables * 128 {
		fat = append(fat, numbers(table(i, tables, directories))...)
	}
	return bytes.Join([][]byte{header, fat, directory, more}, nil)
}

// inOrder chains the sectors of the directory.
func inOrder(sector, tables, directories uint32) uint32 {
	if sector >= tables && sector < tables+directories-1 {
		return sector + 1
	}
	return endOfChain
}

// TestNestedStorages holds that storages inside storages cost time and memory in
// proportion to their number.
func TestNestedStorages(t *testing.T) {
	const count = 13_000
	directory := entry(kindRoot, none, 1, endOfChain, 0)
	for i := range uint32(count) {
		directory = append(directory, entry(kindStorage, none, i+2, endOfChain, 0)...)
	}
	start := time.Now()
	f, err := New(bytes.NewReader(compound(directory, inOrder, nil)))
	if took := time.Since(start); took > 2*time.Second {
		t.Error("took", took)
	}
	if !errors.Is(err, ErrBroken) || len(f.Entries) < count { // the last names one that is not there
		t.Errorf("got %v", err)
	}
}

// TestLoops holds that neither a chain nor a directory without an end is
// followed forever.
func TestLoops(t *testing.T) {
	directory := append(entry(kindRoot, none, 1, endOfChain, 0), entry(kindStream, 1, none, 2, 1<<31)...)
	data := compound(directory, func(sector, tables, directories uint32) uint32 {
		if sector == 2 {
			return 2
		}
		return inOrder(sector, tables, directories)
	}, make([]byte, 512))
	f, err := New(bytes.NewReader(data))
	if !errors.Is(err, ErrBroken) {
		t.Fatalf("got %v", err)
	}
	content, err := f.Bytes(f.Find(0, "A"))
	if !errors.Is(err, ErrBroken) || len(content) > 128*512 {
		t.Errorf("got %d octets, %v", len(content), err)
	}
}

// TestCut holds that a file that ends early is read as far as it goes.
func TestCut(t *testing.T) {
	directory := append(entry(kindRoot, none, 1, endOfChain, 0), entry(kindStream, none, none, 2, 4096)...)
	data := compound(directory, func(sector, tables, directories uint32) uint32 {
		if sector >= 2 && sector < 9 {
			return sector + 1
		}
		return inOrder(sector, tables, directories)
	}, bytes.Repeat([]byte("x"), 4096))
	for cut, want := range map[int]int{0: 4096, 100: 3996, 4000: 96} {
		f, err := New(bytes.NewReader(data[:len(data)-cut]))
		if err != nil {
			t.Fatal(err)
		}
		content, err := f.Bytes(1)
		if len(content) != want || (err == nil) != (cut == 0) {
			t.Errorf("cut by %d: got %d octets, %v", cut, len(content), err)
		}
	}
}
