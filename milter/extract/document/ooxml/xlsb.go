package ooxml

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"math"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/sheet"
	"github.com/postseal/postseal/rules/detect"
)

// Types of records of XLSB ([MS-XLSB], section 2.3).
const (
	rowHeader      = 0
	cellRK         = 2
	cellReal       = 5
	cellString     = 6
	cellShared     = 7
	formulaString  = 8
	formulaNumber  = 9
	sharedItem     = 19
	cellRich       = 62
	numberFormat   = 44
	cellFormat     = 47
	beginSheet     = 129
	beginStrings   = 159
	beginStyles    = 278
	headerFooter   = 479
	beginCellXFs   = 617
	endCellXFs     = 618
	beginComments  = 628
	commentText    = 637
	maxRecord      = 1 << 20
	cellHeaderSize = 8
)

// isRecords reports whether a part begins with a record of the type.
func isRecords(p part, kind int) bool {
	return p.root == "" && bytes.HasPrefix(p.head, []byte{byte(kind) | 0x80, byte(kind >> 7)})
}

// records calls f with each record, until it returns an error.
func records(r io.Reader, f func(kind int, data []byte) error) error {
	in := bufio.NewReader(r)
	var data []byte
	for {
		kind, err := varint(in, 2)
		if err == io.EOF {
			return nil
		}
		size, err := varint(in, 4)
		if err != nil {
			return flow.ErrDamaged
		}
		if size > maxRecord {
			return flow.ErrLimit
		}
		data = append(data[:0], make([]byte, size)...)
		if _, err := io.ReadFull(in, data); err != nil {
			return err
		}
		if err := f(kind, data); err != nil {
			return err
		}
	}
}

// varint reads a number of up to n octets, which have seven bits each.
func varint(in io.ByteReader, n int) (v int, err error) {
	for i := range n {
		c, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		v |= int(c&0x7f) << (7 * i)
		if c < 0x80 {
			break
		}
	}
	return v, nil
}

// wide returns the string that data begins with, and the rest.
func wide(data []byte) (text string, rest []byte) {
	if len(data) < 4 {
		return "", nil
	}
	n := binary.LittleEndian.Uint32(data)
	if data = data[4:]; n == math.MaxUint32 {
		return "", data
	}
	n = min(n, uint32(len(data)/2))
	return flow.UTF16(data[:2*n]), data[2*n:]
}

// binaryShared reads the strings or the styles.
func (b *book) binaryShared(r io.Reader) error {
	codes := make(map[int]sheet.Format)
	inCells := false
	return records(r, func(kind int, data []byte) error {
		switch {
		case kind == sharedItem && len(data) > 0:
			text, _ := wide(data[1:])
			b.shared.Add([]byte(text))
			b.shared.End()
		case kind == numberFormat && len(data) > 2 && len(codes) < maxStyles:
			code, _ := wide(data[2:])
			codes[int(binary.LittleEndian.Uint16(data))] = sheet.NewFormat(code)
		case kind == beginCellXFs || kind == endCellXFs:
			inCells = kind == beginCellXFs
		case kind == cellFormat && inCells && len(data) >= 4 && len(b.formats) < maxStyles:
			id := int(binary.LittleEndian.Uint16(data[2:]))
			format, ok := codes[id]
			if !ok {
				format = sheet.Builtin(id)
			}
			b.formats = append(b.formats, format)
		}
		return nil
	})
}

// binarySheet reads a sheet, or the comments of one.
func (b *book) binarySheet(r io.Reader) error {
	f := b.job.Begin(detect.Body)
	defer f.Close()
	var margin []string
	f.Table()
	err := records(r, func(kind int, data []byte) error {
		switch kind {
		case rowHeader:
			f.Row()
		case commentText:
			if len(data) > 0 {
				text, _ := wide(data[1:])
				f.Cell()
				f.String(text)
				f.EndRow()
			}
		case headerFooter:
			for rest := data[min(2, len(data)):]; len(rest) > 0; {
				var text string
				text, rest = wide(rest)
				margin = append(margin, sheet.HeaderText(text))
			}
		case cellRK, cellReal, cellString, cellShared, formulaString, formulaNumber, cellRich:
			if len(data) >= cellHeaderSize+4 {
				return b.binaryCell(f, kind, data)
			}
		}
		return nil
	})
	f.EndTable()
	if margin != nil {
		f.Turn(detect.Margin)
	}
	for _, text := range margin {
		f.String(text)
		f.Line()
	}
	return err
}

func (b *book) binaryCell(f *flow.Flow, kind int, data []byte) error {
	le := binary.LittleEndian
	column, style, value := int(le.Uint32(data)), int(le.Uint32(data[4:])&0xffffff), data[cellHeaderSize:]
	if column > 1<<14 {
		return flow.ErrDamaged
	}
	text := ""
	switch {
	case kind == cellShared:
		text = string(b.shared.At(int(le.Uint32(value))))
	case kind == cellRich:
		text, _ = wide(value[1:])
	case kind == cellString || kind == formulaString:
		text, _ = wide(value)
	case kind == cellRK:
		text = b.format(style).Show(sheet.RK(le.Uint32(value)))
	case len(value) >= 8:
		text = b.format(style).Show(math.Float64frombits(le.Uint64(value)))
	}
	if text != "" {
		f.CellAt(column)
		f.String(text)
	}
	return b.job.Charge(len(text))
}
