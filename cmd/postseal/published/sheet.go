package published

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	// maxColumns is how many columns of a sheet are read.
	maxColumns = 256

	// maxMerges is how many merged cells a sheet may have.
	maxMerges = 1000
)

// errProbed ends the reading of a sheet when its likeness to the list is known.
var errProbed = errors.New("the sheet is known")

// sheetReader reads a sheet cell by cell, so that a crafted sheet needs no more
// memory than its own size.
type sheetReader struct {
	text      []byte
	shared    []listCell
	styles    styles
	ruleHides bool             // a rule of conditional formatting may hide cells
	hidden    [maxColumns]bool // the hidden columns
	formula   [maxColumns]bool // the columns in which a formula fills several cells
	merges    []cellRange
	top, left int // the first visible cell, from 1 and from 0
	above     int // the last row that is out of reach of scrolling
}

// cellRange is a merged cell. Only its first cell is visible.
type cellRange struct{ top, left, bottom, right int }

// sheet unpacks a sheet, and reads the elements that decide which cells are
// visible.
func (w *workbook) sheet(entry sheetEntry) (sheetReader, error) {
	s := sheetReader{shared: w.shared, styles: w.styles}
	var err error
	if s.text, err = w.part(entry.part); err != nil {
		return s, err
	}
	// If the sheet is cut off, reading its rows later reports that with the
	// number of the row.
	err = eachToken(s.text, func(token xml.Token) error {
		if element, ok := token.(xml.StartElement); ok {
			return s.layout(element)
		}
		return nil
	})
	var syntax *xml.SyntaxError
	if err != nil && !errors.As(err, &syntax) {
		return s, fmt.Errorf("%s: %w", entry.part, err)
	}
	return s, nil
}

func (s *sheetReader) layout(element xml.StartElement) error {
	switch element.Name.Local {
	case "col":
		if isTrue(element, "hidden") || isZero(element, "width") {
			first, last := number(element, "min", 1), number(element, "max", maxColumns)
			for column := max(first, 1); column <= min(last, maxColumns); column++ {
				s.hidden[column-1] = true
			}
		}
	case "sheetView":
		corner := attribute(element, "topLeftCell")
		s.top, s.left = rowOf(corner), columnOf(corner, 0)
	case "pane":
		s.freeze(element)
	case "f":
		if first, last, ok := strings.Cut(attribute(element, "ref"), ":"); ok {
			for column := columnOf(first, 0); column <= min(columnOf(last, 0), maxColumns-1); column++ {
				s.formula[column] = true
			}
		}
	case "mergeCell":
		if len(s.merges) == maxMerges {
			return limitError(fmt.Sprintf("it has more than %d merged cells", maxMerges))
		}
		first, last, _ := strings.Cut(attribute(element, "ref"), ":")
		s.merges = append(s.merges, cellRange{rowOf(first), columnOf(first, 0), rowOf(last), columnOf(last, 0)})
	case "cfRule":
		rule := number(element, "dxfId", -1)
		s.ruleHides = s.ruleHides || rule >= 0 && rule < len(s.styles.rules) && s.styles.rules[rule]
	}
	return nil
}

// freeze finds the rows and columns that nobody can scroll to: those before the
// first visible cell, if the first rows or columns of the view are frozen.
func (s *sheetReader) freeze(pane xml.StartElement) {
	if !strings.HasPrefix(attribute(pane, "state"), "frozen") {
		return
	}
	if attribute(pane, "ySplit") != "" {
		s.above = s.top - 1
	}
	if attribute(pane, "xSplit") != "" {
		for column := range min(s.left, maxColumns) {
			s.hidden[column] = true
		}
	}
}

// probe reads a sheet up to its first domains.
func (s sheetReader) probe(r *reader) error {
	err := s.read(func(row listRow) error {
		err := r.row(row)
		if len(r.headers) > headerRows || r.domains() >= listRows {
			return errProbed
		}
		return err
	})
	if errors.Is(err, errProbed) {
		return nil
	}
	return err
}

// hiddenColumns returns the fault of a sheet whose headers are not found.
func (s sheetReader) hiddenColumns() error {
	for column, hidden := range s.hidden[:26] {
		if hidden {
			return fmt.Errorf(`no visible column is headed "Domain name", and column %c is hidden: unhide it in Excel, check that it is the right column, and save the workbook`, 'A'+column)
		}
	}
	return nil
}

// read passes each row to the function. The cells of a hidden column are blank.
func (s sheetReader) read(each func(row listRow) error) error {
	row := listRow{}
	var cell *sheetCell // nil outside a cell
	var filled [maxColumns]bool
	err := eachToken(s.text, func(token xml.Token) error {
		start, isStart := token.(xml.StartElement)
		end, isEnd := token.(xml.EndElement)
		switch {
		case isStart && start.Name.Local == "row":
			last := row.number
			row = listRow{number: number(start, "r", last+1), cells: row.cells[:0]}
			filled = [maxColumns]bool{}
			if row.number <= last {
				return fmt.Errorf("the row is out of order, or appears twice")
			}
			if row.number <= s.above {
				row.hidden = "is above the frozen rows, out of reach of scrolling"
			}
			if isTrue(start, "hidden") || isZero(start, "ht") {
				row.hidden = "is in a hidden row"
			}
		case isStart && start.Name.Local == "c":
			cell = newSheetCell(start, len(row.cells))
		case isEnd && end.Name.Local == "c" && cell != nil:
			c := cell
			cell = nil
			if at := rowOf(c.reference); at != 0 && at != row.number || c.column < maxColumns && filled[c.column] {
				return fmt.Errorf("cell %s is in a wrong row, or appears twice", cleanText(c.reference))
			}
			if c.column < maxColumns {
				filled[c.column] = true
			}
			return s.put(&row, c)
		case isEnd && end.Name.Local == "row":
			if err := each(row); err != nil {
				return listError{err}
			}
		case cell != nil:
			cell.token(token)
		}
		return nil
	})
	var fault listError
	switch {
	case errors.As(err, &fault):
		return fault.error
	case err != nil:
		return fmt.Errorf("row %d: %w", row.number, damaged(err))
	}
	return nil
}

// listError is a fault of the list, not of the workbook.
type listError struct{ error }

// sheetCell collects a CT_Cell.
type sheetCell struct {
	reference, kind string
	column, format  int
	value           cellText
	inline          richText
	inValue         bool
	formula         bool
}

func newSheetCell(start xml.StartElement, next int) *sheetCell {
	reference := attribute(start, "r")
	return &sheetCell{reference: reference, kind: attribute(start, "t"), column: columnOf(reference, next), format: number(start, "s", 0)}
}

func (c *sheetCell) token(token xml.Token) {
	switch t := token.(type) {
	case xml.StartElement:
		c.inValue = t.Name.Local == "v"
		c.formula = c.formula || t.Name.Local == "f"
	case xml.EndElement:
		c.inValue = false
	case xml.CharData:
		if c.inValue {
			c.value.write(t)
		}
	}
	c.inline.token(token)
}

// put adds a cell's content to the row, in the column of the cell.
func (s sheetReader) put(row *listRow, c *sheetCell) error {
	if c.column >= maxColumns {
		return nil
	}
	var cell listCell
	switch c.kind {
	case "s":
		i, err := strconv.Atoi(c.value.String())
		if err != nil || i < 0 || i >= len(s.shared) {
			return fmt.Errorf("cell %s refers to a missing string", cleanText(c.reference))
		}
		cell = s.shared[i]
	case "inlineStr":
		cell = c.inline.cell()
	default:
		cell = listCell{text: c.value.String()}
	}
	switch blank := strings.TrimSpace(cell.text) == ""; {
	case s.hidden[c.column]:
		cell = listCell{}
	case blank && c.formula:
		cell.fault = "the domain is a formula without a saved value"
	case !blank && s.covered(row.number, c.column):
		cell.fault = "is hidden behind a merged cell"
	case !blank && s.styles.fault(c.format) != "":
		cell.fault = s.styles.fault(c.format)
	}
	cell.formula = c.formula || s.formula[c.column]
	for len(row.cells) <= c.column {
		row.cells = append(row.cells, listCell{})
	}
	row.cells[c.column] = cell
	return nil
}

// covered reports whether a cell is hidden behind a merged cell.
func (s sheetReader) covered(row, column int) bool {
	for _, m := range s.merges {
		inside := m.top <= row && row <= m.bottom && m.left <= column && column <= m.right
		if inside && (row != m.top || column != m.left) {
			return true
		}
	}
	return false
}

// rowOf returns the row of a reference such as "AB12".
func rowOf(reference string) int {
	row, _ := strconv.Atoi(strings.TrimLeft(reference, "ABCDEFGHIJKLMNOPQRSTUVWXYZ$"))
	return row
}

// columnOf returns the column of a reference such as "AB12", from 0. A cell
// without a reference is in the next column.
func columnOf(reference string, next int) int {
	column := 0
	for _, r := range strings.TrimPrefix(reference, "$") {
		if r < 'A' || r > 'Z' {
			break
		}
		column = min(column*26+int(r-'A')+1, maxColumns+1)
	}
	if column == 0 {
		return next
	}
	return column - 1
}
