package picture

import (
	"encoding/binary"
	"strings"
	"testing"
)

func le32(n ...int) string {
	var b []byte
	for _, v := range n {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return string(b)
}

func png(width, height int) string {
	b := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"), uint32(width))
	return string(binary.BigEndian.AppendUint32(b, uint32(height)))
}

func TestLarge(t *testing.T) {
	emf := "\x01\x00\x00\x00" + strings.Repeat("\x00", 20)
	for _, test := range []struct {
		name, start string
		is, large   bool
	}{
		{"the least scan", png(minSide, minSide), true, true},
		{"less wide", png(minSide-1, 5000), true, false},
		{"less high", png(5000, minSide-1), true, false},
		{"no size", png(0, 0), true, true},
		{"cut short", png(9, 9)[:20], true, true},
		{"BMP upside down", "BM" + strings.Repeat("\x00", 16) + le32(2000, -2000), true, true},
		{"small BMP", "BM" + strings.Repeat("\x00", 16) + le32(20, -20), true, false},
		{"a counting pixel", "GIF89a\x01\x00\x01\x00", true, false},
		{"EMF", emf + le32(0, 0, 20000, 28000) + " EMF", true, true},
		{"small EMF", emf + le32(0, 0, 2000, 2000) + " EMF", true, false},
		{"WMF", "\xd7\xcd\xc6\x9a\x00\x00\x00\x00\x00\x00\x00\x30\x00\x30\xa0\x05", true, true},
		{"small WMF", "\xd7\xcd\xc6\x9a\x00\x00\x00\x00\x00\x00\x00\x03\x00\x03\xa0\x05", true, false},
		{"AVIF", "\x00\x00\x00\x20ftypavif", true, true},
		{"TIFF", "MM\x00*", true, true},
		{"icon", "\x00\x00\x01\x00", true, false},
		{"film", "\x00\x00\x00\x20ftypisom", false, false},
		{"sound", "RIFF\x00\x00\x00\x00WAVE", false, false},
		{"text", "BM 24", false, false},
		{"nothing", "", false, false},
	} {
		if is, large := Large([]byte(test.start)); is != test.is || large != test.large {
			t.Errorf("%s: got %v, %v", test.name, is, large)
		}
	}
}

// FuzzReader holds that cuts change nothing.
func FuzzReader(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe0\x00\x04xx\xff\xff\xc0\x00\x11\x08\x04\x00\x04\x00"), 5)
	f.Add([]byte(png(9, 9)), 1)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		_, whole := Large(data)
		r := NewReader(data)
		for rest := data; len(rest) > 0; {
			n := max(1, min(n, len(rest)))
			r.Write(rest[:n])
			rest = rest[n:]
		}
		if is, _ := Is(data); is && r.IsScan() != whole {
			t.Errorf("whole %v, cut %v", whole, r.IsScan())
		}
	})
}
