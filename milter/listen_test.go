package milter

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "postseal")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func TestListenSetsModeAndGroup(t *testing.T) {
	path := socketPath(t)
	const group = 12345 // as if the directory's group were the MTA's
	if err := os.Chown(filepath.Dir(path), -1, group); err != nil {
		t.Fatal(err)
	}
	l, err := Listen("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o660 {
		t.Errorf("mode: got %04o", got)
	}
	if got := info.Sys().(*syscall.Stat_t).Gid; got != group {
		t.Errorf("group: got %d", got)
	}
	l.Close()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket file is left behind: %v", err)
	}
}

// TestListenWithoutChown: postseal.service forbids chown, and status.sock is opened
// there. In a user namespace without groups, chown fails too.
func TestListenWithoutChown(t *testing.T) {
	const variable = "POSTSEAL_TEST_LISTEN"
	if path := os.Getenv(variable); path != "" {
		if err := os.Chown(filepath.Dir(path), -1, os.Getgid()); err == nil {
			t.Error("chown succeeds")
		}
		l, err := Listen("unix:" + path)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestListenWithoutChown$")
	cmd.Env = append(os.Environ(), variable+"="+socketPath(t))
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestListenReplacesAStaleSocket(t *testing.T) {
	path := socketPath(t)
	stale, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	stale.Close()
	l, err := Listen("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()

	wantInUse(t, "unix:"+path, "socket")
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the live one is gone: %v", err)
	}
	c.Close()
}

// wantInUse compares the whole error about an address that this process listens
// on.
func wantInUse(t *testing.T, address, what string) {
	t.Helper()
	pid := os.Getpid()
	want := fmt.Sprintf("listen %q: the process %d (%s) uses the %s: stop it, or choose another one for listen", address, pid, commandOf(pid), what)
	if l, err := Listen(address); err == nil {
		l.Close()
		t.Errorf("%s: listened on twice", address)
	} else if err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestPortInUse(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		taken, err := net.Listen("tcp", host+":0")
		if err != nil && host == "[::1]" {
			continue // on a host without IPv6
		}
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		_, port, _ := net.SplitHostPort(taken.Addr().String())
		wantInUse(t, "inet:"+host+":"+port, "port "+port)
	}
}

// TestInUse checks the errors about an address in use, for each kind of process
// that uses it. Without the right to see the process, /proc does not name it.
func TestInUse(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{"", "another process uses the port 8899: find it with ss -lptx as root, and stop it, or choose another one for listen"},
		{"smtpd", "the process 7 (smtpd) uses the port 8899: stop it, or choose another one for listen"},
		{"systemd", "the process 7 (systemd) uses the port 8899: systemctl start postseal serves it; to run serve by hand, stop postseal.socket first"},
		{"postseal", "the process 7 (postseal) uses the port 8899: postseal is running already; stop it first if you mean to run another"},
	} {
		if got := inUse("port 8899", 7, test.name).Error(); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, got, test.want)
		}
	}
	if got := commandOf(1 << 30); got != "" {
		t.Errorf("a process that is not there: %q", got)
	}
}

func TestFaultsOfListen(t *testing.T) {
	path := socketPath(t)
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(filepath.Dir(path), "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o775); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct{ name, address, want string }{
		{"no kind", "/run/x.sock", "write unix:/path or inet:host:port"},
		{"Postfix's spelling", "inet:8899@localhost", "write unix:/path or inet:host:port"},
		{"no port", "inet:127.0.0.1", "write unix:/path or inet:host:port"},
		{"port in use", "inet:" + taken.Addr().String(), "uses the port "},
		{"relative", "unix:postseal.sock", "write unix:/path or inet:host:port"},
		{"no directory", "unix:" + path + ".d/s", "create the directory with mode 0750"},
		{"directory others can write to", "unix:" + open + "/s", "chmod 0750 " + open},
		{"not a socket", "unix:" + path, "is not a socket: move it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, err := Listen(test.address)
			if err == nil {
				l.Close()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("the file in the way: %q, %v", text, err)
	}
}

func TestListenInet(t *testing.T) {
	l, err := Listen("inet:127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
