package milter

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	gomilter "github.com/emersion/go-milter"

	"github.com/postseal/postseal/rules"
)

// Timeouts of a connection.
type Timeouts struct {
	// Idle bounds the wait for the next packet. An MTA is silent while its
	// client is, and while a long message comes in.
	Idle time.Duration
	// Packet bounds the rest of a packet that has begun, and each write.
	Packet time.Duration
}

// DefaultTimeouts wait as long as libmilter does for the next packet.
var DefaultTimeouts = Timeouts{Idle: 7210 * time.Second, Packet: 30 * time.Second}

// maxPacket is the longest packet: command and payload (go-milter has the
// same bound). A header field comes in one.
const maxPacket = 1 << 20

// maxWrite is how much is written under one deadline. Postfix looks through
// its queue file for each recipient that is deleted, so that an MTA may take
// minutes over the edits of one message, but never long over a few of them.
const maxWrite = 4 << 10

// codeAddRcptPar is SMFIR_ADDRCPT_PAR: add a recipient with ESMTP arguments.
const codeAddRcptPar = '2'

// abortPacket is SMFIC_ABORT. go-milter keeps the fields of all messages of a
// connection until it sees one, which MTAs need not send after a message.
var abortPacket = []byte{0, 0, 0, 1, byte(gomilter.CodeAbort)}

// conn is the connection below go-milter's session. It hands up whole,
// checked packets in an order that makes sense, answers the negotiation, keeps
// the parts of RCPT that go-milter drops, and gathers what is written until
// the next read. Any fault ends the session: go-milter then sees the end of
// the file, and the cause stands in err.
type conn struct {
	net.Conn
	server *Server
	in     *bufio.Reader
	packet bytes.Buffer // the packet being handed up
	out    []byte       // gathered writes
	err    error
	kept
	leaving bool // to be handed over, so that Close leaves it open

	smtputf8  bool          // an argument of the last MAIL
	path      string        // of the last RCPT, without angle brackets
	arguments []string      // of the last RCPT
	macrosOf  gomilter.Code // the packet that the last macros were for
	hasMacros bool          // the packet handed up last had macros of its own

	skipHeader bool // set by the session: the rest of this header is not handed up
	ended      bool // a message has ended, and go-milter is to forget its header

	closed chan struct{}
}

func newConn(c net.Conn, s *Server) *conn {
	return &conn{Conn: c, server: s, in: bufio.NewReader(c), closed: make(chan struct{})}
}

// Close ends the session, once, and its connection.
func (c *conn) Close() error {
	select {
	case <-c.closed:
		return nil
	default:
		close(c.closed)
	}
	if c.leaving {
		return nil
	}
	return c.Conn.Close()
}

// Write gathers.
func (c *conn) Write(p []byte) (int, error) {
	c.out = append(c.out, p...)
	return len(p), nil
}

// Read hands up the next packet, in as many parts as go-milter likes.
func (c *conn) Read(p []byte) (int, error) {
	for c.packet.Len() == 0 {
		if err := c.next(); err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) { // Shutdown cuts them off
				c.err = err
			}
			return 0, io.EOF
		}
	}
	return c.packet.Read(p)
}

// next reads one packet into c.packet, or deals with it here and leaves
// c.packet empty.
func (c *conn) next() error {
	if err := c.flush(); err != nil {
		return err
	}
	if c.ended {
		c.ended = false
		c.packet.Reset()
		c.packet.Write(abortPacket)
		return nil
	}
	if err := c.readPacket(); err != nil {
		return err
	}
	code, payload := gomilter.Code(c.packet.Bytes()[4]), c.packet.Bytes()[5:]
	if err := c.check(code, payload); err != nil {
		return err
	}
	if code == gomilter.CodeMacro {
		c.macrosOf = gomilter.Code(payload[0])
		return nil
	}
	c.hasMacros, c.macrosOf = c.macrosOf == code, 0
	return c.take(code, payload)
}

// take notes what a packet says to the connection. One that go-milter is not
// to see is answered here, and taken out of c.packet.
func (c *conn) take(code gomilter.Code, payload []byte) error {
	switch code {
	case gomilter.CodeOptNeg:
		defer c.packet.Reset()
		return c.negotiate(payload)
	case codeUnknown:
		c.packet.Reset()
		return c.reply(gomilter.ActContinue)
	case gomilter.CodeMail:
		c.skipHeader = false
		c.smtputf8 = slices.ContainsFunc(cStrings(payload)[1:], func(argument string) bool { return strings.EqualFold(argument, "SMTPUTF8") })
		c.server.beginMessage(c)
	case gomilter.CodeHeader:
		if c.skipHeader {
			c.packet.Reset()
			if c.protocol&gomilter.OptNoHeaderReply == 0 {
				return c.reply(gomilter.ActContinue)
			}
		}
	case gomilter.CodeEOB:
		c.ended = true
	case gomilter.CodeRcpt:
		words := cStrings(payload)
		// go-milter takes off as many brackets as there are, and edits must
		// be to the letter.
		c.path, c.arguments = rules.TrimAngles(words[0]), words[1:]
	}
	return nil
}

// flush sends what was gathered.
func (c *conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	for part := range slices.Chunk(c.out, maxWrite) {
		if err := c.SetWriteDeadline(time.Now().Add(c.server.Timeouts.Packet)); err != nil {
			return err
		}
		if _, err := c.Conn.Write(part); err != nil {
			return fmt.Errorf("writing to the MTA: %w", err)
		}
	}
	c.out = c.out[:0]
	if cap(c.out) > maxPacket {
		c.out = nil
	}
	return nil
}

// readPacket reads one packet with its length. A payload costs memory only as
// it arrives.
func (c *conn) readPacket() error {
	if c.packet.Cap() > 1<<16 {
		c.packet = bytes.Buffer{}
	}
	c.packet.Reset()
	if err := c.await(); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(c.server.Timeouts.Packet)); err != nil {
		return err
	}
	head, err := c.in.Peek(4)
	if err != nil {
		return truncated(err)
	}
	length := binary.BigEndian.Uint32(head)
	if length == 0 || length > maxPacket {
		return fmt.Errorf("a packet of %d octets: allowed are 1 to %d", length, maxPacket)
	}
	if _, err := io.CopyN(&c.packet, c.in, 4+int64(length)); err != nil {
		return truncated(err)
	}
	return nil
}

// await waits for a packet to begin.
func (c *conn) await() error {
	// From the macros of MAIL on a message is on its way.
	between := c.phase <= phaseIdle && c.macrosOf != gomilter.CodeMail
	if between {
		c.server.beginWait(c)
		defer c.server.endWait(c)
	} else if err := c.SetReadDeadline(time.Now().Add(c.server.Timeouts.Idle)); err != nil {
		return err
	}
	_, err := c.in.Peek(1)
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return io.EOF // the MTA went away between packets, as it may
	case between && c.server.isDraining():
		c.leaving = c.server.HandOver != nil
		return io.EOF
	}
	return fmt.Errorf("the MTA was silent for %v", c.server.Timeouts.Idle)
}

func truncated(err error) error {
	return fmt.Errorf("a packet broke off: %w", errors.Join(io.ErrUnexpectedEOF, nonEOF(err)))
}

// nonEOF keeps the end of the file from being taken for an orderly end.
func nonEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (c *conn) reply(code gomilter.ActionCode) error { return c.writePacket(byte(code), nil) }

// writePacket gathers a packet of our own.
func (c *conn) writePacket(code byte, payload []byte) error {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload)+1))
	_, err := c.Write(append(append(head, code), payload...))
	return err
}

// addRecipient gathers SMFIR_ADDRCPT_PAR, which go-milter lacks. Plain
// SMFIR_ADDRCPT would lose ORCPT and NOTIFY.
func (c *conn) addRecipient(address, arguments string) error {
	return c.writePacket(codeAddRcptPar, []byte("<"+address+">\x00"+arguments+"\x00"))
}

// cStrings splits NUL-terminated strings.
func cStrings(payload []byte) []string {
	var list []string
	for s := range bytes.SplitSeq(bytes.TrimSuffix(payload, []byte{0}), []byte{0}) {
		list = append(list, string(s))
	}
	return list
}
