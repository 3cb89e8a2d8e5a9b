package legacy

import (
	"bytes"
	"math"
	"strings"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/ole"
	"github.com/postseal/postseal/milter/extract/document/sheet"
	"github.com/postseal/postseal/rules/detect"
)

// Types of records ([MS-XLS], section 2.3).
const (
	recFormula    = 0x06
	recEOF        = 0x0a
	recHeader     = 0x14
	recFooter     = 0x15
	recNote       = 0x1c
	recFilePass   = 0x2f
	recContinue   = 0x3c
	recBoundSheet = 0x85
	recMulRK      = 0xbd
	recPivotNum   = 0xc9
	recPivotText  = 0xcd
	recRichString = 0xd6
	recXF         = 0xe0
	recDrawings   = 0xeb
	recSST        = 0xfc
	recLabelSST   = 0xfd
	recTextObject = 0x1b6
	recValidation = 0x1be
	recNumber     = 0x203
	recLabel      = 0x204
	recString     = 0x207
	recRK         = 0x27e
	recFormat     = 0x41e
	recBOF        = 0x809
	recSeriesText = 0x100d
)

const biff8 = 0x600

// textToken begins text in a formula ([MS-XLS], section 2.5.198.89).
const textToken = 0x17

// xls is a workbook.
type xls struct {
	job      *flow.Job
	flow     *flow.Flow
	version  int
	shared   sheet.Strings
	codes    map[int]sheet.Format
	formats  []sheet.Format // of each cell style
	row      int
	column   int // of the formula whose result follows
	margin   []string
	pictures [][]byte // parts of them
}

// record is a record and those that continue it.
type record struct {
	kind  int
	parts [][]byte
}

func (r record) data() []byte { return r.parts[0] }

func readXLS(j *flow.Job, _ *ole.File, _ int, data []byte) error {
	x := &xls{job: j, flow: j.Begin(detect.Body), version: biff8, codes: make(map[int]sheet.Format), column: -1}
	err := x.records(j, data)
	x.endSheet()
	x.flow.Close()
	if err == nil {
		err = readPictures(j, nil, 0, bytes.Join(x.pictures, nil))
	}
	return err
}

func (x *xls) records(j *flow.Job, data []byte) error {
	for len(data) >= 4 {
		r, rest, err := next(data)
		if err != nil {
			return err
		}
		if r.kind == recFilePass {
			return flow.ErrEncrypted
		}
		if err := x.record(r); err == flow.ErrLimit {
			return err
		} else {
			j.Fail(err)
		}
		data = rest
	}
	return nil
}

// next returns the record that data begins with, and what follows.
func next(data []byte) (r record, rest []byte, err error) {
	r.kind = int(le.Uint16(data))
	for {
		size := int(le.Uint16(data[2:]))
		if data = data[4:]; size > len(data) {
			return r, nil, flow.ErrDamaged
		}
		r.parts = append(r.parts, data[:size])
		if data = data[size:]; len(data) < 4 || le.Uint16(data) != recContinue {
			return r, data, nil
		}
	}
}

func (x *xls) record(r record) error {
	switch data := r.data(); r.kind {
	case recBOF:
		x.endSheet()
		if len(data) >= 2 {
			x.version = int(le.Uint16(data))
		}
		x.flow.Table()
	case recEOF:
		x.endSheet()
	case recSST:
		return x.strings(r)
	case recTextObject:
		x.textObject(r)
	case recDrawings:
		x.pictures = append(x.pictures, r.parts...)
	case recHeader, recFooter:
		x.margin = append(x.margin, sheet.HeaderText(x.text(r, 0)))
	case recFormat:
		if len(data) > 2 && len(x.codes) < 1<<16 {
			x.codes[int(le.Uint16(data))] = sheet.NewFormat(x.text(r, 2))
		}
	case recXF:
		x.format(data)
	case recBoundSheet:
		if len(data) > 7 {
			x.line(x.short(data[6:]))
		}
	case recSeriesText:
		if len(data) > 3 {
			x.line(x.short(data[2:]))
		}
	case recNote:
		if x.version < biff8 && len(data) > 6 {
			x.line(western(data[6:]))
		}
	case recPivotText:
		x.line(x.text(r, 0))
	case recPivotNum:
		if len(data) >= 8 {
			x.line(sheet.Format{}.Show(math.Float64frombits(le.Uint64(data))))
		}
	case recValidation:
		return x.validation(r)
	case recLabelSST:
		return x.sharedCell(data)
	default:
		x.cell(r)
	}
	return nil
}

// line writes text that is in no cell.
func (x *xls) line(text string) {
	x.flow.Aside()
	x.flow.String(text)
	x.flow.EndAside()
}

// endSheet writes what a sheet shows beside its cells.
func (x *xls) endSheet() {
	x.flow.EndTable()
	x.row = 0
	if x.margin == nil {
		return
	}
	x.flow.Turn(detect.Margin)
	for _, text := range x.margin {
		x.flow.String(text)
		x.flow.Line()
	}
	x.margin = nil
	x.flow.Turn(detect.Body)
}

// format adds a cell style.
func (x *xls) format(data []byte) {
	if len(data) < 4 || len(x.formats) >= 1<<16 {
		return
	}
	id := int(le.Uint16(data[2:]))
	f, ok := x.codes[id]
	if !ok {
		f = sheet.Builtin(id)
	}
	x.formats = append(x.formats, f)
}

func (x *xls) show(style int, v float64) string {
	if style >= len(x.formats) {
		return sheet.Format{}.Show(v)
	}
	return x.formats[style].Show(v)
}

// validation writes the texts that a cell shows when it is filled in.
func (x *xls) validation(r record) error {
	if x.version < biff8 {
		return nil
	}
	s := segments{parts: r.parts}
	s.skip(4)
	for range 4 {
		if text := s.unicode(int(s.uint16())); text != "" && text != "\x00" {
			x.line(text)
		}
	}
	n := int(s.uint16())
	s.skip(2)
	if formula := s.octets(n); len(formula) > 2 && formula[0] == textToken { // the choices
		x.line(strings.ReplaceAll(x.short(formula[1:]), "\x00", "\n"))
	}
	return s.err
}

// textObject writes the text of a comment or a text box.
func (x *xls) textObject(r record) {
	if len(r.parts) < 2 || len(r.data()) < 12 {
		return
	}
	s := segments{parts: r.parts[1:]}
	x.line(s.chars(int(le.Uint16(r.data()[10:])), s.uint8()&1 != 0))
}

// strings reads the strings of all cells.
func (x *xls) strings(r record) error {
	s := segments{parts: r.parts}
	s.skip(4)
	for n := s.uint32(); n > 0 && s.err == nil; n-- {
		x.shared.Add([]byte(s.unicode(int(s.uint16()))))
		x.shared.End()
	}
	return s.err
}

// text returns the string at an offset, whose length has two octets.
func (x *xls) text(r record, offset int) string {
	s := segments{parts: r.parts}
	s.skip(offset)
	if x.version >= biff8 {
		if len(r.data()) <= offset {
			return ""
		}
		return s.unicode(int(s.uint16()))
	}
	n := 0
	switch r.kind {
	case recHeader, recFooter, recFormat:
		n = int(s.uint8())
	default:
		n = int(s.uint16())
	}
	return western(s.octets(n))
}

// short returns a string whose length has one octet.
func (x *xls) short(data []byte) string {
	n := int(data[0])
	if x.version < biff8 {
		return western(data[1:min(len(data), 1+n)])
	}
	s := segments{parts: [][]byte{data[1:]}}
	return s.unicode(n)
}
