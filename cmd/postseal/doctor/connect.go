package doctor

import (
	"fmt"
	"os/user"
	"runtime"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// connectAs connects to a unix socket as a user, inside a chroot unless that is
// empty. The thread that takes on the user ends with the connection.
func connectAs(name, chroot, directory, path string) error {
	groups, uid, err := identity(name)
	if err != nil {
		return err
	}
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked, so that the thread ends
		result <- connect(uid, groups, chroot, directory, path)
	}()
	return <-result
}

// cannotAsk is an error that says nothing about the socket.
type cannotAsk struct{ error }

func connect(uid int, groups []uint32, chroot, directory, path string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return cannotAsk{err}
	}
	defer unix.Close(fd)
	if err := unix.Unshare(unix.CLONE_FS); err != nil { // only this thread changes its root
		return cannotAsk{err}
	}
	if chroot != "" {
		if err := unix.Chroot(chroot); err != nil {
			return cannotAsk{fmt.Errorf("run this as root: chroot: %w", err)}
		}
		directory = "/"
	}
	if err := unix.Chdir(directory); err != nil {
		return cannotAsk{err}
	}
	// The kernel changes the groups of the calling thread alone.
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(&groups[0])), 0); errno != 0 {
		return cannotAsk{fmt.Errorf("run this as root: setgroups: %w", errno)}
	}
	unix.Setfsgid(int(groups[0]))
	unix.Setfsuid(uid)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil && err != unix.EAGAIN {
		return err
	}
	return nil
}

// identity returns the groups of a user, the primary first.
func identity(name string) (groups []uint32, uid int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, 0, cannotAsk{err}
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, 0, cannotAsk{err}
	}
	for _, text := range append([]string{u.Gid}, ids...) {
		id, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, 0, cannotAsk{err}
		}
		groups = append(groups, uint32(id))
	}
	uid, err = strconv.Atoi(u.Uid)
	return groups, uid, err
}
