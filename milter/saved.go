package milter

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ReadSaved takes the header of a saved message, as an MTA would show it, and
// leaves the body unread.
func (m *Message) ReadSaved(r io.Reader) error {
	in := bufio.NewReader(r)
	name, value := "", ""
	for first := true; ; first = false {
		line, err := in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading the message: %w", err)
		}
		text := strings.TrimRight(line, "\r\n")
		if first && strings.HasPrefix(text, "From ") { // of an mbox file
			continue
		}
		if name != "" && text != "" && (text[0] == ' ' || text[0] == '\t') {
			value += "\n" + text
			continue
		}
		if name != "" {
			m.Header(name, value)
		}
		var ok bool
		if name, value, ok = strings.Cut(text, ":"); !ok || !isFieldName(name) {
			return nil
		}
	}
}

// isFieldName tells whether the text before a colon is a field's name (RFC
// 5322, section 2.2), with blanks after it that MTAs take off.
func isFieldName(text string) bool {
	text = strings.TrimRight(text, " \t")
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
