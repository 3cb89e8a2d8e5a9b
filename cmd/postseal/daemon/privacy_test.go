package daemon

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config/configtest"
	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/mtatest"
)

// private begins each marked text of a message.
const private = "Quxley"

// privateNumbers are the numbers in the message. All are of the test block.
var privateNumbers = func() (list []int) {
	for n := 999_000_001; len(list) < 40; n++ {
		sum := 0
		for rest, weight := n, 2; rest > 0; rest, weight = rest/10, weight+1 {
			sum += rest % 10 * weight
		}
		if check := (11 - sum%11) % 11; check < 10 {
			list = append(list, 10*n+check)
		}
	}
	return list
}()

// marks returns marked texts, each with its own number.
type marks struct{ n int }

func (m *marks) text() string {
	digits := fmt.Sprint(privateNumbers[m.n%len(privateNumbers)])
	m.n++
	return fmt.Sprintf("%s%d NHS number: %s %s %s", private, m.n, digits[:3], digits[3:6], digits[6:])
}

// part returns a part of a multipart message with the boundary b.
func part(header, content string) string { return "--b\r\n" + header + "\r\n\r\n" + content + "\r\n" }

// zipOf returns an archive of one file.
func zipOf(t *testing.T, name, content string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	file, err := w.Create(name)
	if err == nil {
		_, err = io.WriteString(file, content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// privateMessages returns messages with marked text in all places that can have text.
// Each is a header and a body. Some are broken.
func privateMessages(t *testing.T) (list [][2]string) {
	t.Helper()
	m := new(marks)
	in64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	document := func(name, content string) string {
		return part("Content-Type: application/octet-stream; name=\""+m.text()+name+"\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\""+m.text()+name+"\"", in64(content))
	}
	header := func(more string) string {
		return "Subject: (secure) " + m.text() + "\nFrom: \"" + m.text() + "\" <ward@trust.example>\nTo: \"" + m.text() + "\" <bob@gmail.com>, carol@gmail.com\nComments: " + m.text() +
			"\nSensitivity: " + m.text() + "\nX-Classification: OFFICIAL-SENSITIVE " + m.text() + "\nMessage-ID: <" + private + ".999-000-0018@trust.example>\nX-Postseal: " + m.text() + "\n" + more
	}
	mixed := "Content-Type: multipart/mixed; boundary=b; x=\"" + m.text() + "\""
	word := func(text string) string {
		return zipOf(t, "word/document.xml", `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>`+text+`</w:t></w:r></w:p></w:body></w:document>`)
	}
	parts := []string{
		part("Content-Type: text/plain", "OFFICIAL-SENSITIVE\r\n"+m.text()),
		part("Content-Type: text/html", "<title>"+m.text()+"</title><table><tr><th>NHS number<td>"+m.text()+"</table><img alt=\""+m.text()+"\">"),
		part("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64", in64(m.text())),
		part("Content-Type: text/plain; name*0*=utf-8''"+strings.ReplaceAll(m.text(), " ", "%20")+"; name*1*=%20"+private+"\r\nContent-Disposition: attachment; filename*=utf-8''"+strings.ReplaceAll(m.text(), " ", "%20"), m.text()),
		part("Content-Type: message/rfc822", "Subject: "+m.text()+"\r\n\r\n"+m.text()),
		part("Content-Type: application/x-"+private, m.text()),
		document(".zip", zipOf(t, m.text()+"/"+m.text()+".txt", m.text())),
		document(".docx", word(m.text())),
		document(".rtf", `{\rtf1 `+m.text()+`}`),
		document(".pdf", "%PDF-1.4\n("+m.text()+") Tj"),
		document(".bin", "\x00\x01\x02"+m.text()),
	}
	whole := strings.Join(parts, "") + "--b--\r\n"
	list = append(list, [2]string{header(mixed), whole}, [2]string{header(mixed), whole[:len(whole)/2]})
	for _, broken := range []string{
		part("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64", in64(m.text())+"=*"+m.text()),
		part("Content-Type: multipart/mixed; boundary=\""+m.text()+"\"", "--"+m.text()+"\r\n"+m.text()),
		part("Content-Type: "+m.text()+"\r\n"+m.text()+": "+m.text(), m.text()),
		part("Content-Transfer-Encoding: "+m.text(), m.text()),
		document(".zip", zipOf(t, m.text(), m.text())[:60]),
		document(".docx", word(m.text())[:200]),
		document(".pdf", "%PDF-1.4\n"+strings.Repeat("("+m.text()+") Tj\n", 5000)),
	} {
		list = append(list, [2]string{header(mixed), broken})
	}
	return append(list, [2]string{"Subject: =?utf-8?b?" + in64("[secure "+m.text()) + "?=\nSubject: =?" + m.text() + "?q?" + m.text() + "?=", m.text()})
}

// policies ask for every finding.
const privatePolicies = `
local_domains = ["trust.example"]

[content]
disclaimer = "Quxley Disclaimer"
visible_recipients = 1

[[pattern]]
name = "name"
match = "Quxley[0-9]+"

[[pattern]]
name = "number"
match = "[0-9]{3} ?[0-9]{3} ?[0-9]{4}"
check = "mod11"

[[policy]]
name = "all"
findings = ["look-alike", "nhs-number", "nhs-number-likely", "nhs-number-in-subject", "marking", "sensitivity", "unreadable", "picture", "encrypted", "visible-recipients", "no-disclaimer", "pattern:name", "pattern:number"]
action = "ACTION"

[[policy]]
name = "rest"
action = "tag"
`

// told is a daemon, with everything that it writes or answers.
type told struct {
	t       *testing.T
	command *exec.Cmd
	socket  string
	stderr  string // the file, if there is a journal
	mu      sync.Mutex
	outputs map[string]*bytes.Buffer // by where the octets went
}

func (d *told) add(output string, octets []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.outputs[output] == nil {
		d.outputs[output] = new(bytes.Buffer)
	}
	d.outputs[output].Write(octets)
}

// said returns what went to an output.
func (d *told) said(output string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.outputs[output] == nil {
		return ""
	}
	return d.outputs[output].String()
}

// record reads datagrams until the socket is closed.
func (d *told) record(output string, c *net.UnixConn) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := c.Read(buffer)
		if err != nil {
			return
		}
		d.add(output, append(buffer[:n:n], '\n'))
	}
}

// Write records standard error.
func (d *told) Write(p []byte) (int, error) {
	d.add("stderr", p)
	return len(p), nil
}

// startTold starts a daemon. With a journal, it has a /run of its own.
func startTold(t *testing.T, binary, text string, journal bool) *told {
	t.Helper()
	dir := t.TempDir()
	d := &told{t: t, socket: filepath.Join(dir, "s"), outputs: make(map[string]*bytes.Buffer)}
	notify := listenJournal(t, filepath.Join(dir, "notify"))
	go d.record("notifications", notify)
	config := configtest.Write(t, fmt.Sprintf("listen = \"unix:%s\"\n%s[metrics]\nlisten = \"unix:%s\"\n", d.socket, text, d.socket+".metrics"))
	d.command = exec.Command(binary, "serve", "-config", config)
	d.command.Env = append(os.Environ(), "NOTIFY_SOCKET="+notify.LocalAddr().String(), "WATCHDOG_USEC=40000", "STATE_DIRECTORY="+dir)
	d.command.Stderr = d
	if journal {
		run := filepath.Join(dir, "run")
		if err := os.MkdirAll(filepath.Join(run, "systemd", "journal"), 0o755); err != nil {
			t.Fatal(err)
		}
		go d.record("journal", listenJournal(t, filepath.Join(run, "systemd", "journal", "socket")))
		file, err := os.Create(filepath.Join(dir, "stderr"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		var stat syscall.Stat_t
		if err := syscall.Fstat(int(file.Fd()), &stat); err != nil {
			t.Fatal(err)
		}
		d.command.Args = append([]string{"sh", "-c", `mount --bind "$0" /run && exec "$@"`, run}, d.command.Args...)
		d.command.Path = "/bin/sh"
		d.command.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		d.command.Env = append(d.command.Env, fmt.Sprintf("JOURNAL_STREAM=%d:%d", stat.Dev, stat.Ino))
		d.command.Stderr, d.stderr = file, file.Name()
	}
	if err := d.command.Start(); err != nil {
		t.Fatal(err)
	}
	d.await("notifications", "READY=1", 1)
	return d
}

// await waits until an output has a text n times.
func (d *told) await(output, text string, n int) {
	d.t.Helper()
	for end := time.Now().Add(time.Minute); strings.Count(d.said(output), text) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			d.command.Process.Kill()
			d.t.Fatalf("%s: fewer than %d times %q", output, n, text)
		}
	}
}

func milterPacket(code byte, payload string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(payload)+1)), append([]byte{code}, payload...)...)
}

// session opens a session up to RCPT, and records what the daemon answers. The
// Subject that the daemon writes is for the message, so it is not recorded.
func (d *told) session() *net.UnixConn {
	d.t.Helper()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: d.socket, Net: "unix"})
	if err != nil {
		d.t.Fatal(err)
	}
	go func() {
		for {
			var head [5]byte
			if _, err := io.ReadFull(c, head[:]); err != nil {
				return
			}
			payload := make([]byte, binary.BigEndian.Uint32(head[:])-1)
			if _, err := io.ReadFull(c, payload); err != nil {
				return
			}
			if head[4] != 'm' || !bytes.Contains(payload, []byte("\x00\x00\x00\x01Subject\x00")) {
				d.add("replies", append(append([]byte{head[4], ' '}, payload...), '\n'))
			}
		}
	}()
	d.send(c, milterPacket('O', "\x00\x00\x00\x06\x00\x00\x01\xff\x00\x1f\xff\xff"), milterPacket('C', "client.example\x004\x30\x39192.0.2.7\x00"))
	return c
}

func (d *told) send(c net.Conn, packets ...[]byte) {
	for _, p := range packets {
		c.Write(p) // the daemon closes a faulty session
	}
}

// message sends a message, without its end.
func (d *told) message(c net.Conn, m [2]string) {
	d.send(c, milterPacket('M', "<ward@trust.example>\x00"), milterPacket('R', "<bob@gmail.com>\x00"), milterPacket('R', "<a@nhs.nte>\x00"))
	for line := range strings.SplitSeq(m[0], "\n") {
		name, value, _ := strings.Cut(line, ":")
		d.send(c, milterPacket('L', name+"\x00"+value+"\x00"))
	}
	d.send(c, milterPacket('N', ""))
	for piece := range slices.Chunk([]byte(m[1]), 1000) {
		d.send(c, milterPacket('B', string(piece)))
	}
}

// request records what the socket for metrics answers. The answer must have a text.
func (d *told) request(path, text string) {
	d.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", d.socket+".metrics")
	}}
	answer, err := (&http.Client{Transport: transport}).Get("http://localhost" + path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || !bytes.Contains(body, []byte(text)) {
		d.t.Errorf("%s: no %q: %v", path, text, err)
	}
	d.add("metrics", body)
}

// privateForms match the marked texts and the numbers in the forms in which an
// output might show them, and arguments and registers in stacks. Each begins with
// plain text, so that the race detector does not slow the search.
var privateForms = func() (list []*regexp.Regexp) {
	var forms []string
	add := func(text string) {
		forms = append(forms, regexp.QuoteMeta(text), regexp.QuoteMeta(strings.ToLower(text)), hex.EncodeToString([]byte(text)), strings.Trim(fmt.Sprint([]byte(text)), "[]"))
		for _, before := range []string{"", "x", "xx"} { // base64 is the same only at the same place modulo 3
			coded := base64.StdEncoding.EncodeToString([]byte(before + text))
			forms = append(forms, regexp.QuoteMeta(coded[[]int{0, 2, 3}[len(before)]:len(coded)-4]))
		}
	}
	add(private)
	forms = append(forms, fmt.Sprint(binary.BigEndian.Uint32([]byte(private)))) // a length
	for _, n := range privateNumbers {
		digits := fmt.Sprint(n)
		add(digits)
		forms = append(forms, digits[:3]+"[ -]?"+digits[3:6]+"[ -]?"+digits[6:], fmt.Sprintf("%x", n), fmt.Sprintf("%X", n))
	}
	for _, form := range append(forms, `\(0x`, `\{0x`, `r[a-d]x +0x`) {
		list = append(list, regexp.MustCompile(form))
	}
	return list
}()

// wantNothing checks all outputs. If the daemon gets a further output, add it to
// outputs.
func (d *told) wantNothing() {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for output, text := range d.outputs {
		for _, form := range privateForms {
			if at := form.FindIndex(text.Bytes()); at != nil {
				d.t.Errorf("%s: %q", output, text.Bytes()[max(0, at[0]-80):min(text.Len(), at[1]+80)])
			}
		}
	}
}

// TestNothingShowsTheMessage sends messages with marked text and numbers to a
// daemon, provokes faults, and checks every octet of all outputs.
func TestNothingShowsTheMessage(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "postseal")
	buildCommand(t, binary)
	messages := privateMessages(t)
	actions, modes := []string{"divert", "reject", "quarantine", "tag"}, []string{"observe", "enforce"}
	for i, format := range []string{"json", "text", "auto"} {
		for j, addresses := range []string{"full", "domain", "hash"} {
			mode, action := modes[(i+j)%2], actions[(3*i+j)%4]
			t.Run(fmt.Sprint(format, " ", addresses, " ", mode, " ", action), func(t *testing.T) {
				text := fmt.Sprintf("mode = %q\n%s[log]\nformat = %q\naddresses = %q\n", mode, strings.ReplaceAll(privatePolicies, "ACTION", action), format, addresses)
				journal := format == "auto" && os.Geteuid() == 0
				d := startTold(t, binary, text, journal)
				d.harm(messages, journal)
				d.wantNothing()
				if format != "text" && !journal {
					logtest.CheckStderr(t, d.said("stderr"))
				}
			})
		}
	}
}

// harm sends the messages, aborts a process that reads a document, and sends faulty
// packets. At the end it aborts the daemon while the daemon reads a document.
func (d *told) harm(messages [][2]string, journal bool) {
	log := "stderr"
	if journal {
		log = "journal"
	}
	c := d.session()
	defer c.Close()
	for _, m := range messages {
		d.message(c, m)
		d.send(c, milterPacket('E', ""))
	}
	d.await(log, "decision", len(messages))
	d.message(c, messages[len(messages)-2]) // it ends in a document
	var reading []int
	for end := time.Now().Add(20 * time.Second); len(reading) == 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		reading = mtatest.Children(d.command.Process.Pid)
	}
	for end := time.Now().Add(time.Minute); len(mtatest.Children(d.command.Process.Pid)) > 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		syscall.Kill(reading[0], syscall.SIGABRT)
	}
	d.send(c, milterPacket('E', ""))
	d.await(log, "decision", len(messages)+1)
	if len(reading) != 1 {
		d.t.Fatalf("%d processes read the document", len(reading))
	}

	plain := messages[len(messages)-1]
	for i, faulty := range [][]byte{
		[]byte(private + " 9990000018"),                                          // a length
		append([]byte{0, 0, 0, 20}, private...),                                  // cut short
		milterPacket('L', private+" 9990000018"),                                 // no NUL
		milterPacket('9', "990000018\x00"),                                       // no command
		milterPacket('C', private+"\x00"),                                        // out of order
		milterPacket('D', "M"+strings.Repeat("i\x00Quxley9990000018\x00", 1000)), // too many macros
	} {
		c := d.session()
		d.message(c, plain)
		d.send(c, faulty)
		c.CloseWrite()
		d.await(log, "session broken", i+1)
		c.Close()
	}

	d.request("/metrics", "postseal_findings_total{name=\"pattern:name\"} ")
	d.request("/status", `"messages":`)
	d.request("/healthz", "ok")

	c = d.session()
	defer c.Close()
	go d.message(c, [2]string{plain[0], strings.Repeat(plain[1], 100_000)})
	time.Sleep(10 * time.Millisecond)
	d.command.Process.Signal(syscall.SIGABRT)
	d.command.Wait()
	if d.stderr != "" {
		text, err := os.ReadFile(d.stderr)
		if err != nil {
			d.t.Fatal(err)
		}
		d.add("stderr", text)
	}
	d.await("stderr", "milter.(*conn).Read", 1)
}
