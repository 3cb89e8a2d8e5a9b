//go:build !race

package milter

import (
	"syscall"
	"unsafe"
)

func (d *direct) read(fd uintptr)  { d.call(syscall.SYS_READ, fd) }
func (d *direct) write(fd uintptr) { d.call(syscall.SYS_WRITE, fd) }

func (d *direct) call(number, fd uintptr) {
	for {
		n, _, errno := syscall.RawSyscall(number, fd, uintptr(unsafe.Pointer(&d.p[0])), uintptr(len(d.p)))
		if d.n, d.errno = int(n), errno; errno != syscall.EINTR {
			return
		}
	}
}
