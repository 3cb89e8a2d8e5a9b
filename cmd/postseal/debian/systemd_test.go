package debian_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/mtatest"
)

const (
	direct = "127.0.0.1:2500" // every host except the relay
	relay  = "127.0.0.1:2501"
	smtp   = "127.0.0.1:25"

	// In tenths, as for systemd-analyze security --threshold.
	maxExposure       = "2"
	maxDoctorExposure = "30"
)

// site is a machine with Postfix and postseal, as the README sets them up.
type site struct {
	*machine
	direct, relay *mtatest.Sink
}

// testSystemd follows the README and what can happen to the service, in one boot.
func testSystemd(t *testing.T, deb string) {
	s := newSite(t, deb)
	for _, step := range []struct {
		name string
		test func(*testing.T, *site)
	}{
		{"sandbox", testSandbox},
		{"mail", testMail},
		{"doctor", testDoctor},
		{"doctor timer", testDoctorTimer},
		{"metrics", testMetrics},
		{"daily mail", testDailyMail},
		{"reload", testReload},
		{"restart", testRestart},
		{"kill", testKill},
		{"stop", testStop},
		{"start limit", testStartLimit},
		{"upgrade", func(t *testing.T, s *site) { testUpgrade(t, s, deb) }},
		{"removal", testRemoval},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.test(t, s) }) {
			t.Fatalf("the machine is left as %q left it\n%s", step.name, s.sh(t, "journalctl --no-pager -n 60"))
		}
	}
}

// newSite boots a machine, and runs the commands of the README. Only the addresses are
// those of stand-ins.
func newSite(t *testing.T, deb string) *site {
	t.Helper()
	root, err := mtatest.Root()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{machine: newMachine(t)}
	for addr, sink := range map[string]**mtatest.Sink{direct: &s.direct, relay: &s.relay} {
		err := s.inside(func() (err error) {
			*sink, err = mtatest.StartSinkAt(addr)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*sink).Stop() })
	}
	s.write(t, "/root/postseal.deb", string(read(t, deb)), 0o644)
	s.write(t, "/root/LIST.csv", string(read(t, filepath.Join(root, "testdata", "accredited.csv"))), 0o644)
	s.sh(t, `
dpkg -i /root/postseal.deb
postseal import -accept /root/LIST.csv
sed -i 's/^mode = .*/mode = "enforce"/' /etc/postseal/postseal.toml
postseal check
systemctl enable --now postseal.socket postseal.service
cd /usr/share/doc/postseal/contrib/postfix
cp postseal_generic.pcre postseal_header_checks.pcre /etc/postfix/
cat master.cf >> /etc/postfix/master.cf
postconf -e 'smtpd_milters = unix:postseal/postseal.sock' 'milter_default_action = tempfail'
postconf -P 'pickup/unix/content_filter=postseal:[127.0.0.1]:10026'
postconf -e 'postseal_relay = [`+strings.Replace(relay, ":", "]:", 1)+`' 'transport_maps = regexp:{ { /\.encrypt\.invalid$$/ encrypt:$postseal_relay } }' 'bounce_size_limit = 1'
postconf -e myhostname=mx.trust.example myorigin=trust.example mydestination=trust.example 'relayhost=[`+strings.Replace(direct, ":", "]:", 1)+`'
postfix check
postfix reload
postseal status`)
	return s
}

// mail is a message to an outside recipient.
func mail(subject, body string) []byte {
	return mtatest.CRLF(fmt.Appendf(nil, "From: ward@trust.example\nSubject: %s\n\n%s\n", subject, body))
}

// dial connects to Postfix.
func (s *site) dial(t *testing.T) (c *mtatest.Client) {
	t.Helper()
	err := s.inside(func() (err error) {
		c, err = mtatest.Dial(smtp)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// sends sends a message that needs the relay, and returns the answer: that to the
// recipient, unless it is 250.
func sends(c *mtatest.Client) string {
	sent, err := c.Send("<ward@trust.example>", []string{"<bob@example.org>"}, mail("[secure] letter", "text"))
	switch {
	case err != nil:
		return err.Error()
	case sent.Recipients[0].Code != 250:
		return sent.Recipients[0].String()
	}
	return sent.End.String()
}

// wantAnswer checks the code in an answer of sends.
func wantAnswer(t *testing.T, answer, code string) {
	t.Helper()
	if !strings.Contains(answer, code+" ") {
		t.Errorf("the answer is %q, want %s", answer, code)
	}
}

// wantSealed sends a message, and checks that it goes to the relay.
func (s *site) wantSealed(t *testing.T) {
	t.Helper()
	wantAnswer(t, sends(s.dial(t)), "250")
	s.wantArrived(t, nil, []string{"bob@example.org: [secure] letter"})
}

// wantArrived checks what has arrived at the hosts outside when the queue is empty.
func (s *site) wantArrived(t *testing.T, atDirect, atRelay []string) {
	t.Helper()
	if !mtatest.Within(func() bool { return s.sh(t, "postqueue -j") == "" }) {
		t.Fatalf("mail waits: %s", s.sh(t, "postqueue -p"))
	}
	for host, want := range map[*mtatest.Sink][]string{s.direct: atDirect, s.relay: atRelay} {
		var got []string
		for _, d := range host.Take() {
			for _, r := range d.Recipients {
				got = append(got, r.Address+":"+strings.Join(d.Header("Subject"), ","))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", host.Addr, got, want)
		}
	}
}

// events returns the events with a msg in the journal of postseal, and checks all
// events.
func (s *site) events(t *testing.T, msg string) (events []map[string]any) {
	t.Helper()
	var lines strings.Builder
	for line := range strings.Lines(s.sh(t, "journalctl -t postseal -o cat --no-pager")) {
		// Other lines are the output of postseal check.
		if strings.HasPrefix(line, "{") {
			lines.WriteString(strings.TrimSpace(line) + "\n")
		}
	}
	logtest.Check(t, lines.String())
	for line := range strings.Lines(lines.String()) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err == nil && e["msg"] == msg {
			events = append(events, e)
		}
	}
	return events
}

// property returns a property of a unit.
func (s *site) property(t *testing.T, unit, name string) string {
	t.Helper()
	return s.sh(t, "systemctl show --value -p "+name+" "+unit)
}

// change adds text to postseal.toml, and returns a function that removes it.
func (s *site) change(t *testing.T, text string) (undo func()) {
	t.Helper()
	before := s.read(t, installedConfig)
	s.write(t, installedConfig, before+text, 0o644)
	return func() { s.write(t, installedConfig, before, 0o644) }
}

// testSandbox checks what systemd has done for the running service.
func testSandbox(t *testing.T, s *site) {
	for unit, limit := range map[string]string{"postseal.service": maxExposure, "postseal-doctor.service": maxDoctorExposure} {
		s.sh(t, "systemd-analyze security --no-pager --threshold="+limit+" "+unit)
	}
	pid := s.property(t, "postseal.service", "MainPID")
	for _, kind := range strings.Fields("net ipc mnt user") {
		if s.sh(t, "readlink /proc/1/ns/"+kind) == s.sh(t, "readlink /proc/"+pid+"/ns/"+kind) {
			t.Errorf("postseal has no namespace %q of its own", kind)
		}
	}
	status := s.read(t, "/proc/"+pid+"/status")
	for _, want := range []string{"NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"} {
		if !strings.Contains(status, want+"\n") {
			t.Errorf("postseal does not run with %s\n%s", want, status)
		}
	}
	const socket = "/var/spool/postfix/postseal/postseal.sock"
	if got, want := s.sh(t, "stat -c '%a %U:%G' "+socket), "660 postseal:postfix"; got != want {
		t.Errorf("%s: got %s, want %s", socket, got, want)
	}
	touch := "nsenter -t " + pid + " -m setpriv --reuid postseal --regid postseal --clear-groups touch "
	s.sh(t, touch+"/var/lib/postseal/state/new\nrm /var/lib/postseal/state/new")
	for _, file := range []string{installedConfig, "/etc/postseal/rules.d/new.toml", installedList} {
		if s.command("sh", "-c", touch+file).Run() == nil {
			t.Errorf("postseal can write %s", file)
		}
	}
	testDocumentSandbox(t, s, pid)
	// Any user can log as postseal, but not as its unit.
	s.sh(t, `setpriv --reuid nobody --clear-groups logger -t postseal forged
journalctl --sync
journalctl -t postseal -o cat | grep -qx forged
if journalctl _SYSTEMD_UNIT=postseal.service -o cat | grep -x forged; then exit 1; fi
journalctl _SYSTEMD_UNIT=postseal.service -o cat | grep -q '"msg":"started"'`)
	if after := s.property(t, "postfix@-.service", "After"); !slices.Contains(strings.Fields(after), "postseal.service") {
		t.Errorf("at shutdown postseal can stop before Postfix, which starts after %s", after)
	}
}

// testDocumentSandbox begins to send a document, so that a process waits for the rest. It
// must have no socket, and a filter of system calls beside those of the unit.
func testDocumentSandbox(t *testing.T, s *site, pid string) {
	c, err := net.Dial("unix", s.path("/var/spool/postfix/postseal/postseal.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send := func(packets ...string) {
		for _, p := range packets {
			if _, err := c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(p))), p...)); err != nil {
				t.Fatal(err)
			}
		}
	}
	send(negotiation, "Cclient.example\x004\x00\x00127.0.0.1\x00", "M<ward@trust.example>\x00", "R<bob@example.org>\x00", "LContent-Type\x00application/pdf\x00",
		"N", "B%PDF-1.4\n"+strings.Repeat("% text\n", 1000))
	defer send("A", "Q")
	var reader string
	if !mtatest.Within(func() bool {
		reader = s.sh(t, "cat /proc/"+pid+"/task/*/children 2>/dev/null || :")
		return reader != ""
	}) {
		t.Fatal("no process reads the document")
	}
	if open := s.sh(t, "readlink /proc/"+reader+"/fd/*"); strings.Contains(open, "socket:") {
		t.Errorf("the process that reads a document has the files %q", open)
	}
	filters := func(pid string) string {
		status, _ := os.ReadFile(s.path("/proc/" + pid + "/status"))
		_, rest, _ := strings.Cut(string(status), "Seccomp_filters:\t")
		return strings.Split(rest, "\n")[0]
	}
	unit, _ := strconv.Atoi(filters(pid))
	want, got := strconv.Itoa(unit+1), ""
	mtatest.Within(func() bool {
		now := filters(reader)
		if now != "" {
			got = now
		}
		return now == "" || now == want // it ends if the document takes too long
	})
	if unit == 0 || got != want {
		t.Errorf("the process that reads a document has %s filters, want %s", got, want)
	}
}

// testMail sends mail by SMTP, with a document, and with sendmail(1).
func testMail(t *testing.T, s *site) {
	c := s.dial(t)
	root, err := mtatest.Root()
	if err != nil {
		t.Fatal(err)
	}
	letter := base64.StdEncoding.EncodeToString(read(t, filepath.Join(root, "testdata", "documents", "pdf", "libreoffice.pdf")))
	var folded strings.Builder
	for chunk := range slices.Chunk([]byte(letter), 76) {
		folded.Write(append(chunk, '\n'))
	}
	message := mtatest.CRLF([]byte("From: ward@trust.example\nSubject: letter\nMIME-Version: 1.0\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n" + folded.String()))
	sent, err := c.Send("<ward@trust.example>", []string{"<bob@example.org>", "<a@nhs.net>"}, message)
	if err != nil || sent.End.Code != 250 {
		t.Fatalf("got %v, %v", sent, err)
	}
	s.wantArrived(t, []string{"a@nhs.net: letter"}, []string{"bob@example.org: [secure] letter"})
	s.sh(t, `printf 'Subject: [secure] cron\n\ntext\n' | sendmail -f ward@trust.example carol@example.org`)
	s.wantArrived(t, nil, []string{"carol@example.org: [secure] cron"})
	decisions := s.events(t, "decision")
	if len(decisions) != 2 || !strings.Contains(fmt.Sprint(decisions[0]["findings"]), "nhs-number") {
		t.Errorf("the number in the document was not found: %v", decisions)
	}
}

// socketmap answers each question of socketmap_table(5) with NOTFOUND, and counts them.
func socketmap(l net.Listener, questions *atomic.Int32) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			for in := bufio.NewReader(c); ; {
				text, err := in.ReadString(':')
				length, fault := strconv.Atoi(strings.TrimSuffix(text, ":"))
				if errors.Join(err, fault) != nil {
					return
				}
				if _, err := io.CopyN(io.Discard, in, int64(length)+1); err != nil {
					return
				}
				questions.Add(1)
				io.WriteString(c, "9:NOTFOUND ,")
			}
		}()
	}
}

// runDoctor starts the service, and returns its findings. They must be those of doctor
// outside the sandbox.
func (s *site) runDoctor(t *testing.T) (found []string) {
	t.Helper()
	before := len(s.events(t, "doctor"))
	s.sh(t, "systemctl start postseal-doctor.service")
	for _, e := range s.events(t, "doctor")[before:] {
		found = append(found, fmt.Sprint(e["id"], " ", e["severity"], " ", e["service"], ": ", e["setting"]))
	}
	out, err := s.command("postseal", "doctor", "-json").Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		err = nil
	}
	var outside []struct{ ID, Severity, Service, Setting string }
	if err := errors.Join(err, json.Unmarshal(out, &outside)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var want []string
	for _, f := range outside {
		want = append(want, f.ID+" "+f.Severity+" "+f.Service+": "+f.Setting)
	}
	if !slices.Equal(found, want) {
		t.Errorf("the service found %q, and postseal doctor %q", found, want)
	}
	return found
}

// testDoctor runs postseal-doctor.service. Its sandbox must not keep it from anything
// that doctor needs.
func testDoctor(t *testing.T, s *site) {
	wantFound := func(want ...string) {
		t.Helper()
		if got := s.runDoctor(t); !slices.Equal(got, want) {
			t.Errorf("found %q, want %q", got, want)
		}
	}
	wantFound()

	// Tables in a file that only root can read, in a home directory, behind
	// proxymap(8), and over the network.
	var l net.Listener
	err := s.inside(func() (err error) {
		l, err = net.Listen("tcp", "127.0.0.1:0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var questions atomic.Int32
	go socketmap(l, &questions)
	s.sh(t, `
mkdir -m 700 /home/ward
echo 'home@trust.example x@gmail.com' >/home/ward/aliases
echo 'hash@trust.example x@gmail.com' >/etc/postfix/aliases
echo 'proxy@trust.example x@gmail.com' >/var/tmp/aliases
echo '/^pcre@trust.example$/ x@gmail.com' >/etc/postfix/aliases.pcre
chmod 600 /etc/postfix/aliases
postmap hash:/etc/postfix/aliases btree:/var/tmp/aliases
postconf -e 'virtual_alias_maps = texthash:/home/ward/aliases hash:/etc/postfix/aliases proxy:btree:/var/tmp/aliases pcre:/etc/postfix/aliases.pcre socketmap:inet:`+l.Addr().String()+`:table'
postfix reload`)
	found := s.runDoctor(t)
	for _, row := range []string{"home@trust.example x@gmail.com", "hash@trust.example x@gmail.com", "proxy@trust.example x@gmail.com", "/^pcre@trust.example$/ x@gmail.com"} {
		if !slices.ContainsFunc(found, func(f string) bool {
			return strings.HasPrefix(f, "alias-out leak ") && strings.HasSuffix(f, ": "+row)
		}) {
			t.Errorf("no finding about %s: %q", row, found)
		}
	}
	if questions.Load() == 0 {
		t.Error("nothing was looked up over the network")
	}
	s.sh(t, "postconf -X virtual_alias_maps; postfix reload; rm -r /home/ward")

	// The socket as each smtpd sees it, in a chroot or not.
	const socket = "/var/spool/postfix/postseal/postseal.sock"
	s.sh(t, "chmod 600 "+socket)
	wantFound("socket delay main.cf: smtpd_milters = unix:postseal/postseal.sock", "socket delay 127.0.0.1:10026/inet: smtpd_milters = unix:postseal/postseal.sock")
	s.sh(t, "chmod 660 "+socket)
	wantFound()
}

// testDoctorTimer lets the timer run doctor, with the drop-in for Prometheus.
func testDoctorTimer(t *testing.T, s *site) {
	const metrics = "/var/lib/prometheus/node-exporter/postseal-doctor.prom"
	s.sh(t, `
mkdir -p /var/lib/prometheus/node-exporter /etc/systemd/system/postseal-doctor.service.d /etc/systemd/system/postseal-doctor.timer.d
cp /usr/share/doc/postseal/contrib/alerting/prometheus/postseal-doctor-metrics.conf /etc/systemd/system/postseal-doctor.service.d/
systemctl daemon-reload
systemctl enable --now postseal-doctor.timer`)
	if next := s.property(t, "postseal-doctor.timer", "NextElapseUSecRealtime"); next == "" {
		t.Error("the timer is not waiting for a time")
	}
	before := len(s.events(t, "doctor"))
	s.sh(t, `
postconf -e always_bcc=archive@example.org
printf '[Timer]\nOnActiveSec=0\nRandomizedDelaySec=0\n' >/etc/systemd/system/postseal-doctor.timer.d/now.conf
systemctl daemon-reload
systemctl restart postseal-doctor.timer`)
	if !mtatest.Within(func() bool { return s.exists(metrics) }) {
		t.Fatal("no metrics came")
	}
	found := s.events(t, "doctor")[before:]
	if len(found) != 1 || found[0]["id"] != "always-bcc" || found[0]["setting"] != "always_bcc = archive@example.org" {
		t.Errorf("got %v in the journal", found)
	}
	if got := s.read(t, metrics); !strings.Contains(got, "\npostseal_doctor_findings{severity=\"leak\"} 1\n") {
		t.Errorf("got %s", got)
	}
	if got := s.sh(t, "stat -c %a /var/lib/prometheus/node-exporter/*"); got != "644" {
		t.Errorf("got mode %s, which node_exporter cannot read, or another file", got)
	}
	// Without a look, there are no new metrics, and the service has failed.
	s.sh(t, "rm "+metrics+"; postconf -e virtual_alias_maps=hash:/etc/postfix/missing")
	if _, err := s.command("systemctl", "start", "postseal-doctor.service").Output(); err == nil || s.exists(metrics) {
		t.Error("doctor cannot read a map, and the service succeeds or writes metrics")
	}
	s.sh(t, `
postconf -X always_bcc virtual_alias_maps
rm -r /etc/systemd/system/postseal-doctor.service.d /etc/systemd/system/postseal-doctor.timer.d
systemctl daemon-reload
systemctl reset-failed postseal-doctor.service
systemctl restart postseal-doctor.timer`)
}

func (s *site) exists(name string) bool {
	_, err := os.Stat(s.path(name))
	return err == nil
}

// testMetrics reads the metrics of the daemon, which has no network, and of the queue.
func testMetrics(t *testing.T, s *site) {
	s.sh(t, `
systemctl enable postseal-metrics.socket
systemctl restart postseal
cp /usr/share/doc/postseal/contrib/alerting/prometheus/postseal-queue.* /etc/systemd/system/
systemctl daemon-reload
systemctl enable --now postseal-queue.timer
systemctl start postseal-queue.service`)
	s.wantSealed(t)
	var page bytes.Buffer
	err := s.inside(func() error {
		c, err := net.Dial("tcp", "127.0.0.1:9899")
		if err != nil {
			return err
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(mtatest.Patience))
		if _, err := io.WriteString(c, "GET /metrics HTTP/1.0\r\n\r\n"); err != nil {
			return err
		}
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return err
		}
		_, err = page.ReadFrom(answer.Body)
		return err
	})
	if want := `postseal_messages_total{action="divert",marker="present",mode="enforce"} 1`; err != nil || !strings.Contains(page.String(), want) {
		t.Errorf("no %s: %v\n%s", want, err, &page)
	}
	if got := s.read(t, "/var/lib/prometheus/node-exporter/postseal.prom"); !strings.Contains(got, "\npostseal_held_messages 0\n") {
		t.Errorf("got %s", got)
	}
}

// testDailyMail sends the mail of a small site.
func testDailyMail(t *testing.T, s *site) {
	s.sh(t, `
cd /usr/share/doc/postseal/contrib/alerting/journal
install -m 755 postseal-daily /usr/local/sbin/
install -m 644 postseal-daily.service postseal-daily.timer /etc/systemd/system/
systemctl daemon-reload
systemctl enable --now postseal-daily.timer
systemctl start postseal-daily`)
	s.wantArrived(t, nil, nil)
	if got := s.read(t, "/var/mail/root"); !strings.Contains(got, "\nSubject: postseal on mx") || !strings.Contains(got, "\nMessages by action:\n") {
		t.Errorf("got %s", got)
	}
}

func testReload(t *testing.T, s *site) {
	pid, reloads := s.property(t, "postseal.service", "MainPID"), len(s.events(t, "reloaded"))
	undo := s.change(t, "nonsense = 1\n")
	if out, err := s.command("systemctl", "reload", "postseal").CombinedOutput(); err == nil {
		t.Errorf("a faulty file is reloaded: %s", out)
	}
	s.wantSealed(t)
	undo()
	undo = s.change(t, "[relay]\ndomain = \"\"\n[[policy]]\nname = \"all\"\naction = \"reject\"\n")
	s.sh(t, "systemctl reload postseal")
	wantAnswer(t, sends(s.dial(t)), "550")
	undo()
	s.sh(t, "systemctl reload postseal")
	s.wantSealed(t)
	if got := s.property(t, "postseal.service", "MainPID"); got != pid {
		t.Errorf("process %s, was %s", got, pid)
	}
	if got := len(s.events(t, "reloaded")); got < reloads+2 {
		t.Errorf("%d reloads, were %d", got, reloads)
	}
}

// underMail runs a function while clients send mail, each in one session. No message
// may be refused, lost or unsealed.
func (s *site) underMail(t *testing.T, f func()) {
	t.Helper()
	var senders sync.WaitGroup
	over, sent := make(chan struct{}), make(chan string, 1<<16)
	for range 4 {
		c := s.dial(t)
		senders.Go(func() {
			for {
				sent <- sends(c)
				select {
				case <-over:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	f()
	close(over)
	senders.Wait()
	close(sent)
	var want []string
	for answer := range sent {
		if !strings.HasPrefix(answer, "250 ") {
			t.Errorf("message %d: %s", len(want)+1, answer)
			continue
		}
		want = append(want, "bob@example.org: [secure] letter")
	}
	s.wantArrived(t, nil, want)
}

// testRestart restarts the service among messages. systemd keeps the connections of
// Postfix's sessions.
func testRestart(t *testing.T, s *site) {
	pid, stops := s.property(t, "postseal.service", "MainPID"), len(s.events(t, "stopped"))
	s.underMail(t, func() { s.sh(t, "systemctl restart postseal; systemctl restart postseal") })
	if got := s.property(t, "postseal.service", "MainPID"); got == pid {
		t.Error("the same process runs")
	}
	for _, e := range s.events(t, "stopped")[stops:] {
		if fmt.Sprint(e["cut_off"]) != "0" {
			t.Errorf("sessions were cut off: %v", e)
		}
	}
}

// testKill kills the daemon in the middle of a message and between two.
func testKill(t *testing.T, s *site) {
	restarts := s.property(t, "postseal.service", "NRestarts")
	middle, idle := s.dial(t), s.dial(t)
	wantAnswer(t, sends(idle), "250")
	if r, err := middle.Say("MAIL FROM:<ward@trust.example>", "RCPT TO:<bob@example.org>"); err != nil || r.Code != 250 {
		t.Fatal(r, err)
	}
	s.sh(t, "systemctl kill -s KILL --kill-whom=main postseal")
	if r, err := middle.Data(mail("letter", "text")); err != nil || r.Code != 451 {
		t.Errorf("in the middle of a message: got %v, %v, want 451", r, err)
	}
	wantAnswer(t, sends(idle), "451")
	s.wantArrived(t, nil, []string{"bob@example.org: [secure] letter"}) // idle's first
	// This client waits in the socket until systemd has restarted the daemon.
	s.wantSealed(t)
	if got := s.property(t, "postseal.service", "NRestarts"); got == restarts {
		t.Error("systemd has not restarted the daemon")
	}
}

// testStop stops the service, as README tells, beside an open session.
func testStop(t *testing.T, s *site) {
	idle := s.dial(t)
	wantAnswer(t, sends(idle), "250")
	start := time.Now()
	s.sh(t, "systemctl stop postseal.socket postseal-metrics.socket postseal")
	if took := time.Since(start); took > 45*time.Second { // half of TimeoutStopSec
		t.Errorf("the stop took %v", took)
	}
	wantAnswer(t, sends(s.dial(t)), "451")
	wantAnswer(t, sends(idle), "451")
	s.wantArrived(t, nil, []string{"bob@example.org: [secure] letter"})
	s.sh(t, `printf 'Subject: [secure] cron\n\ntext\n' | sendmail -f ward@trust.example carol@example.org`)
	if !mtatest.Within(func() bool { return strings.Contains(s.sh(t, "postqueue -j"), `"queue_name": "deferred"`) }) {
		t.Errorf("mail of sendmail(1) does not wait in the queue: %s", s.sh(t, "postqueue -p"))
	}
	s.sh(t, "systemctl start postseal; postqueue -f")
	s.wantArrived(t, nil, []string{"carol@example.org: [secure] cron"})
	s.wantSealed(t)
}

// testStartLimit: a configuration with which postseal does not start.
func testStartLimit(t *testing.T, s *site) {
	undo := s.change(t, "nonsense = 1\n")
	if out, err := s.command("systemctl", "restart", "postseal").CombinedOutput(); err == nil {
		t.Errorf("postseal starts: %s", out)
	}
	if got := s.property(t, "postseal.service", "ExecMainStatus"); got != "78" {
		t.Errorf("got the exit status %s, want 78", got)
	}
	wantAnswer(t, sends(s.dial(t)), "451")
	s.wantArrived(t, nil, nil)
	undo()
	s.sh(t, "postseal check; systemctl reset-failed postseal; systemctl restart postseal") // as README says
	s.wantSealed(t)
}

// testUpgrade installs the package over itself.
func testUpgrade(t *testing.T, s *site, deb string) {
	socket := func() string { return s.sh(t, "stat -c %i /var/spool/postfix/postseal/postseal.sock") }
	pid, before := s.property(t, "postseal.service", "MainPID"), socket()
	s.underMail(t, func() { s.sh(t, "dpkg -i /root/postseal.deb") })
	next := s.property(t, "postseal.service", "MainPID")
	if next == pid || next == "0" || socket() != before {
		t.Errorf("process %s, was %s; socket %s, was %s", next, pid, socket(), before)
	}
	undo := s.change(t, "nonsense = 1\n")
	s.sh(t, "dpkg -i /root/postseal.deb")
	if got := s.property(t, "postseal.service", "MainPID"); got != next {
		t.Errorf("restarted with a faulty configuration: process %s, was %s", got, next)
	}
	s.wantSealed(t)
	undo()
}

// testRemoval removes the package while Postfix still uses it.
func testRemoval(t *testing.T, s *site) {
	for _, msg := range []string{"internal error", "lines lost", "session broken", "socket lost"} {
		if events := s.events(t, msg); len(events) > 0 {
			t.Errorf("%s: %v", msg, events)
		}
	}
	s.sh(t, `
systemctl disable --now postseal-queue.timer postseal-daily.timer
rm /etc/systemd/system/postseal-queue.* /etc/systemd/system/postseal-daily.*
systemctl daemon-reload
dpkg -r postseal`)
	wantAnswer(t, sends(s.dial(t)), "451")
	s.wantArrived(t, nil, nil)
	if got := s.sh(t, "systemctl list-units --all --plain --no-legend 'postseal*'; systemctl --failed --plain --no-legend"); got != "" {
		t.Errorf("systemd still has %s", got)
	}
	s.sh(t, "dpkg -P postseal")
	for _, name := range []string{"/var/spool/postfix/postseal", "/run/postseal", "/etc/postseal", "/var/lib/postseal"} {
		if s.exists(name) {
			t.Errorf("%s is left", name)
		}
	}
	if got := s.sh(t, "find /etc/systemd/system -name 'postseal*'"); got != "" {
		t.Errorf("left: %s", got)
	}
}
