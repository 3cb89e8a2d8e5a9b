package milter

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var hostileFor = flag.Duration("hostile.for", 0, "how long TestHonestLatency measures")

// codes are those of all commands, and some that no command has.
const codes = "OCDHMRTLNBEAQUK?\x00\xff"

// boundaries are lengths of packets at limits of the protocol and of buffers.
var boundaries = []uint32{0, 1, 2, 3, 4, 5, 4095, 4096, 4097, keptBuffer - 1, keptBuffer, keptBuffer + 1, 65_535, 65_536, maxPacket - 1, maxPacket, maxPacket + 1, 1 << 24, 1<<31 - 1, 1 << 31, 1<<32 - 1}

// TestEveryPacketLength sends a packet of each kind and length in the middle of an
// honest message. If the session goes on, the message must still be decided as it
// would have been.
func TestEveryPacketLength(t *testing.T) {
	r := serve(t, always(testConfig(t)), DefaultTimeouts)
	lengths := slices.Clone(boundaries)
	for n := range uint32(48) {
		lengths = append(lengths, n)
	}
	before := append([]string{offer(6, allActions, allProtocol), "DC", connect}, append(mailFrom("a@trust.example"), "R<b@gmail.com>\x00")...)
	goesOn := 0
	for i := range codes {
		for _, length := range lengths {
			for _, fill := range []byte{'x', 0} {
				end := endAfter(t, r, before, codes[i], length, fill)
				switch {
				case end == "":
					continue
				case end != addTag && !(codes[i] == 'M' && end == goOnPacket):
					t.Errorf("%q, %d octets of %q: the message ends with %q", codes[i], length, fill, end)
				}
				goesOn++
			}
		}
	}
	if goesOn < 200 {
		t.Errorf("%d sessions went on", goesOn)
	}
	t.Logf("%d sessions went on", goesOn)
	r.awaitSessions(t, 0)
	if held := r.held.Load(); held != 0 {
		t.Errorf("%d octets are counted, and no session is left", held)
	}
}

// endAfter returns the first packet at the end of the message, or "" if the session
// has ended.
func endAfter(t *testing.T, r *running, before []string, code byte, length uint32, fill byte) string {
	c, err := net.Dial("unix", r.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	p := peer{t: t, Conn: c}
	p.send(before...)
	p.receive() // the negotiation
	p.want(goOnPacket)
	raw := binary.BigEndian.AppendUint32(nil, length)
	if length > 0 && length <= maxPacket {
		raw = append(raw, code)
		raw = append(raw, strings.Repeat(string(rune(fill)), int(length)-1)...)
	}
	if _, err := c.Write(append(raw, packet('E', "")...)); err != nil {
		return ""
	}
	if length > 0 && strings.ContainsRune("RHUTNB", rune(code)) && p.receive() == "" { // its own reply
		return ""
	}
	return p.receive()
}

// hostile are peers that break the protocol or use up what they can. Each function
// is one visit, and ends early if stop is closed.
var hostile = map[string]func(h *hostileWorld, g *rand.Rand) error{
	"random octets": func(h *hostileWorld, g *rand.Rand) error {
		return h.visit(nil, func(c net.Conn) error { return write(c, octets(g, g.IntN(200))) })
	},
	"random packets": func(h *hostileWorld, g *rand.Rand) error {
		return h.visit(beginning, func(c net.Conn) error {
			for range g.IntN(40) {
				if err := write(c, packet(codes[g.IntN(len(codes))], string(octets(g, g.IntN(60))))); err != nil {
					return err
				}
			}
			return nil
		})
	},
	"commands in any order": func(h *hostileWorld, g *rand.Rand) error {
		commands := []string{offer(6, allActions, allProtocol), connect, "Hx\x00", "M<a@trust.example>\x00", "R<b@gmail.com>\x00", "R<x@y.gsi.gov.uk>\x00", "T", "N", "Bx", "E", "A", header("Subject", "[secure]"), "DR{rcpt_addr}\x00b@nhs.net\x00", "UVRFY\x00"}
		return h.visit(beginning, func(c net.Conn) error {
			for range g.IntN(40) {
				text := commands[g.IntN(len(commands))]
				if err := write(c, packet(text[0], text[1:])); err != nil {
					return err
				}
			}
			return nil
		})
	},
	"lengths": func(h *hostileWorld, g *rand.Rand) error {
		return h.visit(beginning, func(c net.Conn) error {
			return write(c, append(binary.BigEndian.AppendUint32(nil, boundaries[g.IntN(len(boundaries))]), octets(g, g.IntN(2000))...))
		})
	},
	"connect and close": func(h *hostileWorld, g *rand.Rand) error {
		return h.visit(nil, func(net.Conn) error { return nil })
	},
	"mute": func(h *hostileWorld, g *rand.Rand) error {
		part := slices.Concat(beginning, append(mailFrom("a@trust.example"), "R<b@gmail.com>\x00"))
		return h.visit(part[:g.IntN(len(part)+1)], func(c net.Conn) error {
			if g.IntN(2) == 0 { // in the middle of a packet
				if err := write(c, []byte("\x00\x00\x01\x00L")); err != nil {
					return err
				}
			}
			<-h.stop
			return nil
		})
	},
	"deaf": func(h *hostileWorld, g *rand.Rand) error {
		return h.visit(append(slices.Clone(beginning), "M<a@trust.example>\x00"), func(c net.Conn) error {
			h.endWith(c)
			for {
				if err := write(c, packet('R', "<"+strings.Repeat("x", 80)+"@y.gsi.gov.uk>\x00")); err != nil {
					return err
				}
			}
		})
	},
	"greedy": func(h *hostileWorld, g *rand.Rand) error {
		return h.visit(append(slices.Clone(beginning), "M<a@trust.example>\x00"), func(c net.Conn) error {
			h.endWith(c)
			for range 12 {
				if err := write(c, packet('L', header("X", strings.Repeat("y", 1_000_000))[1:])); err != nil {
					return err
				}
			}
			<-h.stop
			return nil
		})
	},
	// An honest MTA behind a bad network.
	"an octet at a time": func(h *hostileWorld, g *rand.Rand) error {
		return h.visit(nil, func(c net.Conn) error {
			h.endWith(c)
			var text []byte
			for _, p := range slices.Concat(beginning, mailFrom("a@trust.example"), []string{"R<b@gmail.com>\x00", header("Subject", "x"), "E"}) {
				text = append(text, packet(p[0], p[1:])...)
			}
			for i := range text {
				if err := write(c, text[i:i+1]); err != nil {
					return err
				}
				time.Sleep(time.Duration(g.IntN(2000)) * time.Microsecond)
			}
			p := peer{t: h.t, Conn: c}
			p.receive() // the negotiation
			for _, want := range h.ofSlow {
				if got := p.receive(); got != want && !h.isOver() {
					return fmt.Errorf("got %q, want %q", got, want)
				}
			}
			if p.receive() != "" {
				h.slow.Add(1)
			}
			return nil
		})
	},
}

var beginning = []string{offer(6, allActions, allProtocol), "DC", connect}

func octets(g *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return b
}

// errRefused is how a visit ends if the server has closed the connection.
var errRefused = errors.New("the server has closed the connection")

func write(c net.Conn, b []byte) error {
	if _, err := c.Write(b); err != nil {
		return errRefused
	}
	return nil
}

// hostileWorld is where hostile peers visit a server.
type hostileWorld struct {
	t       testing.TB
	socket  string
	ofSlow  []string // the replies to a slow message, before the last one
	stop    chan struct{}
	peers   sync.WaitGroup
	visits  atomic.Int64
	refused atomic.Int64
	slow    atomic.Int64 // slow messages that were decided
}

// besiege starts peers of each kind, which visit until the world ends. pause is
// the time between the visits of a peer.
func besiege(t testing.TB, socket string, each int, pause time.Duration, ofSlow ...string) *hostileWorld {
	h := &hostileWorld{t: t, socket: socket, ofSlow: ofSlow, stop: make(chan struct{})}
	for name, visit := range hostile {
		for i := range each {
			h.peers.Go(func() {
				g := rand.New(rand.NewPCG(uint64(i), 1))
				for !h.isOver() {
					err := visit(h, g)
					h.visits.Add(1)
					if errors.Is(err, errRefused) {
						h.refused.Add(1)
					} else if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					time.Sleep(pause)
				}
			})
		}
	}
	return h
}

func (h *hostileWorld) end() {
	close(h.stop)
	h.peers.Wait()
}

func (h *hostileWorld) isOver() bool {
	select {
	case <-h.stop:
		return true
	default:
		return false
	}
}

// visit connects, sends some packets and runs the rest of the visit.
func (h *hostileWorld) visit(packets []string, rest func(c net.Conn) error) error {
	c, err := net.Dial("unix", h.socket)
	if err != nil {
		return errRefused
	}
	defer c.Close()
	for _, p := range packets {
		if err := write(c, packet(p[0], p[1:])); err != nil {
			return err
		}
	}
	return rest(c)
}

// endWith closes a connection when the world ends, because its peer may be stuck
// in a write.
func (h *hostileWorld) endWith(c net.Conn) {
	h.peers.Go(func() {
		<-h.stop
		c.Close()
	})
}

// TestHostilePeers has honest sessions beside hostile peers. The model shows that
// nothing is decided wrongly. Memory and connections stay within their limits, and
// nothing is left when the peers have gone.
func TestHostilePeers(t *testing.T) {
	s := newModelServer(t)
	s.log.hostile = true
	h := besiege(t, s.socket, 1, 20*time.Millisecond)
	var most, sessions int64
	messages := 0
	for i := 0; messages < 300 && !t.Failed(); i++ {
		messages += runModel(t, s, 1, i)
		most, sessions = max(most, s.held.Load()), max(sessions, int64(s.Sessions()))
	}
	h.end()
	if most > maxHeld {
		t.Errorf("%d octets were counted: the bound is %d", most, maxHeld)
	}
	if h.slow.Load() == 0 {
		t.Error("no slow message was decided")
	}
	until(t, func() bool { return s.Sessions() == 0 && s.held.Load() == 0 }, func() string {
		return fmt.Sprintf("%d sessions and %d octets are left", s.Sessions(), s.held.Load())
	})
	t.Logf("%d messages beside %d visits, of which %d were cut off and %d were slow; at most %d sessions and %d KiB",
		messages, h.visits.Load(), h.refused.Load(), h.slow.Load(), sessions, most>>10)
}

// TestStorm has peers that connect without end at the limit of connections. An
// honest MTA is turned away at times, but never answered wrongly.
func TestStorm(t *testing.T) {
	r := newServer(t, always(testConfig(t)), DefaultTimeouts)
	defer r.Shutdown()
	r.mu.Lock()
	r.MaxConnections = 8
	r.mu.Unlock()
	h := &hostileWorld{t: t, socket: r.socket, stop: make(chan struct{})}
	for i := range 10 {
		h.peers.Go(func() {
			for n := i; !h.isOver(); n++ {
				h.visit(beginning[:n%4], func(c net.Conn) error {
					if n%4 == 2 { // an answer comes
						io.ReadAtLeast(c, make([]byte, 1), 1)
					}
					return nil
				})
				h.visits.Add(1)
			}
		})
	}
	turnedAway, decided := 0, 0
	for deadline := time.Now().Add(patience); decided < 50 && time.Now().Before(deadline); {
		if r.Sessions() > 8 {
			t.Errorf("%d sessions", r.Sessions())
		}
		switch end := storm(t, r.socket); end {
		case addTag:
			decided++
		case "":
			turnedAway++
		default:
			t.Fatalf("the message ends with %q", end)
		}
	}
	h.end()
	if decided < 50 {
		t.Errorf("%d messages decided, %d turned away", decided, turnedAway)
	}
	t.Logf("%d messages decided, %d turned away beside %d visits", decided, turnedAway, h.visits.Load())
	r.awaitSessions(t, 0)
	p := r.open(t)
	p.begin()
	p.finish()
}

// storm sends one message on a connection of its own. It returns "" if it was
// turned away.
func storm(t *testing.T, socket string) string {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return ""
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	p := peer{t: t, Conn: c}
	for _, text := range slices.Concat(beginning, mailFrom("a@trust.example"), []string{"R<b@gmail.com>\x00", "E"}) {
		if write(c, packet(text[0], text[1:])) != nil {
			return ""
		}
	}
	p.receive()        // the negotiation
	p.receive()        // RCPT
	return p.receive() // "" if the connection has ended
}

// TestHonestLatency compares how long honest messages take without hostile peers
// and beside them. It needs a machine that does nothing else.
func TestHonestLatency(t *testing.T) {
	if *hostileFor == 0 {
		t.Skip("-hostile.for is not set")
	}
	r := serve(t, always(testConfig(t)), DefaultTimeouts)
	measure := func() (p99 time.Duration) {
		var mu sync.Mutex
		var took []time.Duration
		var peers sync.WaitGroup
		end := time.Now().Add(*hostileFor / 2)
		for range 4 {
			p := r.open(t)
			p.SetDeadline(end.Add(patience))
			peers.Go(func() {
				for time.Now().Before(end) {
					began := time.Now()
					p.send(append(mailFrom("a@trust.example"), "R<b@gmail.com>\x00", header("Subject", "x"), "E")...)
					p.want(goOnPacket, addTag, goOnPacket)
					mu.Lock()
					took = append(took, time.Since(began))
					mu.Unlock()
					time.Sleep(5 * time.Millisecond)
				}
			})
		}
		peers.Wait()
		r.log.clear()
		slices.Sort(took)
		return took[len(took)*99/100]
	}
	measure() // the first run is slow
	alone := measure()
	h := besiege(t, r.socket, 8, 100*time.Millisecond, goOnPacket, addTag)
	time.Sleep(*hostileFor / 4) // until the greedy hold what they can get
	beside := measure()
	h.end()
	t.Logf("p99 %v alone, %v beside %d visits: %.2f times", alone, beside, h.visits.Load(), float64(beside)/float64(alone))
	if beside > 2*alone {
		t.Errorf("p99 is more than twice as long beside hostile peers")
	}
}
