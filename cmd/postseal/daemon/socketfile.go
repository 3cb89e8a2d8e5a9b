package daemon

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/maillog"
)

// socketFile is the file of a unix socket that postseal listens on. If the file is
// removed or replaced, the MTA cannot connect, and the listener gets no error.
type socketFile struct {
	listener net.Listener
	listen   string // as the configuration names it; empty if systemd passed the socket
	path     string
	file     fs.FileInfo // as it was when the socket was opened
	lost     string      // what was logged last; empty while the file is in place
}

// socketFiles returns the files of the listeners that have one. TCP sockets have no
// file.
func socketFiles(listeners []net.Listener, listen string) (files []*socketFile) {
	for _, l := range listeners {
		path := l.Addr().String()
		if file, err := os.Stat(path); l.Addr().Network() == "unix" && err == nil {
			files = append(files, &socketFile{listener: l, listen: listen, path: path, file: file})
		}
	}
	return files
}

// inPlace reports whether the path still leads to the socket. A path that cannot be
// examined counts as in place.
func (s *socketFile) inPlace() bool {
	file, err := os.Stat(s.path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR)
	}
	return os.SameFile(file, s.file)
}

// watchSockets reopens the sockets whose file is lost, or logs what the admin must
// do.
func (d *daemon) watchSockets() {
	for _, s := range d.sockets {
		lost := s.reopen(d.server)
		if lost == s.lost {
			continue
		}
		s.lost = lost
		if lost == "" {
			maillog.Write(d.log, maillog.SocketOpened{Listen: s.path})
		} else {
			maillog.Write(d.log, maillog.SocketLost{Listen: s.path, Reason: lost})
		}
		d.notify(d.status())
	}
}

// reopen checks the file and reopens the socket if necessary. It returns the reason
// if the file is not in place. It reopens a socket only after the loss was logged.
func (s *socketFile) reopen(server *milter.Server) (lost string) {
	switch {
	case s.inPlace():
		return ""
	case s.listen == "":
		return "the file is gone or replaced, and systemd opened the socket: run systemctl restart postseal.socket"
	case s.lost == "":
		return "the file is gone or replaced: opening the socket again"
	}
	fresh, err := milter.Listen(s.listen)
	if err != nil {
		return err.Error()
	}
	server.Replace(s.listener, fresh)
	s.listener = fresh
	s.file, _ = os.Stat(s.path) // if this fails, the next check finds the socket lost again
	return ""
}
