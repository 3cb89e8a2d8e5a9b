package legacy

import (
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/ole"
	"github.com/postseal/postseal/rules/detect"
)

// The file information block of DOC ([MS-DOC], section 2.5).
const (
	fibSize      = 0x1aa
	firstPiece   = 105    // the version from which there is always a piece table
	fibEncrypted = 0x0100 // flags
	fibTable1    = 0x0200
)

// doc is a document of Word.
type doc struct {
	job        *flow.Job
	text       []byte // the stream that holds it
	table      []byte
	paragraphs []run
	characters []run
	write      docWriter
}

func readDOC(j *flow.Job, f *ole.File, storage int, data []byte) error {
	if len(data) < 0x60 {
		return flow.ErrDamaged
	}
	flags := le.Uint16(data[10:])
	if flags&fibEncrypted != 0 {
		return flow.ErrEncrypted
	}
	d := &doc{job: j, text: data}
	d.write.flow = j.Begin(detect.Body)
	defer d.write.close()
	if le.Uint16(data[2:]) < firstPiece {
		return d.old()
	}
	if len(data) < fibSize {
		return flow.ErrDamaged
	}
	name := "0Table"
	if flags&fibTable1 != 0 {
		name = "1Table"
	}
	i := f.Find(storage, name)
	if i < 0 {
		return flow.ErrDamaged
	}
	var err error
	d.table, err = f.Bytes(i)
	j.Fail(err)
	d.paragraphs = d.readRuns(paragraphPages, paragraphEntry)
	d.characters = d.readRuns(characterPages, characterEntry)
	return d.pieces()
}

// old reads the text of Word 6 and 95, which is in one piece.
func (d *doc) old() error {
	from, to := uint64(le.Uint32(d.text[0x18:])), uint64(le.Uint32(d.text[0x1c:]))
	if from > to || to > uint64(len(d.text)) {
		return flow.ErrDamaged
	}
	for _, c := range d.text[from:to] {
		d.write.char(charmap.Windows1252.DecodeByte(c), run{})
	}
	return nil
}

// slice returns the part of the table stream to which the block refers.
func (d *doc) slice(at int) []byte {
	start, size := uint64(le.Uint32(d.text[at:])), uint64(le.Uint32(d.text[at+4:]))
	if start+size > uint64(len(d.table)) {
		return nil
	}
	return d.table[start : start+size]
}

// pieces reads the text in the order of its pieces (section 2.9.177).
func (d *doc) pieces() error {
	clx := d.slice(0x1a2)
	for len(clx) >= 3 && clx[0] == 1 {
		clx = clx[min(len(clx), 3+int(le.Uint16(clx[1:]))):]
	}
	if len(clx) < 5 || clx[0] != 2 {
		return flow.ErrDamaged
	}
	n := int(min(le.Uint32(clx[1:]), uint32(len(clx)-5)))
	clx = clx[5 : 5+n]
	if n < 16 {
		return nil
	}
	count := (n - 4) / 12
	stories := d.stories()
	for i := range count {
		from, to := le.Uint32(clx[4*i:]), le.Uint32(clx[4*i+4:])
		at := le.Uint32(clx[4*(count+1)+8*i+2:])
		if to < from {
			return flow.ErrDamaged
		}
		if err := d.piece(from, to-from, at, stories); err != nil {
			return err
		}
	}
	return nil
}

const compressed = 1 << 30 // the piece has one octet a character

// piece reads a piece. cp is the number of its first character.
func (d *doc) piece(cp, count, at uint32, stories map[uint32]detect.Kind) error {
	width := uint32(2)
	if at&compressed != 0 {
		width, at = 1, at&^compressed/2
	}
	if err := d.job.Charge(int(min(count, uint32(len(d.text))))); err != nil {
		return err
	}
	lead := rune(0)
	for i := range count {
		pos := uint64(at) + uint64(i)*uint64(width)
		if pos+uint64(width) > uint64(len(d.text)) {
			return flow.ErrDamaged
		}
		if kind, ok := stories[cp+i]; ok {
			d.write.turn(kind)
		}
		var c rune
		if width == 1 {
			c = charmap.Windows1252.DecodeByte(d.text[pos])
		} else if c = rune(le.Uint16(d.text[pos:])); utf16.IsSurrogate(c) {
			if c < 0xdc00 {
				lead = c
				continue
			}
			c = utf16.DecodeRune(lead, c)
		}
		r := runAt(d.paragraphs, uint32(pos))
		r.edit = runAt(d.characters, uint32(pos)).edit
		d.write.char(c, r)
	}
	return nil
}

// stories returns the kinds of the parts of the text, by their first character.
func (d *doc) stories() map[uint32]detect.Kind {
	stories := make(map[uint32]detect.Kind)
	at := le.Uint32(d.text[0x4c:]) // after the main text
	for i, offset := range []int{0x50, 0x54, 0x58, 0x5c, 0x60, 0x64, 0x68} {
		stories[at] = detect.Body
		if i == 1 || i == 6 { // headers, and text boxes in them
			stories[at] = detect.Margin
		}
		at += le.Uint32(d.text[offset:])
	}
	return stories
}
