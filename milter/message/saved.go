package message

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// ReadSaved reads a saved message as an MTA would show it, but no header beyond
// the limits of a message. The error says why the file cannot be a message, and
// shows nothing of the file.
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
			if text != "" { // the empty line before the body is missing
				m.Body([]byte(line))
			}
			bounded.N = math.MaxInt64
			return m.readSavedBody(in)
		}
		value.Reset()
		value.WriteString(rest)
	}
	return nil
}

func (m *Message) readSavedBody(in io.Reader) error {
	chunk := make([]byte, 64<<10)
	for {
		n, err := in.Read(chunk)
		m.Body(chunk[:n])
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the message: %w", err)
		}
	}
}

// isFieldName reports whether the text before a colon is the name of a field
// (RFC 5322, section 2.2). Blanks may follow it, because MTAs remove them.
func isFieldName(text string) bool {
	text = strings.TrimRight(text, " \t")
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
