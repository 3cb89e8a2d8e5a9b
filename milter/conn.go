package milter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/milter/message"
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

// conn is the connection below go-milter's session. It passes on complete,
// checked packets in a valid order, answers the negotiation, and keeps what
// go-milter drops.
//
// Macros and header fields do not reach go-milter, because it would keep all of
// them. The body does not reach it either, because it would copy the body. RCPT does
// not, because go-milter allocates a buffer for each reply. Any fault ends the
// session: go-milter then sees the end of the file, and err is the cause.
type conn struct {
	packets
	kept
	command
	memory
	server  *Server
	err     error
	probe   *probe // nil in a session of the MTA
	leaving bool   // Close leaves the connection open, because it will be handed over

	recipient  func() *message.Reply                // receives the RCPT of command, and returns its reply if it is refused
	header     func(name, value string) (more bool) // receives a header field
	body       func(p []byte)                       // receives octets of the body
	skipHeader bool                                 // header does not need the rest of this header
	busySince  atomic.Int64                         // start of the packet being worked on, from busyClock; 0 if there is none

	closed chan struct{}
}

func newConn(c net.Conn, s *Server) *conn {
	return &conn{
		packets: newPackets(c, s.Timeouts.Packet),
		memory:  memory{all: &s.held},
		server:  s,
		closed:  make(chan struct{}),
	}
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
	c.drop()
	c.holdPacket(0)
	if err := c.await(); err != nil {
		return err
	}
	length, code, err := c.begin()
	if err != nil {
		return err
	}
	if code == gomilter.CodeBody {
		return c.takeBody(length)
	}
	if err := c.read(length, c.holdPacket); err != nil {
		return err
	}
	c.busySince.Store(busyClock(c.server.Now()))
	payload := c.packet.Bytes()[5:]
	if err := c.check(code, payload); err != nil {
		return err
	}
	if code == gomilter.CodeMacro {
		defer c.packet.Reset()
		return c.takeMacros(payload)
	}
	c.dropOtherMacros(code)
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
		c.reply(gomilter.ActContinue)
	case gomilter.CodeMail:
		c.skipHeader = false
		c.takeMail(payload)
		c.server.beginMessage(c)
	case gomilter.CodeEOB:
		if c.ofMessage > slowMessage {
			wake()
		}
	case gomilter.CodeHeader:
		c.takeHeader(payload)
		c.packet.Reset()
	case gomilter.CodeRcpt:
		c.takeRecipient(payload)
		c.packet.Reset()
		c.replyToRecipient(c.recipient())
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
func (c *conn) takeHeader(payload []byte) {
	if !c.skipHeader {
		name, value, _ := bytes.Cut(payload[:len(payload)-1], []byte{0})
		c.skipHeader = !c.header(string(name), string(value))
	}
	if c.protocol&gomilter.OptNoHeaderReply == 0 {
		c.reply(gomilter.ActContinue)
	}
}

// replyToRecipient answers RCPT.
func (c *conn) replyToRecipient(refused *message.Reply) {
	switch {
	case c.protocol&gomilter.OptNoRcptReply != 0:
	case refused != nil:
		c.write(byte(gomilter.ActReplyCode), append([]byte(replyText(*refused)), 0))
	default:
		c.reply(gomilter.ActContinue)
	}
}

// takeBody passes octets of the body to the session as they arrive.
func (c *conn) takeBody(length int) error {
	if err := c.check(gomilter.CodeBody, nil); err != nil {
		return err
	}
	c.dropOtherMacros(gomilter.CodeBody)
	err := c.stream(length, func(p []byte) {
		c.busySince.Store(busyClock(c.server.Now()))
		c.body(p)
		c.busySince.Store(0)
	})
	if err == nil && c.protocol&gomilter.OptNoBodyReply == 0 {
		c.reply(gomilter.ActContinue)
	}
	return err
}

// reply buffers an answer without a text.
func (c *conn) reply(code gomilter.ActionCode) { c.write(byte(code), nil) }

// await waits for a packet to begin.
func (c *conn) await() error {
	// A message is under way from the macros of MAIL on.
	between := c.phase <= phaseIdle && c.macrosOf != gomilter.CodeMail
	if between {
		c.command = command{}
		c.holdMessage(0)
		c.server.beginWait(c)
		defer c.server.endWait(c)
	} else if c.in.Buffered() == 0 {
		if err := c.SetReadDeadline(time.Now().Add(c.server.Timeouts.Idle)); err != nil {
			return err
		}
	}
	_, err := c.in.Peek(1)
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return io.EOF // the MTA closed the connection between packets, which is allowed
	case between && c.server.isDraining():
		c.leaving = c.server.HandOver != nil && c.probe == nil
		return io.EOF
	}
	return fmt.Errorf("the MTA was silent for %v", c.server.Timeouts.Idle)
}
