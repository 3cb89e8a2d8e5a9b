package document

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"github.com/postseal/postseal/rules/detect"
)

// tight are the limits of fuzzing.
var tight = Limits{Unpacked: 1 << 20, Entries: 50, Depth: 4}

// fuzzed records what a document says. A panic of a reader is an error, although
// the program survives it.
type fuzzed struct {
	recorder
	t *testing.T
}

func (f *fuzzed) Panicked(fault any) { f.t.Errorf("%v\n%s", fault, debug.Stack()) }

// fuzz reads documents of one kind. The seeds are documents of LibreOffice whose
// names match, and others.
func fuzz(f *testing.F, match string, more ...[]byte) {
	names, err := filepath.Glob(made + match)
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, data := range more {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := fuzzed{t: t}
		start := time.Now()
		Read(bytes.NewReader(data), int64(len(data)), detect.Place{}, &r, tight)
		if most := 5 * time.Second; time.Since(start) > most {
			t.Error("took longer than", most)
		}
		if most := 64 * (len(data) + int(tight.Unpacked)); r.text.Len() > most {
			t.Errorf("wrote %d octets", r.text.Len())
		}
	})
}

func FuzzOOXML(f *testing.F) {
	fuzz(f, "*x", office(f, file{"xl/worksheets/s.bin", "\x81\x01\x00\x00\x04\x00\x00\x00\x00"}))
}

func FuzzODF(f *testing.F) { fuzz(f, "*.fod?") }

func FuzzODFArchive(f *testing.F) { fuzz(f, "*.od?") }

func FuzzRTF(f *testing.F) {
	fuzz(f, "*.rtf", []byte(`{\rtf1\ansi{\header a}\trowd\intbl\u8364?\'80\cell\row{\object{\*\objdata 0102}}{\pict 89}}`))
}

func FuzzOLE(f *testing.F) {
	fuzz(f, "*.[dx][ol][cs]", compound(node{name: "__properties_version1.0", content: "x"}, node{name: "__substg1.0_10090102", content: string(le(uint32(0), 0, 0x75465a4c, 0)) + "\x02a\x0c\xf0"}),
		compound(node{name: "PowerPoint Document", content: atom(15, 1000, atom(0, 4008, "text"))}))
}

func FuzzTNEF(f *testing.F) {
	fuzz(f, "none", []byte("\x78\x9f\x3e\x22\x00\x00\x01\x0c\x80\x02\x00\x04\x00\x00\x00body\x00\x00"),
		[]byte("\x78\x9f\x3e\x22\x00\x00\x01\x03\x90\x06\x00\x18\x00\x00\x00\x01\x00\x00\x00\x1e\x00\x00\x10\x01\x00\x00\x00\x04\x00\x00\x00bodyxxxx\x00\x00"))
}

func FuzzArchive(f *testing.F) {
	fuzz(f, "none", archive(f, file{"a.txt", "text"}, file{"b.zip", string(archive(f, file{"c", "<p>x"}))}), []byte("Message-ID: <x>\nContent-Transfer-Encoding: base64\n\nUEsDBA=="), []byte("\x1f\x8b\x08"), []byte("plain"), []byte("\xff\xfea\x00"), []byte(png(9, 9)))
}
