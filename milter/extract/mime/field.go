package mime

import (
	"bytes"
	"strings"
)

// fields are the fields of a header that tell how to read the body.
type fields struct {
	types     []string // Content-Type
	encodings []string // Content-Transfer-Encoding
	subjects  []string
	names     []string // Content-Disposition, which has the file's name
	remarks   []string // Content-Description
}

func (f *fields) add(name, value string) {
	switch {
	case strings.EqualFold(name, "Content-Type"):
		f.types = append(f.types, value)
	case strings.EqualFold(name, "Content-Transfer-Encoding"):
		f.encodings = append(f.encodings, value)
	case strings.EqualFold(name, "Subject"):
		f.subjects = append(f.subjects, value)
	case strings.EqualFold(name, "Content-Disposition"):
		f.names = append(f.names, value)
	case strings.EqualFold(name, "Content-Description"):
		f.remarks = append(f.remarks, value)
	}
}

// parseHeader reads the fields of a header whose lines end in "\n".
func parseHeader(header string) (f fields) {
	for header != "" {
		field := header[:fieldLength(header)]
		header = header[len(field):]
		if name, value, ok := strings.Cut(field, ":"); ok {
			f.add(strings.TrimSpace(name), strings.TrimSuffix(value, "\n"))
		}
	}
	return f
}

// fieldLength returns the length of the first field, with its folds.
func fieldLength(header string) int {
	n := 0
	for {
		end := strings.IndexByte(header[n:], '\n')
		if end < 0 {
			return len(header)
		}
		n += end + 1
		if n == len(header) || header[n] != ' ' && header[n] != '\t' {
			return n
		}
	}
}

// isField reports whether a line is one of a header: a field, or the
// continuation of one.
func isField(line []byte) bool {
	if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
		return true
	}
	name, _, ok := bytes.Cut(line, []byte(":"))
	name = bytes.TrimRight(name, " \t")
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return ok && len(name) > 0
}

// encoding is a transfer encoding.
type encoding byte

const (
	identity encoding = iota
	quotedPrintable
	base64
	unknownEncoding
)

// encoding returns the transfer encoding. If fields differ, it returns the
// strongest, and false.
func (f *fields) encoding() (strongest encoding, same bool) {
	same = true
	for i, value := range f.encodings {
		e := encodingOf(value)
		same = same && (i == 0 || e == strongest)
		if e != unknownEncoding || strongest == identity {
			strongest = max(strongest, e)
		}
	}
	if strongest == unknownEncoding {
		return identity, false
	}
	return strongest, same
}

// encodingOf reads the value of a field. It accepts comments, quotes and
// punctuation that do not belong there.
func encodingOf(value string) encoding {
	value, comment, _ := strings.Cut(value, "(")
	if strings.TrimSpace(value) == "" { // the comment comes first
		_, value, _ = strings.Cut(comment, ")")
	}
	name := strings.Map(func(r rune) rune {
		switch r |= 0x20; {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		}
		return -1
	}, value)
	switch {
	case strings.HasPrefix(name, "base64"):
		return base64
	case strings.HasPrefix(name, "quotedprintable"), name == "qp":
		return quotedPrintable
	case name == "", strings.HasPrefix(name, "7bit"), strings.HasPrefix(name, "8bit"), strings.HasPrefix(name, "binary"),
		strings.Contains(name, "uue"), name == "uuencode", name == "plain", name == "none":
		return identity // uuencode is found in the text
	}
	return unknownEncoding
}
