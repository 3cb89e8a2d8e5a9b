package message

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// mboxFrom begins the line before each message of an mbox file.
const mboxFrom = "From "

// isMboxLine reports whether a line that follows an empty one begins a message of an
// mbox file. It has a time of day. Programs that write mbox files change other lines
// that begin like it, but some change none.
func isMboxLine(line []byte) bool {
	if !bytes.HasPrefix(line, []byte(mboxFrom)) {
		return false
	}
	isDigit := func(i int) bool { return i >= 0 && i < len(line) && '0' <= line[i] && line[i] <= '9' }
	for i, c := range line {
		if c == ':' && isDigit(i-2) && isDigit(i-1) && isDigit(i+1) && isDigit(i+2) {
			return true
		}
	}
	return false
}

// isEmptyLine reports whether a line with its end is empty.
func isEmptyLine(line []byte) bool { return len(bytes.TrimRight(line, "\r\n")) == 0 }

// Mbox finds the messages of an mbox file.
type Mbox struct {
	in    *bufio.Reader
	at    int64 // of the next octet in the file
	start int64 // of the next message
}

// NewMbox reads an mbox file from its start.
func NewMbox(r io.Reader) *Mbox { return &Mbox{in: bufio.NewReaderSize(r, 64<<10)} }

// Next returns where the next message begins, with its line "From ", and where it
// ends. The error is io.EOF after the last one.
func (b *Mbox) Next() (start, end int64, err error) {
	begins, afterEmpty := true, false
	hasText := b.at > b.start // an empty line before the first message is none
	for {
		piece, err := b.in.ReadSlice('\n')
		at := b.at
		b.at += int64(len(piece))
		if begins && afterEmpty && hasText && isMboxLine(piece) {
			start, b.start = b.start, at
			return start, at, nil
		}
		afterEmpty = begins && isEmptyLine(piece)
		begins = err == nil
		hasText = hasText || !afterEmpty
		switch {
		case err == nil || errors.Is(err, bufio.ErrBufferFull):
		case !errors.Is(err, io.EOF) || !hasText:
			return 0, 0, err
		default: // the last message
			start, b.start = b.start, b.at
			return start, b.at, nil
		}
	}
}

// mboxReader reads one message of an mbox file, without its line "From ". It
// removes the ">" that was written before lines that begin like that.
type mboxReader struct {
	in     *bufio.Reader
	ready  []byte // what Read returns next
	after  []byte // what follows ready
	held   string // an empty line, which may belong to the next message
	begins bool   // in is at the beginning of a line
	err    error
}

func (b *mboxReader) Read(p []byte) (int, error) {
	return readPieces(p, &b.ready, &b.err, b.in, b.next)
}

func (b *mboxReader) next() {
	if b.ready, b.after = b.after, nil; len(b.ready) > 0 {
		return
	}
	piece, err := b.in.ReadSlice('\n')
	begins := b.begins
	b.begins = err == nil
	switch {
	case len(piece) == 0:
		b.err = err
		return
	case begins && b.held != "" && isMboxLine(piece):
		b.err = io.EOF
		return
	}
	held := []byte(b.held)
	b.held = ""
	if begins && isEmptyLine(piece) {
		b.ready, b.held = held, string(piece)
		return
	}
	if rest := bytes.TrimLeft(piece, ">"); begins && len(rest) < len(piece) && bytes.HasPrefix(rest, []byte(mboxFrom)) {
		piece = piece[1:]
	}
	if b.ready, b.after = held, piece; len(held) == 0 {
		b.ready, b.after = piece, nil
	}
}
