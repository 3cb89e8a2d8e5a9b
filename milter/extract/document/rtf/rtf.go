// Package rtf reads Rich Text Format 1.9.
package rtf

import (
	"bufio"
	"bytes"
	"io"

	"golang.org/x/text/encoding"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/rules/detect"
)

// maxGroups bounds how deeply groups are nested.
const maxGroups = 2000

// destination is where the text of a group goes.
type destination byte

const (
	body destination = iota
	silent
	margin
	beside // beside the paragraph, such as a footnote
	fonts
	pict
	object
	shapeName
	shapeValue
)

// group is what a group restores at its end.
type group struct {
	to    destination
	opens bool // the group is the destination itself
	edit  flow.Edit
	skip  int // octets that stand in for a character, after \u
	code  encoding.Encoding
}

// reader reads a document.
type reader struct {
	in   *bufio.Reader
	job  *flow.Job
	flow *flow.Flow
	group
	groups []group

	code    encoding.Encoding // of the document
	fonts   map[int]encoding.Encoding
	font    int // that the font table describes
	octets  []byte
	skipped int  // octets still to be left out after \u
	lead    rune // the first half of a character
	star    bool // the next word is a destination that readers may not know

	inTable, open, cell bool // \intbl; a table is open; a cell is

	data      []byte // of a picture or object
	high      int    // the first digit of an octet of it; -1 without one
	width     int    // of the picture, in twips
	height    int
	shape     []byte // the name of a shape's property
	objects   [][]byte
	metafiles [][]byte
}

// Read reads a document, and then what is embedded in it.
func Read(j *flow.Job, in io.Reader) error {
	r := &reader{in: bufio.NewReaderSize(in, 32<<10), job: j, flow: j.Begin(detect.Body), fonts: make(map[int]encoding.Encoding), high: -1}
	r.code = codePage(1252)
	r.group = group{skip: 1}
	err := r.read()
	r.flushText()
	r.flow.Close()
	for _, data := range r.objects {
		r.embedded(data)
	}
	for _, data := range r.metafiles {
		r.job.Open(bytes.NewReader(data), int64(len(data)))
	}
	return err
}

func (r *reader) read() error {
	for {
		c, err := r.in.ReadByte()
		switch {
		case err == io.EOF && len(r.groups) > 0:
			return flow.ErrDamaged
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		switch c {
		case '{':
			err = r.begin()
		case '}':
			r.end()
			if len(r.groups) == 0 {
				return r.rest()
			}
		case '\\':
			err = r.control()
		case '\r', '\n', 0:
		case '\t':
			r.octet(' ')
		default:
			r.octet(c)
		}
		if err != nil && err != io.EOF {
			return err
		}
	}
}

// rest refuses what follows the document, unless it is padding.
func (r *reader) rest() error {
	for {
		c, err := r.in.ReadByte()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case c > ' ' && c != 0x7f:
			r.job.Fail(flow.ErrUnknown)
			_, err := io.Copy(io.Discard, r.in)
			return err
		}
	}
}

func (r *reader) begin() error {
	if len(r.groups) >= maxGroups {
		return flow.ErrDepth
	}
	r.flushText()
	r.groups = append(r.groups, r.group)
	r.opens, r.star, r.skipped = false, false, 0
	return nil
}

func (r *reader) end() {
	r.flushText()
	if len(r.groups) == 0 {
		return
	}
	if r.opens {
		r.leave()
	}
	edit := r.edit
	r.group = r.groups[len(r.groups)-1]
	r.groups = r.groups[:len(r.groups)-1]
	r.skipped, r.star = 0, false
	if edit != r.edit {
		r.flow.Edit(r.edit)
	}
}

// enter makes the group a destination.
func (r *reader) enter(to destination) {
	r.flushText()
	if r.to != body && r.to != margin && r.to != beside && to != silent {
		return // text inside what says nothing
	}
	r.to, r.opens = to, true
	switch to {
	case margin:
		r.endTable()
		r.flow.Turn(detect.Margin)
	case beside:
		r.flow.Aside()
	case pict:
		r.data, r.high, r.width, r.height = r.data[:0], -1, 0, 0
	case object:
		r.data, r.high = nil, -1
	case shapeName:
		r.shape = r.shape[:0]
	}
}

// leave ends a destination.
func (r *reader) leave() {
	switch r.to {
	case margin:
		r.endTable()
		r.flow.Turn(detect.Body)
	case beside:
		r.flow.EndAside()
	case pict:
		r.picture()
	case object:
		r.objects = append(r.objects, r.data)
		r.data = nil
	case shapeValue:
		r.flow.EndAside()
	}
}
