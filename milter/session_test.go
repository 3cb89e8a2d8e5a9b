package milter

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
)

const (
	goOnPacket = "c"
	addTag     = "hX-Postseal\x00tag; marker=missing\x00"
	addDivert  = "hX-Postseal\x00divert; marker=present\x00"
)

func always(c *message.Config) func() *message.Config { return func() *message.Config { return c } }

func TestNegotiation(t *testing.T) {
	const needed = 0xbd // all actions except changing the body and the sender
	answer := func(version, actions, protocol uint32, macros string) string {
		return offer(version, actions, protocol) + macros
	}
	const macros = "\x00\x00\x00\x02i w {auth_authen}\x00" + "\x00\x00\x00\x03i {rcpt_addr}\x00" + "\x00\x00\x00\x05i\x00"
	for _, test := range []struct {
		name, offer, want, log string
	}{
		{"all that Postfix offers", offer(6, allActions, allProtocol), answer(6, needed|0x100, 0x53d2, macros), ""},
		{"no protocol steps", offer(6, allActions, 0), answer(6, needed|0x100, 0, macros), ""},
		{"some protocol steps", offer(6, allActions, 0x80|0x10), answer(6, needed|0x100, 0x80|0x10, macros), ""},
		{"no list of macros", offer(6, needed, 0), answer(6, needed, 0, ""), ""},
		{"an older version", offer(2, needed, 0x7f), answer(2, needed, 0x52, ""), ""},
		{"a later version", offer(7, allActions, 0), answer(6, needed|0x100, 0, macros), ""},
		{"actions missing", offer(6, 0x3f, 0), "", "does not offer the actions 0x80"},
		{"cut short", "O\x00\x00\x00\x06", "", "a malformed packet 'O'"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := serve(t, always(testConfig(t)), DefaultTimeouts)
			p := r.dial(t)
			p.send(test.offer)
			p.want(test.want)
			if test.log != "" {
				r.await(t, test.log)
			}
		})
	}
}

// TestBodyIsSentBeforeItIsNeeded reloads a configuration that needs the body. A
// connection keeps what it negotiated, also when it is handed over. A message
// is decided only if its connection sends the body.
func TestBodyIsSentBeforeItIsNeeded(t *testing.T) {
	var config atomic.Pointer[message.Config]
	config.Store(testConfig(t))
	old := newServer(t, config.Load, DefaultTimeouts)
	mail := func(p peer, end []string, want ...string) {
		t.Helper()
		p.send(append(append(mailFrom("a@trust.example"), "R<b@gmail.com>\x00", header("Subject", "x")), end...)...)
		p.want(append([]string{goOnPacket}, want...)...)
	}
	withBody, withoutBody := []string{"Bbo", "Bdy", "E"}, []string{"E"}
	const refusal = "y451 4.3.0 postseal cannot decide this message now: try again later\x00"
	before := old.open(t)
	mail(before, withoutBody, addTag, goOnPacket)
	needing := testConfig(t)
	needing.Read.Body = true
	config.Store(needing)
	mail(before, withoutBody, refusal)
	after := old.open(t)
	mail(after, withBody, addTag, goOnPacket)

	handed, cut := old.handOver()
	wantCut(t, cut, 0)
	next := serve(t, config.Load, DefaultTimeouts)
	for range 2 {
		h := <-handed
		if err := next.Resume(h.Conn, h.name); err != nil {
			t.Fatal(err)
		}
	}
	mail(before, withoutBody, refusal)
	mail(after, withBody, addTag, goOnPacket)
}

// TestRecipientsWithoutReplies reloads between the modes. In mode observe the MTA is
// told not to expect a reply to RCPT. A session keeps what it negotiated, also when
// it is handed over, so that after a reload it can refuse only whole messages.
func TestRecipientsWithoutReplies(t *testing.T) {
	observing, enforcing := testConfig(t), testConfig(t)
	observing.Mode = rules.Observe
	var config atomic.Pointer[message.Config]
	config.Store(observing)
	old := newServer(t, config.Load, DefaultTimeouts)
	mail := func(p peer, recipients []string, want ...string) {
		t.Helper()
		for i := range recipients {
			recipients[i] = "R<" + recipients[i] + ">\x00"
		}
		p.send(slices.Concat(mailFrom("a@trust.example"), recipients, []string{header("Subject", "[secure] x"), "E"})...)
		p.want(want...)
	}
	closed, gmail, secure := "x@y.gsi.gov.uk", "Bob@GMAIL.com", "a@nhs.net"
	divert := []string{"-<Bob@GMAIL.com>\x00", "2<Bob@GMAIL.com.encrypt.invalid>\x00ORCPT=rfc822;Bob@GMAIL.com\x00", addDivert, goOnPacket}
	const refusal = "y550 5.7.1 <x@y.gsi.gov.uk>: gsi.gov.uk was switched off in March 2019: use the organisation's gov.uk address\x00"

	before := old.open(t)
	mail(before, []string{closed, gmail, secure}, goOnPacket)
	config.Store(enforcing)
	mail(before, []string{gmail, secure}, divert...)
	mail(before, []string{gmail, closed, secure}, refusal)
	after := old.open(t)
	mail(after, []string{gmail, closed, secure}, append([]string{goOnPacket, refusal, goOnPacket}, divert...)...)
	config.Store(observing)
	mail(after, []string{closed, secure}, goOnPacket, goOnPacket, goOnPacket)

	handed, cut := old.handOver()
	wantCut(t, cut, 0)
	config.Store(enforcing)
	next := serve(t, config.Load, DefaultTimeouts)
	for range 2 {
		h := <-handed
		if err := next.Resume(h.Conn, h.name); err != nil {
			t.Fatal(err)
		}
	}
	mail(before, []string{closed, secure}, refusal)
	mail(after, []string{closed, secure}, refusal, goOnPacket, goOnPacket)
}

// TestRepliesWithoutSteps has an MTA that offers no steps. Each packet
// must be answered, or the MTA and the filter get out of step.
func TestRepliesWithoutSteps(t *testing.T) {
	r := serve(t, always(testConfig(t)), DefaultTimeouts)
	p := r.dial(t)
	p.send(offer(6, allActions, 0))
	p.receive()
	for range 2 {
		if r.count("decision") == 0 {
			p.send(connect)
			p.want(goOnPacket)
		}
		for _, text := range []string{"Hclient.example\x00", "M<a@trust.example>\x00", "R<b@gmail.com>\x00", "T", header("Subject", "x"), "N", "Bbody", "UVRFY\x00"} {
			p.send(text)
			p.want(goOnPacket)
		}
		p.send("E")
		p.want(addTag, goOnPacket)
	}
	p.send("Q")
	p.want("")
}

func TestTranscripts(t *testing.T) {
	const (
		unsafe  = ": the address cannot be rewritten safely, because it"
		dot     = "y550 5.7.1 <b@gmail.com.>" + unsafe + "s domain ends in a dot: write it as name@domain\x00"
		comment = "y550 5.7.1 <A(x)@nhs.net>" + unsafe + " contains a comment: write it as name@domain\x00"
		list    = "y550 5.7.1 <x,<b@gmail.com>>" + unsafe + "s local part is malformed: write it as name@domain\x00"
	)
	divertBob := []string{"-<Bob@GMAIL.com>\x00", "2<Bob@GMAIL.com.encrypt.invalid>\x00ORCPT=rfc822;Bob@GMAIL.com\x00", addDivert, goOnPacket}
	for _, test := range []struct {
		name string
		send []string
		want []string
	}{
		{
			"one message",
			append(mailFrom("a@trust.example"), "R<Bob@GMAIL.com>\x00", header("Subject", "[secure] x"), "E"),
			append([]string{goOnPacket}, divertBob...),
		},
		{
			"marked, then unmarked, without an abort between",
			append(append(mailFrom("a@trust.example"), "R<Bob@GMAIL.com>\x00", header("Subject", "[secure] x"), "E"),
				append(mailFrom("a@trust.example"), "R<c@gmail.com>\x00", header("Subject", "x"), "E")...),
			append(append([]string{goOnPacket}, divertBob...), goOnPacket, addTag, goOnPacket),
		},
		{
			"on Sendmail, ORCPT only where the client shows that DSN is offered",
			[]string{"DMw\x00mx\x00", "M<a@trust.example>\x00", "R<b@gmail.com>\x00", "R<c@gmail.com>\x00NOTIFY=NEVER\x00", header("Subject", "[secure] x"), "E"},
			[]string{
				goOnPacket, goOnPacket, "-<b@gmail.com>\x00", "2<b@gmail.com.encrypt.invalid>\x00\x00",
				"-<c@gmail.com>\x00", "2<c@gmail.com.encrypt.invalid>\x00NOTIFY=NEVER ORCPT=rfc822;c@gmail.com\x00", addDivert, goOnPacket,
			},
		},
		{
			"on Sendmail, a refusal that it would ignore is for the whole message",
			[]string{
				"DMw\x00mx\x00", "M<a@trust.example>\x00", "DR{rcpt_addr}\x00a@nhs.net\x00", "R<a@nhs.net>\x00",
				"DR{rcpt_addr}\x00b@gmail.com\x00", "R<b@gmail.com.>\x00", "DR{rcpt_addr}\x00A@nhs.net\x00", "R<A(x)@nhs.net>\x00", "E",
				"DMw\x00mx\x00", "M<a@trust.example>\x00", "DR{rcpt_addr}\x00b@gmail.com\x00", "R<x,<b@gmail.com>>\x00", "E",
			},
			[]string{goOnPacket, dot, comment, comment, list, list},
		},
		{
			"recipients that are not ASCII, with SMTPUTF8 and without",
			[]string{"DM", "M<a@trust.example>\x00BODY=8BITMIME\x00smtputf8\x00", "R<b\xc3\xbc@gmail.com>\x00", header("Subject", "[secure] x"), "E",
				"DM", "M<a@trust.example>\x00BODY=8BITMIME\x00", "R<b\xc3\xbc@gmail.com>\x00", "R<b\xc3\xbc@nhs.net>\x00", header("Subject", "[secure] x"), "E"},
			[]string{
				goOnPacket, "-<b\xc3\xbc@gmail.com>\x00", "2<b\xc3\xbc@gmail.com.encrypt.invalid>\x00ORCPT=utf-8;b\xc3\xbc@gmail.com\x00", addDivert, goOnPacket,
				"y550 5.7.1 <b?@gmail.com>: the address cannot be rewritten safely, because it is not ASCII, and the client did not ask for SMTPUTF8: write it as name@domain\x00", goOnPacket, goOnPacket,
			},
		},
		{
			"abort after the header",
			append(append(mailFrom("a@trust.example"), "R<c@gmail.com>\x00", header("Subject", "[secure] x"), "A"),
				append(mailFrom("a@trust.example"), "R<d@gmail.com>\x00", "E")...),
			[]string{goOnPacket, goOnPacket, "hX-Postseal\x00tag; marker=missing\x00", goOnPacket},
		},
		{
			"MAIL without an abort",
			append(append(mailFrom("a@trust.example"), "R<c@gmail.com>\x00", header("Subject", "[secure] x")),
				append(mailFrom("a@trust.example"), "R<a@nhs.net>\x00", "E")...),
			[]string{goOnPacket, goOnPacket, goOnPacket},
		},
		{
			"second HELO",
			append(append(mailFrom("a@trust.example"), "R<c@gmail.com>\x00", "Hclient.example\x00"),
				append(mailFrom("a@trust.example"), "R<a@nhs.net>\x00", "E")...),
			[]string{goOnPacket, goOnPacket, goOnPacket, goOnPacket},
		},
		{
			"a closed recipient among others",
			append(mailFrom("a@trust.example"), "R<x@y.gsi.gov.uk>\x00", "R<Bob@GMAIL.com>\x00", header("Subject", "[secure] x"), "E"),
			append([]string{"y550 5.7.1 <x@y.gsi.gov.uk>: gsi.gov.uk was switched off in March 2019: use the organisation's gov.uk address\x00", goOnPacket}, divertBob...),
		},
		{
			"percent signs are doubled",
			append(mailFrom("a@trust.example"), "R<100%@y.gsi.gov.uk>\x00", "A"),
			[]string{"y550 5.7.1 <100%%@y.gsi.gov.uk>: gsi.gov.uk was switched off in March 2019: use the organisation's gov.uk address\x00"},
		},
		{
			"ESMTP arguments",
			append(mailFrom("a@trust.example"), "R<Bob@GMAIL.com>\x00NOTIFY=NEVER\x00orcpt=rfc822;old@example.org\x00X=y\x00", header("Subject", "[secure]"), "E"),
			[]string{goOnPacket, "-<Bob@GMAIL.com>\x00", "2<Bob@GMAIL.com.encrypt.invalid>\x00NOTIFY=NEVER orcpt=rfc822;old@example.org\x00", addDivert, goOnPacket},
		},
		{
			"forged verdicts are deleted from the last to the first",
			append(mailFrom("a@trust.example"), "R<b@gmail.com>\x00", header("X-Postseal", "1"), header("Subject", "x"), header("x-postseal", "2"), "E"),
			[]string{goOnPacket, "m\x00\x00\x00\x02X-Postseal\x00\x00", "m\x00\x00\x00\x01X-Postseal\x00\x00", addTag, goOnPacket},
		},
		{
			"the MTA's own reading decides",
			append(mailFrom("a@trust.example"), "DR{rcpt_addr}\x00b@gmail.com\x00", "R<b%gmail.com@trust.example>\x00", "A"),
			[]string{"y550 5.7.1 <b%%gmail.com@trust.example>: the address cannot be rewritten safely, because its local part names another host: write it as name@domain\x00"},
		},
		{
			"look-alikes of one domain, and another",
			append(mailFrom("a@trust.example"), "R<b@nhs.nte>\x00", "R<c@gmail.com>\x00", "R<d@nhs.nte>\x00", "R<e@gov.co.uk>\x00", header("Subject", "[secure]"), "E"),
			[]string{goOnPacket, goOnPacket, goOnPacket, goOnPacket, "y550 5.7.1 <b@nhs.nte> <d@nhs.nte>: did you mean nhs.net? Correct the address, or ask the mail administrator to add its domain\x00"},
		},
		{
			"a percent sign at a secure host goes through the relay",
			append(mailFrom("a@trust.example"), "DR{rcpt_addr}\x00b%gmail.com@nhs.net\x00", "R<b%gmail.com@nhs.net>\x00", header("Subject", "[secure]"), "E"),
			[]string{goOnPacket, "-<b%gmail.com@nhs.net>\x00", "2<b%gmail.com@nhs.net.encrypt.invalid>\x00ORCPT=rfc822;b%gmail.com@nhs.net\x00", addDivert, goOnPacket},
		},
		{
			"a macro of one recipient is not that of the next one without any",
			append(mailFrom("a@trust.example"), "DR{rcpt_addr}\x00a@nhs.net\x00", "R<a@nhs.net>\x00", "R<root>\x00", "A"),
			[]string{goOnPacket, "y550 5.7.1 <root>: the address cannot be rewritten safely, because it has no domain: write it as name@domain\x00"},
		},
		{
			"a macro of one recipient is not the next one's",
			append(mailFrom("a@trust.example"), "DR{rcpt_addr}\x00b@gmail.com\x00", "R<b@gmail.com>\x00", "DR", "R<c@nhs.net>\x00", header("Subject", "[secure]"), "E"),
			[]string{goOnPacket, goOnPacket, "-<b@gmail.com>\x00", "2<b@gmail.com.encrypt.invalid>\x00ORCPT=rfc822;b@gmail.com\x00", addDivert, goOnPacket},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := serve(t, always(testConfig(t)), DefaultTimeouts)
			p := r.open(t)
			p.send(test.send...)
			p.want(test.want...)
			p.send("Q")
			p.want("")
			if n := r.count("session broken") + r.count("internal error"); n > 0 {
				t.Errorf("the log says:\n%s", r.log)
			}
		})
	}
}

// TestBodyIsAskedForIfAPolicyNeedsIt compares the steps: the MTA leaves out the
// body, or sends it without an answer to each chunk.
func TestBodyIsAskedForIfAPolicyNeedsIt(t *testing.T) {
	for needed, want := range map[bool]gomilter.OptProtocol{false: gomilter.OptNoBody, true: gomilter.OptNoBodyReply} {
		c := testConfig(t)
		c.Read.Body = needed
		p := serve(t, always(c), DefaultTimeouts).dial(t)
		p.send(offer(6, allActions, allProtocol))
		steps := gomilter.OptProtocol(binary.BigEndian.Uint32([]byte(p.receive())[9:]))
		if got := steps & (gomilter.OptNoBody | gomilter.OptNoBodyReply); got != want {
			t.Errorf("needed %t: got %#x, want %#x", needed, got, want)
		}
	}
}

// TestBodyTranscripts reads bodies. The other transcripts have none.
func TestBodyTranscripts(t *testing.T) {
	begin := append(mailFrom("a@trust.example"), "R<bob@gmail.com>\x00")
	half := attached(letter(t))
	half[len(half)-1] = half[len(half)-1][:6000] // in the middle of the document
	for _, test := range []struct {
		name string
		send []string
		want []string
	}{
		{
			"a number in two chunks",
			append(begin, header("Subject", "x"), "BNHS number 999 0", "B00 0018\r\n", "E"),
			append([]string{goOnPacket}, divertBob...),
		},
		{
			"a document in one chunk, and the same recipients again",
			append(append(append(slices.Clone(begin), attached(letter(t))...), "E"), append(begin, header("Subject", "x"), "BSee you on Monday.\r\n", "E")...),
			append(append([]string{goOnPacket}, divertBob...), goOnPacket, addTag, goOnPacket),
		},
		{
			"RSET in the middle of a text, then another message",
			append(append(append(slices.Clone(begin), header("Content-Type", "text/html")), "BNHS number 999 0", "A"), append(begin, header("Subject", "x"), "B00 0018\r\n", "E")...),
			[]string{goOnPacket, goOnPacket, addTag, goOnPacket},
		},
		{
			"RSET in the middle of a document, then another message",
			append(append(append(slices.Clone(begin), half...), "A"), append(begin, header("Subject", "x"), "BSee you on Monday.\r\n", "E")...),
			[]string{goOnPacket, goOnPacket, addTag, goOnPacket},
		},
		{
			"RSET after a whole document, then another message",
			append(append(append(slices.Clone(begin), attached(letter(t))...), "A"), append(begin, header("Subject", "x"), "BSee you on Monday.\r\n", "E")...),
			[]string{goOnPacket, goOnPacket, addTag, goOnPacket},
		},
		{
			"MAIL in the middle of a document",
			append(append(slices.Clone(begin), half...), append(begin, header("Subject", "x"), "BSee you on Monday.\r\n", "E")...),
			[]string{goOnPacket, goOnPacket, addTag, goOnPacket},
		},
		{
			"no recipient needs the marker",
			append(mailFrom("a@trust.example"), "R<a@nhs.net>\x00", "R<b@trust.example>\x00", header("Subject", "x"), "BNHS number 999 000 0018\r\n", "E"),
			[]string{goOnPacket, goOnPacket, goOnPacket},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := serve(t, always(reading(t, subprocess.DefaultLimits().Time)), DefaultTimeouts)
			p := r.open(t)
			p.send(test.send...)
			p.want(test.want...)
			if n := r.count("session broken") + r.count("internal error"); n > 0 {
				t.Errorf("the log says:\n%s", r.log)
			}
			if left := children(); len(left) > 0 {
				t.Errorf("processes are left: %q", left)
			}
			p.send("Q")
			p.want("")
		})
	}
}

func TestReadingsDiffer(t *testing.T) {
	for _, test := range []struct {
		name, path, resolved string
		format               shown.Format
		want                 string // empty if no line is expected
	}{
		{"sent on", "b%gmail.com@trust.example", "b@gmail.com", shown.Full, `"queue_id":"4XYZ","domain":"trust.example","resolved":"gmail.com","class":"unknown","config":"c0ffeec0ffee"`},
		{"source route", "@nhs.net:b@nhs.net", "b@nhs.net", shown.Full, `"domain":"","resolved":"nhs.net","class":"unknown"`},
		{"unreadable", "b@nhs.net", "@:", shown.Full, `"domain":"nhs.net","resolved":"","class":"unknown"`},
		{"hashed", "b@nhs.net", "b@gmail.com", shown.Hash, `"domain":"f155901be2d0","resolved":"`},
		{"by domain", "b@nhs.net", "b@gmail.com", shown.Domain, `"domain":"nhs.net","resolved":"gmail.com"`},
		{"by domain, of which one cannot be read", "b@nhs.net", "@:", shown.Domain, `"domain":"nhs.net","resolved":""`},
		{"the same", "B@GMAIL.com", "b@gmail.com", shown.Full, ""},
		{"completed", "root", "root@mx.trust.example", shown.Full, ""},
		{"a local user's name", "b@trust.example", "b", shown.Full, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := testConfig(t)
			c.Mode, c.Addresses = rules.Observe, inFormat(test.format)
			r := serve(t, always(c), DefaultTimeouts)
			p := r.open(t)
			p.send(append(mailFrom("a@trust.example"), "DRi\x004XYZ\x00{rcpt_addr}\x00"+test.resolved+"\x00", "R<"+test.path+">\x00", "E")...)
			p.want(goOnPacket)
			r.await(t, `"msg":"decision"`)
			if n := r.count("readings differ"); test.want == "" && n > 0 || !strings.Contains(r.log.String(), test.want) {
				t.Errorf("no %q, or a line too many:\n%s", test.want, r.log)
			}
		})
	}
}

func TestMailOfSendmailIsDecidedAtTheEnd(t *testing.T) {
	r := serve(t, always(testConfig(t)), DefaultTimeouts)
	p := r.dial(t)
	p.send(offer(6, allActions, allProtocol))
	p.receive()
	p.send(append([]string{connectPort}, append(mailFrom("a@trust.example"), "Rx@y.gsi.gov.uk\x00", "Ra@nhs.net\x00", "E")...)...)
	p.want(goOnPacket, goOnPacket, "y550 5.7.1 <x@y.gsi.gov.uk>: gsi.gov.uk was switched off in March 2019: use the organisation's gov.uk address\x00")

	// Postfix deletes a recipient by the address that was typed, which it does not
	// show.
	p.send(append(mailFrom("a@trust.example"), "Rbob@gmail.com\x00", header("Subject", "[secure]"), "E")...)
	p.want(goOnPacket)
	if got := p.receive(); !strings.HasPrefix(got, "y550 5.7.1 <bob@gmail.com>: ") || !strings.Contains(got, "content_filter") {
		t.Errorf("got %q", got)
	}
}

func TestQueueIDFromAnyStage(t *testing.T) {
	for _, stage := range []string{"M", "R", "E"} {
		r := serve(t, always(testConfig(t)), DefaultTimeouts)
		p := r.open(t)
		macro := func(at string) string {
			if at == stage {
				return "D" + at + "i\x004XYZ\x00"
			}
			return "D" + at
		}
		p.send(macro("M"), "M<a@trust.example>\x00", macro("R"), "R<a@nhs.net>\x00", macro("E"), "E")
		p.want(goOnPacket, goOnPacket)
		r.await(t, `"queue_id":"4XYZ"`)
	}
}

func TestBrokenPacketsEndTheSession(t *testing.T) {
	for _, test := range []struct {
		name string
		raw  []byte
		log  string
	}{
		{"empty packet", []byte{0, 0, 0, 0}, "a packet of 0 octets"},
		{"over-long packet", []byte{0x7f, 0, 0, 0, 'L'}, "a packet of more than 1048576 octets"},
		{"cut off", packet('M', "<a@trust.example>\x00")[:9], "a packet is incomplete"},
		{"cut off in the length", []byte{0, 0}, "a packet is incomplete"},
		{"unknown command", packet('?', ""), "a packet of an unknown kind"},
		{"second negotiation", packet('O', offer(6, allActions, allProtocol)[1:]), "a packet 'O' out of order"},
		{"second connect", packet('C', connect[1:]), "a packet 'C' out of order"},
		{"RCPT before MAIL", packet('R', "<a@nhs.net>\x00"), "a packet 'R' out of order"},
		{"header before MAIL", packet('L', "Subject\x00x\x00"), "a packet 'L' out of order"},
		{"end before MAIL", packet('E', ""), "a packet 'E' out of order"},
		{"MAIL without a string", packet('M', ""), "a malformed packet 'M'"},
		{"MAIL without an end", packet('M', "<a@trust.example>"), "a malformed packet 'M'"},
		{"macro without a stage", packet('D', ""), "a malformed packet 'D'"},
		{"header of one string", append(packet('M', "<>\x00"), packet('L', "Subject\x00")...), "a malformed packet 'L'"},
		{"header of three strings", append(packet('M', "<>\x00"), packet('L', "Subject\x00a\x00b\x00")...), "a malformed packet 'L'"},
		{"header without a name", append(packet('M', "<>\x00"), packet('L', "\x00b\x00")...), "a malformed packet 'L'"},
		{"RCPT after the header", append(packet('M', "<>\x00"), append(packet('N', ""), packet('R', "<a@nhs.net>\x00")...)...), "a packet 'R' out of order"},
		{"header after the body", append(packet('M', "<>\x00"), append(packet('B', "x"), packet('L', "A\x00b\x00")...)...), "a packet 'L' out of order"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := serve(t, always(testConfig(t)), DefaultTimeouts)
			p := r.open(t)
			if _, err := p.Write(test.raw); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(test.name, "cut off") {
				p.Conn.(*net.UnixConn).CloseWrite()
			}
			for p.receive() != "" { // the answer before the fault
			}
			r.await(t, test.log)
			if n := r.count("session broken"); n != 1 {
				t.Errorf("got %d lines:\n%s", n, r.log)
			}
			// The daemon continues.
			p = r.open(t)
			p.send(append(mailFrom("a@trust.example"), "R<a@nhs.net>\x00", "E")...)
			p.want(goOnPacket, goOnPacket)
		})
	}
}

func TestBadConnect(t *testing.T) {
	for _, payload := range []string{"", "host", "host\x00", "host\x004", "host\x004\x30\x39", "host\x004\x30\x39192.0.2.7", "host\x00?", "host\x00L/path"} {
		r := serve(t, always(testConfig(t)), DefaultTimeouts)
		p := r.dial(t)
		p.send(offer(6, allActions, allProtocol))
		p.receive()
		p.send("C" + payload)
		p.want("")
		r.await(t, "a malformed packet 'C'")
	}
	for _, payload := range []string{"host\x00U", "host\x00L/path\x00", "host\x006\x30\x39IPv6:2001:db8::1\x00"} {
		r := serve(t, always(testConfig(t)), DefaultTimeouts)
		p := r.dial(t)
		p.send(offer(6, allActions, allProtocol), "C"+payload)
		p.receive()
		p.send(append(mailFrom("a@trust.example"), "R<a@nhs.net>\x00", "E")...)
		p.want(goOnPacket, goOnPacket)
	}
}

// TestClientAddresses checks that each form in which an MTA shows a client is
// read, for policies and for the log.
func TestClientAddresses(t *testing.T) {
	for payload, want := range map[string]string{
		"4\x30\x39192.0.2.7\x00":             "192.0.2.7",
		"6\x30\x392001:db8::7\x00":           "2001:db8::7",
		"6\x30\x39IPv6:2001:db8::7\x00":      "2001:db8::7",
		"6\x30\x39ipv6:2001:DB8:0:0::7\x00":  "2001:db8::7",
		"6\x30\x39::ffff:192.0.2.7\x00":      "192.0.2.7",
		"6\x30\x39IPv6:::ffff:192.0.2.7\x00": "192.0.2.7",
		"6\x30\x39fe80::1%eth0\x00":          "fe80::1",
		"4\x30\x39nonsense\x00":              "",
		"L/run/socket\x00":                   "",
		"U":                                  "",
	} {
		r := serve(t, always(testConfig(t)), DefaultTimeouts)
		p := r.dial(t)
		p.send(offer(6, allActions, allProtocol), "Chost\x00"+payload)
		p.receive()
		p.send(append(mailFrom("a@trust.example"), "R<a@nhs.net>\x00", "E")...)
		p.want(goOnPacket, goOnPacket)
		if text := fmt.Sprintf(`"client":%q`, want); !strings.Contains(r.log.String(), text) {
			t.Errorf("%q: no %s in %s", payload, text, r.log)
		}
	}
}

func TestSlowPeersDelayNobodyElse(t *testing.T) {
	r := serve(t, always(testConfig(t)), Timeouts{Idle: time.Hour, Packet: time.Hour})
	r.dial(t) // mute
	stuck := r.dial(t)
	if _, err := stuck.Write([]byte{0, 0, 0, 9, 'O'}); err != nil {
		t.Fatal(err)
	}
	r.awaitSessions(t, 2)
	p := r.open(t)
	p.begin()
	p.finish()
}

// TestSlowPeersAreCutOff has only slow peers: on a busy machine, any other
// would be cut off as well.
func TestSlowPeersAreCutOff(t *testing.T) {
	const short, long = 100 * time.Millisecond, time.Hour
	t.Run("mute", func(t *testing.T) {
		r := serve(t, always(testConfig(t)), Timeouts{Idle: short, Packet: long})
		r.dial(t).want("")
		r.await(t, "the MTA was silent for 100ms")
	})
	t.Run("stuck in a packet", func(t *testing.T) {
		r := serve(t, always(testConfig(t)), Timeouts{Idle: long, Packet: short})
		stuck := r.dial(t)
		if _, err := stuck.Write([]byte{0, 0, 0, 9, 'O'}); err != nil {
			t.Fatal(err)
		}
		stuck.want("")
		r.await(t, "a packet is incomplete")
	})
	t.Run("reads nothing", func(t *testing.T) {
		r := serve(t, always(testConfig(t)), Timeouts{Idle: long, Packet: short})
		// Our packets have the same deadline, which a busy machine can miss. The peer
		// then connects again.
		until(t, func() bool {
			fillUnread(r.dial(t))
			return strings.Contains(r.log.String(), "writing to the MTA")
		}, func() string { return r.log.String() })
	})
}

// fillUnread sends commands and reads no answer, until the server ends the
// session.
func fillUnread(p peer) {
	defer p.Close()
	packets := append([]string{offer(6, allActions, allProtocol), "DC", connect}, mailFrom("a@trust.example")...)
	for _, text := range packets {
		p.Write(packet(text[0], text[1:]))
	}
	for {
		if _, err := p.Write(packet('R', "<"+strings.Repeat("x", 80)+"@y.gsi.gov.uk>\x00")); err != nil {
			return
		}
	}
}

func TestBoundsOfAMessage(t *testing.T) {
	many := func(n int, text string) []string {
		list := mailFrom("a@trust.example")
		for range n {
			list = append(list, text)
		}
		return list
	}
	for _, test := range []struct {
		name string
		send []string
	}{
		{"fields", append(many(1, "R<a@nhs.net>\x00"), many(maxMessage>>10, header("X", "y"))[2:]...)},
		{"octets of the header", append(many(1, "R<a@nhs.net>\x00"), many(maxMessage/2_000_000+1, header("X", strings.Repeat("y", 500_000)))[2:]...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := serve(t, always(testConfig(t)), DefaultTimeouts)
			p := r.open(t)
			p.send(append(test.send, "E")...)
			p.want(goOnPacket, "y451 4.3.0 postseal cannot decide this message now: try again later\x00")
			r.await(t, "exceeds a limit of postseal")
			p.send(append(mailFrom("a@trust.example"), "R<a@nhs.net>\x00", "E")...)
			p.want(goOnPacket, goOnPacket)
		})
	}
	t.Run("recipients", func(t *testing.T) {
		r := serve(t, always(testConfig(t)), DefaultTimeouts)
		p := r.open(t)
		go p.send(append(many(maxRecipients+1, "R<a@nhs.net>\x00"), "E")...)
		for range maxRecipients {
			p.want(goOnPacket)
		}
		// The accepted recipients remain, and the client sends the message to the
		// others again.
		p.want("y452 4.5.3 too many recipients for one message: send the rest separately\x00", goOnPacket)
	})
	t.Run("recipients on Sendmail", func(t *testing.T) {
		r := serve(t, always(testConfig(t)), DefaultTimeouts)
		p := r.open(t)
		p.send("DMw\x00mx\x00")
		go p.send(append(many(maxRecipients+1, "R<a@nhs.net>\x00")[1:], "E")...)
		for range maxRecipients {
			p.want(goOnPacket)
		}
		// Sendmail may remove another recipient than the one that is refused.
		p.want("y452 4.5.3 too many recipients for one message: send the rest separately\x00",
			"y451 4.3.0 postseal cannot decide this message now: try again later\x00")
	})
	t.Run("recipients of sendmail(1)", func(t *testing.T) {
		r := serve(t, always(testConfig(t)), DefaultTimeouts)
		p := r.dial(t)
		p.send(offer(6, allActions, allProtocol), connectPort)
		p.receive()
		go p.send(append(many(maxRecipients+1, "Ra@nhs.net\x00"), "E")...)
		for range maxRecipients + 1 {
			p.want(goOnPacket)
		}
		p.want("y552 5.3.4 the message has too many recipients or too large a header: send it in parts\x00")
	})
}

// TestSlowReaderOfEdits checks that an MTA may take any time for all edits
// together. Only each small part of them has a deadline.
func TestSlowReaderOfEdits(t *testing.T) {
	r := newServer(t, always(testConfig(t)), DefaultTimeouts)
	t.Cleanup(func() { r.Shutdown() })
	r.socket = socketPath(t)
	l, err := Listen("unix:" + r.socket)
	if err != nil {
		t.Fatal(err)
	}
	noted := &notedWrites{Listener: l}
	r.Replace(r.listeners[0], noted)
	p := r.open(t)
	const recipients = 4000
	list := mailFrom("a@trust.example")
	for i := range recipients {
		list = append(list, fmt.Sprintf("R<%s%d@gmail.com>\x00", strings.Repeat("x", 60), i))
	}
	go p.send(append(list, header("Subject", "[secure]"), "E")...)
	for range 3 * recipients {
		if p.receive() == "" {
			t.Fatalf("cut off: %s", r.log)
		}
	}
	p.want(addDivert, goOnPacket)
	noted.mu.Lock()
	defer noted.mu.Unlock()
	if noted.longest > maxWrite || noted.longest < maxWrite/2 {
		t.Errorf("as much as %d octets were written under one deadline, want %d", noted.longest, maxWrite)
	}
	if noted.without > 0 {
		t.Errorf("%d writes of %d had no fresh deadline", noted.without, noted.writes)
	}
}

// notedWrites records the writes to its connections, with their deadlines.
type notedWrites struct {
	net.Listener
	mu                       sync.Mutex
	writes, without, longest int
	fresh                    bool
}

type notedConn struct {
	net.Conn
	to *notedWrites
}

func (l *notedWrites) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return notedConn{c, l}, err
}

func (c notedConn) SetWriteDeadline(t time.Time) error {
	c.to.mu.Lock()
	c.to.fresh = !t.IsZero()
	c.to.mu.Unlock()
	return c.Conn.SetWriteDeadline(t)
}

func (c notedConn) Write(p []byte) (int, error) {
	c.to.mu.Lock()
	c.to.writes++
	if !c.to.fresh {
		c.to.without++
	}
	c.to.fresh = false
	c.to.longest = max(c.to.longest, len(p))
	c.to.mu.Unlock()
	return c.Conn.Write(p)
}

// TestInternalErrorIsTempfail removes the configuration, as a fault in postseal
// might.
func TestInternalErrorIsTempfail(t *testing.T) {
	var config atomic.Pointer[message.Config]
	config.Store(testConfig(t))
	r := serve(t, config.Load, DefaultTimeouts)
	p := r.open(t)
	p.send("UVRFY\x00")
	p.want(goOnPacket)
	config.Store(nil)
	p.send(append(mailFrom("a@trust.example"), "R<b@gmail.com>\x00", header("Subject", "[secure] 999 000 0018"), "E")...)
	const sorry = "y451 4.3.0 postseal cannot decide this message now: try again later\x00"
	p.want(sorry, sorry)
	r.await(t, `"msg":"internal error"`)
	if log := r.log.String(); strings.Contains(log, "999 000") || strings.Contains(log, "[secure]") {
		t.Error("the log shows the message")
	}

	config.Store(testConfig(t))
	p.send(append(mailFrom("a@trust.example"), "R<a@nhs.net>\x00", "E")...)
	p.want(goOnPacket, goOnPacket)
}

func TestConfigurationAtMAIL(t *testing.T) {
	var config atomic.Pointer[message.Config]
	config.Store(testConfig(t))
	r := serve(t, config.Load, DefaultTimeouts)
	p := r.open(t)
	p.send(append(mailFrom("a@trust.example"), "R<b@gmail.com>\x00")...)
	p.want(goOnPacket)
	config.Store(testConfig(t, rules.Policy{Name: "no", Action: rules.Reject, Mode: rules.Enforce}))
	p.send(header("Subject", "x"), "E")
	p.want(addTag, goOnPacket)
	p.send(append(mailFrom("a@trust.example"), "R<b@gmail.com>\x00", "E")...)
	p.want(goOnPacket, "y550 5.7.1 <b@gmail.com>: not known to be secure: put [secure] in the subject and send the message again\x00")
}

// inFormat is the format, with a key.
func inFormat(format shown.Format) shown.Addresses {
	return shown.Addresses{Format: format, Key: []byte("a key")}
}

func TestAddressFormats(t *testing.T) {
	for _, test := range []struct {
		format       shown.Format
		shown, never string
	}{
		{shown.Full, `"address":"bob@gmail.com"`, "nothing"},
		{shown.Domain, `"address":"gmail.com"`, "bob"},
		{shown.Hash, `"class":"unknown"`, "gmail"},
	} {
		c := testConfig(t)
		c.Addresses = inFormat(test.format)
		r := serve(t, always(c), DefaultTimeouts)
		p := r.open(t)
		p.send(append(mailFrom("ward@trust.example"), "R<Bob@gmail.com>\x00", "R<x@y.gsi.gov.uk>\x00", header("Subject", "x"), "E")...)
		p.receive()
		p.receive()
		p.want(addTag, goOnPacket)
		log := strings.ToLower(r.log.String())
		if !strings.Contains(log, test.shown) || strings.Contains(log, test.never) {
			t.Errorf("%s: %s", test.format, log)
		}
	}
}

func TestReasonShowsNoAddress(t *testing.T) {
	c := testConfig(t, rules.Policy{Name: "no", Action: rules.Reject, Mode: rules.Enforce})
	c.Addresses = inFormat(shown.Hash)
	r := serve(t, always(c), DefaultTimeouts)
	p := r.open(t)
	p.send(append([]string{"DM{auth_authen}\x00jsmith\x00"}, append(mailFrom("ward@trust.example")[1:], "R<bob@gmail.com>\x00", "E")...)...)
	p.receive()
	p.receive()
	r.await(t, `"reason":"not known to be secure`)
	c.Addresses = inFormat(shown.Domain)
	p.send(append([]string{"DM{auth_authen}\x00jsmith\x00"}, append(mailFrom("ward@trust.example")[1:], "R<gmail.com!bob>\x00", "E")...)...)
	p.receive()
	p.receive()
	for _, format := range []shown.Format{shown.Hash, shown.Domain} { // forwarded by the MTA
		c.Addresses = inFormat(format)
		p.send(append(mailFrom("ward@trust.example"), "DR{rcpt_addr}\x00bob@gmail.com\x00", "R<jsmith@nhs.net>\x00", "A")...)
		p.receive()
	}
	if log := r.log.String(); strings.Contains(log, "bob") || strings.Contains(log, "jsmith") {
		t.Errorf("the log shows who it was: %s", log)
	}
}

// TestAcceptFails runs out of descriptors, twice, and accepts connections in
// between. It expects one line at the start and one at the end.
func TestAcceptFails(t *testing.T) {
	r := newServer(t, always(testConfig(t)), DefaultTimeouts)
	defer r.Shutdown()
	now := new(atomic.Int64)
	r.mu.Lock()
	r.Now = func() time.Time { return time.Unix(now.Load(), 0) }
	r.mu.Unlock()
	socket := t.TempDir() + "/s"
	inner, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	failing := &failingListener{Listener: inner}
	failing.failures.Store(3)
	r.Replace(r.listeners[0], failing)
	r.socket = socket
	for range 3 {
		r.open(t)
		failing.failures.Store(2)
		r.open(t)
		now.Add(int64(calm/time.Second) - 1)
	}
	if n := r.count("internal error"); n != 1 || r.count("connections taken again") > 0 {
		t.Errorf("got %d lines:\n%s", n, r.log)
	}
	until(t, func() bool { return failing.failures.Load() <= 0 }, func() string { return "Accept was not called" })
	r.open(t)
	now.Add(int64(calm / time.Second))
	r.open(t)
	r.await(t, `"msg":"connections taken again"`)
	failing.failures.Store(1)
	r.open(t)
	r.open(t)
	until(t, func() bool { return r.count("internal error") == 2 }, func() string { return r.log.String() })
	if n := r.count("connections taken again"); n != 1 {
		t.Errorf("got %d lines:\n%s", n, r.log)
	}
}

// failingListener fails n times as if at the limit of open files.
type failingListener struct {
	net.Listener
	failures atomic.Int32
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.failures.Add(-1) >= 0 {
		return nil, errors.Join(syscall.EMFILE)
	}
	return l.Listener.Accept()
}

// TestLinesOfAMessageAreBounded checks that a client cannot fill the log with
// the recipients of one message, however the message ends.
func TestLinesOfAMessageAreBounded(t *testing.T) {
	refused := func(n int) []string { return repeat(n, "R<x@y.gsi.gov.uk>\x00") }
	differ := func(n int) []string {
		var list []string
		for range n {
			list = append(list, "DR{rcpt_addr}\x00b@gmail.com\x00", "R<b@nhs.net>\x00")
		}
		return list
	}
	const many = maxRecipients + 500
	taken := []string{"DR", "R<a@nhs.net>\x00"}
	for _, test := range []struct {
		name              string
		packets, end      []string
		refused, readings int // lines
		leftOut           string
	}{
		{"few", refused(maxLinesOfKind), []string{"A"}, maxLinesOfKind, 0, ""},
		{"one more", refused(maxLinesOfKind + 1), []string{"A"}, maxLinesOfKind, 0, `"refused_recipient":1,"readings_differ":0,"config":"c0ffeec0ffee"`},
		{"past the limit of recipients", refused(many), []string{"A"}, maxLinesOfKind, 0, fmt.Sprintf(`"refused_recipient":%d,"readings_differ":0`, many-maxLinesOfKind)},
		{"both kinds", differ(250), []string{"A"}, maxLinesOfKind, maxLinesOfKind, `"refused_recipient":150,"readings_differ":150`},
		{"to the end of the message", append(refused(150), taken...), []string{"E"}, maxLinesOfKind, 0, `"refused_recipient":50`},
		{"another HELO", refused(150), []string{"Hclient.example\x00"}, maxLinesOfKind, 0, `"refused_recipient":50`},
		{"another MAIL", refused(150), []string{"M<a@trust.example>\x00"}, maxLinesOfKind, 0, `"refused_recipient":50`},
		{"the connection ends", refused(150), []string{"Q"}, maxLinesOfKind, 0, `"refused_recipient":50`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := serve(t, always(testConfig(t)), DefaultTimeouts)
			p := r.open(t)
			p.flood(append([]string{"DMi\x004XYZ\x00", "M<a@trust.example>\x00"}, test.packets...)...)
			p.send(append(test.end, "Q")...)
			for p.receive() != "" {
			}
			r.awaitSessions(t, 0)
			if n, m := r.count("refused recipient"), r.count("readings differ"); n != test.refused || m != test.readings {
				t.Errorf("got %d and %d lines, want %d and %d", n, m, test.refused, test.readings)
			}
			n := r.count("lines left out")
			if test.leftOut == "" && n > 0 || test.leftOut != "" && n != 1 || !strings.Contains(r.log.String(), test.leftOut) {
				t.Errorf("got %d lines, want %s", n, test.leftOut)
			}
			if test.leftOut != "" && !strings.Contains(r.log.String(), `"msg":"lines left out","queue_id":"4XYZ","client":"192.0.2.7"`) {
				t.Error("the line does not name the message")
			}
		})
	}
}

// TestLinesThatAClientLengthensAreBounded makes each other line long.
func TestLinesThatAClientLengthensAreBounded(t *testing.T) {
	r := serve(t, always(testConfig(t)), DefaultTimeouts)
	p := r.open(t)
	long := strings.Repeat("\x01", 1<<16)
	p.send(append(mailFrom(long+"@trust.example"), "R<"+long+"@y.gsi.gov.uk>\x00", "R<"+strings.Repeat("a.", 1<<15)+"gsi.gov.uk>\x00", "R<b@gmail.com>\x00", "E")...)
	r.await(t, `"msg":"decision"`)
	lines := 0
	for line := range strings.Lines(r.log.String()) {
		if lines++; len(line) > 8000 || !json.Valid([]byte(line)) {
			t.Errorf("a line of %d octets", len(line))
		}
	}
	if lines < 3 {
		t.Errorf("got %d lines", lines)
	}
}
