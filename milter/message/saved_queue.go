package message

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"

	"github.com/postseal/postseal/rules/address"
)

// The faults of postcat(1)'s output.
var (
	errEnvelope = errors.New("it is an envelope without a message: run postcat -q, without the option -e")
	errContents = errors.New("it is a part of postcat's output: give all of it, from the first line")
	errOptions  = errors.New("it is the output of postcat with one of the options -d, -o and -v: leave those out")
)

// The lines of postcat(1) before the parts of a queue file. The name of the file
// and "***" follow.
const (
	envelopeRecords = "*** ENVELOPE RECORDS "
	messageContents = "*** MESSAGE CONTENTS "
	headerExtracted = "*** HEADER EXTRACTED "
)

// QueueEnvelope is the envelope in the output of postcat(1).
type QueueEnvelope struct {
	Sender     string
	Recipients []string   // as clients sent them, each once
	Client     netip.Addr // invalid if there is none

	relay    string // what diverted recipients end in
	file     string // the rest of the line envelopeRecords
	original string // of the next recipient
	seen     map[string]bool
}

// ReadQueueEnvelope reads the output of postcat(1) to its end. Recipients that
// sendmail -t took from the header follow the message. Those of held mail that are
// diverted have the relay domain, which is removed.
func ReadQueueEnvelope(r io.Reader, relay string) (QueueEnvelope, error) {
	var e QueueEnvelope
	if relay != "" {
		e.relay = "." + relay
	}
	in := bufio.NewReaderSize(r, 64<<10)
	for start, _ := in.Peek(len(envelopeRecords)); string(start) != envelopeRecords; start, _ = in.Peek(len(envelopeRecords)) {
		if len(start) == 0 {
			return e, errEnvelope
		}
		skipLine(in) // a warning of postcat
	}
	if err := e.readRecords(in); err != nil {
		return e, err
	}
	contents := contentsReader{in: in, end: e.extracted(), begins: true}
	if _, err := io.Copy(io.Discard, &contents); err != nil {
		return e, err
	}
	for {
		line, err := readLine(in)
		e.record(line)
		if err != nil {
			return e, nil // postcat ends with a line of its own, or was cut off
		}
	}
}

// extracted returns the line after the contents of the message. Nobody can write it
// into a message, because the queue ID is not known before.
func (e *QueueEnvelope) extracted() string { return headerExtracted + e.file }

// readRecords reads the envelope, up to the contents of the message.
func (e *QueueEnvelope) readRecords(in *bufio.Reader) error {
	first, _ := readLine(in)
	e.file = strings.TrimPrefix(first, envelopeRecords)
	for {
		text, err := readLine(in)
		switch contents := strings.Index(text, messageContents); {
		case text == "":
			return errEnvelope
		case contents > 0 && strings.Trim(text[:contents], " 0123456789") == "", strings.HasPrefix(text, "pointer_record: "): // -o writes offsets
			return errOptions
		case contents == 0:
			return nil
		}
		if err != nil {
			return errEnvelope
		}
		e.record(text)
	}
}

// record reads a line such as "recipient: bob@gmail.com". The line
// original_recipient before it has the address as the client sent it, before aliases.
func (e *QueueEnvelope) record(line string) {
	name, value, _ := strings.Cut(line, ": ")
	switch name {
	case "sender":
		e.Sender = value
	case "named_attribute":
		if client, ok := strings.CutPrefix(value, "client_address="); ok {
			e.Client, _ = netip.ParseAddr(client)
			e.Client = e.Client.Unmap()
		}
	case "original_recipient":
		e.original = value
	case "canceled_recipient": // a filter has replaced it
		e.original = ""
	case "recipient", "done_recipient":
		if e.original != "" {
			value = e.original
		}
		e.original = ""
		value = strings.TrimSuffix(address.TrimAngles(value), e.relay)
		if key := strings.ToLower(value); value != "" && !e.seen[key] && len(e.seen) <= maxRecipients {
			if e.seen == nil {
				e.seen = make(map[string]bool)
			}
			e.seen[key] = true
			e.Recipients = append(e.Recipients, value)
		}
	}
}

// checkContents checks the first line of the message in the output of
// postcat(1).
func checkContents(in *bufio.Reader) error {
	start, _ := in.Peek(64)
	switch text := string(start); {
	case strings.HasPrefix(text, "*** "):
		return errEnvelope
	case strings.HasPrefix(text, "regular_text: "):
		return errOptions
	}
	return nil
}

// contentsReader reads the message in the output of postcat(1), up to the line that
// follows it.
type contentsReader struct {
	in     *bufio.Reader
	end    string
	ready  []byte // what Read returns next
	begins bool   // in is at the beginning of a line
	err    error
}

func (c *contentsReader) Read(p []byte) (n int, err error) {
	return readPieces(p, &c.ready, &c.err, c.in, func() {
		piece, err := c.in.ReadSlice('\n')
		if c.begins && string(bytes.TrimRight(piece, "\r\n")) == c.end {
			piece, err = nil, io.EOF
		}
		c.ready, c.begins = piece, err == nil
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			c.err = err
		}
	})
}

// readPieces fills p from pieces. next sets ready to the next piece, which is valid
// until the next call, or err.
func readPieces(p []byte, ready *[]byte, err *error, in *bufio.Reader, next func()) (n int, _ error) {
	for n < len(p) {
		if len(*ready) == 0 {
			if *err != nil && n == 0 {
				return 0, *err
			}
			if *err != nil || n > 0 && in.Buffered() == 0 {
				return n, nil
			}
			next()
		}
		copied := copy(p[n:], *ready)
		n, *ready = n+copied, (*ready)[copied:]
	}
	return n, nil
}

// readLine returns a line without its end. The error is that of the reader, and the
// line may be incomplete.
func readLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}
