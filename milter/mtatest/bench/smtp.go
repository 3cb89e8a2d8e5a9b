package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"time"
)

// patience limits a connection of a sender. It ends a run that hangs.
const patience = 5 * time.Minute

// client is an SMTP client that costs little time of the processor. It pipelines
// the envelope and DATA, as MTAs do (RFC 2920).
type client struct {
	conn     net.Conn
	in       *bufio.Reader
	envelope []byte // MAIL, each RCPT, DATA
	replies  int    // to the envelope
	message  []byte // with the line that ends it
}

// dial connects and sends EHLO.
func dial(addr, from string, to []string, message []byte) (*client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(patience))
	var envelope strings.Builder
	envelope.WriteString("MAIL FROM:<" + from + ">\r\n")
	for _, address := range to {
		envelope.WriteString("RCPT TO:<" + address + ">\r\n")
	}
	envelope.WriteString("DATA\r\n")
	c := &client{
		conn: conn, in: bufio.NewReader(conn),
		envelope: []byte(envelope.String()), replies: len(to) + 2,
		message: append(bytes.Clone(message), ".\r\n"...),
	}
	if err := c.hello(); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *client) hello() error {
	if _, err := c.reply('2'); err != nil {
		return err
	}
	if _, err := c.conn.Write([]byte("EHLO client.example\r\n")); err != nil {
		return err
	}
	offers, err := c.reply('2')
	if err == nil && !strings.Contains(offers, "PIPELINING\r\n") {
		err = fmt.Errorf("the server does not offer PIPELINING: %q", offers)
	}
	return err
}

// send sends the message. Any refusal is an error.
func (c *client) send() error {
	if _, err := c.conn.Write(c.envelope); err != nil {
		return err
	}
	for i := range c.replies {
		class := byte('2')
		if i == c.replies-1 {
			class = '3' // the reply to DATA
		}
		if _, err := c.reply(class); err != nil {
			return err
		}
	}
	if _, err := c.conn.Write(c.message); err != nil {
		return err
	}
	_, err := c.reply('2')
	return err
}

// reply reads a reply, whose code must begin with the digit.
func (c *client) reply(class byte) (string, error) {
	for text := ""; ; {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return "", err
		}
		text += line
		if len(line) < 4 || line[0] != class {
			return "", fmt.Errorf("the server replied %q", text)
		}
		if line[3] == ' ' {
			return text, nil
		}
	}
}

// quit ends the connection.
func (c *client) quit() error {
	defer c.conn.Close()
	if _, err := c.conn.Write([]byte("QUIT\r\n")); err != nil {
		return err
	}
	_, err := c.reply('2')
	return err
}
