package milter

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	gomilter "github.com/emersion/go-milter"
)

// maxPacket is the greatest length of command and payload, as in go-milter.
// Each header field arrives in one packet.
const maxPacket = 1 << 20

// maxWrite is how much is written under one deadline. Postfix searches its
// queue file for each recipient that is deleted. An MTA may therefore need
// minutes for all edits of a message, but never long for a few of them.
const maxWrite = 4 << 10

// packets reads and writes the packets of a connection.
type packets struct {
	net.Conn
	timeout time.Duration // for the rest of a packet, and for each write
	socket  io.ReadWriter
	in      *bufio.Reader // reads socket
	packet  bytes.Buffer  // the packet that was read last
	out     []byte        // what was written and not sent yet
}

func newPackets(c net.Conn, timeout time.Duration) packets {
	socket := newDirect(c)
	return packets{Conn: c, timeout: timeout, socket: socket, in: bufio.NewReader(socket)}
}

// drop forgets the packet that was read last.
func (p *packets) drop() {
	if p.packet.Cap() > keptBuffer {
		p.packet = bytes.Buffer{}
	}
	p.packet.Reset()
}

// begin reads the length and the code of a packet.
func (p *packets) begin() (length int, code gomilter.Code, err error) {
	if !p.isBuffered() {
		if err := p.SetReadDeadline(time.Now().Add(p.timeout)); err != nil {
			return 0, 0, err
		}
	}
	head, err := p.in.Peek(4)
	if err != nil {
		return 0, 0, truncated(err)
	}
	size := binary.BigEndian.Uint32(head)
	switch { // the size is not shown: it can be text of a message, if the MTA writes faulty packets
	case size == 0:
		return 0, 0, errors.New("a packet of 0 octets: it must have a command")
	case size > maxPacket:
		return 0, 0, fmt.Errorf("a packet of more than %d octets", maxPacket)
	}
	if head, err = p.in.Peek(5); err != nil {
		return 0, 0, truncated(err)
	}
	return int(size), gomilter.Code(head[4]), nil
}

// isBuffered reports whether the next packet is complete, so that reading it needs no
// timer.
func (p *packets) isBuffered() bool {
	if p.in.Buffered() < 4 {
		return false
	}
	head, _ := p.in.Peek(4)
	return p.in.Buffered()-4 >= int(binary.BigEndian.Uint32(head))
}

// read reads one packet with its length. Memory for the payload is allocated
// only as it arrives, and only if hold allows it.
func (p *packets) read(length int, hold func(octets int) bool) error {
	// The buffer doubles as it grows, and go-milter makes a copy.
	if length > keptBuffer && !hold(3*length) {
		return fmt.Errorf("a packet of %d octets: all connections together already hold %d octets, the limit", length, maxHeld)
	}
	if _, err := io.CopyN(&p.packet, p.in, 4+int64(length)); err != nil {
		return truncated(err)
	}
	return nil
}

// stream passes on the payload of a packet as it arrives. The time of take does
// not count towards the timeout.
func (p *packets) stream(length int, take func([]byte)) error {
	p.in.Discard(5)
	end := time.Now().Add(p.timeout)
	for left := length - 1; left > 0; {
		if _, err := p.in.Peek(1); err != nil {
			return truncated(err)
		}
		part, _ := p.in.Peek(min(left, p.in.Buffered()))
		began := time.Now()
		take(part)
		end = end.Add(time.Since(began))
		if err := p.SetReadDeadline(end); err != nil {
			return err
		}
		left -= len(part)
		p.in.Discard(len(part))
	}
	return nil
}

func truncated(err error) error {
	return fmt.Errorf("a packet is incomplete: %w", errors.Join(io.ErrUnexpectedEOF, nonEOF(err)))
}

// nonEOF keeps the end of the file from being taken for an orderly end.
func nonEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// write buffers a packet.
func (p *packets) write(code byte, payload []byte) {
	p.out = binary.BigEndian.AppendUint32(p.out, uint32(len(payload)+1))
	p.out = append(append(p.out, code), payload...)
}

// Write buffers a packet of go-milter.
func (p *packets) Write(packet []byte) (int, error) {
	p.out = append(p.out, packet...)
	return len(packet), nil
}

// flush sends what was buffered.
func (p *packets) flush() error {
	if len(p.out) == 0 {
		return nil
	}
	for part := range slices.Chunk(p.out, maxWrite) {
		if err := p.SetWriteDeadline(time.Now().Add(p.timeout)); err != nil {
			return err
		}
		if _, err := p.socket.Write(part); err != nil {
			return fmt.Errorf("writing to the MTA: %w", err)
		}
	}
	p.out = p.out[:0]
	if cap(p.out) > keptBuffer {
		p.out = nil
	}
	return nil
}
