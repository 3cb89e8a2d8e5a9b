package debian_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/postseal/postseal/milter/mtatest"
)

// boot unpacks the archive $2 in memory, at the directory $1, and starts systemd there,
// in namespaces and a cgroup of its own. It ends when systemd ends, and SIGTERM ends both.
const boot = `
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/root" "$1/cgroup"
tar -C "$1/root" -xf "$2"
mount -t cgroup2 cgroup2 "$1/cgroup"
cgroup=$(mktemp -d "$1/cgroup/postseal-XXXXXX")
(echo 0 >"$cgroup/cgroup.procs"
exec setpriv --pdeathsig KILL unshare --mount --pid --net --ipc --uts --cgroup --fork --kill-child sh -e -c "$3" sh "$1/root") &
trap "kill -s KILL $!" TERM
trap : PIPE # if the test is killed, nobody reads the output
wait || wait || :
# The kernel can count a process for a moment after its end.
for try in 1 2 3 4 5 6 7 8 9; do
	find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null && break || sleep 1
done`

// first is the first process of the namespaces, which becomes systemd.
const first = `
cd "$1"
mount --bind . .
cd "$1"
echo mx.trust.example >etc/hostname
: >etc/resolv.conf # was that of the machine that made the archive
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
for name in null zero full random urandom tty; do
	touch dev/$name
	mount --bind /dev/$name dev/$name
done
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mkdir old
pivot_root . old
cd /
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c 'umount -l /old; rmdir /old; exec /lib/systemd/systemd'`

// machine is a Debian on which systemd runs, without a network. Its files are those of
// the system, and it has a /run, /proc and /dev of its own.
type machine struct {
	system
	ended   chan struct{} // closed when all of its processes have ended
	console bytes.Buffer
	systemd int // its process ID outside
}

// newMachine boots the Debian that make test has made.
func newMachine(t *testing.T) *machine {
	t.Helper()
	root, err := mtatest.Root()
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{ended: make(chan struct{})}
	cmd := exec.Command("sh", "-e", "-c", boot, "sh", t.TempDir(), filepath.Join(root, "bin", "debian-systemd.tar"), first)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	cmd.Stdout, cmd.Stderr = &m.console, &m.console
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread ends, not the process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
			close(m.ended)
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("a namespace cannot be made: %v: run this test as root", err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-m.ended
	})
	if !mtatest.Within(func() bool { return m.booted(cmd.Process.Pid) }) || m.systemd == 0 {
		t.Fatalf("systemd does not start in namespaces of its own:\n%s", &m.console)
	}
	m.sh(t, "systemctl is-system-running --wait || { systemctl --failed; journalctl -n 100 --no-pager; exit 1; }")
	return m
}

// booted reports whether systemd can be asked, or has ended.
func (m *machine) booted(shell int) bool {
	select {
	case <-m.ended:
		return true
	default:
	}
	for _, unshare := range mtatest.Children(shell) {
		for _, child := range mtatest.Children(unshare) {
			if name, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", child)); strings.HasSuffix(name, "/systemd") {
				m.systemd = child
				// The root of systemd, with all that is mounted there.
				m.system = system(fmt.Sprintf("/proc/%d/root", child))
			}
		}
	}
	if m.systemd == 0 {
		return false
	}
	_, err := os.Stat(m.path("/run/systemd/private"))
	return err == nil
}

// command is a program of the machine.
func (m *machine) command(args ...string) *exec.Cmd {
	enter := []string{"-t", fmt.Sprint(m.systemd), "-m", "-p", "-C", "-u", "-i", "-n", "-r", "-w"}
	cmd := exec.Command("nsenter", append(enter, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive"}
	return cmd
}

// sh runs lines of shell, of which none may fail, and returns what they print.
func (m *machine) sh(t *testing.T, lines string) string {
	t.Helper()
	cmd := m.command("timeout", strconv.Itoa(int(mtatest.Patience.Seconds())), "sh", "-e", "-c", lines)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", lines, err, out)
	}
	return strings.TrimSpace(string(out))
}

// inside runs a function that opens sockets in the network of the machine.
func (m *machine) inside(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked, so that the thread ends
		network, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", m.systemd))
		if err == nil {
			defer network.Close()
			err = unix.Setns(int(network.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			err = f()
		}
		result <- err
	}()
	return <-result
}
