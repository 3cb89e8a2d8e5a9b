package rules

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// maxColumns is how many columns of a sheet are read.
const maxColumns = 256

// sheetReader reads a sheet cell by cell, so that a crafted one takes no more
// memory than its own size.
type sheetReader struct {
	shared []string
	each   func(row int, cells []string) error
}

func (s sheetReader) read(sheet []byte) error {
	d := xml.NewDecoder(bytes.NewReader(sheet))
	row := 0
	var cells []string
	for {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("row %d: the workbook is damaged: %w: "+fetchAgain, row, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "row":
				row, cells = rowNumber(t, row+1), cells[:0]
			case "c":
				if cells, err = s.cell(d, t, cells); err != nil {
					return fmt.Errorf("row %d: the workbook is damaged: %w: "+fetchAgain, row, err)
				}
			}
		case xml.EndElement:
			if t.Name.Local == "row" {
				if err := s.each(row, cells); err != nil {
					return err
				}
			}
		}
	}
}

func rowNumber(row xml.StartElement, next int) int {
	for _, a := range row.Attr {
		if n, err := strconv.Atoi(a.Value); a.Name.Local == "r" && err == nil {
			return n
		}
	}
	return next
}

// cell reads a cell and puts it at its column.
func (s sheetReader) cell(d *xml.Decoder, start xml.StartElement, cells []string) ([]string, error) {
	var c struct {
		Reference string   `xml:"r,attr"`
		Type      string   `xml:"t,attr"`
		Value     string   `xml:"v"`
		Inline    richText `xml:"is"`
	}
	if err := d.DecodeElement(&c, &start); err != nil {
		return nil, err
	}
	var text string
	switch c.Type {
	case "s":
		i, err := strconv.Atoi(c.Value)
		if err != nil || i < 0 || i >= len(s.shared) {
			return nil, fmt.Errorf("cell %s refers to a string that is not there", c.Reference)
		}
		text = s.shared[i]
	case "inlineStr":
		text = c.Inline.String()
	default:
		text = unescape(c.Value)
	}
	column := columnOf(c.Reference, len(cells))
	if column >= maxColumns {
		return cells, nil
	}
	for len(cells) <= column {
		cells = append(cells, "")
	}
	cells[column] = text
	return cells, nil
}

// columnOf counts the column of a reference such as "AB12" from 0. A cell
// without one stands beside the cell before it.
func columnOf(reference string, next int) int {
	column := 0
	for _, r := range reference {
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

// richText is CT_Rst: plain text, or runs of it that differ in style.
type richText struct {
	Plain string `xml:"t"`
	Runs  []struct {
		Text string `xml:"t"`
	} `xml:"r"`
}

func (t richText) String() string {
	var b strings.Builder
	b.WriteString(t.Plain)
	for _, run := range t.Runs {
		b.WriteString(run.Text)
	}
	return unescape(b.String())
}

// escaped is how ST_Xstring writes a character that XML cannot.
var escaped = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

func unescape(text string) string {
	return escaped.ReplaceAllStringFunc(text, func(e string) string {
		code, _ := strconv.ParseUint(e[2:6], 16, 16) // the pattern lets no other through
		return string(rune(code))
	})
}
