package mtatest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Supervisor replaces systemd: it keeps the filter's sockets open and passes
// them to one daemon after another. It records what daemons send to the
// notification socket, and keeps the connections that they store there.
type Supervisor struct {
	Binary string
	Config string
	Env    []string // for the daemon, added to the supervisor's own

	// Prepare changes the command of a daemon, unless it is nil.
	Prepare func(*exec.Cmd)

	sockets []*os.File
	notify  *net.UnixConn
	heard   chan struct{} // closed when no more notifications are read

	mu     sync.Mutex
	states []string
	kept   []*os.File // with the names that the daemon gave them
	fault  error      // why a descriptor could not be kept
}

// NewSupervisor listens for notifications below dir. The sockets are passed to
// the daemons. Close closes them.
func NewSupervisor(binary, config, dir string, sockets ...*os.File) (*Supervisor, error) {
	path := filepath.Join(dir, "notify")
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	s := &Supervisor{Binary: binary, Config: config, sockets: sockets, notify: notify, heard: make(chan struct{})}
	s.Env = []string{"NOTIFY_SOCKET=" + path}
	go s.hear()
	return s, nil
}

// hear records each notification until the socket is closed.
func (s *Supervisor) hear() {
	defer close(s.heard)
	buf, rights := make([]byte, 4096), make([]byte, syscall.CmsgSpace(4))
	for {
		n, nr, _, _, err := s.notify.ReadMsgUnix(buf, rights)
		if err != nil {
			return
		}
		state := string(buf[:n])
		s.mu.Lock()
		s.states = append(s.states, state)
		if name, ok := strings.CutPrefix(state, "FDSTORE=1\nFDNAME="); ok {
			file, err := received(rights[:nr], name)
			if err != nil {
				s.fault = errors.Join(s.fault, fmt.Errorf("%s: %w", state, err))
			} else {
				s.kept = append(s.kept, file)
			}
		}
		if name, ok := strings.CutPrefix(state, "FDSTOREREMOVE=1\nFDNAME="); ok {
			s.kept = slices.DeleteFunc(s.kept, func(f *os.File) bool { return f.Name() == name && f.Close() == nil })
		}
		s.mu.Unlock()
	}
}

// received returns the file that came with a notification.
func received(rights []byte, name string) (*os.File, error) {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil || len(messages) != 1 {
		return nil, errors.Join(err, fmt.Errorf("%d messages of rights, not one", len(messages)))
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, errors.Join(err, fmt.Errorf("%d files, not one", len(fds)))
	}
	syscall.CloseOnExec(fds[0])
	return os.NewFile(uintptr(fds[0]), name), nil
}

// Close closes the sockets.
func (s *Supervisor) Close() error {
	err := s.notify.Close()
	<-s.heard
	for _, file := range append(s.sockets, s.kept...) {
		err = errors.Join(err, file.Close())
	}
	return err
}

// States returns and removes all that has been sent so far. A descriptor that
// could not be kept is an error.
func (s *Supervisor) States() ([]string, error) {
	const mark = "X_MARK=1"
	c, err := net.Dial("unixgram", s.notify.LocalAddr().String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := c.Write([]byte(mark)); err != nil {
		return nil, err
	}
	if err := s.AwaitState(mark); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.Index(s.states, mark)
	states := s.states[:at]
	s.states = s.states[at+1:]
	return states, s.fault
}

// AwaitState waits for a notification that contains the line.
func (s *Supervisor) AwaitState(line string) error {
	if !Within(func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.ContainsFunc(s.states, func(state string) bool { return slices.Contains(strings.Split(state, "\n"), line) })
	}) {
		return fmt.Errorf("no notification %q came", line)
	}
	return nil
}

// Start starts a daemon as systemd does, without waiting for it.
func (s *Supervisor) Start() (*Daemon, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := append(slices.Clone(s.sockets), s.kept...)
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = "postseal.socket"
		if i >= len(s.sockets) {
			names[i] = file.Name()
		}
	}
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh", s.Binary, "serve", "-config", s.Config)
	cmd.ExtraFiles = files
	cmd.Env = append(append(os.Environ(), s.Env...), fmt.Sprintf("LISTEN_FDS=%d", len(files)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	if s.Prepare != nil {
		s.Prepare(cmd)
	}
	return startDaemon(cmd, s.Config)
}

// ListenFile opens the socket of the filter as postseal.socket does.
func ListenFile(m MTA) (*os.File, error) {
	path := filepath.Join(m.SocketDir(), "postseal.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	defer l.Close()
	if err := errors.Join(chownTo("root", "postfix", path), os.Chmod(path, 0o660)); err != nil {
		return nil, err
	}
	return l.File()
}
