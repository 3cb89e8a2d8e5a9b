package doctor

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Sendmail is its configuration. The checks ask it, and run no program themselves.
type Sendmail struct {
	File    string              // sendmail.cf
	Options map[string][]string // of lines "O Name=value", in order: the last wins, but ports add up
	Filters map[string]Fields   // of lines "X"
	Mailers map[string]Fields   // of lines "M"
	Macros  map[string]string   // of lines "D", without the braces of long names
	Headers []string            // of lines "H", without that letter

	// Test runs one line of sendmail -bt, such as "3,0 a@example.org".
	Test func(line string) (string, error)
	// Verify expands an address with sendmail -bv.
	Verify func(address string) (string, error)
}

// Fields are the equates of a filter or mailer, as in "S" and "local:/run/x".
type Fields map[string]string

// Option returns the last value of an option, or "".
func (m *Sendmail) Option(name string) string {
	if values := m.Options[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

// ReadSendmail reads sendmail.cf.
func ReadSendmail(file string) (*Sendmail, error) {
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%w: if Sendmail is configured elsewhere, name the file with -sendmail-cf", err)
	case err != nil:
		return nil, err
	}
	m := parseSendmail(string(text))
	m.File = file
	m.Test = func(line string) (string, error) { return run(line+"\n", "sendmail", "-C", file, "-bt") }
	m.Verify = func(address string) (string, error) {
		return run("", "sendmail", "-C", file, "-bv", "--", address)
	}
	return m, nil
}

func parseSendmail(text string) *Sendmail {
	m := &Sendmail{Options: make(map[string][]string), Filters: make(map[string]Fields), Mailers: make(map[string]Fields), Macros: make(map[string]string)}
	for _, line := range logicalLines(text) {
		rest := line[1:]
		switch line[0] {
		case 'O':
			name, value, _ := strings.Cut(strings.TrimSpace(rest), "=")
			m.Options[name] = append(m.Options[name], value)
		case 'X', 'M':
			name, fields, _ := strings.Cut(rest, ",")
			into := m.Filters
			if line[0] == 'M' {
				into = m.Mailers
			}
			into[strings.TrimSpace(name)] = equates(fields)
		case 'D':
			if long, value, ok := strings.Cut(rest, "}"); ok && rest[0] == '{' {
				m.Macros[long[1:]] = value
			} else if rest != "" {
				m.Macros[rest[:1]] = rest[1:]
			}
		case 'H':
			m.Headers = append(m.Headers, rest)
		}
	}
	return m
}

func equates(text string) Fields {
	fields := make(Fields)
	for _, field := range strings.Split(text, ",") {
		if name, value, ok := strings.Cut(strings.TrimSpace(field), "="); ok {
			fields[name] = value
		}
	}
	return fields
}
