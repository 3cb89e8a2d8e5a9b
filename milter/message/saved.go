package message

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/address"
)

// Saved is a saved message whose header was read.
type Saved struct {
	Doubt string // why a person may read another header than an MTA does; empty if there is no reason

	fields   []savedField
	tooLarge bool      // the header is, and is not complete
	line     string    // the first line of the body, if the empty line before it is missing
	body     io.Reader // the rest
}

// savedField is a field of a header. Its value includes folds.
type savedField struct{ name, value string }

// OpenSaved reads the header of a saved message, but none beyond the limits of a
// message. The error says why the file cannot be a message, and shows nothing of the
// file.
func OpenSaved(r io.Reader) (*Saved, error) {
	bounded := &io.LimitedReader{R: r, N: maxMessage}
	in, err := openSaved(bounded)
	if err != nil {
		return nil, err
	}
	s := &Saved{body: in}
	name, usual, size := "", false, 0
	var value strings.Builder
	for size <= maxMessage {
		line, err := in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("reading the message: %w", err)
		}
		if bounded.N == 0 && (usual || isUsualField(name)) {
			break
		}
		text := strings.TrimRight(line, "\r\n")
		if name != "" && text != "" && (text[0] == ' ' || text[0] == '\t') {
			value.WriteString("\n" + text)
			continue
		}
		if name != "" {
			s.fields = append(s.fields, savedField{name, value.String()})
			size += footprint(len(name) + value.Len())
			usual = usual || isUsualField(name)
			value.Reset()
		}
		var ok bool
		var rest string
		if name, rest, ok = strings.Cut(text, ":"); !ok || !isFieldName(name) {
			if !usual {
				return nil, errNoHeader
			}
			if strings.HasPrefix(text, messageContents) {
				return nil, errContents
			}
			s.checkEnd(text, in)
			if text != "" {
				s.line = line
			}
			bounded.N = math.MaxInt64
			return s, nil
		}
		value.WriteString(rest)
	}
	s.tooLarge = true
	return s, nil
}

// checkEnd finds a header that ends too early, because a program that saved or copied
// it added an empty line or removed the blanks of a fold. last is the line after the
// fields. An MTA reads the fields below it as text, and a person does not.
func (s *Saved) checkEnd(last string, in *bufio.Reader) {
	text, _ := in.Peek(in.Size())
	for line := range bytes.Lines(text) {
		name, _, isField := strings.Cut(string(bytes.TrimRight(line, "\r\n")), ":")
		isField = isField && isFieldName(name) && (isUsualField(name) || strings.EqualFold(name, "MIME-Version") || strings.EqualFold(name, "Content-Type"))
		switch {
		case last != "" && isField:
			s.Doubt = fmt.Sprintf("a line of its header is not a field, so %s and what follows count as text: put a blank before the line if it continues the one above, or delete it", name)
			return
		case last == "" && isField && !s.has("Subject") && !s.has("Content-Type") && (!s.has(name) || strings.EqualFold(name, "Received")):
			s.Doubt = fmt.Sprintf("an empty line ends its header, so %s and what follows count as text: delete the line if it was not in the message", name)
			return
		case last == "" || isEmptyLine(line):
			return
		}
	}
}

func (s *Saved) has(name string) bool {
	return slices.ContainsFunc(s.fields, func(f savedField) bool { return strings.EqualFold(strings.TrimRight(f.name, " \t"), name) })
}

// ReadSaved adds a saved message as an MTA would show it.
func (m *Message) ReadSaved(s *Saved) error {
	for _, f := range s.fields {
		if m.limit != "" {
			return nil
		}
		m.Header(f.name, f.value)
	}
	if s.tooLarge {
		m.Limit(tooLargeHeader)
	}
	if m.limit != "" || !m.Config.Read.Body || m.read() == nil {
		return nil // the body is not read
	}
	m.Body([]byte(s.line))
	chunk := chunks.Get().(*[chunkSize]byte)
	defer chunks.Put(chunk)
	for {
		n, err := s.body.Read(chunk[:])
		m.Body(chunk[:n])
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the message: %w", err)
		}
	}
}

const chunkSize = 64 << 10

// chunks are the buffers of ReadSaved.
var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// Refused is a recipient that is refused at RCPT.
type Refused struct {
	rules.Outcome
	At    int // the index of the recipient
	Reply Reply
}

// DecideSaved runs a saved message through the same steps as a session. Its verdict
// is on the recipients that are not refused, in their order.
func DecideSaved(config *Config, envelope Envelope, to []string, s *Saved, now time.Time) (Verdict, []Refused, error) {
	envelope.Body = true
	m := New(config, envelope)
	defer m.Discard()
	var refused []Refused
	for i, path := range to {
		if r, refusal := m.Recipient(address.TrimAngles(path), "", nil, now); refusal != nil {
			refused = append(refused, Refused{rules.Outcome{Recipient: r, Action: rules.Reject}, i, refusal.Reply})
		}
	}
	if err := m.ReadSaved(s); err != nil {
		return Verdict{}, nil, err
	}
	v, err := m.End()
	return v, refused, err
}

// Enforcing returns the configuration in mode enforce, policies included.
func (c *Config) Enforcing() *Config {
	enforcing := *c
	enforcing.Mode, enforcing.Rules = rules.Enforce, c.Rules.Enforcing()
	return &enforcing
}

// Envelope returns the envelope that the header of a delivered message names, or,
// if it was not delivered, the addresses in From, To, Cc and Bcc. Each recipient
// comes once.
func (s *Saved) Envelope() (sender string, recipients []string) {
	var from, delivered, shown []string
	isReturned := false
	for _, f := range s.fields {
		switch strings.ToLower(strings.TrimRight(f.name, " \t")) {
		case "return-path":
			if path := pathOf(f.value); !isReturned {
				sender, isReturned = path, true
			}
		case "delivered-to", "x-original-to":
			delivered = append(delivered, pathOf(f.value))
		case "from":
			from = append(from, addressesOf(f.value)...)
		case "to", "cc", "bcc":
			shown = append(shown, addressesOf(f.value)...)
		}
	}
	if !isReturned && len(from) > 0 {
		sender = from[0]
	}
	if len(delivered) == 0 {
		delivered = shown
	}
	seen := make(map[string]bool)
	for _, path := range delivered {
		if key := strings.ToLower(path); path != "" && !seen[key] {
			seen[key] = true
			recipients = append(recipients, path)
		}
	}
	return sender, recipients
}

// pathOf returns the path in the value of a field such as Return-Path.
func pathOf(value string) string {
	value = strings.TrimSpace(value)
	if end := strings.IndexByte(value, '>'); end > 0 && value[0] == '<' {
		value = value[:end+1] // a comment follows
	}
	return address.TrimAngles(value)
}

// isFieldName reports whether the text before a colon is the name of a field
// (RFC 5322, section 2.2). Blanks may follow it, because MTAs remove them.
func isFieldName(text string) bool {
	text = strings.TrimRight(text, " \t")
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
