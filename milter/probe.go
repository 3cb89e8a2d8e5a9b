package milter

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/milter/maillog"
)

// probe is a session by which the server tests itself. Its events are neither written
// nor counted, because its message is not mail.
type probe struct {
	outcome chan error // of the decision; it has room for one
}

// log returns a log that passes on only the outcome.
func (p *probe) log() *maillog.Log {
	return maillog.NewLog(slog.New(slog.DiscardHandler), func(e maillog.Event) {
		var outcome error
		switch e := e.(type) {
		case maillog.Decision:
		case maillog.InternalError:
			outcome = errors.New(e.Fault)
		default:
			return
		}
		select {
		case p.outcome <- outcome:
		default:
		}
	})
}

// claim returns the probe whose SMFIC_CONNECT names the host, or nil. The name is
// random, so no other client can use it.
func (s *Server) claim(c *conn, host string) *probe {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.probes[host]
	if p != nil {
		delete(s.probes, host)
		c.probe = p
	}
	return p
}

// Probe sends a test message to each listener. It returns nil if this server decides
// the message, and otherwise the reason. During Shutdown it fails at once.
func (s *Server) Probe(ctx context.Context) error {
	s.mu.Lock()
	listeners, stopping, full := slices.Clone(s.listeners), s.stopping, s.ofMTA() >= s.MaxConnections
	failing := s.failing && s.Now().Sub(s.failed) < calm
	s.mu.Unlock()
	switch {
	case stopping:
		return errors.New("postseal is stopping")
	case failing:
		return errors.New("postseal cannot accept connections")
	case full:
		return fmt.Errorf("%d connections are open, and postseal closes new ones", s.MaxConnections)
	}
	for _, l := range listeners {
		if err := s.probe(ctx, l.Addr()); err != nil {
			return fmt.Errorf("%s: %w", l.Addr(), err)
		}
	}
	return nil
}

func (s *Server) probe(ctx context.Context, address net.Addr) error {
	host, p := rand.Text(), &probe{make(chan error, 1)}
	s.mu.Lock()
	if s.probes == nil {
		s.probes = make(map[string]*probe)
	}
	s.probes[host] = p
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.probes, host)
		s.mu.Unlock()
	}()
	c, err := s.reach(ctx, address, p)
	if err != nil {
		return err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		c.SetDeadline(deadline)
	}
	if err := converse(c, host); err != nil {
		select {
		case outcome := <-p.outcome:
			return errors.Join(outcome, err)
		default:
			return err
		}
	}
	select {
	case err := <-p.outcome:
		return err
	default:
		return errors.New("another process answers here")
	}
}

func (s *Server) reach(ctx context.Context, address net.Addr, p *probe) (net.Conn, error) {
	if s.Elsewhere && address.Network() != "unix" {
		ours, theirs := net.Pipe()
		c, ok := s.admit(theirs)
		if !ok {
			return nil, errors.New("too many connections are open")
		}
		s.mu.Lock()
		c.probe = p // no other process can continue this connection
		s.mu.Unlock()
		s.serve(c)
		return ours, nil
	}
	var d net.Dialer
	return d.DialContext(ctx, address.Network(), address.String())
}

// converse sends a message. It offers no protocol steps, so that each packet has an
// answer.
func converse(c net.Conn, host string) error {
	offer := binary.BigEndian.AppendUint32(nil, maxVersion)
	offer = binary.BigEndian.AppendUint32(offer, uint32(wantedActions))
	offer = binary.BigEndian.AppendUint32(offer, 0)
	for _, step := range []struct {
		code    gomilter.Code
		payload string
	}{
		{gomilter.CodeOptNeg, string(offer)},
		{gomilter.CodeConn, host + "\x00U"},
		{gomilter.CodeMail, "<>\x00"},
		{gomilter.CodeRcpt, "<postmaster@probe.invalid>\x00"},
		{gomilter.CodeHeader, "Subject\x00postseal tests itself\x00"},
		{gomilter.CodeEOH, ""},
		{gomilter.CodeBody, "postseal tests itself\r\n"},
		{gomilter.CodeEOB, ""},
	} {
		if err := sendPacket(c, byte(step.code), step.payload); err != nil {
			return err
		}
		for {
			code, err := receiveCode(c)
			if err != nil {
				return fmt.Errorf("no answer: %w", err)
			}
			if step.code != gomilter.CodeEOB || isAnswer(code) {
				break
			}
		}
	}
	return nil
}

// isAnswer reports whether a packet ends the answer to a message. Other packets are
// edits.
func isAnswer(code byte) bool {
	switch gomilter.ActionCode(code) {
	case gomilter.ActContinue, gomilter.ActReplyCode:
		return true
	}
	return false
}

func sendPacket(w io.Writer, code byte, payload string) error {
	packet := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)))
	_, err := io.WriteString(w, string(append(packet, code))+payload)
	return err
}

// receiveCode reads a packet and returns its code.
func receiveCode(r io.Reader) (byte, error) {
	var start [5]byte
	if _, err := io.ReadFull(r, start[:]); err != nil {
		return 0, err
	}
	_, err := io.CopyN(io.Discard, r, int64(binary.BigEndian.Uint32(start[:]))-1)
	return start[4], err
}
