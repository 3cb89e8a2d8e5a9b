// Package pdf reads what a PDF file shows to a person.
package pdf

import (
	"bytes"
	"io"

	"github.com/postseal/postseal/milter/extract/pdf/font"
	"github.com/postseal/postseal/milter/extract/pdf/object"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// Attachment receives a file that is embedded in a PDF file.
type Attachment func(r io.ReaderAt, size int64)

// mostOctets is how large a file is read, because it is kept in memory.
const mostOctets = 64 << 20

// Read passes to sink all text that a file shows: its pages, fields, comments,
// bookmarks and properties, also if they are hidden. It passes embedded files to
// attached. If that is nil, they are unreadable.
//
// Work and memory are limited to a multiple of size and a constant. What is
// beyond them is unreadable.
func Read(r io.ReaderAt, size int64, place detect.Place, sink detect.Sink, attached Attachment) {
	d := newDocument(place, sink, attached)
	defer func() {
		if recover() != nil { // a fault of the reader must not lose the rest of the message
			d.report(finding.Damaged)
		}
	}()
	d.read(r, size)
}

// document is a file while it is read.
type document struct {
	file     *object.File
	place    detect.Place
	sink     detect.Sink
	attached Attachment
	found    map[finding.Finding]bool
	fonts    map[int]*font.Font // by the object's number
	silent   map[int]int        // forms that show no text or image, and their segments
	visited  map[int]bool       // pages, fields, bookmarks and embedded files
	widgets  []object.Ref       // fields of a form that are on pages
	files    []*object.Stream   // embedded
}

func newDocument(place detect.Place, sink detect.Sink, attached Attachment) *document {
	return &document{
		place: place, sink: sink, attached: attached,
		found: make(map[finding.Finding]bool), fonts: make(map[int]*font.Font),
		silent: make(map[int]int), visited: make(map[int]bool),
	}
}

func (d *document) read(r io.ReaderAt, size int64) {
	d.sink.Begin(d.place)
	if size > mostOctets {
		d.report(finding.TooLarge)
		return
	}
	file, err := object.Open(r, size, d.report)
	if err != nil {
		d.report(finding.Damaged)
		return
	}
	if file.IsLocked() {
		d.report(finding.Encrypted)
		return
	}
	d.file = file
	if form := d.file.Dict(file.Catalog()["FDF"]); form != nil {
		d.formData(form)
		if d.file.Catalog()["Pages"] == nil { // viewers show the pages of a file that has both
			return
		}
	}
	d.properties()
	d.pages()
	d.fields()
	d.bookmarks()
	d.structure()
	d.embedded()
}

// report adds the finding that something is unreadable, once for each reason.
func (d *document) report(reason finding.Reason) {
	d.foundOnce(finding.Finding{Name: finding.Unreadable, Reason: reason, Part: d.place.Part})
}

func (d *document) foundOnce(f finding.Finding) {
	if !d.found[f] {
		d.found[f] = true
		d.sink.Found(f)
	}
}

// line adds text that is not on a page.
func (d *document) line(text string) {
	if text != "" && d.file.Spend(len(text)) {
		d.sink.Text([]byte(clean(text) + "\n"))
	}
}

// embedded passes on the embedded files. It comes last, because they begin places
// of their own.
func (d *document) embedded() {
	d.findFiles()
	for _, s := range d.files {
		if d.attached == nil {
			d.report(finding.UnknownType)
			return
		}
		data := d.file.Decode(s)
		d.attached(bytes.NewReader(data), int64(len(data)))
	}
}

// visit reports whether the object that v refers to was not visited before. The
// tree that it belongs to is damaged if it was.
func (d *document) visit(v any) bool {
	ref, ok := v.(object.Ref)
	if !ok {
		return true // what is inside another object cannot be in a loop
	}
	if d.visited[ref.Num] {
		return false
	}
	d.visited[ref.Num] = true
	return true
}
