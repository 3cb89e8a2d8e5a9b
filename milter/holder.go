package milter

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// inUse returns an error that says which process has an address that cannot be
// opened, and what to do. name is empty if /proc does not show it.
func inUse(what string, pid int, name string) error {
	remedy := "stop it, or choose another one for listen"
	switch name {
	case "":
		return fmt.Errorf("another process uses the %s: find it with ss -lptx as root, and %s", what, remedy)
	case "systemd":
		remedy = "systemctl start postseal serves it; to run serve by hand, stop postseal.socket first"
	case "postseal":
		remedy = "postseal is running already; stop it first if you mean to run another"
	}
	return fmt.Errorf("the process %d (%s) uses the %s: %s", pid, name, what, remedy)
}

// commandOf returns the name of a process, or "".
func commandOf(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if pid <= 0 || err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// peerOf returns the process that listens at the other end of a connection, or
// 0.
func peerOf(c net.Conn) (pid int) {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return 0
	}
	raw.Control(func(fd uintptr) {
		if peer, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			pid = int(peer.Pid)
		}
	})
	return pid
}

func listenTCP(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	_, port, _ := net.SplitHostPort(address)
	number, _ := net.LookupPort("tcp", port)
	pid := listenerAt(number)
	return nil, inUse("port "+port, pid, commandOf(pid))
}

// listenerAt returns a process that listens on a TCP port, or 0 if it cannot be
// seen.
func listenerAt(port int) int {
	sockets := make(map[string]bool)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(table)
		for line := range strings.Lines(string(text)) {
			// The fields are sl, local_address, rem_address, st and so on. The
			// inode is the tenth.
			fields := strings.Fields(line)
			const listening = "0A"
			if len(fields) > 9 && fields[3] == listening && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) {
				sockets["socket:["+fields[9]+"]"] = true
			}
		}
	}
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, file := range files {
		if target, err := os.Readlink(file); err == nil && sockets[target] {
			pid, _ := strconv.Atoi(strings.Split(file, "/")[2])
			return pid
		}
	}
	return 0
}
