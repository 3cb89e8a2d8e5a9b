package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// program is a program of a rival. It stays in the foreground.
type program struct {
	cmd    *exec.Cmd
	socket string // the program accepts connections here once it is ready
	says   string // and its log contains this
}

// entrant is a rival with its own smtpd service.
type entrant struct {
	rival
	addr    string // of the smtpd service
	dir     string // contains the socket, and every file that the rival writes
	log     *os.File
	running []*process
}

// process is a running program.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	fault error // valid after ended
}

// socket is where Postfix finds the filter. postseal's configuration names it so.
func (e *entrant) socket() string { return filepath.Join(e.dir, "postseal.sock") }

// start starts the rival's programs one after another.
func (e *entrant) start(w *world) error {
	if e.programs == nil {
		return nil
	}
	programs, err := e.programs(w, e)
	if err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	e.log, err = os.OpenFile(filepath.Join(e.dir, "log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	w.stops = append(w.stops, e.log.Close)
	for _, p := range programs {
		if err := e.startProgram(w, p); err != nil {
			return fmt.Errorf("%s: %w\n%s", e.name, err, e.said())
		}
	}
	return nil
}

func (e *entrant) startProgram(w *world, p program) error {
	p.cmd.Stdout, p.cmd.Stderr = e.log, e.log
	// Its own group, which Ctrl-C does not reach, and which contains its children.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	running := &process{cmd: p.cmd, ended: make(chan struct{})}
	go func() {
		running.fault = p.cmd.Wait()
		close(running.ended)
	}()
	e.running = append(e.running, running)
	w.stops = append(w.stops, running.stop)
	ready := false
	mtatest.Within(func() bool {
		ready = accepts("unix", p.socket) && strings.Contains(e.said(), p.says)
		return ready || running.hasEnded()
	})
	if !ready {
		return fmt.Errorf("%s does not accept connections at %s", filepath.Base(p.cmd.Path), p.socket)
	}
	return nil
}

// accepts reports whether a server listens.
func accepts(network, addr string) bool {
	c, err := net.Dial(network, addr)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// stop ends the program and its children.
func (p *process) stop() error {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
	}
	// Children that are left, or a program that does not end.
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	<-p.ended
	return nil
}

// used returns the usage of all processes of the rival. A program that has ended
// is an error.
func (e *entrant) used() (usage, error) {
	var pids []int
	for _, p := range e.running {
		if p.hasEnded() {
			return usage{}, fmt.Errorf("%s: %s has ended: %v\n%s", e.name, filepath.Base(p.cmd.Path), p.fault, e.said())
		}
		pids = append(pids, p.cmd.Process.Pid)
	}
	return used(pids)
}

// said returns what the rival has logged.
func (e *entrant) said() string {
	if e.log == nil {
		return ""
	}
	text, err := os.ReadFile(e.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text)
}
