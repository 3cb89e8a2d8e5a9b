// Package mtatest starts private mail servers for tests, the demo and the bench: a
// Postfix and a Sendmail made from the files of contrib, and the hosts at which mail
// arrives. Everything listens on 127.0.0.1 or below a temporary directory. An
// installed Postfix is left alone.
package mtatest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Postfix is a running private instance.
type Postfix struct {
	dir    string // contains etc, queue, data and maillog
	addr   string // of its smtpd
	loaded string // the configuration files that it has read

	// ContentFilter is where mail of sendmail(1) is sent.
	ContentFilter string
}

// reinjection is the port for mail of sendmail(1) in contrib's master.cf.
const reinjection = "127.0.0.1:10026"

// contribRelay is the relay of contrib's main.cf. With a second line for it,
// each Postfix program would log a warning when it starts. If ten others are
// waiting, postlogd then waits for itself for ever.
const contribRelay = "[relay.trust.example]:25"

// privateMain makes an instance private. contrib's main.cf follows it.
const privateMain = `
compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/maillog
maillog_file_prefixes = %[1]s
myhostname = mx.trust.example
mydestination = trust.example
local_recipient_maps =
local_transport = smtp:[%[2]s]:%[3]s
default_transport = smtp:[%[2]s]:%[3]s
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_dns_support_level = disabled
smtp_host_lookup = native
alias_maps =
alias_database =
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
anvil_status_update_time = 3600s
recipient_delimiter = +
in_flow_delay = 0
message_size_limit = 40000000
`

const privateMaster = `
%s inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
flush unix n - n 1000? 0 flush
postlog unix-dgram n - n - 1 postlogd
`

// StartPostfix makes an instance below a new temporary directory and starts it.
// It needs root and the packages postfix and postfix-pcre.
func StartPostfix(o Options) (*Postfix, error) {
	dir, err := privateDirectory("Postfix")
	p := &Postfix{dir: dir}
	if err == nil {
		err = p.configure(o)
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	if err := p.Run("postfix", "start"); err != nil {
		defer os.RemoveAll(dir)
		return nil, fmt.Errorf("%w: %s", err, p.Log())
	}
	p.loaded, err = p.configuration()
	if err := errors.Join(err, waitListening(p.addr)); err != nil {
		defer p.Stop()
		return nil, fmt.Errorf("%w: %s", err, p.Log())
	}
	return p, nil
}

func (p *Postfix) configure(o Options) error {
	if _, err := exec.LookPath("postfix"); err != nil {
		return fmt.Errorf("%w: install the packages postfix and postfix-pcre, or run make", err)
	}
	for _, name := range []string{"etc", "queue", "data"} {
		if err := os.Mkdir(filepath.Join(p.dir, name), 0o755); err != nil {
			return err
		}
	}
	if err := chownTo("postfix", "postfix", filepath.Join(p.dir, "data")); err != nil {
		return err
	}
	if err := os.Mkdir(p.SocketDir(), 0o750); err != nil {
		return err
	}
	if err := chownTo("root", "postfix", p.SocketDir()); err != nil {
		return err
	}
	addr, err := FreeAddr()
	if err != nil {
		return err
	}
	p.addr = addr
	host, port, _ := net.SplitHostPort(o.Internet)
	main := fmt.Sprintf(privateMain, p.dir, host, port)
	master := fmt.Sprintf(privateMaster, p.addr)
	contrib := filepath.Join(o.Root, "contrib", "postfix")
	if o.Milter {
		host, port, _ := net.SplitHostPort(o.Relay)
		lines, err := adapt(filepath.Join(contrib, "main.cf"), contribRelay, fmt.Sprintf("[%s]:%s", host, port))
		if err != nil {
			return err
		}
		main += lines
		local, err := FreeAddr()
		if err != nil {
			return err
		}
		if lines, err = adapt(filepath.Join(contrib, "master.cf"), reinjection, local); err != nil {
			return err
		}
		master += lines
		p.ContentFilter = strings.Replace(local, "127.0.0.1", "postseal:[127.0.0.1]", 1)
	}
	files := map[string]string{"main.cf": main, "master.cf": master}
	maps, err := filepath.Glob(filepath.Join(contrib, "*.pcre"))
	if err != nil || len(maps) == 0 {
		return fmt.Errorf("no maps below %s: run this in the checkout", contrib)
	}
	for _, m := range maps {
		text, err := os.ReadFile(m)
		if err != nil {
			return err
		}
		files[filepath.Base(m)] = string(text)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(p.dir, "etc", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := keepOld(filepath.Join(p.dir, "etc"), "main.cf"); err != nil || !o.Milter {
		return err
	}
	return p.Run("postconf", "-P", "pickup/unix/content_filter="+p.ContentFilter)
}

// keepOld gives a file an old date, now and whenever another file replaces it, until
// the directory is removed. Each program of Postfix pauses until main.cf is two
// seconds old, in case the file is still being written. postconf(1) replaces it in
// one step.
func keepOld(dir, name string) error {
	path := filepath.Join(dir, name)
	makeOld := func() error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) }
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return os.NewSyscallError("inotify_init1", err)
	}
	events := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MOVED_TO); err != nil {
		events.Close()
		return os.NewSyscallError("inotify_add_watch", err)
	}
	go func() {
		defer events.Close()
		for buf := make([]byte, 4096); makeOld() == nil; {
			if _, err := events.Read(buf); err != nil {
				return
			}
		}
	}()
	return makeOld()
}

// Addr returns the address of its smtpd.
func (p *Postfix) Addr() string { return p.addr }

// Directory returns the directory that contains etc, queue, data and maillog.
func (p *Postfix) Directory() string { return p.dir }

// SocketDir returns a directory below the queue directory.
func (p *Postfix) SocketDir() string { return filepath.Join(p.dir, "queue", "postseal") }

// Stop ends the instance and removes its directory.
func (p *Postfix) Stop() error {
	return errors.Join(p.Run("postfix", "stop"), os.RemoveAll(p.dir))
}

// Log returns what Postfix has logged.
func (p *Postfix) Log() string {
	text, err := os.ReadFile(filepath.Join(p.dir, "maillog"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// command keeps Ctrl-C away from Postfix's programs: if a start were
// interrupted, a master would be left behind that nobody stops.
func (p *Postfix) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, append([]string{"-c", filepath.Join(p.dir, "etc")}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// Submit submits a message with Postfix's sendmail(1).
func (p *Postfix) Submit(from string, to []string, message []byte) error {
	args := append([]string{"-C", filepath.Join(p.dir, "etc"), "-i", "-f", from, "--"}, to...)
	cmd := exec.Command("/usr/sbin/sendmail", args...)
	cmd.Stdin = bytes.NewReader(message)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sendmail: %w: %s", err, out)
	}
	return nil
}

// Queue lists what is in maildrop and in the queue. Tests ask often, and a
// listing of the directories costs less than postqueue(1). Only held mail has
// its recipients.
func (p *Postfix) Queue() ([]Queued, error) {
	// In the order in which mail moves, so that no message is missed.
	var queue []Queued
	for _, name := range []string{"maildrop", "incoming", "active", "deferred", "hold"} {
		before := len(queue)
		err := filepath.WalkDir(filepath.Join(p.dir, "queue", name), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // it has moved on
			}
			if err == nil && d.Type().IsRegular() {
				queue = append(queue, Queued{Queue: name, ID: d.Name()})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if name == "hold" && len(queue) > before {
			held, err := p.held()
			return append(queue[:before], held...), err
		}
	}
	return queue, nil
}

// held lists the mail that is held.
func (p *Postfix) held() ([]Queued, error) {
	out, err := p.command("postqueue", "-j").Output()
	if err != nil {
		return nil, fmt.Errorf("postqueue: %w", err)
	}
	var held []Queued
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var q struct {
			Queued
			To []struct{ Address string } `json:"recipients"`
		}
		if err := dec.Decode(&q); err == io.EOF {
			return held, nil
		} else if err != nil {
			return nil, fmt.Errorf("postqueue: %w", err)
		}
		for _, to := range q.To {
			q.Recipients = append(q.Recipients, to.Address)
		}
		if q.Queue == "hold" {
			held = append(held, q.Queued)
		}
	}
}

// Release releases a held message.
func (p *Postfix) Release(id string) error { return p.Run("postsuper", "-H", id) }

// Retry tries to deliver everything that waits, now.
func (p *Postfix) Retry() error { return p.Run("postqueue", "-f") }

// Reload makes Postfix read its configuration again if a file of it has changed,
// and waits until every process with the old one has ended. Such a process still
// serves until it notices. The command "postfix reload" does more, and takes
// several times as long.
func (p *Postfix) Reload() error {
	files, err := p.configuration()
	if err != nil || files == p.loaded {
		return err
	}
	old, err := p.processes()
	if err != nil {
		return err
	}
	master, err := p.master()
	if err != nil {
		return err
	}
	if err := syscall.Kill(master, syscall.SIGHUP); err != nil {
		return err
	}
	var left []string
	if !Within(func() bool {
		var now []string
		now, err = p.processes()
		left = slices.DeleteFunc(slices.Clone(old), func(process string) bool { return !slices.Contains(now, process) })
		return err != nil || len(left) == 0
	}) {
		return fmt.Errorf("processes of the old configuration go on: %q", left)
	}
	p.loaded = files
	return err
}

// configuration returns the text of all configuration files.
func (p *Postfix) configuration() (string, error) {
	etc := os.DirFS(filepath.Join(p.dir, "etc"))
	names, err := fs.Glob(etc, "*")
	var all strings.Builder
	for _, name := range names {
		text, readErr := fs.ReadFile(etc, name)
		err = errors.Join(err, readErr)
		fmt.Fprintf(&all, "%s:\n%s\n", name, text)
	}
	return all.String(), err
}

// master returns the process ID of the master.
func (p *Postfix) master() (int, error) {
	pid, err := os.ReadFile(filepath.Join(p.dir, "queue", "pid", "master.pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(pid)))
}

// processes returns the process IDs of the master's children.
func (p *Postfix) processes() ([]string, error) {
	master, err := p.master()
	if err != nil {
		return nil, err
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", master))
	return strings.Fields(string(children)), err
}

// Run runs one of Postfix's programs on the instance, as in
// Run("postsuper", "-H", id).
func (p *Postfix) Run(program string, args ...string) error {
	_, err := p.Output(program, args...)
	return err
}

// Output is like Run, and returns what the program prints.
func (p *Postfix) Output(program string, args ...string) (string, error) {
	out, err := p.command(program, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %q: %w: %s", program, args, err, out)
	}
	return string(out), nil
}
