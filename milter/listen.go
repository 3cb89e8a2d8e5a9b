package milter

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ParseListen splits the configuration's name of the socket, "unix:/path" or
// "inet:host:port", into a network and an address of package net.
func ParseListen(text string) (network, address string, err error) {
	kind, address, _ := strings.Cut(text, ":")
	switch {
	case kind == "unix" && filepath.IsAbs(address):
		return "unix", address, nil
	case kind == "inet":
		host, port, err := net.SplitHostPort(address)
		switch {
		case err != nil:
		case host == "*":
			return "", "", fmt.Errorf("listen %q: write inet:0.0.0.0:%s for all addresses of this host", text, port)
		case !isPort(port):
			return "", "", fmt.Errorf("listen %q: %q is not a port: write a number up to 65535", text, port)
		default:
			return "tcp", address, nil
		}
	}
	return "", "", fmt.Errorf("listen %q: write unix:/path or inet:host:port, as in inet:127.0.0.1:8899", text)
}

func isPort(text string) bool {
	_, err := net.LookupPort("tcp", text) // a service's name is a port too
	return text != "" && err == nil
}

// Listen opens a socket that ParseListen can read. A unix socket gets mode 0660
// and the group of its directory, so that the MTA, a member of that group, can
// connect. If a process listens on the socket file, that is an error. Otherwise
// the file is replaced.
func Listen(text string) (net.Listener, error) {
	network, address, err := ParseListen(text)
	if err != nil {
		return nil, err
	}
	listen := listenUnix
	if network == "tcp" {
		listen = listenTCP
	}
	l, err := listen(address)
	if err != nil {
		return nil, fmt.Errorf("listen %q: %w", text, err)
	}
	return l, nil
}

func listenUnix(path string) (net.Listener, error) {
	if err := CheckSocket(path); err != nil {
		return nil, err
	}
	gid, err := checkDirectory(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// The socket never has a wider mode. The mask is the whole process's, but
	// nothing else creates files while the daemon starts.
	mask := syscall.Umask(0o117)
	l, err := net.Listen("unix", path)
	syscall.Umask(mask)
	if err != nil {
		return nil, err
	}
	if err := setGroup(path, gid); err != nil {
		l.Close()
		return nil, fmt.Errorf("%w: make postseal's user a member of the directory's group", err)
	}
	return l, nil
}

// setGroup calls chown only if the group changes, because postseal.service forbids
// that system call. The group of status.sock is already that of its directory.
func setGroup(path string, gid int) error {
	info, err := os.Lstat(path)
	if err != nil || int(info.Sys().(*syscall.Stat_t).Gid) == gid {
		return err
	}
	return os.Lchown(path, -1, gid)
}

// maxPath is the greatest length of a unix socket's path on Linux (unix(7)).
const maxPath = 107

// CheckSocket returns the reason why no unix socket can be opened at the path,
// as far as it can tell without opening it.
func CheckSocket(path string) error {
	if len(path) > maxPath {
		return fmt.Errorf("the path has %d octets: choose one of %d at most", len(path), maxPath)
	}
	if _, err := checkDirectory(filepath.Dir(path)); err != nil {
		return err
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("%s exists and is not a socket: move it", path)
	}
	return nil
}

// checkDirectory refuses a directory in which others could replace our socket, and
// returns the group of the directory.
func checkDirectory(dir string) (gid int, err error) {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: create the directory with mode 0750, postseal's user as its owner and the MTA's group", err)
	case !info.IsDir():
		return 0, fmt.Errorf("%s is not a directory", dir)
	case info.Mode()&os.ModeSticky != 0: // such as /tmp, whose mode must stay
		return 0, fmt.Errorf("%s is open to all users, and Sendmail refuses such a socket: create a directory for the socket alone, with mode 0750", dir)
	case info.Mode().Perm()&0o022 != 0:
		return 0, fmt.Errorf("%s has mode %04o: others than its owner can write there, and Sendmail refuses such a socket: run chmod 0750 %s", dir, info.Mode().Perm(), dir)
	}
	return int(info.Sys().(*syscall.Stat_t).Gid), nil
}

func removeStale(path string) error {
	switch _, err := os.Lstat(path); {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case err == nil:
		defer c.Close()
		pid := peerOf(c)
		return inUse("socket", pid, commandOf(pid))
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("cannot tell whether another process listens: %w", err)
	}
	return os.Remove(path)
}
