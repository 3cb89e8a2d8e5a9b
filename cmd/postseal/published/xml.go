package published

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Limits of a workbook's XML, far above what Excel writes. The decoder keeps
// every open element, and all attributes of one element.
const (
	maxDepth = 64
	maxTag   = 16 << 10 // octets
)

// boundXML refuses XML for which the decoder would use many times the memory of
// the text.
func boundXML(text []byte) error {
	depth := 0
	for {
		start := bytes.IndexByte(text, '<')
		if start < 0 {
			return nil
		}
		text = text[start:]
		end := markupEnd(text)
		if end < 0 {
			return nil // the decoder reports that it is cut off
		}
		tag := text[:end]
		text = text[end:]
		switch {
		case bytes.HasPrefix(tag, []byte("<!--")), bytes.HasPrefix(tag, []byte("<![")), tag[1] == '?':
			continue
		case tag[1] == '!':
			return errors.New("its XML has a document type, which no workbook has")
		case tag[1] == '/':
			depth--
		case tag[end-2] != '/':
			depth++
		}
		if end > maxTag || depth > maxDepth {
			return limitError(fmt.Sprintf("its XML has an element of more than %d KiB, or below more than %d others", maxTag>>10, maxDepth))
		}
	}
}

// markupEnd returns where the markup at the start of text ends, or -1.
func markupEnd(text []byte) int {
	for _, m := range []struct{ start, end string }{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}} {
		if bytes.HasPrefix(text, []byte(m.start)) {
			if i := bytes.Index(text[len(m.start):], []byte(m.end)); i >= 0 {
				return len(m.start) + i + len(m.end)
			}
			return -1
		}
	}
	quote := byte(0)
	for i, c := range text {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
		if i > maxTag {
			return i // long enough for the caller to refuse it
		}
	}
	return -1
}

// parents are the elements that count in only one place. For example, Excel
// does not show a row that is in an extension.
var parents = map[string]string{
	"worksheet": "", "sst": "", "styleSheet": "",
	"sheetData": "worksheet", "row": "sheetData", "c": "row", "v": "c", "f": "c", "is": "c", "si": "sst",
	"cols": "worksheet", "col": "cols", "mergeCells": "worksheet", "mergeCell": "mergeCells",
	"sheetViews": "worksheet", "sheetView": "sheetViews", "pane": "sheetView",
	"fonts": "styleSheet", "fills": "styleSheet", "cellXfs": "styleSheet", "dxfs": "styleSheet",
}

// eachToken passes the tokens of a part to each. It skips elements in another
// namespace than the part's, or in a wrong place.
func eachToken(text []byte, each func(token xml.Token) error) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	var open []xml.Name
	for {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if !inPlace(open, t.Name) {
				if err := d.Skip(); err != nil {
					return err
				}
				continue
			}
			open = append(open, t.Name)
		case xml.EndElement:
			open = open[:len(open)-1]
		}
		if err := each(token); err != nil {
			return err
		}
	}
}

// inPlace reports whether an element counts below the open elements.
func inPlace(open []xml.Name, name xml.Name) bool {
	parent := ""
	if len(open) > 0 {
		parent = open[len(open)-1].Local
		if name.Space != open[0].Space {
			return false
		}
	}
	want, known := parents[name.Local]
	return !known || want == parent
}

// attribute returns the value of an element's attribute, or "".
func attribute(element xml.StartElement, name string) string {
	for _, a := range element.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// number returns the value of an attribute that is a whole number, or
// otherwise.
func number(element xml.StartElement, name string, otherwise int) int {
	if n, err := strconv.Atoi(attribute(element, name)); err == nil {
		return n
	}
	return otherwise
}

// isTrue reports whether an attribute is an XML Schema boolean that is true.
func isTrue(element xml.StartElement, name string) bool {
	value := attribute(element, name)
	return value == "1" || value == "true" || value == "on"
}

// isZero reports whether an attribute is a number below 1, so small that its
// element cannot be seen.
func isZero(element xml.StartElement, name string) bool {
	size, err := strconv.ParseFloat(attribute(element, name), 64)
	return err == nil && size < 1
}
