//go:build race

package milter

import (
	"errors"
	"syscall"
)

// The race detector must notice the calls: in tests, the peer is in the same process, and
// what it does before it writes happens before the session reads.

func (d *direct) read(fd uintptr)  { d.announced(syscall.Read, fd) }
func (d *direct) write(fd uintptr) { d.announced(syscall.Write, fd) }

func (d *direct) announced(call func(fd int, p []byte) (int, error), fd uintptr) {
	n, err := call(int(fd), d.p)
	for errors.Is(err, syscall.EINTR) {
		n, err = call(int(fd), d.p)
	}
	d.n, d.errno = n, 0
	errors.As(err, &d.errno)
}
