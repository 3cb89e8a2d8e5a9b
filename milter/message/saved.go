package message

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// ReadSaved reads the header of a saved message as an MTA would show it. It
// does not read the body, or what is beyond the limits of a message. The error
// says why the file cannot be a message, and shows nothing of the file.
func (m *Message) ReadSaved(r io.Reader) error {
	bounded := &io.LimitedReader{R: r, N: maxMessage}
	in, err := openSaved(bounded)
	if err != nil {
		return err
	}
	name, usual := "", false
	var value strings.Builder
	for m.limit == "" {
		line, err := in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading the message: %w", err)
		}
		if bounded.N == 0 && (usual || isUsualField(name)) {
			m.limit = "too large a header"
			break
		}
		text := strings.TrimRight(line, "\r\n")
		if name != "" && text != "" && (text[0] == ' ' || text[0] == '\t') {
			value.WriteString("\n" + text)
			continue
		}
		if name != "" {
			m.Header(name, value.String())
			usual = usual || isUsualField(name)
		}
		var ok bool
		var rest string
		if name, rest, ok = strings.Cut(text, ":"); !ok || !isFieldName(name) {
			if !usual {
				return errNoHeader
			}
			return nil
		}
		value.Reset()
		value.WriteString(rest)
	}
	return nil
}

// isFieldName reports whether the text before a colon is the name of a field
// (RFC 5322, section 2.2). Blanks may follow it, because MTAs remove them.
func isFieldName(text string) bool {
	text = strings.TrimRight(text, " \t")
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
