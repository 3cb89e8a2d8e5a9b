package rules

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// readCSV hands over the rows of a CSV. Quotes are read strictly: one that is
// never closed would swallow rows.
func readCSV(data []byte, each func(row int, cells []string) error) error {
	text, err := decodeText(data)
	if err != nil {
		return err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	inner := 0 // line ends inside of cells so far
	row, width, widthBefore := 0, 0, 0
	for {
		cells, err := r.Read()
		var fault *csv.ParseError
		switch {
		case err == io.EOF && width < widthBefore && !bytes.HasSuffix(bytes.TrimRight(text, " \t"), []byte("\n")):
			return fmt.Errorf("row %d has %d cells of %d and no line end, the file is cut off: "+fetchAgain, row, width, widthBefore)
		case err == io.EOF:
			return nil
		case errors.As(err, &fault):
			return fmt.Errorf("row %d: %w: mend the quotes, or "+fetchAgain, fault.StartLine-inner, fault.Err)
		case err != nil:
			return err
		}
		line, _ := r.FieldPos(0)
		row, width, widthBefore = line-inner, len(cells), width
		for _, cell := range cells {
			inner += strings.Count(cell, "\n")
		}
		if err := each(row, cells); err != nil {
			return err
		}
	}
}

// decodeText gives UTF-8 without a byte order mark. What is not UTF-8 is taken
// for Windows-1252, in which the list has been published before.
func decodeText(data []byte) ([]byte, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if utf8.Valid(data) {
		return data, nil
	}
	return charmap.Windows1252.NewDecoder().Bytes(data)
}
