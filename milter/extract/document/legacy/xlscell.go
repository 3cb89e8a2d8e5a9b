package legacy

import (
	"math"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/sheet"
)

// cell writes a cell, if the record is one.
func (x *xls) cell(r record) {
	data := r.data()
	if r.kind == recString {
		if x.column >= 0 {
			x.put(x.row, x.column, x.text(r, 0))
		}
		x.column = -1
		return
	}
	if len(data) < 6 {
		return
	}
	row, column, style := int(le.Uint16(data)), int(le.Uint16(data[2:])), int(le.Uint16(data[4:]))
	switch {
	case r.kind == recLabel || r.kind == recRichString:
		x.put(row, column, x.text(r, 6))
	case r.kind == recNumber && len(data) >= 14:
		x.put(row, column, x.show(style, math.Float64frombits(le.Uint64(data[6:]))))
	case r.kind == recRK && len(data) >= 10:
		x.put(row, column, x.show(style, sheet.RK(le.Uint32(data[6:]))))
	case r.kind == recMulRK:
		for p := data[4:]; len(p) >= 8; p, column = p[6:], column+1 {
			x.put(row, column, x.show(int(le.Uint16(p)), sheet.RK(le.Uint32(p[2:]))))
		}
	case r.kind == recFormula && len(data) >= 14:
		x.formula(row, column, style, data[6:14])
	}
}

// sharedCell writes a cell with a string that others may have too.
func (x *xls) sharedCell(data []byte) error {
	if len(data) < 10 {
		return flow.ErrDamaged
	}
	text := x.shared.At(int(le.Uint32(data[6:])))
	if err := x.job.Charge(len(text)); err != nil {
		return err
	}
	x.put(int(le.Uint16(data)), int(le.Uint16(data[2:])), string(text))
	return nil
}

// formula writes the result of a formula. A text follows in another record.
func (x *xls) formula(row, column, style int, result []byte) {
	switch {
	case le.Uint16(result[6:]) != 0xffff:
		x.put(row, column, x.show(style, math.Float64frombits(le.Uint64(result))))
	case result[0] == 0:
		x.put(row, column, "")
		x.column = column
	}
}

// put writes text in a cell.
func (x *xls) put(row, column int, text string) {
	if row != x.row {
		x.flow.Row()
		x.row = row
	}
	if text != "" {
		x.flow.CellAt(column)
		x.flow.String(text)
	}
}
