package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/milter/mtatest"
	"golang.org/x/sys/unix"
)

// fault is something that goes wrong.
type fault struct {
	name       string
	tells      string // the log, the status, the metrics or the MTA must say this; empty if the fault may have no effect
	expires    bool   // the fault lets a row expire
	mta        bool   // not the daemon's: it breaks the MTA's own connections, and can come beside another fault
	begin, end func(w *world) error
}

// faults are all kinds of faults.
func faults() []*fault {
	list := []*fault{
		{name: "kill -9", tells: "log: started", begin: func(w *world) error {
			for range 1 + w.random.IntN(4) {
				w.signal(syscall.SIGKILL)
				time.Sleep(time.Duration(200+w.random.IntN(1000)) * time.Millisecond)
			}
			return nil
		}},
		{name: "kill -9 while a file is faulty", tells: "ended: exit status 78", begin: func(w *world) error {
			paths := slices.Sorted(maps.Keys(w.files))
			path := paths[w.random.IntN(len(paths))]
			err := put(path, append(bytes.Clone(w.files[path]), "nonsense =\n"...))
			w.signal(syscall.SIGKILL)
			return err
		}, end: mend((*world).config, (*world).ruleFile, (*world).list)},
		{name: "SIGSTOP", tells: noAnswer, begin: send(syscall.SIGSTOP), end: send(syscall.SIGCONT)},
		{name: "stop and start", tells: "log: stopped", begin: func(w *world) error { return w.change(func() error { return nil }) }},
		{name: "SIGHUP", tells: "log: reloaded", begin: hangUp("# harmless\n"), end: hangUp("")},
		{name: "SIGHUP, faulty file", tells: "log: reload refused", begin: hangUp("nonsense = 1\n"), end: hangUp("")},
		{name: "SIGHUP 100 times a second", tells: "log: reload refused", begin: func(w *world) error {
			for i := range 200 {
				if err := hangUp([]string{"# harmless\n", "nonsense = 1\n"}[i%2])(w); err != nil {
					return err
				}
				time.Sleep(10 * time.Millisecond)
			}
			return nil
		}, end: hangUp("")},
		{name: "a row expires", tells: "log: row expired", expires: true, begin: func(w *world) error {
			return put(w.ruleFile(), []byte(rowsUntil(time.Now().AddDate(0, 0, -1))))
		}, end: mend((*world).ruleFile)},
		{name: "the log's disk is full", tells: linesLost, begin: func(w *world) error {
			if err := w.logTo(w.disk); err != nil {
				return err
			}
			if err := os.WriteFile(w.disk.Name()+".filler", make([]byte, 16<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
				return fmt.Errorf("the disk is not full: %w", err)
			}
			return w.fillLog()
		}, end: func(w *world) error { return os.Remove(w.disk.Name() + ".filler") }},
		{name: "the log's reader is stuck", tells: linesLost, begin: func(w *world) error {
			if err := w.logTo(w.pipe); err != nil {
				return err
			}
			w.reading.Lock()
			return w.fillLog()
		}, end: func(w *world) error { w.reading.Unlock(); return nil }},
		{name: "the log's reader is gone", tells: linesLost, begin: func(w *world) error {
			if err := errors.Join(w.logTo(w.pipe), w.fifo.Close()); err != nil {
				return err
			}
			return w.fillLog()
		}, end: (*world).openReader},
		{name: "no more descriptors", tells: "internal error", begin: func(w *world) error {
			open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", w.pid()))
			return errors.Join(err, w.limit("nofile", len(open)))
		}, end: func(w *world) error { return w.limit("nofile", 0) }},
		// The Go runtime ends a program that gets no more memory. Small messages need none.
		{name: "no more memory", tells: "ended: exit status 2", begin: func(w *world) error {
			if err := w.limit("as", 1<<20); err != nil {
				return err
			}
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() { w.talk("ended", w.holdHeader) }) // fails when the daemon ends
			}
			all.Wait()
			return nil
		}},
		// The supervisor opened the socket, and must open it again.
		{name: "socket removed", tells: "socket lost", begin: func(w *world) error {
			if w.ownSocket {
				w.ownSocket = false
				if err := w.change(w.reopenSocket); err != nil {
					return err
				}
			}
			return os.Remove(filepath.Join(w.mta.SocketDir(), "postseal.sock"))
		}, end: func(w *world) error { return w.change(w.reopenSocket) }},
		// The daemon opened the socket, and opens it again when there is a folder.
		{name: "the socket's folder removed", tells: "socket lost", begin: func(w *world) error {
			if !w.ownSocket {
				w.ownSocket = true
				if err := w.change(w.reopenSocket); err != nil {
					return err
				}
			}
			return os.Rename(w.mta.SocketDir(), w.mta.SocketDir()+".gone")
		}, end: func(w *world) error {
			return errors.Join(os.RemoveAll(w.mta.SocketDir()+".gone"), w.makeSocketDir())
		}},
		{name: "relay down", tells: "MTA: deferred", mta: true,
			begin: func(w *world) error { return w.openedRelay().Stop() },
			end:   func(w *world) error { return w.openRelay(w.openedRelay().Addr) }},
		{name: "MTA reloads", mta: true, begin: func(w *world) error { return w.control("reload") }},
		{name: "MTA restarts", mta: true, begin: func(w *world) error { return w.control("restart") }},
		{name: "document processes killed", tells: "internal error", begin: func(w *world) error {
			mtatest.Within(func() bool {
				for _, pid := range mtatest.Children(w.pid()) {
					syscall.Kill(pid, syscall.SIGKILL)
				}
				return w.told.has("internal error")
			})
			return nil
		}},
	}
	for _, d := range damages {
		for _, path := range []func(*world) string{(*world).list, (*world).ruleFile} {
			list = append(list, &fault{name: d.name, tells: d.tells, end: mend(path), begin: func(w *world) error {
				return d.to(path(w), w.files[path(w)])
			}})
		}
	}
	return list
}

// damages are what can happen to a file.
var damages = []struct {
	name, tells string
	to          func(path string, text []byte) error
}{
	{"list or rules replaced", "log: reloaded", func(path string, text []byte) error {
		row := "Example Walk-in Centre,walkin.example\n"
		if strings.HasSuffix(path, ".toml") {
			row = "[[domain]]\nname = \"more.example\"\nclass = \"secure\"\n"
		}
		return put(path, append(bytes.Clone(text), row...))
	}},
	{"list or rules truncated", "log: reload refused", func(path string, text []byte) error { return os.Truncate(path, int64(len(text)/4)) }},
	{"list or rules emptied", "log: reload refused", func(path string, _ []byte) error { return os.Truncate(path, 0) }},
	{"list or rules removed", "log: reload refused", func(path string, _ []byte) error { return os.Remove(path) }},
	{"list or rules of mode 000", "log: reload refused", func(path string, _ []byte) error { return os.Chmod(path, 0) }},
}

// mend puts files back.
func mend(paths ...func(*world) string) func(*world) error {
	return func(w *world) (err error) {
		for _, path := range paths {
			err = errors.Join(err, put(path(w), w.files[path(w)]))
		}
		return err
	}
}

func send(s syscall.Signal) func(*world) error {
	return func(w *world) error { w.signal(s); return nil }
}

// hangUp adds text to the configuration and has it loaded.
func hangUp(more string) func(*world) error {
	return func(w *world) error {
		err := put(w.config(), append(bytes.Clone(w.files[w.config()]), more...))
		w.signal(syscall.SIGHUP)
		return err
	}
}

// logTo starts the daemon again with another log.
func (w *world) logTo(file *os.File) error {
	return w.change(func() error {
		w.stderr = file
		return w.disk.Truncate(0)
	})
}

// linesLost is the metric for lines of the log that the daemon drops.
const linesLost = "log_lines_lost_total"

// fillLog causes lines until the daemon loses some: it keeps 4 MiB of them.
func (w *world) fillLog() error {
	return w.talk(linesLost, func(s *gomilter.ClientSession) (err error) {
		for i := 0; i < 100 && err == nil; i++ { // postseal leaves out further lines about a message
			_, err = s.Rcpt("closed@"+strings.Repeat("council.", 20)+"gcsx.gov.uk", nil)
		}
		return err
	})
}

// holdHeader makes the daemon keep a megabyte until a daemon has ended.
func (w *world) holdHeader(s *gomilter.ClientSession) (err error) {
	for i := 0; i < 15 && err == nil; i++ {
		_, err = s.HeaderField("Subject", strings.Repeat("x", 60_000))
	}
	mtatest.Within(func() bool {
		time.Sleep(50 * time.Millisecond)
		return err != nil || w.told.has("ended")
	})
	return err
}

// talk sends the daemon messages, without an MTA, until something is told.
func (w *world) talk(tells string, message func(*gomilter.ClientSession) error) error {
	client := gomilter.NewClientWithOptions("unix", filepath.Join(w.mta.SocketDir(), "postseal.sock"),
		gomilter.ClientOptions{ActionMask: 0x1ff, ReadTimeout: mtatest.Patience, WriteTimeout: mtatest.Patience})
	s, err := client.Session()
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.Conn("client.example", gomilter.FamilyInet, 12345, "192.0.2.7")
	mtatest.Within(func() bool {
		if err == nil {
			_, err = s.Mail("ward@trust.example", nil)
		}
		if err == nil {
			err = message(s)
		}
		return err != nil || s.Abort() != nil || w.told.has(tells)
	})
	return err
}

// limit sets a soft limit of the daemon, or makes it the hard limit again if n is 0. It
// runs as the daemon's user, because root can lack the capability.
func (w *world) limit(resource string, n int) error {
	pid, value := strconv.Itoa(w.pid()), strconv.Itoa(n)
	if n == 0 {
		hard, err := exec.Command("prlimit", "--"+resource, "--output", "HARD", "--noheadings", "--raw").Output()
		if err != nil {
			return err
		}
		value = strings.TrimSpace(string(hard))
	}
	cmd := exec.Command("prlimit", "--pid", pid, "--"+resource+"="+value+":")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: w.group}}
	if out, err := cmd.CombinedOutput(); err != nil && !strings.Contains(string(out), "No such process") { // the limit can have ended it
		return fmt.Errorf("prlimit: %w: %s", err, out)
	}
	return nil
}

// reopenSocket does what "systemctl restart postseal.socket" does.
func (w *world) reopenSocket() error { return errors.Join(w.super.Close(), w.openSocket()) }

// control reloads or restarts the MTA. A restart ends Postfix's processes at once.
// Sendmail starts again at SIGHUP.
func (w *world) control(what string) error {
	if p, is := w.mta.(*mtatest.Postfix); is {
		if what == "reload" {
			return p.Run("postfix", "reload")
		}
		err := p.Run("postfix", "stop")
		time.Sleep(time.Second)
		return errors.Join(err, p.Run("postfix", "start"))
	}
	if what == "restart" {
		return w.mta.(*mtatest.Sendmail).Restart()
	}
	file := filepath.Join(w.mta.Directory(), "pid")
	before, err := os.Stat(file)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
		return err
	}
	if !mtatest.Within(func() bool { // it writes the file again
		now, err := os.Stat(file)
		return err == nil && now.ModTime().After(before.ModTime())
	}) {
		return errors.New("no new pid file: Sendmail has not started again")
	}
	return nil
}
