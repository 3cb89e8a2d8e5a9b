package milter

import (
	"io"
	"net"
	"os"
	"syscall"
)

// direct reads and writes a socket with system calls that the Go runtime does not
// notice. They never block, so the runtime need not be ready to replace their thread. To
// be ready, it would wake a thread of its own for nearly every packet, which costs more
// than the packet.
//
// That thread also interrupts goroutines that run for long. It must be awake before such
// work: a read that fills its buffer, and may be part of something long, is followed by
// one that the runtime notices, and wake is called before a large message is decided.
type direct struct {
	net.Conn
	raw       syscall.RawConn
	readOnce  func(fd uintptr) (done bool)
	writeOnce func(fd uintptr) (done bool)
	isLong    bool // the last read filled its buffer

	// Of the call in progress. They are here because the functions would need memory for
	// each call.
	p     []byte
	n     int
	errno syscall.Errno
}

// slowMessage is how many octets of memory a message holds that can need more than a
// millisecond to decide.
const slowMessage = 256 << 10

// newDirect returns the connection itself if it has no socket. Only one goroutine may use
// what it returns.
func newDirect(c net.Conn) io.ReadWriter {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return c
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return c
	}
	d := &direct{Conn: c, raw: raw}
	// Neither call blocks, because Go's sockets never do.
	d.readOnce = func(fd uintptr) bool {
		d.read(fd)
		return d.errno != syscall.EAGAIN
	}
	d.writeOnce = func(fd uintptr) bool {
		d.write(fd)
		return true
	}
	return d
}

func (d *direct) Read(p []byte) (int, error) {
	if len(p) == 0 || d.isLong {
		d.isLong = false
		return d.Conn.Read(p)
	}
	d.p = p
	err := d.raw.Read(d.readOnce)
	d.p = nil // it can be part of a large packet, which must not outlive its use
	switch {
	case err != nil:
		return d.Conn.Read(p) // returns the error
	case d.errno != 0:
		return 0, d.fault("read")
	case d.n == 0:
		return 0, io.EOF
	}
	d.isLong = d.n == len(p)
	return d.n, nil
}

func (d *direct) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	d.p = p
	err := d.raw.Write(d.writeOnce)
	d.p = nil
	switch {
	case err != nil || d.errno == syscall.EAGAIN:
		return d.Conn.Write(p) // returns the error, or waits until it can write
	case d.errno != 0:
		return 0, d.fault("write")
	case d.n == len(p):
		return d.n, nil
	}
	written := d.n
	n, err := d.Conn.Write(p[written:])
	return written + n, err
}

// fault returns the error of the last call, as package net does. The kernel reports the
// reset of a connection only once, so the call cannot be made again.
func (d *direct) fault(op string) error {
	local := d.LocalAddr()
	return &net.OpError{Op: op, Net: local.Network(), Source: local, Addr: d.RemoteAddr(), Err: os.NewSyscallError(op, d.errno)}
}

// wake makes the runtime ready to interrupt what follows. The system call does not use
// the socket, because its deadline for writing can have passed: then package net would
// make no call.
func wake() { syscall.Syscall(syscall.SYS_GETPID, 0, 0, 0) }
