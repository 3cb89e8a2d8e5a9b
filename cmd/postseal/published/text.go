package published

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// readText passes the rows of a file that is not a workbook to r.
func readText(data []byte, r *reader) error {
	if err := refuseKind(binaryKinds, data); err != nil {
		return err
	}
	text, err := decodeText(data)
	if err != nil {
		return err
	}
	if err := refuseMarkup(text); err != nil {
		return err
	}
	return readCSV(text, r)
}

// unicodeForms are the Unicode encodings of a text, with their byte order
// marks. UTF-32 comes first, because the mark of UTF-32LE begins like that of
// UTF-16LE.
var unicodeForms = []struct {
	name, mark string
	encoding   encoding.Encoding
	unit       int  // octets
	zeros      uint // which octets of a unit are 0 in an ASCII text; bit 0 is the first octet
}{
	{"UTF-32", "\xff\xfe\x00\x00", utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), 4, 0b1110},
	{"UTF-32", "\x00\x00\xfe\xff", utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), 4, 0b0111},
	{"UTF-16", "\xff\xfe", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), 2, 0b10},
	{"UTF-16", "\xfe\xff", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), 2, 0b01},
}

// decodeText returns UTF-8 without a byte order mark, and with line ends that
// encoding/csv recognises. UTF-16 and UTF-32 need no mark, because a list is
// mostly ASCII. Any text that is not Unicode is read as Windows-1252, in which
// the list has been published before.
func decodeText(data []byte) (text []byte, err error) {
	switch {
	case bytes.HasPrefix(data, []byte("\ufeff")):
		text = data[3:]
	default:
		text, err = decodeUnicode(data)
	}
	switch {
	case err != nil:
		return nil, err
	case bytes.IndexByte(text, 0) >= 0:
		return nil, errors.New("this is not a text file, and postseal does not know its type: import the accredited list as CSV or XLSX")
	case !utf8.Valid(text):
		text = decodeWindows1252(text)
	}
	return unifyLineEnds(text), nil
}

// unifyLineEnds replaces the carriage returns that end rows with line feeds.
// Old Macs write them, and some files have them in single rows. Several before
// a line feed are one line end.
func unifyLineEnds(text []byte) []byte {
	if bytes.IndexByte(text, '\r') < 0 {
		return text
	}
	unified := make([]byte, 0, len(text))
	quoted, returns := false, 0 // returns is how many carriage returns are pending
	for _, c := range text {
		if c == '\r' && !quoted {
			returns++
			continue
		}
		if c != '\n' {
			unified = append(unified, bytes.Repeat([]byte("\n"), returns)...)
		}
		returns = 0
		if c == '"' {
			quoted = !quoted
		}
		unified = append(unified, c)
	}
	return append(unified, bytes.Repeat([]byte("\n"), returns)...)
}

// decodeWindows1252 allocates exactly the memory that the text needs. A hostile
// file can grow to three times its size.
func decodeWindows1252(data []byte) []byte {
	size := 0
	for _, c := range data {
		size += utf8.RuneLen(charmap.Windows1252.DecodeByte(c))
	}
	text := make([]byte, 0, size)
	for _, c := range data {
		text = utf8.AppendRune(text, charmap.Windows1252.DecodeByte(c))
	}
	return text
}

func decodeUnicode(data []byte) ([]byte, error) {
	for _, form := range unicodeForms {
		marked := bytes.HasPrefix(data, []byte(form.mark))
		if !marked && !looksLike(data, form.unit, form.zeros) {
			continue
		}
		if len(data)%form.unit != 0 {
			return nil, fmt.Errorf("the file is cut off: it is %s, and ends within a character: "+fetchAgain, form.name)
		}
		text, err := form.encoding.NewDecoder().Bytes(data)
		return bytes.TrimPrefix(text, []byte("\ufeff")), err
	}
	return data, nil
}

// looksLike reports whether at least nine in ten of the units at the start of
// data are ASCII characters.
func looksLike(data []byte, unit int, zeros uint) bool {
	data = data[:min(len(data), 4096)]
	units, ascii := len(data)/unit, 0
	for i := range units {
		is := uint(0)
		for j, c := range data[i*unit : (i+1)*unit] {
			if c == 0 {
				is |= 1 << j
			}
		}
		if is == zeros {
			ascii++
		}
	}
	return units > 0 && ascii*10 >= units*9
}
