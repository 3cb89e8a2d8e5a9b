package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
	"golang.org/x/sys/unix"
)

// filters starts the filters that are measured.
type filters struct {
	root     string // the checkout
	dir      string // contains all files, and is removed
	postseal string
	nothing  string // the C filter on libmilter
	n        int    // filters started
}

// build builds postseal. The C filter is built when it is first started.
func build() (*filters, error) {
	root, err := mtatest.Root()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "postseal-wire")
	if err != nil {
		return nil, err
	}
	f := &filters{root: root, dir: dir}
	os.Setenv("CGO_ENABLED", "0") // as make build does
	if f.postseal, err = mtatest.Build(root, dir, "-trimpath", "-ldflags=-s"); err != nil {
		return nil, errors.Join(err, f.remove())
	}
	return f, nil
}

func (f *filters) buildNothing() error {
	if f.nothing != "" {
		return nil
	}
	f.nothing = filepath.Join(f.dir, "nothing")
	cmd := exec.Command("gcc", "-O2", "-o", f.nothing, filepath.Join(f.root, "testdata", "bench", "nothing.c"), "-lmilter", "-lpthread")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("gcc: %w: %s: install the packages gcc and libmilter-dev", err, out)
	}
	return nil
}

func (f *filters) remove() error { return os.RemoveAll(f.dir) }

// kind is a filter with a configuration.
type kind struct {
	Name    string `json:"filter"`
	C       bool   `json:"-"`
	Rows    int    `json:"rows,omitempty"`
	Content bool   `json:"content,omitempty"` // policies ask for findings in the body
}

// The filters of most measurements.
var (
	nothing     = kind{Name: "C filter", C: true}
	withoutBody = kind{Name: "postseal", Rows: 10_000}
	withContent = kind{Name: "postseal with content", Rows: 10_000, Content: true}
)

// envelopePolicies are policies that ask for no finding.
const envelopePolicies = `
[[policy]]
name = "marked"
marker = ["present", "near-miss"]
action = "divert"

[[policy]]
name = "rest"
action = "tag"
`

// running is a filter's process.
type running struct {
	kind
	socket string
	began  time.Time
	cmd    *exec.Cmd
	ended  chan error

	read    int64 // how much of the log was read
	counted int   // reloads in it
}

// start starts a filter, which need not listen yet.
func (f *filters) start(k kind) (*running, error) {
	f.n++
	dir := filepath.Join(f.dir, strconv.Itoa(f.n))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	r := &running{kind: k, socket: filepath.Join(dir, "s"), ended: make(chan error, 1)}
	if k.C {
		if err := f.buildNothing(); err != nil {
			return nil, err
		}
		r.cmd = exec.Command(f.nothing, r.socket)
	} else {
		config := filepath.Join(dir, "postseal.toml")
		text := fmt.Sprintf("listen = \"unix:%s\"\nmode = \"enforce\"\nlocal_domains = [\"trust.example\"]\n[rules]\naccredited = \"%s/accredited.csv\"\n", r.socket, dir)
		if !k.Content {
			text += envelopePolicies
		}
		if err := errors.Join(os.WriteFile(config, []byte(text), 0o644), writeList(filepath.Join(dir, "accredited.csv"), k.Rows)); err != nil {
			return nil, err
		}
		r.cmd = exec.Command(f.postseal, "serve", "-config", config)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	r.cmd.Stderr = log
	r.began = time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { r.ended <- r.cmd.Wait() }()
	// libmilter does not raise its limit itself, and has a thread for each connection.
	err = unix.Prlimit(r.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 10_000, Max: 20_000}, nil)
	return r, err
}

// connect waits until the filter listens, then opens connections.
func (r *running) connect(connections int, mails []mail) (*load, error) {
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(200 * time.Microsecond) {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: r.socket})
		unix.Close(fd)
		if err == nil {
			return newLoad(r.socket, connections, mails)
		}
		select {
		case err := <-r.ended:
			r.ended <- err
			return nil, fmt.Errorf("%s ended: %w: %s", r.Name, err, r.log())
		default:
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("%s: %w", r.Name, err)
		}
	}
}

// log returns the beginning of what the filter wrote.
func (r *running) log() string {
	text, _ := os.ReadFile(filepath.Join(filepath.Dir(r.socket), "log"))
	return string(text[:min(len(text), 2000)])
}

// stop ends the filter. It has no mail any longer.
func (r *running) stop() error {
	r.cmd.Process.Signal(syscall.SIGTERM)
	err := <-r.ended
	os.RemoveAll(filepath.Dir(r.socket))
	if exit, ok := err.(*exec.ExitError); ok && r.C && exit.ExitCode() >= 0 {
		return nil
	}
	return err
}

// pid returns the process ID.
func (r *running) pid() int { return r.cmd.Process.Pid }

// memory is what a process has in memory, in KiB.
type memory struct {
	PSS  int `json:"pss_kib"`
	RSS  int `json:"rss_kib"`
	Peak int `json:"peak_rss_kib"`
}

// memory reads the memory of the process.
func (r *running) memory() (m memory, err error) {
	fields := func(file string) map[string]int {
		text, failed := os.ReadFile(fmt.Sprintf("/proc/%d/%s", r.pid(), file))
		err = errors.Join(err, failed)
		values := make(map[string]int)
		for line := range strings.Lines(string(text)) {
			if words := strings.Fields(line); len(words) == 3 && words[2] == "kB" {
				values[words[0]], _ = strconv.Atoi(words[1])
			}
		}
		return values
	}
	rollup, status := fields("smaps_rollup"), fields("status")
	return memory{rollup["Pss:"], status["VmRSS:"], status["VmHWM:"]}, err
}

// cpu returns the time of the processors that the process has used, and those of its
// processes that have ended.
func (r *running) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.pid()))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var ticks int64
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100, nil
}

// listed returns a domain of the accredited list.
func listed(i int) string { return fmt.Sprintf("made-up-%07d.nhs.uk", i) }

// writeList writes an accredited list as import does: sorted by domain.
func writeList(path string, rows int) error {
	var b bytes.Buffer
	b.WriteString("Organisation Name,Domain name\n")
	for i := range rows {
		fmt.Fprintf(&b, "Made-up organisation %d,%s\n", i/3, listed(i))
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// mails returns messages of 4 KiB with so many recipients each: of each three, one on
// the accredited list, one below a suffix of the edition, and one unknown.
func mails(recipients, rows int) (list []mail) {
	random := rand.New(rand.NewPCG(1, 1))
	for i := range 48 {
		m := mail{sender: "ward@trust.example", body: prose(random, 4<<10)}
		for j := range recipients {
			domain := listed(random.IntN(max(1, rows)))
			switch (i + j) % 3 {
			case 1:
				domain = fmt.Sprintf("council%d.gov.uk", random.IntN(400))
			case 2:
				domain = fmt.Sprintf("customer%d.example", random.IntN(100_000))
			}
			m.recipients = append(m.recipients, fmt.Sprintf("person%d@%s", j, domain))
		}
		m.header = header(m.recipients[0], "Clinic list for Monday")
		list = append(list, m)
	}
	return list
}

// header returns the fields that a mail client writes.
func header(to, subject string) [][2]string {
	return [][2]string{
		{"From", "Ward 7 <ward@trust.example>"}, {"To", to}, {"Subject", subject},
		{"Date", "Sat, 21 Nov 2026 09:00:00 +0000"}, {"Message-ID", "<1@trust.example>"}, {"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"}, {"User-Agent", "Mail"},
	}
}

// prose returns lines of words.
func prose(random *rand.Rand, octets int) string {
	var b strings.Builder
	for b.Len() < octets {
		for range 10 {
			for range 2 + random.IntN(8) {
				b.WriteByte(byte('a' + random.IntN(26)))
			}
			b.WriteByte(' ')
		}
		b.WriteString("\r\n")
	}
	return b.String()[:octets]
}

// signalReload makes the filter reload.
func (r *running) signalReload() { r.cmd.Process.Signal(syscall.SIGHUP) }

// reloads counts the reloads so far.
func (r *running) reloads() int {
	log, err := os.Open(filepath.Join(filepath.Dir(r.socket), "log"))
	if err != nil {
		return r.counted
	}
	defer log.Close()
	log.Seek(r.read, io.SeekStart)
	text, _ := io.ReadAll(log)
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	r.read += int64(len(text))
	r.counted += bytes.Count(text, []byte(`"msg":"reloaded"`))
	return r.counted
}

// settle waits until the process rests, for example after the last reload.
func (r *running) settle() {
	for last := time.Duration(-1); ; {
		now, err := r.cpu()
		if err != nil || now == last {
			return
		}
		last = now
		time.Sleep(200 * time.Millisecond)
	}
}
