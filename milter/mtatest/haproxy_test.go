package mtatest_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// farm is three daemons behind HAProxy, with the addresses of
// contrib/haproxy/haproxy.cfg.
type farm struct {
	*T
	addresses map[string]string // of the daemons, by the names of the servers
	configs   map[string]string
	daemons   map[string]*mtatest.Daemon
	log       string // HAProxy's
}

// startFarm starts three daemons, and HAProxy with the configuration of its package
// and contrib's. It connects Postfix to HAProxy.
func (t *T) startFarm() *farm {
	t.Helper()
	f := &farm{T: t, addresses: make(map[string]string), configs: make(map[string]string), daemons: make(map[string]*mtatest.Daemon)}
	config, err := mtatest.Install(t.mta, mtatest.DaemonOptions{Root: root, Mode: "enforce"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, d := range f.daemons {
			d.Kill()
		}
	})
	contrib := read(t, "contrib/haproxy/haproxy.cfg")
	for _, server := range regexp.MustCompile(`(?m)^\tserver (\w+) +(.*):8899$`).FindAllStringSubmatch(contrib, -1) {
		name, address := server[1], server[2]
		f.addresses[name], f.configs[name] = address, filepath.Join(filepath.Dir(config), name+".toml")
		own := regexp.MustCompile(`(?m)^listen = .*$`).ReplaceAllString(string(text), `listen = "inet:`+address+`:8899"`)
		if err := os.WriteFile(f.configs[name], []byte(own+"\n[metrics]\nlisten = \"inet:"+address+":9899\"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		f.appear(name)
		f.start(name)
	}
	if len(f.configs) != 3 {
		t.Fatalf("haproxy.cfg has the servers %v", f.configs)
	}
	f.startHAProxy(contrib)
	for name := range f.configs {
		f.logs("Health check for server postseal/"+name+" succeeded", 1)
	}
	t.settings("smtpd_milters=inet:127.0.0.1:8899")
	return f
}

func (f *farm) startHAProxy(contrib string) {
	f.Helper()
	dir := f.TempDir()
	if err := mtatest.Unpack(root, dir, "haproxy"); err != nil {
		f.Fatal(err)
	}
	file := filepath.Join(dir, "haproxy.cfg")
	f.log = filepath.Join(dir, "log")
	log, err := os.Create(f.log)
	if err := errors.Join(err, os.WriteFile(file, []byte(f.debian(dir)+contrib), 0o644)); err != nil {
		f.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(dir, "usr/sbin/haproxy"), "-db", "-f", file) // -db: in the foreground
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if f.Failed() {
			f.Logf("HAProxy:\n%s", f.said())
		}
	})
}

// debian returns the package's own configuration, which contrib's is appended to,
// without what is outside its directory.
func (f *farm) debian(dir string) string {
	f.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "etc/haproxy/haproxy.cfg"))
	if err != nil {
		f.Fatal(err)
	}
	own := regexp.MustCompile(`(?m)^\s*(log /dev/log\s+local1.*|chroot .*|user .*|group .*|stats .*|daemon)$`).ReplaceAllString(string(text), "")
	return strings.NewReplacer("log /dev/log\tlocal0", "log stdout format raw local0", "/etc/haproxy/", dir+"/etc/haproxy/").Replace(own)
}

// appear gives a daemon's host its address.
func (f *farm) appear(name string) {
	f.Helper()
	if err := addAddressAs("lo:"+name, f.addresses[name]); err != nil {
		f.Fatal(err)
	}
}

// start starts a daemon.
func (f *farm) start(name string) {
	f.Helper()
	d, err := mtatest.RunDaemon(binary, f.configs[name])
	if err != nil {
		f.Fatal(err)
	}
	f.daemons[name] = d
}

// said returns what HAProxy has logged.
func (f *farm) said() string {
	f.Helper()
	text, err := os.ReadFile(f.log)
	if err != nil {
		f.Fatal(err)
	}
	return string(text)
}

// logs waits until HAProxy has logged lines that begin with the text. Its own copies
// of them begin with a level.
func (f *farm) logs(text string, times int) {
	f.Helper()
	until(f, func() bool { return strings.Count("\n"+f.said(), "\n"+text) >= times }, func() string { return "HAProxy has not logged " + text })
}

// becomes waits until a server has been in a state so often.
func (f *farm) becomes(name, state string, times int) {
	f.Helper()
	f.logs("Server postseal/"+name+" is "+state, times)
}

// part runs a part of the test.
func (f *farm) part(name string, test func(*farm)) {
	f.Run(name, func(t *T) {
		part := *f
		part.T = t
		test(&part)
	})
}

// TestHAProxy runs contrib/haproxy/haproxy.cfg with three daemons.
func TestHAProxy(tt *testing.T) {
	f := on(tt, changed).startFarm()
	f.part("a daemon stops", (*farm).aDaemonStops)
	f.part("a host is gone", (*farm).aHostIsGone)
	f.part("under load", (*farm).underLoad)
}

// aDaemonStops stops a daemon with a message under way. The check that finds it
// stopping must not end its sessions.
func (f *farm) aDaemonStops() {
	clients := f.begin()
	two := f.daemons["two"]
	if err := two.Signal(syscall.SIGTERM); err != nil {
		f.Fatal(err)
	}
	f.becomes("two", "stopping", 1)
	want := []string{"bob@gmail.com: [secure] other"}
	if s := f.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure] other")); s.End.Code != 250 {
		f.Errorf("another message: got %v", s)
	}
	for i, c := range clients {
		if r := <-finish(c, i); r.Code != 250 {
			f.Errorf("got %v", r)
		}
		want = append(want, fmt.Sprintf("bob@gmail.com: [secure] %d", i))
	}
	f.wantArrived(arrived{relay: want})
	if err := two.Wait(); err != nil {
		f.Error(err)
	}
	if e := append(two.Events("draining"), two.Events("stopped")...); len(e) != 2 || e[0]["messages"] != 1.0 || e[1]["cut_off"] != 0.0 {
		f.Errorf("got %v", e)
	}
	f.becomes("two", "DOWN", 1)
	f.start("two")
	f.becomes("two", "UP", 1)
}

// aHostIsGone takes a daemon's host away with a message under way. Without HAProxy's
// check, Postfix would wait for five minutes.
func (f *farm) aHostIsGone() {
	clients := f.begin()
	if err := removeAddress("lo:three"); err != nil {
		f.Fatal(err)
	}
	var answers []<-chan mtatest.Reply
	for i, c := range clients {
		answers = append(answers, finish(c, i))
	}
	var want []string
	for i, answer := range answers {
		switch r := <-answer; r.Code {
		case 250:
			want = append(want, fmt.Sprintf("bob@gmail.com: [secure] %d", i))
		case 451:
		default:
			f.Errorf("got %v", r)
		}
	}
	if len(want) != 2 {
		f.Errorf("%d of 3 messages were accepted, not 2", len(want))
	}
	f.wantArrived(arrived{relay: want})
	f.becomes("three", "DOWN", 1)
	f.appear("three")
	f.becomes("three", "UP", 1)
}

// begin begins a message on each daemon, with one recipient.
func (t *T) begin() (clients []*mtatest.Client) {
	t.Helper()
	for range 3 {
		c := t.dial()
		say(t, c, 250, "MAIL FROM:"+sender)
		say(t, c, 250, "RCPT TO:<bob@gmail.com>")
		clients = append(clients, c)
	}
	return clients
}

// finish ends a message, and passes on the answer.
func finish(c *mtatest.Client, i int) <-chan mtatest.Reply {
	answer := make(chan mtatest.Reply, 1)
	go func() {
		r, err := c.Data(mail(fmt.Sprint("Subject: [secure] ", i)))
		if err != nil {
			r.Text = err.Error()
		}
		c.Close()
		answer <- r
	}()
	return answer
}

// underLoad kills one daemon and stops another while clients send mail. They send
// again what is answered with 4xx.
func (f *farm) underLoad() {
	const phase = 30 // messages
	var retries atomic.Int64
	start := func() *load {
		l := f.startLoad("[secure] ")
		for i := range 3 {
			l.patientClient(fmt.Sprint("short ", i), 1, &retries)
			l.patientClient(fmt.Sprint("long ", i), 20, &retries)
		}
		return l
	}
	l := start()
	traffic := func() time.Duration {
		f.Helper()
		before, began := l.taken(), time.Now()
		until(f, func() bool { return l.taken() >= before+phase || !l.good() }, func() string { return "no mail passes" })
		return time.Since(began)
	}
	traffic()
	three := traffic()
	f.daemons["three"].Kill()
	traffic()
	f.becomes("three", "DOWN", 2)
	f.start("three")
	if err := f.daemons["one"].Stop(); err != nil {
		f.Error(err)
	}
	traffic()
	f.becomes("one", "DOWN", 1)
	f.start("one")
	f.becomes("one", "UP", 1)
	f.becomes("three", "UP", 2)
	traffic()
	l.end(f)
	direct, relayed, held := f.settle()
	if len(held) > 0 {
		f.Errorf("held: %v", held)
	}
	wantOnce(f, "direct", direct, "a@nhs.net", l.sent)
	wantOnce(f, "through the relay", relayed, "bob@gmail.com", l.sent)
	for name, d := range f.daemons {
		if len(d.Events("decision")) == 0 {
			f.Errorf("%s has decided nothing since it started", name)
		}
	}
	f.Logf("%d mails accepted, %d attempts answered with 4xx", len(l.sent), retries.Load())

	f.settings("smtpd_milters=inet:" + f.addresses["one"] + ":8899")
	l = start()
	traffic()
	alone := traffic()
	l.end(f)
	f.settle()
	f.Logf("one daemon without HAProxy: %.0f mails a second; three behind it: %.2f times as many", phase/alone.Seconds(), alone.Seconds()/three.Seconds())
}

// patientClient is like client, from a sender of its own. What is answered with 4xx
// it sends again, over another connection.
func (l *load) patientClient(name string, each int, retries *atomic.Int64) {
	l.wg.Go(func() {
		for i := 0; ; {
			c, err := mtatest.Dial(l.addr)
			if err != nil {
				l.fail(err.Error())
				return
			}
			for n := 0; n < each; n++ {
				select {
				case <-l.stop:
					c.Close()
					return
				default:
				}
				subject := fmt.Sprint(name, " ", i)
				r, err := l.sendWhole(c, "<"+strings.ReplaceAll(name, " ", "")+"@trust.example>", subject)
				switch {
				case err != nil || r.Code != 250 && r.Code/100 != 4:
					l.fail(fmt.Sprintf("%s: %v, %v", subject, r, err))
					c.Close()
					return
				case r.Code == 250:
					i++
					continue
				}
				retries.Add(1)
				time.Sleep(20 * time.Millisecond)
				break
			}
			c.Close()
		}
	})
}

func (l *load) fail(reply string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.other = append(l.other, reply)
}

// sendWhole is like send, and sends no message unless both recipients are accepted.
func (l *load) sendWhole(c *mtatest.Client, from, subject string) (mtatest.Reply, error) {
	for _, line := range []string{"MAIL FROM:" + from, "RCPT TO:<a@nhs.net>", "RCPT TO:<bob@gmail.com>"} {
		if r, err := c.Say(line); err != nil || r.Code != 250 {
			return r, err
		}
	}
	r, err := c.Data(mail("Subject: " + l.marker + subject))
	if err == nil && r.Code == 250 {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.sent = append(l.sent, subject)
	}
	return r, err
}
