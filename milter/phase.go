package milter

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	gomilter "github.com/emersion/go-milter"
)

// codeUnknown is SMFIC_UNKNOWN, an SMTP command that the MTA does not know.
const codeUnknown gomilter.Code = 'U'

// phase is the progress of a connection.
type phase uint8

const (
	phaseNew      phase = iota // nothing yet
	phaseOpen                  // negotiated
	phaseIdle                  // connected, no message
	phaseEnvelope              // from MAIL
	phaseHeader
	phaseBody // from the end of the header
)

// check returns an error if the packet is malformed or may not come now.
// Otherwise it advances the phase.
func (c *conn) check(code gomilter.Code, payload []byte) error {
	next, ok := c.follow(code)
	switch {
	case !isKnown(code): // the code is not shown: it can be text of a message
		return errors.New("a packet of an unknown kind")
	case !ok:
		return fmt.Errorf("a packet %q out of order", rune(code))
	}
	count := bytes.Count(payload, []byte{0}) // of strings
	if count > 0 && payload[len(payload)-1] != 0 {
		count = -1 // the last one does not end
	}
	switch code {
	case gomilter.CodeOptNeg:
		ok = len(payload) >= 12
	case gomilter.CodeConn:
		ok = isConnect(payload)
	case gomilter.CodeMacro:
		ok = len(payload) > 0
	case gomilter.CodeMail, gomilter.CodeRcpt:
		ok = count >= 1
	case gomilter.CodeHeader:
		ok = count == 2 && payload[0] != 0
	}
	if !ok {
		return fmt.Errorf("a malformed packet %q", rune(code))
	}
	c.phase = next
	return nil
}

// isKnown reports whether the protocol has the code.
func isKnown(code gomilter.Code) bool { return strings.ContainsRune("OCDHMRTLNBEAQU", rune(code)) }

// follow returns the phase after a packet, or false if the packet may not come
// now.
func (c *conn) follow(code gomilter.Code) (phase, bool) {
	switch p := c.phase; code {
	case gomilter.CodeOptNeg:
		return phaseOpen, p == phaseNew
	case gomilter.CodeConn:
		return phaseIdle, p == phaseOpen
	case gomilter.CodeMacro, gomilter.CodeQuit, codeUnknown:
		return p, p >= phaseOpen
	case gomilter.CodeAbort:
		return min(p, phaseIdle), p >= phaseOpen
	case gomilter.CodeHelo:
		return phaseIdle, p >= phaseIdle
	case gomilter.CodeMail:
		return phaseEnvelope, p >= phaseIdle
	case gomilter.CodeRcpt, gomilter.CodeData:
		return p, p == phaseEnvelope
	case gomilter.CodeHeader:
		return phaseHeader, p == phaseEnvelope || p == phaseHeader
	case gomilter.CodeEOH:
		return phaseBody, p == phaseEnvelope || p == phaseHeader
	case gomilter.CodeBody:
		return phaseBody, p >= phaseEnvelope
	case gomilter.CodeEOB:
		return phaseIdle, p >= phaseEnvelope
	}
	return c.phase, false
}

// isConnect checks SMFIC_CONNECT: a host name, a family and, for an internet
// address, a port and the address.
func isConnect(payload []byte) bool {
	host := bytes.IndexByte(payload, 0)
	if host < 0 || len(payload) < host+2 {
		return false
	}
	switch family := gomilter.ProtoFamily(payload[host+1]); family {
	case gomilter.FamilyUnknown:
		return true
	case gomilter.FamilyUnix:
		return bytes.IndexByte(payload[host+2:], 0) >= 0
	case gomilter.FamilyInet, gomilter.FamilyInet6:
		return len(payload) > host+4 && bytes.IndexByte(payload[host+4:], 0) >= 0
	}
	return false
}
