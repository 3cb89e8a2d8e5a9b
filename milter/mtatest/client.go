package mtatest

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"time"
)

// Client is a line-by-line SMTP client, so that a test sends exactly what it
// writes.
type Client struct {
	conn net.Conn
	in   *textproto.Reader
}

// Reply is a server's answer.
type Reply struct {
	Code int
	Text string
}

func (r Reply) String() string { return fmt.Sprintf("%d %s", r.Code, r.Text) }

// Dial connects and sends EHLO.
func Dial(addr string) (*Client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(Patience))
	c := &Client{conn, textproto.NewReader(bufio.NewReader(conn))}
	if r, err := c.read(); err != nil || r.Code != 220 {
		conn.Close()
		return nil, unexpected("greeting", r, err)
	}
	if r, err := c.Say("EHLO client.example"); err != nil || r.Code != 250 {
		conn.Close()
		return nil, unexpected("EHLO", r, err)
	}
	return c, nil
}

// unexpected returns the error of an answer that did not arrive, or was not the
// expected one.
func unexpected(to string, r Reply, err error) error {
	if err == nil {
		return fmt.Errorf("%s: %v", to, r)
	}
	return fmt.Errorf("%s: %w", to, err)
}

// Close closes the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Say sends lines at once and returns the answer to the last one.
func (c *Client) Say(lines ...string) (Reply, error) {
	if _, err := c.conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n")); err != nil {
		return Reply{}, err
	}
	var r Reply
	for range lines {
		var err error
		if r, err = c.read(); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (c *Client) read() (Reply, error) {
	code, text, err := c.in.ReadResponse(0)
	if _, ok := err.(*textproto.Error); ok {
		err = nil
	}
	return Reply{code, text}, err
}

// Data sends a message with CRLF line ends, and returns the answer.
func (c *Client) Data(message []byte) (Reply, error) {
	if r, err := c.Say("DATA"); err != nil || r.Code != 354 {
		return r, err
	}
	w := textproto.NewWriter(bufio.NewWriter(c.conn)).DotWriter()
	if _, err := w.Write(message); err != nil {
		return Reply{}, err
	}
	if err := w.Close(); err != nil {
		return Reply{}, err
	}
	return c.read()
}

// Sent is how a message was answered.
type Sent struct {
	Recipients []Reply
	End        Reply // to the message, or to DATA if that was refused
}

// QueueID returns the ID in the answer, or "" if there is none. Postfix writes
// "queued as ID", Sendmail "ID Message accepted".
func (s Sent) QueueID() string {
	if _, id, ok := strings.Cut(s.End.Text, "queued as "); ok {
		return id
	}
	if id, _, ok := strings.Cut(s.End.Text, " Message accepted"); ok {
		return strings.TrimPrefix(id, "2.0.0 ")
	}
	return ""
}

// Send sends one message. The recipients are the texts after "RCPT TO:". A
// refused MAIL is an error.
func (c *Client) Send(from string, to []string, message []byte) (Sent, error) {
	var s Sent
	if r, err := c.Say("MAIL FROM:" + from); err != nil {
		return s, err
	} else if r.Code != 250 {
		return s, fmt.Errorf("MAIL FROM:%s: %v", from, r)
	}
	taken := false
	for _, rcpt := range to {
		r, err := c.Say("RCPT TO:" + rcpt)
		if err != nil {
			return s, err
		}
		s.Recipients = append(s.Recipients, r)
		taken = taken || r.Code == 250
	}
	var err error
	s.End, err = c.Data(message)
	if err == nil && !taken && s.End.Code != 250 {
		_, err = c.Say("RSET")
	}
	return s, err
}

// CRLF converts line ends to those of SMTP.
func CRLF(message []byte) []byte {
	message = bytes.ReplaceAll(message, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(message, []byte("\n"), []byte("\r\n"))
}
