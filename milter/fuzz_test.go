package milter

import (
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules"
)

// FuzzSession sends well-formed packets: the choices of a script come from the
// fuzzer, and the model decides what must come.
func FuzzSession(f *testing.F) {
	for seed := range uint64(20) {
		g := rand.New(rand.NewPCG(seed, 0))
		f.Add(octets(g, 100+g.IntN(400)))
	}
	s := newModelServer(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		s.t = t
		g := &choices{octets: data}
		script := g.script(0)
		if _, fault := s.play(script, nil); fault != "" {
			reportFault(t, s, script, "the script of the input", fault)
		}
	})
}

// FuzzNegotiation is FuzzSession with any version, actions and protocol steps. The
// model checks that the answer claims nothing that was not offered, and that the
// session then works with the steps of the answer, or has ended.
func FuzzNegotiation(f *testing.F) {
	for seed := range uint64(16) {
		g := rand.New(rand.NewPCG(seed, 1))
		version, protocol := uint32(6), uint32(allProtocol)
		actions := uint32(allActions &^ (1 << (seed % 10)))
		if seed%2 == 1 {
			version, actions, protocol = g.Uint32(), g.Uint32()|allActions, g.Uint32()
		}
		f.Add(version, actions, protocol, octets(g, 100+g.IntN(200)))
	}
	s := newModelServer(f)
	f.Fuzz(func(t *testing.T, version, actions, protocol uint32, data []byte) {
		s.t = t
		g := &choices{octets: data}
		script := g.script(0)
		for i := range script.steps {
			o := &script.steps[i].open
			o.version, o.actions, o.protocol = version, actions, protocol
			if o.dialect.sendmail { // which always has lists of macros
				o.actions |= actionSymbolList
			}
		}
		if _, fault := s.play(script, nil); fault != "" {
			reportFault(t, s, script, "the script of the input", fault)
		}
	})
}

// FuzzRecipientArguments diverts a recipient with any arguments of RCPT. The added
// recipient must have the client's NOTIFY and ORCPT to the octet, or an ORCPT that
// means what the client typed.
func FuzzRecipientArguments(f *testing.F) {
	for _, seed := range [][2]string{
		{"b@gmail.com", ""}, {"b@gmail.com", "NOTIFY=NEVER"}, {"B+=@gmail.com", "orcpt=rfc822;b+2B@gmail.com\x00NOTIFY=SUCCESS,DELAY\x00X=y"},
		{"b\xc3\xbc\\@gmail.com", "NOTIFY\x00\x00ORCPT"}, {"<b@gmail.com", "XNOTIFY=NEVER\x00Notify="}, {"\"a b\"@gmail.com", "\x00"},
	} {
		f.Add(seed[0], seed[1], false)
		f.Add(seed[0], seed[1], true)
	}
	config := testConfig(f, rules.Policy{Name: "all", Action: rules.Divert, Mode: rules.Enforce})
	f.Fuzz(func(t *testing.T, path, arguments string, sendmail bool) {
		path = strings.ReplaceAll(path, "\x00", "")
		var c command
		c.takeRecipient([]byte("<" + path + ">\x00" + arguments + "\x00"))
		m := message.New(config, message.Envelope{Sendmail: sendmail, SMTPUTF8: true})
		m.Recipient(c.path, "", c.arguments, time.Now())
		v, err := m.End()
		if err != nil {
			t.Fatal(err)
		}
		var given []string
		hasOriginal := false
		for argument := range strings.SplitSeq(arguments, "\x00") {
			name, _, _ := strings.Cut(argument, "=")
			isOriginal := strings.EqualFold(name, "ORCPT")
			if isOriginal || strings.EqualFold(name, "NOTIFY") {
				given = append(given, argument)
			}
			hasOriginal = hasOriginal || isOriginal
		}
		for _, e := range v.Edits {
			code, payload := editPacket(e)
			if e.Op == message.DeleteRecipient && string(payload) != "<"+path+">\x00" {
				t.Errorf("deletes %q, and %q was typed", payload, path)
			}
			if e.Op != message.AddRecipient {
				continue
			}
			rest, ok := strings.CutPrefix(string(payload), "<"+path+".encrypt.invalid>\x00"+strings.Join(given, " "))
			rest, ended := strings.CutSuffix(rest, "\x00")
			switch {
			case code != actAddRcptPar || !ok || !ended:
				t.Errorf("%q: got %c %q", given, code, payload)
			case rest == "" && (hasOriginal || sendmail && len(given) == 0):
			case hasOriginal || originalOf(strings.TrimPrefix(rest, " ")) != path:
				t.Errorf("%q, %q: got %q", path, given, payload)
			}
		}
	})
}

// escaped are the escapes of xtext (RFC 3461) and of utf-8-addr-unitext (RFC 6533).
var escaped = regexp.MustCompile(`\+[0-9A-F]{2}|\\x\{[0-9A-F]{2}\}`)

// originalOf returns the address in an ORCPT that postseal has made.
func originalOf(argument string) string {
	text, isASCII := strings.CutPrefix(argument, "ORCPT=rfc822;")
	text, isUTF8 := strings.CutPrefix(text, "ORCPT=utf-8;")
	if isASCII == isUTF8 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '=' || isASCII && r > '~' }) {
		return "no ORCPT"
	}
	return escaped.ReplaceAllStringFunc(text, func(escape string) string {
		if escape[0] == '+' && isASCII || escape[0] != '+' && isUTF8 {
			c, _ := strconv.ParseUint(strings.Trim(escape, `+\x{}`), 16, 8)
			return string([]byte{byte(c)})
		}
		return escape
	})
}

// FuzzPackets sends any packets after a good negotiation. The session must end
// when the peer disconnects, and must not log an internal error.
func FuzzPackets(f *testing.F) {
	seed := func(packets ...string) {
		var b []byte
		for _, text := range packets {
			b = append(b, packet(text[0], text[1:])...)
		}
		f.Add(b)
	}
	seed(connect, "DM", "M<a@trust.example>\x00", "DR{rcpt_addr}\x00b@gmail.com\x00", "R<b@gmail.com>\x00NOTIFY=NEVER\x00", header("Subject", "[secure]"), "N", "Bbody", "E", "Q")
	seed(connectPort, "M<>\x00", "Rx@y.gsi.gov.uk\x00", "A", "M<>\x00", "R<\"a b\"@gmail.com>\x00", header("X-Postseal", ""), "E")
	seed(connect, "UVRFY\x00", "H\x00", "T")
	seed(connect, "M<>\x00", "R\x00", "R<>\x00", "R<@a:b@c>\x00", "E")
	f.Add([]byte{0, 0, 0, 0})
	config := testConfig(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		log := new(syncBuffer)
		s := &Server{Config: always(config), Log: maillog.NewLog(slog.New(slog.NewJSONHandler(log, nil)), nil), Timeouts: DefaultTimeouts, Now: time.Now}
		mta, filter := net.Pipe()
		go s.serve(s.begin(filter))
		go io.Copy(io.Discard, mta)
		text := offer(6, allActions, allProtocol)
		mta.Write(append(packet(text[0], text[1:]), data...))
		mta.Close()
		s.done.Wait()
		logtest.Check(t, log.String())
		if strings.Contains(log.String(), "internal error") {
			t.Error(log.String())
		}
	})
}

// FuzzReadMacros compares with an implementation that keeps all macros.
func FuzzReadMacros(f *testing.F) {
	for _, seed := range []string{"", "i\x00ID\x00", "i\x00", "i", "j\x00x\x00{rcpt_addr}\x00a@b\x00i\x00\x00", "\x00\x00\x00", "i\x00" + strings.Repeat("x", maxMacros+1)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := readMacros(payload)
		words := strings.Split(string(payload), "\x00")
		want, octets := make(macros), 0
		for i := 0; i < len(words); i += 2 {
			value := ""
			if i+1 < len(words) {
				value = words[i+1]
			}
			if wanted[words[i]] {
				want[words[i]] = value
				octets += len(value)
			}
		}
		if (err != nil) != (octets > maxMacros) {
			t.Fatalf("%d octets: got %v", octets, err)
		}
		if err == nil && !maps.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
