package milter

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules/address"
)

// Timeouts of a connection.
type Timeouts struct {
	// Idle limits the wait for the next packet. An MTA is silent while its
	// client is silent, and while a long message arrives.
	Idle time.Duration
	// Packet limits the rest of a packet that has begun, and each write.
	Packet time.Duration
}

// DefaultTimeouts wait for the next packet as long as libmilter does.
var DefaultTimeouts = Timeouts{Idle: 7210 * time.Second, Packet: 30 * time.Second}

// maxPacket is the greatest length of command and payload, as in go-milter.
// Each header field arrives in one packet.
const maxPacket = 1 << 20

// maxWrite is how much is written under one deadline. Postfix searches its
// queue file for each recipient that is deleted. An MTA may therefore need
// minutes for all edits of a message, but never long for a few of them.
const maxWrite = 4 << 10

// codeAddRcptPar is SMFIR_ADDRCPT_PAR: add a recipient with ESMTP arguments.
const codeAddRcptPar = '2'

// conn is the connection below go-milter's session. It passes on complete,
// checked packets in a valid order, answers the negotiation, keeps the parts of
// RCPT that go-milter drops, and buffers what is written until the next read.
//
// Macros and header fields do not reach go-milter, because it would keep all of
// them. Any fault ends the session: go-milter then sees the end of the file,
// and err is the cause.
type conn struct {
	net.Conn
	server *Server
	in     *bufio.Reader
	packet bytes.Buffer // the packet that is being passed on
	out    []byte       // buffered writes
	err    error
	kept
	leaving bool // Close leaves the connection open, because it will be handed over

	smtputf8  bool          // an argument of the last MAIL
	path      string        // of the last RCPT, without angle brackets
	arguments []string      // of the last RCPT, for DSN
	macrosOf  gomilter.Code // the packet that the last macros were for
	macros    macros        // of the packet that was passed on last

	header     func(name, value string) // receives a header field
	skipHeader bool                     // set by header: the rest of this header is not needed
	held       holding
	busySince  atomic.Int64 // start of the packet being worked on, from busyClock; 0 if there is none

	closed chan struct{}
}

func newConn(c net.Conn, s *Server) *conn {
	return &conn{Conn: c, server: s, in: bufio.NewReader(c), closed: make(chan struct{})}
}

// Close ends the session and closes its connection, once.
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

// Write buffers p.
func (c *conn) Write(p []byte) (int, error) {
	c.out = append(c.out, p...)
	return len(p), nil
}

// Read passes on the next packet, in as many parts as go-milter asks for.
func (c *conn) Read(p []byte) (int, error) {
	for c.packet.Len() == 0 {
		if err := c.next(); err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) { // the MTA and Shutdown may close the connection
				c.err = err
			}
			return 0, io.EOF
		}
	}
	return c.packet.Read(p)
}

// next reads one packet into c.packet, or handles it here and leaves c.packet
// empty. Everything written before the next call is the answer to that packet.
func (c *conn) next() error {
	c.busySince.Store(0)
	if err := c.flush(); err != nil {
		return err
	}
	if err := c.readPacket(); err != nil {
		return err
	}
	c.busySince.Store(busyClock(c.server.Now()))
	code, payload := gomilter.Code(c.packet.Bytes()[4]), c.packet.Bytes()[5:]
	if err := c.check(code, payload); err != nil {
		return err
	}
	if code == gomilter.CodeMacro {
		defer c.packet.Reset()
		return c.takeMacros(payload)
	}
	if c.macrosOf != code {
		c.macros = nil
	}
	c.macrosOf = 0
	return c.take(code, payload)
}

// take records what the connection needs from a packet. If go-milter must not
// see the packet, it is answered here and removed from c.packet.
func (c *conn) take(code gomilter.Code, payload []byte) error {
	switch code {
	case gomilter.CodeOptNeg:
		defer c.packet.Reset()
		return c.negotiate(payload)
	case gomilter.CodeConn:
		c.takeClient(payload)
	case codeUnknown:
		c.packet.Reset()
		return c.reply(gomilter.ActContinue)
	case gomilter.CodeMail:
		c.skipHeader = false
		c.smtputf8 = false
		for argument := range cStrings(payload) {
			c.smtputf8 = c.smtputf8 || bytes.EqualFold(argument, []byte("SMTPUTF8"))
		}
		c.server.beginMessage(c)
	case gomilter.CodeHeader:
		defer c.packet.Reset()
		return c.takeHeader(payload)
	case gomilter.CodeRcpt:
		c.takeRecipient(payload)
	}
	return nil
}

// takeClient keeps the client's address, because go-milter does not read all
// forms of addresses.
func (c *conn) takeClient(payload []byte) {
	_, rest, _ := bytes.Cut(payload, []byte{0})
	switch gomilter.ProtoFamily(rest[0]) {
	case gomilter.FamilyInet, gomilter.FamilyInet6:
		address, _, _ := bytes.Cut(rest[3:], []byte{0}) // after family and port
		c.client, _ = ParseClient(string(address))
	}
}

// ParseClient reads the address of an SMTP client. Sendmail writes "IPv6:"
// before an IPv6 address. An MTA that listens for both families may show an
// IPv4 address as a mapped one.
func ParseClient(text string) (client netip.Addr, ok bool) {
	const prefix = "IPv6:"
	if len(text) > len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
		text = text[len(prefix):]
	}
	client, err := netip.ParseAddr(text)
	return client.Unmap().WithZone(""), err == nil
}

// takeHeader passes a field to the session.
func (c *conn) takeHeader(payload []byte) error {
	if !c.skipHeader {
		name, value, _ := bytes.Cut(payload[:len(payload)-1], []byte{0})
		c.header(string(name), string(value))
	}
	if c.protocol&gomilter.OptNoHeaderReply != 0 {
		return nil
	}
	return c.reply(gomilter.ActContinue)
}

// takeRecipient keeps the path exactly as it was sent, because edits need it
// like that: go-milter removes all brackets. Of the arguments it keeps those
// that a recipient must not lose.
func (c *conn) takeRecipient(payload []byte) {
	first := true
	c.arguments = nil
	for word := range cStrings(payload) {
		if first {
			c.path = address.TrimAngles(string(word))
		} else if message.IsDSNArgument(word) {
			c.arguments = append(c.arguments, string(word))
		}
		first = false
	}
}

// flush sends what was buffered.
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
	if cap(c.out) > keptBuffer {
		c.out = nil
	}
	return nil
}

// readPacket reads one packet with its length. Memory for the payload is
// allocated only as it arrives.
func (c *conn) readPacket() error {
	if c.packet.Cap() > keptBuffer {
		c.packet = bytes.Buffer{}
	}
	c.packet.Reset()
	c.hold(holding{message: c.held.message})
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
	// The buffer doubles as it grows, and go-milter makes a copy.
	if length > keptBuffer && !c.hold(holding{c.held.message, 3 * int(length)}) {
		return fmt.Errorf("a packet of %d octets: all connections together hold %d octets, and may not hold more", length, maxHeld)
	}
	if _, err := io.CopyN(&c.packet, c.in, 4+int64(length)); err != nil {
		return truncated(err)
	}
	return nil
}

// await waits for a packet to begin.
func (c *conn) await() error {
	// A message is under way from the macros of MAIL on.
	between := c.phase <= phaseIdle && c.macrosOf != gomilter.CodeMail
	if between {
		c.path, c.arguments, c.macros = "", nil, nil
		c.hold(holding{})
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
		return io.EOF // the MTA closed the connection between packets, which is allowed
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

// writePacket buffers a packet of our own.
func (c *conn) writePacket(code byte, payload []byte) error {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload)+1))
	_, err := c.Write(append(append(head, code), payload...))
	return err
}

// addRecipient buffers SMFIR_ADDRCPT_PAR, which go-milter lacks. Plain
// SMFIR_ADDRCPT would lose ORCPT and NOTIFY.
func (c *conn) addRecipient(address, arguments string) error {
	return c.writePacket(codeAddRcptPar, []byte("<"+address+">\x00"+arguments+"\x00"))
}

// cStrings splits NUL-terminated strings.
func cStrings(payload []byte) iter.Seq[[]byte] {
	return bytes.SplitSeq(bytes.TrimSuffix(payload, []byte{0}), []byte{0})
}
