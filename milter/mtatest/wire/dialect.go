package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// What Postfix 3.7 offers in SMFIC_OPTNEG.
const (
	version     = 6
	allActions  = 0x1ff
	allProtocol = 0x1fffff
)

// The protocol steps that a filter can do without, and those to which it need not
// reply (SMFIP_* of libmilter's mfdef.h).
const (
	noConnect = 1 << iota
	noHelo
	noMail
	noRcpt
	noBody
	noHeader
	noEOH
	noHeaderReply
	noUnknown
	noData
	_
	_
	noConnectReply
	noHeloReply
	noMailReply
	noRcptReply
	noDataReply
	_
	noEOHReply
	noBodyReply
)

// stage is an event of a session.
type stage int

const (
	negotiation stage = iota
	atConnect
	atHelo
	atMail
	atRcpt
	atData
	atEOH
	atHeader
	atBody
	atEnd
)

// stages has the SMFIC_ code of each stage, its number in a filter's list of
// macros, the steps by which a filter does without it or its reply, and the macros
// that Postfix sends unless the filter names others.
var stages = [...]struct {
	code         byte
	list         int
	skip, silent uint32
	macros       string
}{
	negotiation: {code: 'O'},
	atConnect:   {'C', 0, noConnect, noConnectReply, "j {daemon_name} {daemon_addr} v _"},
	atHelo:      {'H', 1, noHelo, noHeloReply, "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}"},
	atMail:      {'M', 2, noMail, noMailReply, "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}"},
	atRcpt:      {'R', 3, noRcpt, noRcptReply, "i {rcpt_addr} {rcpt_host} {rcpt_mailer}"},
	atData:      {'T', 4, noData, noDataReply, "i"},
	atEOH:       {'N', 6, noEOH, noEOHReply, "i"},
	atHeader:    {'L', -1, noHeader, noHeaderReply, "i"},
	atBody:      {'B', -1, noBody, noBodyReply, "i"},
	atEnd:       {'E', 5, 0, 0, "i"},
}

// step is what a client sends before it waits for a reply, or, if silent, without
// one.
type step struct {
	at     stage
	silent bool
	writes [][]byte
}

// dialect writes packets as Postfix 3.7 does for a filter: the macros before each
// command, and all that needs no reply in one write with what follows, up to
// Postfix's buffer.
type dialect struct {
	steps  uint32         // what was negotiated
	macros map[int]string // the macros that the filter asked for
	out    []byte
	script []step
}

// buffer is the size of Postfix's VSTREAM buffer.
const buffer = 4096

// newDialect reads the filter's answer to SMFIC_OPTNEG.
func newDialect(answer []byte) (*dialect, error) {
	if len(answer) < 13 || answer[0] != 'O' {
		return nil, fmt.Errorf("negotiation: got %q", answer)
	}
	d := &dialect{steps: binary.BigEndian.Uint32(answer[9:]), macros: make(map[int]string)}
	for list := answer[13:]; len(list) > 4; {
		names, rest, _ := bytes.Cut(list[4:], []byte{0})
		d.macros[int(binary.BigEndian.Uint32(list))] = string(names)
		list = rest
	}
	return d, nil
}

func packet(code byte, payload string) []byte {
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(payload)+1)), code), payload...)
}

// offer is SMFIC_OPTNEG as Postfix sends it.
func offer() []byte {
	payload := binary.BigEndian.AppendUint32(nil, version)
	payload = binary.BigEndian.AppendUint32(payload, allActions)
	return packet('O', string(binary.BigEndian.AppendUint32(payload, allProtocol)))
}

// macrosAt is SMFIC_MACRO with those values that the filter gets at the stage.
func (d *dialect) macrosAt(at stage, values map[string]string) []byte {
	names, asked := d.macros[stages[at].list]
	if !asked {
		names = stages[at].macros
	}
	payload := string(stages[at].code)
	for _, name := range bytes.Fields([]byte(names)) {
		if value := values[string(name)]; value != "" {
			payload += string(name) + "\x00" + value + "\x00"
		}
	}
	return packet('D', payload)
}

// say writes the macros and the command of a stage.
func (d *dialect) say(at stage, values map[string]string, payload string) {
	s := stages[at]
	d.out = append(d.out, d.macrosAt(at, values)...)
	if d.steps&s.skip != 0 {
		return
	}
	d.out = append(d.out, packet(s.code, payload)...)
	if d.steps&s.silent == 0 {
		d.flush(at, false)
	}
}

// flush ends a step.
func (d *dialect) flush(at stage, silent bool) {
	s := step{at: at, silent: silent}
	for out := d.out; len(out) > 0; {
		n := min(buffer, len(out))
		s.writes = append(s.writes, out[:n:n])
		out = out[n:]
	}
	d.out = nil
	d.script = append(d.script, s)
}

// mail is a message.
type mail struct {
	sender     string
	recipients []string
	header     [][2]string
	body       string
}

// bodyChunk is the greatest part of a body in one packet.
const bodyChunk = 65535

// message returns the script of a message: the first one of a connection or a
// further one.
func (d *dialect) message(m mail, id string, first bool) []step {
	d.out, d.script = nil, nil
	if first {
		d.say(atConnect, map[string]string{
			"j": "mx.trust.example", "{daemon_name}": "mx.trust.example", "{daemon_addr}": "127.0.0.1",
			"v": "Postfix 3.7.11", "_": "unknown [192.0.2.7]",
		}, "[192.0.2.7]\x004\xc7\x6e192.0.2.7\x00")
		d.say(atHelo, nil, "client.example\x00")
	} else {
		d.out = append(d.out, packet('A', "")...)
	}
	d.say(atMail, map[string]string{"{mail_addr}": m.sender, "{mail_host}": "trust.example", "{mail_mailer}": "smtp"}, "<"+m.sender+">\x00")
	values := map[string]string{"{rcpt_mailer}": "smtp", "{rcpt_host}": "127.0.0.1"}
	for _, r := range m.recipients {
		values["{rcpt_addr}"] = r
		d.say(atRcpt, values, "<"+r+">\x00")
		values["i"] = id // Postfix makes the queue file at the first recipient
	}
	values = map[string]string{"i": id}
	d.say(atData, values, "")
	if len(d.out) > 0 { // smtpd passes the connection to cleanup
		d.flush(atData, true)
	}
	for _, f := range m.header {
		d.say(atHeader, values, f[0]+"\x00"+f[1]+"\x00")
	}
	if d.steps&noEOH == 0 {
		d.say(atEOH, values, "")
	}
	for body := m.body; body != "" && d.steps&noBody == 0; {
		n := min(len(body), bodyChunk)
		d.say(atBody, values, body[:n])
		body = body[n:]
	}
	d.say(atEnd, values, "")
	return d.script
}
