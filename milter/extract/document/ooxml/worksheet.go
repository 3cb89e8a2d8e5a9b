package ooxml

import (
	"io"
	"strconv"
	"strings"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/markup"
	"github.com/postseal/postseal/milter/extract/document/sheet"
	"github.com/postseal/postseal/rules/detect"
)

// worksheet reads a sheet.
func (b *book) worksheet(r io.Reader) error {
	w := &worksheet{book: b, Scanner: markup.New(r), flow: b.job.Begin(detect.Body)}
	defer w.flow.Close()
	for {
		switch w.Next() {
		case markup.None:
			return end(w.Scanner)
		case markup.Start:
			w.start()
		case markup.Text:
			w.text()
		case markup.End:
			if err := w.end(); err != nil {
				return err
			}
		}
	}
}

type worksheet struct {
	*book
	*markup.Scanner
	flow   *flow.Flow
	column int
	kind   string // of the cell
	style  int
	value  []byte
	source []byte // the formula of the cell
}

func (w *worksheet) start() {
	switch w.Name {
	case "sheetData":
		w.flow.Table()
	case "row":
		w.column = -1
	case "c":
		w.column++
		if n := columnOf(w.Attr("r")); n >= 0 {
			w.column = n
		}
		w.kind, w.style, w.value = w.Attr("t"), w.Int("s", 0), w.value[:0]
		w.source = w.source[:0]
	case "is":
		w.flow.CellAt(w.column)
	case "headerFooter":
		w.value = w.value[:0]
		w.flow.Turn(detect.Margin)
	case "hyperlink":
		w.flow.String(w.Attr("tooltip"))
		w.flow.Line()
	case "dataValidation":
		for _, name := range []string{"promptTitle", "prompt", "errorTitle", "error"} {
			if text := w.Attr(name); text != "" {
				w.flow.String(text)
				w.flow.Line()
			}
		}
	}
}

func (w *worksheet) text() {
	switch name := w.Parent(0); name {
	case "v":
		w.value = append(w.value, w.Text...)
	case "t":
		if w.Parent(1) != "rPh" {
			w.flow.Text(w.Text)
		}
	case "oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter":
		w.value = append(w.value, w.Text...)
	case "f":
		if w.Parent(1) == "c" {
			if len(w.source) < maxFormula {
				w.source = append(w.source, w.Text...)
			}
			return
		}
		w.flow.Text(w.Text) // of a validation of Excel 2010
	case "formula1", "formula2":
		w.flow.Text(w.Text)
	}
}

func (w *worksheet) end() error {
	switch w.Name {
	case "c":
		return w.cell()
	case "row":
		w.flow.EndRow()
	case "sheetData":
		w.flow.EndTable()
	case "oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter":
		w.flow.String(sheet.HeaderText(string(w.value)))
		w.flow.Line()
		w.value = w.value[:0]
	case "headerFooter":
		w.flow.Turn(detect.Body)
	case "formula1", "formula2":
		w.flow.Line()
	}
	return nil
}

// maxFormula is how much of a formula is kept. Excel allows 8,192 characters.
const maxFormula = 32 << 10

// cell writes what a cell shows.
func (w *worksheet) cell() error {
	if len(w.value) == 0 {
		if len(w.source) > 0 && w.kind != "inlineStr" { // Excel calculates and shows the result
			w.flow.CellAt(w.column)
			w.flow.Text(w.source)
		}
		return nil
	}
	var text []byte
	switch value := strings.TrimSpace(string(w.value)); w.kind {
	case "s":
		i, err := strconv.Atoi(value)
		if err != nil {
			return flow.ErrDamaged
		}
		text = w.shared.At(i)
		if err := w.job.Charge(len(text)); err != nil {
			return err
		}
	case "str":
		text = w.value
	case "inlineStr", "b", "e", "d":
		return nil
	default:
		text = []byte(w.number(value, w.style))
	}
	if len(text) > 0 {
		w.flow.CellAt(w.column)
		w.flow.Text(text)
	}
	return nil
}

// columnOf returns the number of the column of a cell such as "B3", counted from
// 0; -1 if it has none.
func columnOf(cell string) int {
	n := 0
	for _, c := range []byte(cell) {
		c |= 0x20
		if c < 'a' || c > 'z' {
			break
		}
		if n = n*26 + int(c-'a') + 1; n > 1<<20 {
			return -1
		}
	}
	return n - 1
}

// ReadWorkbook2003 reads a workbook that is one XML file.
func ReadWorkbook2003(j *flow.Job, r io.Reader) error {
	s, f := markup.New(r), j.Begin(detect.Body)
	defer f.Close()
	inData := false
	for {
		switch s.Next() {
		case markup.None:
			return end(s)
		case markup.Start:
			switch s.Name {
			case "Table":
				f.Table()
			case "Cell":
				if n := s.Int("Index", 0); n > 0 {
					f.CellAt(n - 1)
				} else {
					f.Cell()
				}
				f.Skip(s.Int("MergeAcross", 0))
			case "Data":
				inData = true
			case "Header", "Footer":
				f.Aside()
				f.String(sheet.HeaderText(s.Attr("Data")))
				f.EndAside()
			}
		case markup.Text:
			if inData {
				f.Text(s.Text)
			}
		case markup.End:
			switch s.Name {
			case "Data":
				inData = false
			case "Comment":
				f.Line()
			case "Row":
				f.EndRow()
			case "Table":
				f.EndTable()
			}
		}
	}
}
