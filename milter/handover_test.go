package milter

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/rules"
)

// handover is a connection that was handed over, with its name.
type handover struct {
	net.Conn
	name string
}

// handOver makes a server hand over its sessions, as to systemd.
func (r *running) handOver() (handed chan handover, cut chan int) {
	handed = make(chan handover, 8)
	r.HandOver = func(c net.Conn, name string) error {
		file, err := c.(*net.UnixConn).File()
		if err != nil {
			return err
		}
		defer file.Close()
		c, err = net.FileConn(file)
		handed <- handover{c, name}
		return err
	}
	return handed, r.shutdown(Drain{UnderWay: 0, Silence: far, Between: far, All: far})
}

// wantGoOn sends a message, and checks that the session kept its state.
func (r *running) wantGoOn(t *testing.T, p peer, client string, local bool) {
	t.Helper()
	p.send(append(mailFrom("a@trust.example"), "R<x@y.gsi.gov.uk>\x00")...)
	// If RCPT must not be refused, the message is rejected at its end.
	if refused := strings.HasPrefix(p.receive(), "y550"); refused == local {
		t.Errorf("refused at RCPT: %v, want %v", refused, !local)
	}
	p.send("A")
	p.begin()
	p.finish()
	r.await(t, `"client":"`+client+`"`)
}

func TestSessionsAreHandedOver(t *testing.T) {
	const connect6 = "Cclient.example\x006\x30\x392001:db8::7\x00"
	for _, test := range []struct {
		name          string
		before, after []string
		client        string
		local         bool
	}{
		{name: "accepted", after: []string{"O", connect}, client: "192.0.2.7"},
		{name: "negotiated", before: []string{"O"}, after: []string{connect}, client: "192.0.2.7"},
		{name: "connected", before: []string{"O", connect}, client: "192.0.2.7"},
		{name: "IPv6", before: []string{"O", connect6}, client: "2001:db8::7"},
		{name: "sendmail(1)", before: []string{"O", connectPort}, client: "127.0.0.1", local: true},
		{name: "no address", before: []string{"O", "Clocalhost\x00U"}},
		{name: "after a message", before: []string{"O", connect, "DM", "M<>\x00", "E"}, client: "192.0.2.7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			old := newServer(t, always(testConfig(t)), DefaultTimeouts)
			p := old.dial(t)
			say := func(packets []string) {
				for _, text := range packets {
					if text == "O" {
						text = offer(6, allActions, allProtocol)
					}
					p.send(text)
					if text[0] == 'O' || text[0] == 'E' {
						p.receive()
					}
				}
			}
			say(test.before)
			old.awaitSessions(t, 1)
			handed, cut := old.handOver()
			wantCut(t, cut, 0)
			h := <-handed
			if len(h.name) > 255 || strings.ContainsFunc(h.name, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) {
				t.Errorf("the name %q cannot be an FDNAME", h.name)
			}
			next := serve(t, always(testConfig(t)), DefaultTimeouts)
			if err := next.Resume(h.Conn, h.name); err != nil {
				t.Fatal(err)
			}
			say(test.after)
			next.wantGoOn(t, p, test.client, test.local)
		})
	}
}

// The session first finishes what has begun: a packet, or a message from its
// macros on.
func TestHandOverWaits(t *testing.T) {
	r := newServer(t, always(testConfig(t)), DefaultTimeouts)
	idle, macros, half := r.open(t), r.open(t), r.open(t)
	helo := packet('H', "client.example\x00")
	// Data that arrives together with an answered command has been read.
	command := packet('U', "VRFY\x00")
	for p, begun := range map[peer][]byte{macros: packet('D', "M{auth_authen}\x00jsmith\x00"), half: helo[:3]} {
		if _, err := p.Write(append(command[:len(command):len(command)], begun...)); err != nil {
			t.Fatal(err)
		}
		p.want(goOnPacket)
	}
	handed, cut := r.handOver()
	(<-handed).Close()
	idle.want("") // so that the others are not handed over
	macros.send("M<a@trust.example>\x00", "R<a@nhs.net>\x00")
	macros.want(goOnPacket)
	macros.finish()
	r.await(t, `"auth":"jsmith"`)
	(<-handed).Close()
	if _, err := half.Write(helo[3:]); err != nil {
		t.Fatal(err)
	}
	half.want(goOnPacket)
	(<-handed).Close()
	wantCut(t, cut, 0)
}

func TestFailedHandOverEndsTheSession(t *testing.T) {
	r := newServer(t, always(testConfig(t)), DefaultTimeouts)
	p := r.open(t)
	r.HandOver = func(net.Conn, string) error { return errors.New("not accepted") }
	wantCut(t, r.shutdown(Drain{UnderWay: 0, Silence: far, Between: far, All: far}), 0)
	p.want("")
	r.await(t, "not accepted")
}

func TestResumeRefusesOtherNames(t *testing.T) {
	good := kept{phase: phaseIdle, protocol: wantedProtocol(rules.Enforce, false), client: netip.MustParseAddr("192.0.2.7")}.name()
	// A version that negotiates something else.
	other := strings.Replace(good, fmt.Sprintf("%08x", negotiation), fmt.Sprintf("%08x", negotiation+1), 1)
	r := serve(t, always(testConfig(t)), DefaultTimeouts)
	for _, name := range []string{
		"", "postseal.socket", SessionPrefix, good + "00", good + "-", other,
		strings.Replace(good, "-2-", "-3-", 1), strings.Replace(good, "-2-", "-02-", 1), strings.Replace(good, "-false-", "-no-", 1),
	} {
		mta, filter := net.Pipe()
		if err := r.Resume(filter, name); err == nil {
			t.Errorf("%q is taken", name)
		}
		mta.SetDeadline(time.Now().Add(patience))
		if _, err := mta.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%q: the connection is open", name)
		}
	}
	mta, filter := net.Pipe()
	if err := r.Resume(filter, good); err != nil {
		t.Error(err)
	}
	mta.Close()
}

func FuzzParseKept(f *testing.F) {
	for _, k := range []kept{{}, {phaseOpen, wantedProtocol(rules.Observe, true), netip.Addr{}, false}, {phaseIdle, 0, netip.MustParseAddr("2001:db8::7"), true}} {
		f.Add(k.name())
	}
	f.Add("postseal.socket")
	f.Fuzz(func(t *testing.T, name string) {
		k, err := parseKept(name)
		if err == nil && (k.name() != name || k.phase > phaseIdle) {
			t.Errorf("%q gives %+v, named %q", name, k, k.name())
		}
	})
}
