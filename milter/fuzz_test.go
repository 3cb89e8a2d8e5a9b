package milter

import (
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/maillog"
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
