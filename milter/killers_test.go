//go:build !race

package milter

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/extract/subprocess"
)

// zipOf packs one entry.
func zipOf(t testing.TB, write func(io.Writer)) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("1")
	if err != nil {
		t.Fatal(err)
	}
	write(w)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// killers returns documents that keep a reader busy, fill its memory or end it.
func killers(t testing.TB) map[string][]byte {
	list := make(map[string][]byte)
	files, err := filepath.Glob("../testdata/killers/*")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if list[filepath.Base(file)], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	for _, fault := range []string{"loop", "memory", "exit", "panic", "forge", "text"} {
		list[fault] = []byte("%PDF-1.4 " + fault)
	}
	bomb := zipOf(t, func(w io.Writer) {
		for range 512 {
			w.Write(bytes.Repeat([]byte("text "), 1<<20/5))
		}
	})
	nested := bomb
	for range 12 {
		inner := nested
		nested = zipOf(t, func(w io.Writer) { w.Write(inner) })
	}
	list["bomb"], list["nested bomb"] = bomb, nested
	return list
}

// TestKillersHarmNoOtherMail sends each document that is known to harm a reader,
// while honest mail comes on other connections. The race detector would make the
// readers several times as slow, and other tests run with it.
func TestKillersHarmNoOtherMail(t *testing.T) {
	r := serve(t, always(reading(t, subprocess.DefaultLimits().Time)), DefaultTimeouts)
	begin := append(mailFrom("a@trust.example"), "R<bob@gmail.com>\x00")
	honest := [][]string{
		append(append(slices.Clone(begin), attached(letter(t))...), "E"),
		append(slices.Clone(begin), header("Subject", "Letter"), "BNHS number 999 000", "B 0018\r\n", "E"),
		append(slices.Clone(begin), header("Subject", "Letter"), "BSee you on Monday.\r\n", "E"),
	}
	want := [][]string{divertBob, divertBob, {addTag, goOnPacket}}
	peers := make([]peer, len(honest))
	for i := range peers {
		peers[i] = r.open(t)
		peers[i].send(honest[i]...)
		peers[i].want(append([]string{goOnPacket}, want[i]...)...)
	}
	killer := r.open(t)
	bad := killers(t)
	descriptors, before := len(names("/proc/self/fd/*")), heapInUse()

	var flow sync.WaitGroup
	var ended atomic.Bool
	counts := make([]int, len(peers))
	for i, p := range peers {
		flow.Go(func() {
			for !ended.Load() || counts[i] == 0 {
				p.send(honest[i]...)
				p.want(append([]string{goOnPacket}, want[i]...)...)
				counts[i]++
				time.Sleep(5 * time.Millisecond) // leave the killers a processor
			}
		})
	}
	most := 0
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		began := time.Now()
		id := "K-" + strings.Map(func(r rune) rune {
			if r < 'a' || r > 'z' {
				return 'X'
			}
			return r
		}, name)
		killer.send("DMi\x00"+id+"\x00", "M<a@trust.example>\x00", "R<bob@gmail.com>\x00")
		killer.send(attached(bad[name])...)
		killer.send("E")
		for answers := 0; answers < 2; { // to RCPT, and at the end
			switch killer.receive() {
			case goOnPacket:
				answers++
			case "":
				t.Fatalf("%s: the session ended", name)
			}
		}
		r.await(t, `"decision","queue_id":"`+id+`"`)
		if got := findingsOf(t, r, id); len(got) == 0 {
			t.Errorf("%s: no finding", name)
		} else {
			t.Logf("%s: %v in %.1f s", name, got, time.Since(began).Seconds())
		}
		most = max(most, heapInUse())
		bad[name] = nil
	}
	ended.Store(true)
	flow.Wait()
	t.Logf("honest messages: %v; heap %d KiB before, at most %d KiB after a killer", counts, before>>10, most>>10)
	r.log.clear()

	until(t, func() bool { return len(children()) == 0 }, func() string { return fmt.Sprintf("processes are left: %v", children()) })
	if n := len(names("/proc/self/fd/*")); n != descriptors {
		t.Errorf("%d descriptors are open, before %d", n, descriptors)
	}
	if after := heapInUse(); after > before+1<<20 {
		t.Errorf("%d octets are in use, before %d", after, before)
	}
}

// heapInUse is the memory in use, in octets.
func heapInUse() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
