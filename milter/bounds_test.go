package milter

import "testing"

// flood sends packets and waits until the server has read them all. It ends
// with an unknown command, which is answered at once.
func (p peer) flood(packets ...string) {
	p.t.Helper()
	sent := make(chan error, 1)
	go func() {
		for _, text := range append(packets, "Upostseal\x00") {
			if _, err := p.Write(packet(text[0], text[1:])); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	answered := 1
	for _, text := range packets {
		if text[0] == 'R' || text[0] == 'H' || text[0] == 'E' {
			answered++
		}
	}
	for range answered {
		if p.receive() == "" {
			break // the connection was cut off, as expected in some cases
		}
	}
	<-sent
}

func repeat(n int, text string) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = text
	}
	return list
}

// TestConnectionsAreBounded opens as many connections as the limit allows.
// Further ones are closed at once, and logged with one line at the start and
// one at the end.
func TestConnectionsAreBounded(t *testing.T) {
	r := newServer(t, always(testConfig(t)), DefaultTimeouts)
	defer r.Shutdown()
	r.mu.Lock()
	r.MaxConnections = 16
	r.mu.Unlock()
	var held []peer
	for range 16 {
		held = append(held, r.open(t))
	}
	for range 20 {
		p := r.dial(t)
		p.want("")
	}
	// A connection ends, and another one takes its place: the server stays at the
	// limit.
	for i := range 5 {
		held[i].Close()
		r.awaitSessions(t, 15)
		held[i] = r.open(t)
		p := r.dial(t)
		p.want("")
	}
	if n := r.count("too many connections"); n != 1 || r.count("connections taken again") != 0 {
		t.Errorf("got %d lines:\n%s", n, r.log)
	}
	for _, p := range held[:2] {
		p.Close()
	}
	r.await(t, `"msg":"connections taken again","refused":25}`)
	p := r.open(t)
	p.begin()
	p.finish()
}
