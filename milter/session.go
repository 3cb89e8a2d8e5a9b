package milter

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"runtime"
	"strings"
	"time"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules/address"
)

// session is go-milter's view of one connection. No callback returns an error,
// because go-milter would close the connection, and the MTA might then accept
// the mail.
type session struct {
	gomilter.NoOpMilter // for callbacks that go-milter never calls
	conn                *conn
	current             func() *message.Config
	log                 *maillog.Log
	now                 func() time.Time

	queueID string // of the message under way
	message *message.Message
	failed  bool // the message under way cannot be decided
	lines   maillog.Lines
}

var _ gomilter.Milter = (*session)(nil)

// The replies to a message that was not decided.
var (
	cannotDecide = message.Reply{Code: 451, Enhanced: "4.3.0", Text: "postseal cannot decide this message now: try again later"}
	pastLimit    = message.Reply{Code: 552, Enhanced: "5.3.4", Text: "the message has too many recipients or too large a header: send it in parts"}
)

// continueUnless continues, without a reply if the no-reply step was
// negotiated.
func (s *session) continueUnless(step gomilter.OptProtocol) gomilter.Response {
	if s.conn.protocol&step != 0 {
		return nil
	}
	return gomilter.RespContinue
}

// replyText returns the text of SMFIR_REPLYCODE. It doubles each "%", because MTAs
// read the text as a format.
func replyText(r message.Reply) string { return strings.ReplaceAll(r.String(), "%", "%%") }

// replyWith returns SMFIR_REPLYCODE.
func replyWith(r message.Reply) gomilter.Response {
	return gomilter.NewResponseStr(byte(gomilter.ActReplyCode), replyText(r))
}

// guard runs a callback unless an earlier one of the message has failed. A
// fault in postseal costs this message a 451, but never ends the daemon and
// never lets the mail pass without a decision. Only a runtime error is logged
// in full, because any other fault might quote the message.
func (s *session) guard(callback func()) {
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		s.failed = true
		text := fmt.Sprintf("%T", fault)
		if err, ok := fault.(runtime.Error); ok {
			text = longNumber.ReplaceAllString(err.Error(), "…")
		}
		maillog.Write(s.log, maillog.InternalError{QueueID: s.queueID, Fault: text, Stack: stack()})
	}()
	if !s.failed {
		callback()
	}
}

// longNumber matches what may be a number from the message in the text of a
// runtime error.
var longNumber = regexp.MustCompile(`[0-9]{7,}`)

// stack returns where a fault happened. Unlike debug.Stack it shows no arguments,
// because an argument can be a number from the message.
func stack() string {
	var b strings.Builder
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
	}
	return b.String()
}

func (s *session) Connect(host string, family string, port uint16, _ net.IP, _ *gomilter.Modifier) (gomilter.Response, error) {
	if p := s.conn.server.claim(s.conn, host); p != nil {
		s.log = p.log()
	}
	// Postfix shows port 0 for mail of sendmail(1). No SMTP client has this
	// port.
	s.conn.local = port == 0 && (family == "tcp4" || family == "tcp6")
	return s.continueUnless(gomilter.OptNoConnReply), nil
}

func (s *session) Helo(string, *gomilter.Modifier) (gomilter.Response, error) {
	s.reset()
	return s.continueUnless(gomilter.OptNoHeloReply), nil
}

func (s *session) MailFrom(from string, _ *gomilter.Modifier) (gomilter.Response, error) {
	s.reset()
	s.keepQueueID()
	s.guard(func() {
		s.message = message.New(s.current(), message.Envelope{
			Sender:      from,
			Client:      s.conn.client,
			Auth:        s.macro("{auth_authen}"),
			SMTPUTF8:    s.conn.smtputf8,
			Sendmail:    s.macro("w") != "",
			Pickup:      s.conn.local,
			RefuseAtEnd: s.conn.local || s.conn.protocol&gomilter.OptNoRcptReply != 0,
			Body:        s.conn.protocol&gomilter.OptNoBody == 0,
		})
		s.hold()
	})
	return s.continueUnless(gomilter.OptNoMailReply), nil
}

// recipient receives a RCPT, which conn does not pass to go-milter. It returns the
// reply if the recipient is refused.
func (s *session) recipient() (refused *message.Reply) {
	s.keepQueueID()
	s.guard(func() {
		r, refusal := s.message.Recipient(s.conn.path, address.TrimAngles(s.macro("{rcpt_addr}")), s.conn.arguments, s.now())
		s.hold()
		s.lines.Recipient(s.log, s.message, s.queueID, r, refusal)
		if refusal != nil {
			refused = &refusal.Reply
		}
	})
	if s.failed {
		return &cannotDecide
	}
	return refused
}

// header receives a header field, which conn does not pass to go-milter. It
// returns false if it does not need the rest of the header.
func (s *session) header(name, value string) (more bool) {
	s.guard(func() {
		s.message.Header(name, value)
		s.hold()
	})
	return !s.failed && !s.message.IsPastLimit()
}

// body receives octets of the body, which conn does not pass to go-milter.
func (s *session) body(p []byte) {
	s.guard(func() { s.message.Body(p) })
}

// hold counts the message towards the memory limit of all messages.
func (s *session) hold() {
	if !s.message.IsPastLimit() && !s.conn.holdMessage(s.message.Size()) {
		s.message.Limit("too much mail at once")
	}
}

func (s *session) Headers(textproto.MIMEHeader, *gomilter.Modifier) (gomilter.Response, error) {
	return s.continueUnless(gomilter.OptNoEOHReply), nil
}

func (s *session) Body(*gomilter.Modifier) (gomilter.Response, error) {
	s.keepQueueID()
	answer := replyWith(cannotDecide)
	s.guard(func() { answer = s.decide() })
	s.endMessage()
	s.message, s.failed = nil, false // the answer still needs the queue ID
	return answer, nil
}

// decide ends the message under way. It buffers the edits only after the whole
// verdict is known.
func (s *session) decide() gomilter.Response {
	began := time.Now()
	v, err := s.message.End()
	if err != nil {
		maillog.Write(s.log, maillog.InternalError{QueueID: s.queueID, Fault: err.Error()})
		if s.conn.local && errors.Is(err, message.ErrLimit) {
			return replyWith(pastLimit) // pickup would try again for ever
		}
		return replyWith(cannotDecide)
	}
	for _, e := range v.Edits {
		code, payload := editPacket(e)
		s.conn.write(byte(code), payload)
	}
	maillog.WriteDecision(s.log, s.message, s.queueID, v, time.Since(began))
	if v.Reply != nil {
		return replyWith(*v.Reply)
	}
	return gomilter.RespContinue
}

func (s *session) Abort(*gomilter.Modifier) error {
	s.reset()
	return nil
}

// reset forgets the message under way, so that no fact of one message reaches
// another.
func (s *session) reset() {
	s.endMessage()
	s.message, s.failed, s.queueID = nil, false, ""
}

// endMessage logs what was left out of the log, and ends what is still read of
// the message under way.
func (s *session) endMessage() {
	s.lines.End(s.log, s.message, s.queueID)
	if s.message != nil {
		s.message.Discard()
	}
}

// keepQueueID records the queue ID, at whichever stage the MTA sends it.
func (s *session) keepQueueID() {
	s.queueID = cmp.Or(maillog.QueueID(s.macro("i")), s.queueID)
}

// macro returns a macro that the MTA sent for the current command.
func (s *session) macro(name string) string { return s.conn.macros[name] }
