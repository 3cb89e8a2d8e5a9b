package milter

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
)

// Bits of SMFIC_OPTNEG.
const (
	actionAddHeader, actionAddRcpt, actionDeleteRcpt, actionChangeHeader = 0x1, 0x4, 0x8, 0x10
	actionQuarantine, actionAddRcptPar, actionSymbolList                 = 0x20, 0x80, 0x100

	stepNoConnect, stepNoHelo, stepNoMail, stepNoRcpt, stepNoBody, stepNoHeader, stepNoEOH = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40
	stepNoUnknown, stepNoData                                                              = 0x100, 0x200

	silentHeader, silentConnect, silentHelo, silentMail, silentRcpt = 0x80, 0x1000, 0x2000, 0x4000, 0x8000
	silentData, silentUnknown, silentEOH, silentBody                = 0x10000, 0x20000, 0x40000, 0x80000
)

// neededActions are those without which some decision cannot be carried out.
const neededActions = actionAddHeader | actionAddRcpt | actionDeleteRcpt | actionChangeHeader | actionQuarantine | actionAddRcptPar

// mtaModel is an MTA's side of one connection. It keeps the rules of the protocol:
// it sends what was negotiated, in a legal order, and reads a reply only where one
// must come.
type mtaModel struct {
	net.Conn
	run *scriptRun
	in  *bufio.Reader
	out []byte

	number            int
	dialect           dialect
	stepwise          bool // it reads each reply before it sends more
	actions, protocol uint32
	macros            map[byte]string // that were asked for; nil: the MTA sends its own choice
	client            string
	waiting           []func() string // read the replies that must come, in order
	message           *openMessage
	begun             []*openMessage // with replies that must come
}

// dialect is what distinguishes MTAs and sessions.
type dialect struct {
	sendmail  bool
	submitted bool // mail of sendmail(1) on Postfix
	sparse    bool // no packet for macros that have no value, and no queue ID at RCPT
}

// openMessage is a message from MAIL to its end.
type openMessage struct {
	messageModel
	queueID  string
	configs  []*configModel // that may be in force at its MAIL
	certain  bool           // a reply to its MAIL or to a later command has come
	envelope []recipientModel
	fields   [][2]string
	huge     int  // octets of huge arguments
	inHeader bool // no further RCPT
	inBody   bool // no further field
}

// command sends a command, and notes the reply that must come unless the MTA reads
// none. The reply is always to continue.
func (m *mtaModel) command(code byte, payload string, silent uint32, macros ...string) {
	m.send(code, payload, macros...)
	if m.protocol&silent == 0 {
		m.expect(func(reply string) string {
			if reply != "c" {
				return fmt.Sprintf("the reply to %c is %q", code, reply)
			}
			return ""
		})
	}
}

// send sends a command with its macros: names and values in turn.
func (m *mtaModel) send(code byte, payload string, macros ...string) {
	var text strings.Builder
	text.WriteByte(code)
	asked := strings.Fields(m.macros[code])
	for i := 0; i+1 < len(macros); i += 2 {
		if macros[i+1] != "" && (m.macros == nil || slices.Contains(asked, macros[i])) {
			text.WriteString(macros[i] + "\x00" + macros[i+1] + "\x00")
		}
	}
	if text.Len() > 1 || !m.dialect.sparse {
		m.write('D', text.String())
	}
	m.write(code, payload)
}

func (m *mtaModel) write(code byte, payload string) {
	m.run.note("%d > %c%q", m.number, code, payload)
	m.out = append(m.out, packet(code, payload)...)
}

func (m *mtaModel) expect(check func(reply string) string) {
	msg := m.message
	m.waiting = append(m.waiting, func() string {
		reply, err := m.read()
		if err != nil {
			return "a reply is missing: " + err.Error()
		}
		if msg != nil {
			msg.certain = true
		}
		return check(reply)
	})
}

// read reads one packet. An error has no text of the program.
func (m *mtaModel) read() (string, error) {
	var length [4]byte
	if _, err := io.ReadFull(m.in, length[:]); err != nil {
		return "", err
	}
	text := make([]byte, binary.BigEndian.Uint32(length[:]))
	_, err := io.ReadFull(m.in, text)
	m.run.note("%d < %.300q", m.number, text)
	return string(text), err
}

// flush sends what was written.
func (m *mtaModel) flush() string {
	if len(m.out) == 0 {
		return ""
	}
	out := m.out
	m.out = nil
	if _, err := m.Write(out); err != nil {
		return "the session has ended"
	}
	return ""
}

// settle sends what was written, and reads all replies that must come.
func (m *mtaModel) settle() string {
	if fault := m.flush(); fault != "" {
		return fault
	}
	for len(m.waiting) > 0 {
		next := m.waiting[0]
		m.waiting = m.waiting[1:]
		if fault := next(); fault != "" {
			return fault
		}
	}
	m.begun = slices.DeleteFunc(m.begun, func(msg *openMessage) bool { return msg != m.message })
	return ""
}

// negotiate sends SMFIC_OPTNEG. It reports whether the session goes on: an MTA that
// lacks an action is turned away.
func (m *mtaModel) negotiate(version, actions, protocol uint32) (goesOn bool, fault string) {
	configs := m.run.inForce
	m.write('O', offer(version, actions, protocol)[1:])
	if fault := m.flush(); fault != "" {
		return false, fault
	}
	answer, err := m.read()
	if neededActions&^actions != 0 {
		m.run.turnedAway++
		if !errors.Is(err, io.EOF) {
			return false, fmt.Sprintf("without the actions %#x the answer is %q", neededActions&^actions, answer)
		}
		return false, ""
	}
	if err != nil || len(answer) < 13 || answer[0] != 'O' {
		return false, fmt.Sprintf("the answer to the negotiation is %q, %v", answer, err)
	}
	number := func(at int) uint32 { return binary.BigEndian.Uint32([]byte(answer[at:])) }
	m.actions, m.protocol = number(5), number(9)
	switch {
	case number(1) > min(version, 6):
		return false, fmt.Sprintf("version %d, offered %d", number(1), version)
	case m.actions&^actions != 0:
		return false, fmt.Sprintf("actions %#x, offered %#x", m.actions, actions)
	case m.protocol&^protocol != 0:
		return false, fmt.Sprintf("steps %#x, offered %#x", m.protocol, protocol)
	case m.actions&neededActions != neededActions:
		return false, fmt.Sprintf("actions %#x: some edits are not allowed", m.actions)
	case m.protocol&(stepNoConnect|stepNoMail|stepNoRcpt|stepNoHeader) != 0:
		return false, fmt.Sprintf("steps %#x: the decision lacks facts", m.protocol)
	case m.protocol&stepNoBody != 0 && configs.asksFor(isInBody):
		return false, "no body, but a policy asks for it"
	}
	lists := answer[13:]
	if m.actions&actionSymbolList == 0 {
		if lists != "" {
			return false, "a list of macros that was not offered"
		}
		return true, ""
	}
	m.macros = make(map[byte]string)
	for lists != "" {
		const stages = "CHMRTEN" // in the order of their numbers
		names, rest, ok := strings.Cut(lists[min(4, len(lists)):], "\x00")
		if !ok || lists[:3] != "\x00\x00\x00" || int(lists[3]) >= len(stages) {
			return false, fmt.Sprintf("a malformed list of macros %q", lists)
		}
		m.macros[stages[lists[3]]], lists = names, rest
	}
	if m.dialect.sendmail && m.macros['N'] == "" {
		delete(m.macros, 'E') // Sendmail ignores the one without the other
	}
	return true, ""
}

// mail begins a message.
func (m *mtaModel) mail(s mailModel) {
	m.forget()
	m.run.messages++
	msg := &openMessage{queueID: fmt.Sprintf("Q%dX%d", m.number, m.run.messages), configs: []*configModel{m.run.inForce}}
	msg.sender, msg.client, msg.auth = s.sender, m.client, s.auth
	msg.sendmail, msg.submitted = m.dialect.sendmail, m.dialect.submitted
	msg.noReply, msg.noBody = m.protocol&silentRcpt != 0, m.protocol&stepNoBody != 0
	payload := "<" + s.sender + ">\x00"
	if m.dialect.submitted {
		payload = s.sender + "\x00"
	} else {
		for _, argument := range s.arguments {
			payload += argument + "\x00"
			msg.smtputf8 = msg.smtputf8 || strings.EqualFold(argument, "SMTPUTF8")
		}
	}
	m.message, m.begun = msg, append(m.begun, msg)
	macros := []string{"{mail_addr}", s.sender, "{auth_authen}", s.auth}
	if m.dialect.sendmail {
		macros = append(macros, "i", msg.queueID, "w", "mx.trust.example")
	}
	m.command('M', payload, silentMail, macros...)
}

// forget ends the message without a decision.
func (m *mtaModel) forget() { m.message = nil }

// rcpt sends a recipient.
func (m *mtaModel) rcpt(s rcptModel) {
	msg, r := m.message, s.recipientModel
	payload := "<" + r.text + ">\x00"
	if m.dialect.submitted {
		payload, r.resolved, r.dsn = r.text+"\x00", "", nil
	} else {
		for _, argument := range s.arguments {
			payload += argument + "\x00"
		}
	}
	if s.huge > 0 && !m.dialect.submitted {
		r.huge = true
		payload += "NOTIFY=" + strings.Repeat("x", s.huge) + "\x00"
		r.dsn = append(slices.Clip(r.dsn), "NOTIFY="+strings.Repeat("x", s.huge))
		msg.huge += s.huge
	}
	resolved := r.resolved
	if r.angles && resolved != "" {
		resolved = "<" + resolved + ">"
	}
	macros := []string{"{rcpt_addr}", resolved, "{rcpt_mailer}", "smtp"}
	if m.dialect.sendmail || len(msg.envelope) > 0 && !m.dialect.sparse {
		macros = append(macros, "i", msg.queueID)
	}
	if m.macros != nil && !slices.Contains(strings.Fields(m.macros['R']), "{rcpt_addr}") {
		r.resolved = ""
	}
	m.send('R', payload, macros...)
	past := r.huge && msg.huge > hugeLimit
	if m.protocol&silentRcpt != 0 {
		msg.pastLimit = msg.pastLimit || past // there is no reply that could say so
		msg.accepted(r)
		return
	}
	m.expect(func(reply string) string { return m.rcptReply(msg, r, past, reply) })
}

// accepted keeps a recipient that the MTA delivers to.
func (msg *openMessage) accepted(r recipientModel) {
	msg.recipients = append(msg.recipients, r)
	msg.envelope = append(msg.envelope, r)
}

// hugeLimit is how many octets of arguments a message may have, within one argument
// that is huge. LIMITS of postseal(8) counts each as four.
const hugeLimit = 6_500_000

// rcptReply checks the reply to RCPT under each configuration that may be in force.
func (m *mtaModel) rcptReply(msg *openMessage, r recipientModel, past bool, reply string) string {
	if past {
		msg.pastLimit = msg.pastLimit || msg.sendmail // which may remove another recipient
		if !strings.HasPrefix(reply, "y452 4.5.3 ") {
			return fmt.Sprintf("the reply to a RCPT past the limit is %q", reply)
		}
		m.run.refused["too-many "+r.text]++
		return ""
	}
	fault := "no configuration is left"
	var kept []*configModel
	kind := ""
	for _, c := range msg.configs {
		f := c.classify(r, msg.smtputf8)
		if c.observe || msg.submitted {
			f.refusal = ""
		}
		if fault = refusalFault(r, f, reply); fault == "" {
			kept, kind = append(kept, c), f.refusal
		}
	}
	if len(kept) == 0 {
		return fault
	}
	msg.configs = kept
	if kind == "" {
		msg.accepted(r)
		return ""
	}
	m.run.refused[kind+" "+r.text]++
	msg.refused = append(msg.refused, r)
	return ""
}

// remedies are in the replies to recipients that are refused.
var remedies = map[string]string{
	"closed": "was switched off", "malformed": "cannot be rewritten safely, because ", "too-long": "it is too long", "not-ascii": "did not ask for SMTPUTF8",
	"rerouted": "its local part names another host", "forwarded": "it forwards to ",
}

// refusalFault compares a reply to RCPT.
func refusalFault(r recipientModel, f facts, reply string) string {
	if f.refusal == "" {
		if reply != "c" {
			return fmt.Sprintf("<%s> is %s, and the reply is %q", r.text, f.class, reply)
		}
		return ""
	}
	text, fault := smtpReply(reply)
	given := strings.Contains(text, remedies[f.refusal])
	for kind, remedy := range remedies {
		given = given && (f.refusal != "malformed" || kind == "malformed" || !strings.Contains(text, remedy))
	}
	if fault == "" && (!strings.HasPrefix(text, "550 5.7.1 <"+shownInReply(r.text)+">: ") || !given) {
		fault = "it does not say why"
	}
	if fault != "" {
		return fmt.Sprintf("<%s> is refused as %s, and the reply is %q: %s", r.text, f.refusal, reply, fault)
	}
	return ""
}

// smtpReply reads SMFIR_REPLYCODE as MTAs do: a percent sign must be doubled.
func smtpReply(reply string) (text, fault string) {
	if !strings.HasPrefix(reply, "y") || !strings.HasSuffix(reply, "\x00") {
		return "", "it must be a reply code"
	}
	text = strings.ReplaceAll(reply[1:len(reply)-1], "%%", "\x01")
	switch {
	case strings.Contains(text, "%"):
		return "", "a single percent sign"
	case len(text) > 500:
		return "", "too long"
	case strings.ContainsFunc(text, func(r rune) bool { return (r < ' ' || r > '~') && r != '\x01' }):
		return "", "it is not printable ASCII"
	}
	return strings.ReplaceAll(text, "\x01", "%"), ""
}

// shownInReply is an address as a reply shows it.
func shownInReply(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	if len(text) > 80 {
		return text[:80] + "..."
	}
	return text
}

// end ends the message, and checks what the program decided.
func (m *mtaModel) end() {
	msg := m.message
	m.send('E', "", "i", msg.queueID)
	m.waiting = append(m.waiting, func() string {
		var edits []string
		for {
			reply, err := m.read()
			switch {
			case err != nil:
				return "the reply at the end is missing: " + err.Error()
			case strings.IndexByte("2-hmqp+ieb", reply[0]) >= 0:
				edits = append(edits, reply)
				continue
			}
			m.forget()
			return m.checkEnd(msg, edits, reply)
		}
	})
}

// checkEnd compares with the model under the configuration that the log names.
func (m *mtaModel) checkEnd(msg *openMessage, edits []string, reply string) string {
	line, fault := m.run.log.take(msg.queueID)
	if fault != "" {
		return fault
	}
	m.run.ended++
	for _, c := range msg.configs {
		if fault = m.checkVerdict(c, msg, edits, reply, line); fault == "" {
			return ""
		}
	}
	return fault
}

func (m *mtaModel) checkVerdict(c *configModel, msg *openMessage, edits []string, reply string, line logLine) string {
	d := c.decide(&msg.messageModel)
	if len(d.replies) > 0 {
		text, fault := smtpReply(reply)
		isWanted := func(code int) bool { return strings.HasPrefix(text, fmt.Sprint(code, " ")) }
		switch {
		case fault != "":
			return fmt.Sprintf("the reply is %q, want one of %d: %s", reply, d.replies, fault)
		case !slices.ContainsFunc(d.replies, isWanted):
			return fmt.Sprintf("the reply is %q, want one of %d", reply, d.replies)
		case len(edits) > 0:
			return fmt.Sprintf("edits before the reply %q: %q", reply, edits)
		case strings.HasPrefix(text, "550 "):
			fault = rejectionFault(d, text)
		case msg.noReply:
			d.undecided = true
		}
		if fault != "" {
			return fault
		}
		return line.fault(c, msg, d)
	}
	if reply != "c" {
		return fmt.Sprintf("the reply is %q, want to continue", reply)
	}
	want := c.edits(&msg.messageModel, d)
	if fault := difference(edits, want); fault != "" {
		return fault
	}
	if fault := m.apply(c, msg, edits, d); fault != "" {
		return fault
	}
	return line.fault(c, msg, d)
}

// rejectionFault checks that a rejection names the first recipient that it is for,
// and what to do.
func rejectionFault(d decision, text string) string {
	i := slices.IndexFunc(d.outcomes, func(o outcome) bool { return o.action == reject && !o.observe })
	o := d.outcomes[i]
	remedy := "put [secure] in the subject"
	switch {
	case o.refusal != "":
		remedy = remedies[o.refusal]
	case o.policy == "":
		remedy = "content_filter"
	case o.policy == d.policy.name && d.policy.reply != "":
		remedy = d.policy.reply
	case o.lookAlike != "":
		remedy = "did you mean " + o.lookAlike + "?"
	}
	if !strings.Contains(text, "550 5.7.1 <"+shownInReply(o.text)+">") || !strings.Contains(text, remedy) {
		return fmt.Sprintf("the rejection is %q, want <%s> and %q", text, o.text, remedy)
	}
	return ""
}

// difference compares packets as sets with repeats. The MTA that applies them shows
// whether their order is right.
func difference(got, want []string) string {
	a, b := slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if slices.Equal(a, b) {
		return ""
	}
	return fmt.Sprintf("the edits are\n  %.300q\nwant\n  %.300q", got, want)
}

// apply carries out the edits as the MTA does, and checks the people and the
// header.
func (m *mtaModel) apply(c *configModel, msg *openMessage, edits []string, d decision) string {
	envelope := slices.Clone(msg.envelope)
	fields := make([]*[2]string, len(msg.fields))
	for i := range msg.fields {
		field := msg.fields[i]
		fields[i] = &field
	}
	held := ""
	for _, edit := range edits {
		words := strings.Split(strings.TrimSuffix(edit[1:], "\x00"), "\x00")
		switch edit[0] {
		case '-':
			envelope = m.without(envelope, strings.Trim(words[0], "<>"))
		case '2':
			envelope = append(envelope, recipientModel{text: words[0][1 : len(words[0])-1]})
		case 'h':
			field := &[2]string{words[0], words[1]}
			if fields = append(fields, field); m.dialect.sendmail { // which counts it as the first
				fields = slices.Insert(fields[:len(fields)-1], 0, field)
			}
		case 'm':
			index := int(binary.BigEndian.Uint32([]byte(edit[1:])))
			rest := strings.Split(strings.TrimSuffix(edit[5:], "\x00"), "\x00")
			fields = m.change(fields, rest[0], index, rest[1])
		case 'q':
			held = words[0]
		default:
			return fmt.Sprintf("an edit that nothing calls for: %q", edit)
		}
	}
	people := make(map[string]bool)
	for _, r := range envelope {
		people[r.text] = true
	}
	want := make(map[string]bool)
	same := make(map[string]bool) // as a diverted one, so that Sendmail delivers to one of them
	for i, r := range msg.recipients {
		text := r.text
		if o := d.outcomes[i]; o.diverted && !c.observe {
			text += "." + c.relay
			same[strings.ToLower(r.resolved)] = same[strings.ToLower(r.resolved)] || m.dialect.sendmail && !o.differs
		}
		want[text] = true
	}
	for i, r := range msg.recipients {
		if !d.outcomes[i].diverted && !people[r.text] && same[strings.ToLower(r.resolved)] {
			delete(want, r.text)
		}
	}
	for text := range want {
		if !people[text] {
			return fmt.Sprintf("<%s> does not get the message: %q", text, edits)
		}
	}
	for text := range people {
		if !want[text] {
			return fmt.Sprintf("<%s> gets the message: %q", text, edits)
		}
	}
	if (held != "") != (d.action == quarantine && !c.observe) {
		return fmt.Sprintf("held %q, want %s", held, d.action)
	}
	return m.headerFault(c, msg, fields, d)
}

// without deletes a recipient to the letter. Sendmail also deletes those that it
// reads as the same address.
func (m *mtaModel) without(envelope []recipientModel, text string) []recipientModel {
	var same []string
	for _, r := range envelope {
		if r.text == text && r.resolved != "" {
			same = append(same, strings.ToLower(r.resolved))
		}
	}
	return slices.DeleteFunc(envelope, func(r recipientModel) bool {
		return r.text == text || m.dialect.sendmail && slices.Contains(same, strings.ToLower(r.resolved))
	})
}

// change replaces a field, or deletes it if the value is empty. Sendmail does not
// number the fields again after a deletion: a deleted one stays as nil value.
func (m *mtaModel) change(fields []*[2]string, name string, index int, value string) []*[2]string {
	for i, f := range fields {
		if !strings.EqualFold(f[0], name) {
			continue
		}
		if index--; index > 0 {
			continue
		}
		switch {
		case value != "":
			f[1] = value
		case m.dialect.sendmail:
			f[1] = deletedField
		default:
			return slices.Delete(fields, i, i+1)
		}
		return fields
	}
	return fields
}

const deletedField = "\x00"

// headerFault checks the header that leaves the MTA.
func (m *mtaModel) headerFault(c *configModel, msg *openMessage, fields []*[2]string, d decision) string {
	var got, want []string
	for _, f := range fields {
		if f[1] != deletedField {
			got = append(got, strings.ToLower(f[0])+": "+f[1])
		}
	}
	subjects, i := 0, 0
	for _, f := range msg.fields {
		name := strings.ToLower(f[0])
		switch {
		case name == "x-postseal" && !c.observe:
			continue
		case name == "subject":
			subjects++
			state, _ := c.marker(msg.content.subjects[i : i+1])
			if i++; d.addMarker && !c.observe && state != present {
				f[1] = "[secure] " + unfoldedStart(f[1])
			}
		}
		want = append(want, name+": "+f[1])
	}
	if d.verdict != "" && !c.observe {
		want = append(want, "x-postseal: "+d.verdict)
	}
	switch {
	case subjects > 0 || c.observe:
	case d.addMarker:
		want = append(want, "subject: [secure]")
	case d.sealed && !m.dialect.sendmail:
		want = append(want, "subject: ")
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Sprintf("the header is\n  %q\nwant\n  %q", got, want)
	}
	return ""
}
