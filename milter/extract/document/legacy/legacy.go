// Package legacy reads the documents of Office 97 to 2003, and of Word 6 and
// Excel 5: DOC, XLS and PPT.
package legacy

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/ole"
)

var le = binary.LittleEndian

// stream is a stream that holds a document, and its reader.
type stream struct {
	name string
	read func(j *flow.Job, f *ole.File, storage int, data []byte) error
}

// streams are the streams that are read.
var streams = []stream{
	{"EncryptedPackage", func(*flow.Job, *ole.File, int, []byte) error { return flow.ErrEncrypted }},
	{"WordDocument", readDOC},
	{"Workbook", readXLS},
	{"Book", readXLS},
	{"PowerPoint Document", readPPT},
	{"Data", readPictures},
	{"Pictures", readPictures},
	{"Package", readInner},
	{"CONTENTS", readInner},
	{"EMBEDDEDODF", readInner},
	{"\x01Ole10Native", readNative},
	{"\x05SummaryInformation", readSummary},
	{"\x05DocumentSummaryInformation", readSummary},
}

// silent are the streams that say nothing, or nothing alone.
var silent = map[string]bool{
	"\x01CompObj": true, "\x01Ole": true, "\x03ObjInfo": true, "\x03OCXNAME": true, "\x03OCXDATA": true, "\x03PRINT": true, "\x03EPRINT": true,
	"\x02OlePres000": true, "\x03META": true, "\x03LinkInfo": true, "\x01OcxName": true, "\x01Ole10ItemName": true, "CONTENTSV30": true,
	"0Table": true, "1Table": true, "Current User": true, "EncryptionInfo": true, "Equation Native": true, "\x06DataSpaces": true,
	"PROJECT": true, "PROJECTwm": true, "PROJECTlk": true, "_VBA_PROJECT": true, "dir": true, "Ctls": true, "Header": true,
}

// isMacro reports whether a storage holds macros, or rights to a document.
func isMacro(f *ole.File, i int) bool {
	for range 100 {
		if i < 0 {
			return false
		}
		switch e := f.Entries[i]; e.Name {
		case "VBA", "Macros", "_VBA_PROJECT_CUR", "\x06DataSpaces", "MsoDataStore", "_signatures", "_xmlsignatures":
			return true
		}
		i = f.Entries[i].Parent
	}
	return false
}

// Read reads all documents in a file.
func Read(j *flow.Job, f *ole.File) error {
	unknown, isRead := false, false
	for i, e := range f.Entries {
		if e.Name == "" || e.Storage || e.Parent < 0 {
			continue
		}
		s := find(e.Name)
		switch {
		case s != nil:
			isRead = isRead || !strings.HasSuffix(e.Name, "SummaryInformation")
			if err := read(j, f, i, s.read); err != nil {
				return err
			}
		case silent[e.Name] || isMacro(f, i):
		case f.Entries[e.Parent].Name == "_SX_DB_CUR" || f.Entries[e.Parent].Name == "_SX_DB":
			if err := read(j, f, i, readXLS); err != nil {
				return err
			}
		default:
			unknown = true
		}
	}
	if unknown && !isRead || unknown && hasUnknownObject(f) {
		return flow.ErrUnknown
	}
	return nil
}

// read reads a stream. Streams may share their octets.
func read(j *flow.Job, f *ole.File, i int, read func(*flow.Job, *ole.File, int, []byte) error) error {
	data, err := f.Bytes(i)
	j.Fail(err)
	if err := j.Charge(len(data)); err != nil {
		return err
	}
	j.Guard(func() error { return read(j, f, f.Entries[i].Parent, data) })
	return nil
}

func find(name string) *stream {
	for i := range streams {
		if strings.EqualFold(streams[i].name, name) {
			return &streams[i]
		}
	}
	return nil
}

// hasUnknownObject reports whether a storage in the file holds streams, and none
// that is read.
func hasUnknownObject(f *ole.File) bool {
	type state struct{ known, unknown bool }
	states := make(map[int]state)
	for i, e := range f.Entries {
		if e.Storage || e.Parent <= 0 || isMacro(f, i) || silent[e.Name] {
			continue
		}
		s := states[e.Parent]
		s.known = s.known || find(e.Name) != nil || strings.HasPrefix(f.Entries[e.Parent].Name, "_SX_DB")
		s.unknown = s.unknown || find(e.Name) == nil
		states[e.Parent] = s
	}
	for _, s := range states {
		if s.unknown && !s.known {
			return true
		}
	}
	return false
}

// readInner reads a stream that is a file of its own.
func readInner(j *flow.Job, _ *ole.File, _ int, data []byte) error {
	j.Open(bytes.NewReader(data), int64(len(data)))
	return nil
}

// readNative reads a file that was packed as an object. An equation says
// nothing.
func readNative(j *flow.Job, f *ole.File, storage int, data []byte) error {
	if i := f.Find(storage, "\x01CompObj"); i >= 0 {
		class, _ := f.Bytes(i)
		if bytes.Contains(class, []byte("Equation")) || bytes.Contains(class, []byte("MathType")) {
			return nil
		}
	}
	inner, ok := unpackNative(data)
	if !ok {
		inner = data[min(4, len(data)):] // after its length
	}
	return readInner(j, f, storage, inner)
}

// unpackNative returns the octets of a file, which follow its names and its
// length.
func unpackNative(data []byte) ([]byte, bool) {
	p := data[min(6, len(data)):]
	for range 2 { // label, file name
		_, p, _ = bytes.Cut(p, []byte{0})
	}
	if len(p) < 8 {
		return nil, false
	}
	n := le.Uint32(p[4:])
	if p = p[8:]; uint64(n) > uint64(len(p)) {
		return nil, false
	}
	p = p[n:] // the path
	if len(p) < 4 {
		return nil, false
	}
	n = le.Uint32(p)
	p = p[4:]
	return p[:min(uint64(n), uint64(len(p)))], uint64(n) <= uint64(len(p))
}
