//go:build !race

package milter

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
)

// These tests are not built with the race detector, because it takes memory of
// its own.

// heap is the memory in use, in octets.
func heap() int {
	runtime.GC()
	runtime.GC() // frees what the first one's finalizers released
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// smallConnection is more memory than a connection takes in addition to what it
// counts.
const smallConnection = 128 << 10

// TestHostilePeersAreBounded has peers that send data that takes much memory
// for each octet. The memory in use must not exceed what was counted, and that
// must not exceed the limit. A message that has ended must not take any memory.
func TestHostilePeersAreBounded(t *testing.T) {
	const mega = maxPacket - 100
	nuls, ones := strings.Repeat("\x00", mega), strings.Repeat("x\x00", mega/2)
	long := strings.Repeat("x", mega)
	mail, rcpt := "M<a@trust.example>\x00", "R<b@gmail.com>\x00"
	each := func(n int, text func(int) string) []string {
		list := []string{mail}
		for i := range n {
			list = append(list, text(i))
		}
		return list
	}
	sentOn := []string{mail}
	for i := range 10_000 {
		sentOn = append(sentOn, fmt.Sprintf("DR{rcpt_addr}\x00%d@gmail.com\x00", i), fmt.Sprintf("R<%d@nhs.net>\x00", i))
	}
	for _, test := range []struct {
		name    string
		packets []string
	}{
		{"empty arguments of RCPT", append([]string{mail}, repeat(20, rcpt+nuls)...)},
		{"short arguments of RCPT", append([]string{mail}, repeat(20, rcpt+ones)...)},
		{"DSN arguments of RCPT", append([]string{mail}, repeat(20, rcpt+strings.Repeat("NOTIFY=\x00", mega/8))...)},
		{"a long argument of RCPT", append([]string{mail}, repeat(20, rcpt+"ORCPT="+long+"\x00")...)},
		{"long paths", append([]string{mail}, repeat(20, "R<"+long+"@gmail.com>\x00")...)},
		{"short recipients", each(maxRecipients, func(i int) string { return fmt.Sprintf("R<%d@gmail.com>\x00", i) })},
		{"refused recipients", each(maxRecipients, func(i int) string { return fmt.Sprintf("R<%d@x.gsi.gov.uk>\x00", i) })},
		{"recipients that the MTA reads differently", sentOn},
		{"arguments of MAIL", []string{mail + ones, mail + nuls}},
		{"a long sender", []string{"M<" + long + ">\x00"}},
		{"macros", append([]string{"DM" + strings.Repeat("i\x00", mega/2)}, mail, "DR"+ones, rcpt, "DE"+nuls)},
		{"different macros", []string{"DM" + manyMacros(mega), mail, "DR" + manyMacros(mega), rcpt, "DL" + manyMacros(mega)}},
		{"a long macro", []string{"DMi\x00" + long + "\x00", mail}},
		{"macros without a command", repeat(50, "DR"+manyMacros(mega))},
		{"a long HELO", []string{"H" + long + "\x00", "H" + nuls}},
		{"long subjects", append([]string{mail, rcpt}, repeat(40, header("Subject", long))...)},
		{"empty subjects", append([]string{mail, rcpt}, repeat(50_000, header("Subject", ""))...)},
		{"verdicts", append([]string{mail, rcpt}, repeat(50_000, header("X-Postseal", ""))...)},
		{"other fields", each(50_000, func(i int) string { return header(fmt.Sprintf("X-%d", i), "y") })},
		{"long other fields", append([]string{mail, rcpt}, repeat(40, header("X", long))...)},
		{"messages that do not end", repeat(1000, mail+strings.Repeat("x", 1000)+"\x00")},
		{"long messages that do not end", append(each(2000, func(i int) string { return fmt.Sprintf("R<%d@gmail.com>\x00", i) }), each(2000, func(i int) string { return fmt.Sprintf("R<%d@gmail.com>\x00", i) })...)},
		{"a body", append([]string{mail, rcpt}, repeat(20, "B"+long)...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := serve(t, always(testConfig(t)), DefaultTimeouts)
			p, other := r.open(t), r.open(t)
			other.flood("A")
			before := heap()
			p.flood(test.packets...)
			broken := r.count("session broken") > 0
			r.log.clear()
			held := int(r.held.Load())
			if used := heap() - before; used > held+smallConnection {
				t.Errorf("%d octets are in use, %d counted", used, held)
			}
			if held > maxMessage {
				t.Errorf("%d octets are counted: the bound is %d", held, maxMessage)
			}
			other.flood(append(mailFrom("a@trust.example"), "R<a@nhs.net>\x00", "E", "A")...)
			if !broken {
				p.flood("A", "A")
			}
			until(t, func() bool { return r.held.Load() == 0 }, func() string { return fmt.Sprintf("%d octets are still counted", r.held.Load()) })
			r.log.clear()
			if used := heap() - before; used > smallConnection {
				t.Errorf("%d octets are in use after the message", used)
			}
			runtime.KeepAlive(test.packets)
		})
	}
}

// manyMacros returns short macros of about so many octets.
func manyMacros(octets int) string {
	var b strings.Builder
	for i := 0; b.Len() < octets-20; i++ {
		fmt.Fprintf(&b, "%x\x00\x00", i)
	}
	return b.String()
}

// TestIdleConnectionsAreSmall also counts stacks.
func TestIdleConnectionsAreSmall(t *testing.T) {
	const connections = 50
	r := serve(t, always(testConfig(t)), DefaultTimeouts)
	inUse := func() int {
		used := heap()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return used + int(m.StackInuse)
	}
	long := strings.Repeat("x", maxPacket-100)
	packets := append(mailFrom("a@trust.example"), "R<b@gmail.com>\x00ORCPT="+long+"\x00", header("Subject", long), "E", "A")
	before := inUse()
	for range connections {
		r.open(t).flood(packets...)
	}
	r.log.clear()
	if each := (inUse() - before) / connections; each > smallConnection/2 {
		t.Errorf("a connection between messages takes %d octets, more than %d", each, smallConnection/2)
	} else {
		t.Logf("a connection between messages takes %d octets", each)
	}
}

// TestStalledPeers has peers that send half a packet, or do not read the
// edits. Their memory must be counted.
func TestStalledPeers(t *testing.T) {
	r := serve(t, always(testConfig(t)), DefaultTimeouts)
	p := r.open(t)
	p.flood("A")
	before := heap()
	half := packet('L', "X\x00"+strings.Repeat("y", 900_000)+"\x00")
	p.send(mailFrom("a@trust.example")...)
	if _, err := p.Write(half[:len(half)-1]); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return r.held.Load() > 900_000 }, func() string { return "the packet is not counted" })
	if used, held := heap()-before, int(r.held.Load()); used > held+smallConnection {
		t.Errorf("a packet: %d octets are in use, %d counted", used, held)
	}

	deaf := r.open(t)
	deaf.Conn.(*net.UnixConn).SetReadBuffer(4 << 10)
	list := mailFrom("a@trust.example")
	for i := range maxRecipients {
		list = append(list, fmt.Sprintf("R<%s%d@gmail.com>\x00", strings.Repeat("x", 60), i))
	}
	deaf.flood(list...)
	deaf.send(header("Subject", "[secure]"), "E")
	// This line ends the message, because some recipients did not fit.
	r.await(t, `"lines left out"`)
	r.log.clear()
	list = nil
	if used, held := heap()-before, int(r.held.Load()); used > held+smallConnection || held > maxMessage*2 {
		t.Errorf("edits: %d octets are in use, %d counted", used, held)
	}
}

// TestAllPeersTogetherAreBounded has many peers that each hold less than the
// limit of one.
func TestAllPeersTogetherAreBounded(t *testing.T) {
	r := serve(t, always(testConfig(t)), DefaultTimeouts)
	subject := header("Subject", strings.Repeat("x", 1_000_000))
	begin := append(mailFrom("a@trust.example"), "R<a@nhs.net>\x00")
	var peers []peer
	for range maxHeld/maxMessage + 4 {
		p := r.open(t)
		p.flood(append(begin, repeat(7, subject)...)...)
		peers = append(peers, p)
	}
	if held := r.held.Load(); held > maxHeld || held < maxHeld*3/4 {
		t.Errorf("%d octets are counted: the bound is %d", held, maxHeld)
	}
	peers[len(peers)-1].send("E")
	peers[len(peers)-1].want("y451 4.3.0 postseal cannot decide this message now: try again later\x00")
	r.await(t, "too much mail at once")
	for _, p := range peers {
		p.Close()
	}
	r.awaitSessions(t, 0)
	if held := r.held.Load(); held != 0 {
		t.Errorf("%d octets are counted, and no session is left", held)
	}
	p := r.open(t)
	p.send(append(begin, "E")...)
	p.want(goOnPacket, goOnPacket)
}
