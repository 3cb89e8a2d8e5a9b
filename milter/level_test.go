package milter

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	levelMessages = flag.Int("level.messages", 10_000, "how many messages TestLevel sends")
	levelTable    = flag.String("level.table", "", "the CSV file that TestLevel writes")
)

// levels are what a daemon must not use more of the longer it runs. Memory is in
// KiB.
type levels struct {
	messages, goroutines, descriptors, heap, resident int
}

func levelsAfter(messages int) levels {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	resident := 0
	status, _ := os.ReadFile("/proc/self/status")
	if _, rest, ok := strings.Cut(string(status), "VmRSS:"); ok {
		resident, _ = strconv.Atoi(strings.Fields(rest)[0])
	}
	return levels{messages, runtime.NumGoroutine(), len(names("/proc/self/fd/*")), int(m.HeapAlloc >> 10), resident}
}

// TestLevel sends messages on 200 connections at once. A connection ends after 300
// messages, and another one takes its place. Memory, goroutines and descriptors must
// stay level.
func TestLevel(t *testing.T) {
	const connections, each, rounds = 200, 300, 10
	r := serve(t, always(testConfig(t)), DefaultTimeouts)
	long := header("X", strings.Repeat("y", 2*keptBuffer))
	mail := slices.Concat(mailFrom("a@trust.example"), []string{"R<b@gmail.com>\x00", "A"},
		mailFrom("a@trust.example"), []string{"R<b@gmail.com>\x00", header("Subject", "x"), long, "E"})
	peers := make([]net.Conn, connections)
	var table []levels
	sent := 0
	for range rounds {
		ofEach := max(*levelMessages/rounds/connections, 1)
		var senders sync.WaitGroup
		for i := range peers {
			first := sent / connections
			senders.Go(func() {
				for n := range ofEach {
					if (first+n+i)%each == 0 || peers[i] == nil {
						peers[i] = reconnect(t, r.socket, peers[i])
					}
					peers[i].SetDeadline(time.Now().Add(patience))
					p := peer{t: t, Conn: peers[i]}
					p.send(mail...)
					p.want(goOnPacket, goOnPacket, addTag, goOnPacket)
					if n%50 == 0 {
						r.log.clear()
					}
				}
			})
		}
		senders.Wait()
		sent += connections * ofEach
		r.awaitSessions(t, connections)
		r.log.clear()
		table = append(table, levelsAfter(sent))
	}
	for _, c := range peers {
		c.Close()
	}
	text := "messages,goroutines,descriptors,heap_kib,rss_kib\n"
	for _, l := range table {
		text += fmt.Sprintf("%d,%d,%d,%d,%d\n", l.messages, l.goroutines, l.descriptors, l.heap, l.resident)
	}
	t.Log("\n" + text)
	if *levelTable != "" {
		if err := os.WriteFile(*levelTable, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
	early, last := table[rounds/5], table[rounds-1]
	if last.goroutines > early.goroutines+connections/10 || last.descriptors > early.descriptors+connections/10 || last.heap > early.heap*5/4+1<<10 {
		t.Errorf("%+v, and later %+v", early, last)
	}
	r.awaitSessions(t, 0)
	if held := r.held.Load(); held != 0 {
		t.Errorf("%d octets are counted, and no session is left", held)
	}
}

// reconnect ends a connection, and opens another one.
func reconnect(t *testing.T, socket string, old net.Conn) net.Conn {
	if old != nil {
		old.Close()
	}
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Error(err)
		runtime.Goexit()
	}
	c.SetDeadline(time.Now().Add(patience))
	p := peer{t: t, Conn: c}
	p.send(beginning...)
	p.receive() // the negotiation
	return c
}
