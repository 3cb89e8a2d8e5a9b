package milter

import (
	"bufio"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
)

// scriptModel is what the MTAs of a few connections do, and which configurations
// come into force between their commands. A step that is not legal when its turn
// comes is left out, so that a script stays legal when steps are removed.
type scriptModel struct {
	configs []*configModel
	steps   []stepModel
}

// stepModel is one step of a script, on one of the connections.
type stepModel struct {
	conn   int
	op     string
	open   openModel
	mail   mailModel
	rcpt   rcptModel
	field  fieldModel
	body   bodyModel
	count  int // of fields that are huge
	config int // that comes into force
}

// openModel is the beginning of a connection.
type openModel struct {
	dialect                    dialect
	stepwise                   bool
	version, actions, protocol uint32
	connect, client            string
}

type mailModel struct {
	sender, auth string
	arguments    []string
}

type rcptModel struct {
	recipientModel
	arguments []string // all of them
	huge      int      // octets of one more argument
}

// open returns the beginning of a connection: most often as Postfix or Sendmail
// offers it, sometimes with anything that the protocol allows.
func (g *choices) open() (o openModel) {
	o.dialect = pick(g, dialect{}, dialect{}, dialect{sendmail: true}, dialect{submitted: true})
	o.dialect.sparse = o.dialect.sendmail || g.in(4)
	o.stepwise = !g.in(2)
	o.version, o.actions, o.protocol = 6, allActions, allProtocol
	switch g.below(4) {
	case 1:
		o.protocol = 0
	case 2, 3:
		o.protocol = uint32(g.below(256)) | uint32(g.below(256))<<8 | uint32(g.below(256))<<16
		o.version = uint32(pick(g, 6, 2, 3, 4, 5, 7))
	}
	if g.in(6) && !o.dialect.sendmail { // an MTA without lists of macros
		o.actions &^= actionSymbolList
	}
	if g.in(32) {
		o.actions &^= uint32(pick(g, 0x1, 0x4, 0x8, 0x10, 0x20, 0x80))
	}
	clients := []openModel{
		{connect: "client.example\x004\x30\x39192.0.2.7\x00", client: "192.0.2.7"},
		{connect: "client.example\x004\x30\x39198.51.100.9\x00", client: "198.51.100.9"},
		{connect: "client.example\x006\x30\x39IPv6:2001:db8::7\x00", client: "2001:db8::7"},
		{connect: "[192.0.2.9]\x006\x30\x39::ffff:192.0.2.9\x00", client: "192.0.2.9"},
		{connect: "localhost\x004\x30\x39127.0.0.1\x00", client: "127.0.0.1"},
		{connect: "localhost\x00L/run/socket\x00"},
		{connect: "localhost\x00U"},
	}
	client := pick(g, clients...)
	if o.dialect.submitted {
		client = openModel{connect: connectPort[1:], client: "127.0.0.1"}
	}
	o.connect, o.client = client.connect, client.client
	return o
}

// script returns the steps of a few messages on one to three connections.
func (g *choices) script(number int) (s scriptModel) {
	for i := range 1 + g.below(3) {
		s.configs = append(s.configs, g.config(number*8+i))
	}
	var lists [][]stepModel
	for conn := range 1 + g.below(8)/6 {
		lists = append(lists, g.connection(conn, g.below(8)))
	}
	for len(lists) > 0 {
		i := g.below(len(lists))
		s.steps = append(s.steps, lists[i][0])
		if lists[i] = lists[i][1:]; len(lists[i]) == 0 {
			lists = slices.Delete(lists, i, i+1)
		}
		if len(s.configs) > 1 && g.in(12) {
			s.steps = append(s.steps, stepModel{op: "config", config: g.below(len(s.configs))})
		}
	}
	return s
}

// connection returns the steps of one connection.
func (g *choices) connection(conn, messages int) (list []stepModel) {
	add := func(s stepModel) {
		s.conn = conn
		list = append(list, s)
	}
	o := g.open()
	add(stepModel{op: "open", open: o})
	if !g.in(6) {
		add(stepModel{op: "helo"})
	}
	for range 1 + messages {
		arguments := some(g, false, "SIZE=1234", "BODY=8BITMIME", "SMTPUTF8")
		sender := pick(g, "ward@trust.example", "News@TRUST.example", "", "bot@lists.trust.example", "x@example.org")
		add(stepModel{op: "mail", mail: mailModel{sender, pick(g, "", "", "jsmith"), arguments}})
		for range 1 + g.below(pick(g, 2, 2, 4, 12)) {
			r := rcptModel{recipientModel: g.recipient(!o.dialect.submitted && !g.in(16))}
			r.arguments = g.withDSN(&r.recipientModel)
			add(stepModel{op: "rcpt", rcpt: r})
			if r.typed.domain != r.mta.domain && r.typed.fault == "" && r.mta.fault == "" && r.resolved != "" && g.in(2) {
				// Another recipient is the address that the MTA reads in this one.
				add(stepModel{op: "rcpt", rcpt: rcptModel{recipientModel: recipientModel{text: r.resolved, resolved: r.resolved, typed: r.mta, mta: r.mta, ascii: true}}})
			}
		}
		if g.below(256) == 255 && g.in(16) {
			for i := range 8 {
				r := rcptModel{recipientModel: recipientModel{text: fmt.Sprintf("h%d@gmail.com", i), ascii: true, typed: domains[0], mta: domains[0]}, huge: 1_000_000}
				r.resolved = r.text
				add(stepModel{op: "rcpt", rcpt: r})
			}
		}
		add(stepModel{op: "data"})
		for range g.below(6) {
			add(stepModel{op: "field", field: g.field()})
		}
		if g.below(256) == 255 && g.in(16) {
			add(stepModel{op: "huge", count: pick(g, 2, 10)})
		}
		add(stepModel{op: "eoh"})
		for range pick(g, 1, 1, 0, 2) {
			add(stepModel{op: "body", body: g.body()})
		}
		add(stepModel{op: "end"})
		switch g.below(8) {
		case 7:
			add(stepModel{op: "abort"})
		case 6:
			add(stepModel{op: "helo"})
		case 5: // break off somewhere
			at := 1 + g.below(len(list)-1)
			list = slices.Insert(list, at, stepModel{conn: conn, op: pick(g, "abort", "helo", "unknown", "mail", "quit", "close"), mail: mailModel{sender: "x@example.org"}})
		}
	}
	add(stepModel{op: pick(g, "quit", "close")})
	return list
}

// modelServer is a real server for scripts.
type modelServer struct {
	*Server
	t      testing.TB
	socket string
	config atomic.Pointer[message.Config]
	log    *logModel
	built  map[*configModel]*message.Config
}

func newModelServer(t testing.TB) *modelServer {
	dir, err := os.MkdirTemp("", "postseal")
	if err != nil {
		t.Fatal(err)
	}
	s := &modelServer{t: t, socket: filepath.Join(dir, "s"), log: newLogModel(), built: make(map[*configModel]*message.Config)}
	s.config.Store(testConfig(t))
	lines := slog.New(maillog.NewLineHandler(asLine, func(_ slog.Level, line []byte) { s.log.Write(line) }))
	s.Server = &Server{Config: s.config.Load, Log: maillog.NewLog(lines, nil), Timeouts: DefaultTimeouts, Now: time.Now, MaxConnections: DefaultMaxConnections}
	l, err := Listen("unix:" + s.socket)
	if err != nil {
		t.Fatal(err)
	}
	s.Start(l)
	t.Cleanup(func() {
		s.Shutdown()
		os.RemoveAll(dir)
	})
	return s
}

// scriptRun is a script that runs.
type scriptRun struct {
	*modelServer
	conns      map[int]*mtaModel
	inForce    *configModel
	refused    map[string]int
	turnedAway int
	messages   int
	ended      int
	trace      *[]string // nil without a trace
}

func (r *scriptRun) note(format string, args ...any) {
	if r.trace != nil {
		*r.trace = append(*r.trace, fmt.Sprintf(format, args...))
	}
}

// play runs a script. It returns how many messages ended, and the first fault.
func (s *modelServer) play(script scriptModel, trace *[]string) (ended int, fault string) {
	r := &scriptRun{modelServer: s, conns: make(map[int]*mtaModel), refused: make(map[string]int), trace: trace}
	r.use(script.configs[0])
	defer func() {
		for _, m := range r.conns {
			m.Close()
		}
	}()
	for _, step := range script.steps {
		if fault = r.step(script, step); fault != "" {
			break
		}
	}
	for i := range r.conns {
		if fault == "" {
			fault = r.quit(i)
		}
	}
	if fault != "" {
		s.log.rest(nil, 0) // the next script begins with an empty log
		return r.ended, fault
	}
	if s.Sessions() > 0 && !s.log.hostile { // the last one is about to end
		until(s.t, func() bool { return s.Sessions() == 0 }, func() string { return "a session does not end" })
	}
	return r.ended, s.log.rest(r.refused, r.turnedAway)
}

// use puts a configuration into force. A message whose MAIL may not have been read
// is decided by either.
func (r *scriptRun) use(c *configModel) {
	built := r.built[c]
	if built == nil {
		clear(r.built)
		built = c.build(r.t)
		r.built[c] = built
	}
	for _, m := range r.conns {
		m.flush()
		for _, msg := range m.begun {
			if !msg.certain {
				msg.configs = append(msg.configs, c)
			}
		}
	}
	r.note("configuration %s: observe %t, relay %q, partner %q, start %t, policies %v", c.hash, c.observe, c.relay, c.partner, c.start, c.policies)
	r.config.Store(built)
	r.inForce = c
}

// step does one step if it is legal now.
func (r *scriptRun) step(script scriptModel, s stepModel) string {
	m := r.conns[s.conn]
	switch {
	case s.op == "config":
		r.use(script.configs[s.config])
		return ""
	case s.op == "open" && m == nil:
		return r.open(s.conn, s.open)
	case m == nil:
		return ""
	}
	msg := m.message
	switch s.op {
	case "quit":
		return r.quit(s.conn)
	case "close":
		return r.close(s.conn)
	case "helo":
		if m.forget(); m.protocol&stepNoHelo == 0 {
			m.command('H', "client.example\x00", silentHelo)
		} else {
			m.write('A', "")
		}
	case "abort":
		m.forget()
		m.write('A', "")
	case "unknown":
		if m.protocol&stepNoUnknown == 0 {
			m.command('U', "VRFY\x00", silentUnknown)
		}
	case "mail":
		m.mail(s.mail)
	case "rcpt":
		if msg != nil && !msg.inHeader {
			m.rcpt(s.rcpt)
		}
	case "data", "field", "huge", "eoh", "body", "end":
		if msg != nil {
			return r.content(m, s)
		}
	}
	if m.stepwise {
		return m.settle()
	}
	return ""
}

// content does a step from DATA on. The MTA breaks off a message without
// recipients.
func (r *scriptRun) content(m *mtaModel, s stepModel) string {
	msg := m.message
	if !msg.inHeader {
		if fault := m.settle(); fault != "" {
			return fault
		}
		if len(msg.recipients) == 0 {
			m.forget()
			m.write('A', "")
			return m.flush()
		}
		if m.protocol&stepNoData == 0 && s.op == "data" {
			m.command('T', "", silentData)
		}
		msg.inHeader = true
	}
	switch s.op {
	case "field":
		if !msg.inBody {
			m.field(s.field)
		}
	case "huge":
		if !msg.inBody && msg.huge == 0 {
			msg.huge, msg.pastLimit = s.count*1_000_000, s.count == 10
			for range s.count {
				m.command('L', "X-Huge\x00"+strings.Repeat("x", 1_000_000)+"\x00", silentHeader)
				msg.fields = append(msg.fields, [2]string{"X-Huge", "x"})
				m.settle()
			}
		}
	case "eoh":
		if !msg.inBody && m.protocol&stepNoEOH == 0 {
			m.command('N', "", silentEOH)
		}
		msg.inBody = true
	case "body":
		msg.inBody = true
		m.body(s.body)
	case "end":
		m.end()
		return m.settle()
	}
	if m.stepwise {
		return m.settle()
	}
	return ""
}

func (m *mtaModel) field(f fieldModel) {
	msg := m.message
	m.command('L', f.name+"\x00"+f.value+"\x00", silentHeader)
	msg.fields = append(msg.fields, [2]string{f.name, f.value})
	if strings.EqualFold(f.name, "X-Postseal") {
		msg.verdicts = append(msg.verdicts, f.value)
	}
	msg.content.add(f.content)
}

func (m *mtaModel) body(b bodyModel) {
	if m.protocol&stepNoBody != 0 {
		return
	}
	m.message.content.add(b.content)
	for i := range b.chunks {
		part := b.text[len(b.text)*i/b.chunks : len(b.text)*(i+1)/b.chunks]
		m.command('B', part, silentBody)
	}
}

// add adds what another part of the message says.
func (c *contentModel) add(more contentModel) {
	c.subjects = append(c.subjects, more.subjects...)
	c.numbers = append(c.numbers, more.numbers...)
	c.patterns = append(c.patterns, more.patterns...)
	c.marking = c.marking || more.marking
	c.sensitivity = c.sensitivity || more.sensitivity
	c.text = c.text || more.text
	c.encrypted = c.encrypted || more.encrypted
	c.disclaimer = c.disclaimer || more.disclaimer
	if c.visible == nil {
		c.visible = make(map[string]readingModel)
	}
	maps.Copy(c.visible, more.visible)
}

func (r *scriptRun) open(number int, o openModel) string {
	nc, err := net.Dial("unix", r.socket)
	if err != nil {
		return err.Error()
	}
	nc.SetDeadline(time.Now().Add(patience))
	m := &mtaModel{Conn: nc, run: r, in: bufio.NewReader(nc), number: number, dialect: o.dialect, stepwise: o.stepwise, client: o.client}
	goesOn, fault := m.negotiate(o.version, o.actions, o.protocol)
	if !goesOn {
		nc.Close()
		return fault
	}
	r.conns[number] = m
	m.command('C', o.connect, silentConnect)
	return m.settle()
}

// quit ends a connection in the orderly way: nothing more may come.
func (r *scriptRun) quit(number int) string {
	m := r.conns[number]
	m.write('Q', "")
	if fault := m.settle(); fault != "" {
		return fault
	}
	if reply, err := m.read(); err == nil {
		return fmt.Sprintf("a reply too many: %q", reply)
	}
	m.Close()
	delete(r.conns, number)
	return ""
}

// close ends a connection between packets.
func (r *scriptRun) close(number int) string {
	m := r.conns[number]
	fault := m.settle()
	m.Close()
	delete(r.conns, number)
	return fault
}
