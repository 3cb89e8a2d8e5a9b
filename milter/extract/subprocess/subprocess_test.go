package subprocess_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "private" { // only root can write to its files in /proc
		unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
		syscall.Setuid(65534)
		os.Args = os.Args[1:]
	}
	if len(os.Args) > 1 && os.Args[1] == subprocess.Command {
		if err := subprocess.Serve(os.Args[2:], os.Stdin, os.Stdout, read); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// read does what the document says.
func read(r io.ReaderAt, size int64, place detect.Place, sink detect.Sink, limits subprocess.Limits) {
	text := make([]byte, size)
	r.ReadAt(text, 0)
	verb, rest, _ := strings.Cut(string(text), " ")
	sink.Begin(place)
	switch verb {
	case "say":
		sink.Text([]byte(rest))
	case "long":
		for range 100 {
			sink.Text(make([]byte, 1<<20))
		}
	case "part":
		sink.Begin(detect.Place{Part: place.Part + "/3", Kind: detect.Margin})
		sink.Found(finding.Finding{Name: finding.Unreadable, Reason: finding.Encrypted, Part: place.Part + "/3"})
	case "elsewhere":
		sink.Begin(detect.Place{Part: rest})
	case "forge":
		sink.Found(finding.Finding{Name: finding.Name(rest), Part: place.Part})
	case "crash":
		os.Exit(0)
	case "panic":
		panic(rest)
	case "deep":
		sink.Text(fmt.Append(nil, deep(1)))
	case "memory":
		var all [][]byte
		for range 10_000 {
			block := make([]byte, 1<<20)
			for i := range block {
				block[i] = 1
			}
			all = append(all, block)
		}
		sink.Text(fmt.Append(nil, len(all)))
	case "sleep":
		time.Sleep(time.Millisecond)
		sink.Text([]byte(rest))
	case "loop":
		sink.Text([]byte(rest))
		for sum := 0; ; sum++ {
			runtime.KeepAlive(sum)
		}
	case "try":
		_, open := os.Open("/etc/hostname")
		_, create := os.Create(rest)
		_, dial := net.Dial("udp", "127.0.0.1:9")
		run := exec.Command("/bin/true").Run()
		for _, err := range []error{open, create, dial, run} {
			sink.Text(fmt.Appendf(nil, "%t ", err != nil))
		}
	case "reach":
		sink.Text([]byte(strings.Join(reached(), ", ")))
	}
}

// reached returns what a process that was taken over can do to other processes, or in
// their place. It makes the system calls itself.
func reached() (list []string) {
	could := func(what string, err error) {
		if err != syscall.EPERM {
			list = append(list, fmt.Sprint(what, ": ", err))
		}
	}
	daemon := os.Getppid()
	could("signal", syscall.Kill(daemon, 0))
	could("signal to a thread", unix.Tgkill(daemon, daemon, 0))
	octets := make([]byte, 1)
	const heap = 0xc000000000 // of every Go program
	_, err := unix.ProcessVMReadv(daemon, []unix.Iovec{{Base: &octets[0], Len: 1}}, []unix.RemoteIovec{{Base: heap, Len: 1}}, 0)
	could("read memory", err)
	_, err = unix.ProcessVMWritev(daemon, []unix.Iovec{{Base: &octets[0], Len: 1}}, []unix.RemoteIovec{{Base: 8, Len: 1}}, 0)
	could("write memory", err)
	could("trace", unix.PtraceSeize(daemon))
	limit := unix.Rlimit{Cur: 10, Max: 10}
	could("raise a limit", unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	child, _, errno := syscall.RawSyscall(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0)
	if errno == 0 && child == 0 {
		syscall.RawSyscall(syscall.SYS_EXIT, 0, 0, 0)
	}
	could("process", errno)
	could("program", syscall.Exec("/nonexistent", nil, nil))
	return list
}

func deep(n int) int {
	if n < 0 {
		return n
	}
	return deep(n+1) + 1
}

// recorder is a Sink that keeps all calls.
type recorder struct{ strings.Builder }

func (r *recorder) Begin(p detect.Place)    { fmt.Fprintf(r, "[%s %d]", p.Part, p.Kind) }
func (r *recorder) Text(p []byte)           { r.Write(p) }
func (r *recorder) Found(f finding.Finding) { fmt.Fprintf(r, "{%s %s %s}", f.Name, f.Reason, f.Part) }

func pool(t testing.TB, size int, limit time.Duration, before ...string) *subprocess.Pool {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	limits := subprocess.DefaultLimits()
	limits.Time = limit
	return subprocess.NewPool(size, limits, slices.Concat([]string{self}, before, []string{subprocess.Command})...)
}

// opened reads documents of one message.
func opened(t testing.TB, p *subprocess.Pool, documents ...string) string {
	t.Helper()
	var got recorder
	of := p.Documents(&got)
	for _, text := range documents {
		w := of.Open("2.1")
		for _, part := range strings.SplitAfter(text, " ") {
			io.WriteString(w, part)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return got.String()
}

func TestDocuments(t *testing.T) {
	const damaged = "{unreadable damaged 2.1}"
	file := t.TempDir() + "/file"
	for _, test := range []struct{ name, document, want string }{
		{"text", "say some text", "[2.1 0]some text"},
		{"empty", "", "[2.1 0]"},
		{"place inside", "part", "[2.1 0][2.1/3 2]{unreadable encrypted 2.1/3}"},
		{"another part", "elsewhere 3", "[2.1 0]" + damaged},
		{"a name as part", "elsewhere 2.1/x", "[2.1 0]" + damaged},
		{"a long part", "elsewhere 2.1" + strings.Repeat("/1", 50), "[2.1 0]" + damaged},
		{"a finding that no reader makes", "forge nhs-number", "[2.1 0]" + damaged},
		{"a finding that lets mail go", "forge encrypted", "[2.1 0]" + damaged},
		{"no reason", "forge unreadable", "[2.1 0]" + damaged},
		{"picture", "forge picture", "[2.1 0]{picture  2.1}"},
		{"ended early", "crash", "[2.1 0]" + damaged},
		{"panic", "panic text", "[2.1 0]" + damaged},
		{"endless recursion", "deep", "[2.1 0]" + damaged},
		{"endless memory", "memory", "[2.1 0]" + damaged},
		{"no rights", "try " + file, "[2.1 0]true true true true "},
		{"no other process", "reach", "[2.1 0]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := opened(t, pool(t, 1, time.Minute), test.document); got != test.want {
				t.Errorf("got %.300q, want %q", got, test.want)
			}
		})
	}
}

// TestTimer checks that the first timer works, even if the process could not open
// oom_score_adj. The Go runtime itself needs timers to return memory.
func TestTimer(t *testing.T) {
	if got := opened(t, pool(t, 1, time.Minute, "private"), "sleep well"); got != "[2.1 0]well" {
		t.Errorf("got %q", got)
	}
}

func TestLongTextArrives(t *testing.T) {
	if got := len(opened(t, pool(t, 1, time.Minute), "long")); got != 100<<20+len("[2.1 0]") {
		t.Errorf("got %d octets", got)
	}
}

func TestTooLarge(t *testing.T) {
	want := "{unreadable too-large 2.1}"
	if got := opened(t, pool(t, 1, time.Minute), "say "+strings.Repeat("x", 40<<20)); got != want {
		t.Errorf("got %.300q, want %q", got, want)
	}
}

// TestEndlessDocument: the time of the message is used up, so a further
// document gets none, and other messages do not notice. What was read before
// counts.
func TestEndlessDocument(t *testing.T) {
	p := pool(t, 2, 5*time.Second)
	var others sync.WaitGroup
	others.Go(func() {
		for range 20 {
			if got := opened(t, p, "say hello"); got != "[2.1 0]hello" {
				t.Errorf("another message: got %q", got)
			}
		}
	})
	want := "[2.1 0]said before" + strings.Repeat("{unreadable too-slow 2.1}", 2)
	if got := opened(t, p, "loop said before", "say more"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	others.Wait()
}

// TestBusy: a document that gets no process is not the one at fault, unlike the
// document that takes the time.
func TestBusy(t *testing.T) {
	p := pool(t, 1, 2*time.Second)
	first := p.Documents(new(recorder))
	io.WriteString(first.Open("1"), "say ")
	defer first.Stop()
	var got recorder
	second := p.Documents(&got)
	second.Open("2").Close()
	if err := second.Err(); err != subprocess.ErrBusy || got.String() != "{unreadable too-slow 2}" {
		t.Errorf("got %v, %q", err, got.String())
	}
	third := p.Documents(new(recorder))
	w := third.Open("3")
	io.WriteString(w, "loop")
	if w.Close(); third.Err() != nil {
		t.Errorf("a slow document: got %v", third.Err())
	}
}

func TestStopEndsTheProcess(t *testing.T) {
	p := pool(t, 1, time.Minute)
	of := p.Documents(new(recorder))
	io.WriteString(of.Open("1"), "say ")
	of.Stop()
	if got := opened(t, p, "say hello"); got != "[2.1 0]hello" {
		t.Errorf("got %q", got)
	}
}

// TestTook checks that each document that was read is timed once, with any outcome,
// and that no other is.
func TestTook(t *testing.T) {
	p := pool(t, 1, time.Minute)
	var took []time.Duration
	count := func(d time.Duration) { took = append(took, d) }
	p.Count(count)
	p = p.Within(p.Limits()) // as another configuration does
	opened(t, p, "say hello", "crash")
	of := p.Documents(new(recorder))
	io.WriteString(of.Open("1"), "say ")
	of.Stop()
	if len(took) != 2 || took[0] <= 0 || took[1] <= 0 {
		t.Errorf("got %v", took)
	}
	none := subprocess.NewPool(1, subprocess.DefaultLimits(), "/nonexistent")
	none.Count(count)
	if none.Documents(new(recorder)).Open("1").Close(); len(took) != 2 {
		t.Error("a document that was not read is timed")
	}
}

// TestEnded holds that a process which ends without a fault of the document leaves the
// document unread, and that the message must then be tried again.
func TestEnded(t *testing.T) {
	const ready = "printf R; cat >&2; "
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ script, reason, want string }{
		{ready + "kill -KILL $$", "damaged", "its process was killed"},
		{ready + `printf 'T\002'; kill -KILL $$`, "damaged", "its process was killed"},
		{"kill -KILL $$", "damaged", "its process was killed"},
		{"kill -TERM $$", "damaged", "its process was killed"}, // at a stop, before it ignores the signal
		{"exit 1", "damaged", "its process ended at its start"},
		{"exit 0", "damaged", "its process ended at its start"},
		{"ulimit -d 1000; exec " + self + " " + subprocess.Command + ` "$0" "$1"`, "damaged", "its process ended at its start"},
		{ready + "exit 2", "damaged", ""}, // as after a panic
		{ready + "kill -SEGV $$", "damaged", ""},
		{ready + "kill -SYS $$", "damaged", ""},
		{"printf X; cat >&2", "damaged", ""},
		{ready + "exec >&-; sleep 100", "too-slow", ""},
	} {
		t.Run(test.script, func(t *testing.T) {
			limits := subprocess.DefaultLimits()
			limits.Time = 2 * time.Second
			var got recorder
			of := subprocess.NewPool(1, limits, "/bin/sh", "-c", test.script).Documents(&got)
			w := of.Open("1")
			io.WriteString(w, "say hello")
			w.Close()
			if want := "{unreadable " + test.reason + " 1}"; got.String() != want {
				t.Errorf("got %q, want %q", got.String(), want)
			}
			if err := of.Err(); (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestNoProcess(t *testing.T) {
	of := subprocess.NewPool(1, subprocess.DefaultLimits(), "/nonexistent").Documents(new(recorder))
	for range 2 { // the slot is free again
		w := of.Open("1")
		if _, err := io.WriteString(w, "x"); err == nil {
			t.Error("Write: no error")
		}
		if err := w.Close(); err == nil {
			t.Error("Close: no error")
		}
	}
}

func BenchmarkDocument(b *testing.B) {
	p := pool(b, 2, time.Minute)
	text := "say " + strings.Repeat("x", 200<<10)
	for b.Loop() {
		opened(b, p, text)
	}
}
