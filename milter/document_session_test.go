package milter

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/milter/message"
)

// TestSessionEndsItsProcess breaks off a message in the middle of a document, in
// each way in which a message can end. The process must end with it: its slot, its
// pipes and the process itself are free for the next message.
func TestSessionEndsItsProcess(t *testing.T) {
	config := testConfig(t)
	config.Read = message.Read{Header: true, Body: true, VisibleRecipients: 15,
		Documents: subprocess.NewPool(1, within(patience), "/bin/sh", "-c", "exec sleep 1000")}
	r := newServer(t, always(config), DefaultTimeouts)
	begin := func() peer {
		p := r.open(t)
		p.send(mailFrom("ward@trust.example")...)
		p.send("R<bob@gmail.com>\x00", header("Content-Type", "application/pdf"), "N", "B"+"%PDF-1.4\n"+strings.Repeat("x", 4096))
		until(t, func() bool { return len(children()) == 1 }, func() string { return "no process" })
		return p
	}
	files := len(names("/proc/self/fd/*"))
	for name, end := range map[string]func(p peer){
		"RSET":             func(p peer) { p.send("A") },
		"another MAIL":     func(p peer) { p.send("A"); p.send(mailFrom("a@trust.example")...) },
		"HELO":             func(p peer) { p.send("A", "Hclient.example\x00") },
		"disconnect":       func(p peer) { p.Close() },
		"quit":             func(p peer) { p.send("Q") },
		"broken protocol":  func(p peer) { p.send("\xff") },
		"half of a packet": func(p peer) { p.Write([]byte("\x00\x00\xff\xffB%")); p.Close() },
	} {
		p := begin()
		end(p)
		until(t, func() bool { return len(children()) == 0 }, func() string { return name + ": the process still runs" })
		p.Close()
	}
	r.awaitSessions(t, 0)
	if n := len(names("/proc/self/fd/*")); n > files {
		t.Errorf("%d descriptors, want %d", n, files)
	}
	begin()
	r.Shutdown()
	until(t, func() bool { return len(children()) == 0 }, func() string { return "shutdown: the process still runs" })
}
