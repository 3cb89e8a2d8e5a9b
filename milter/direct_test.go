package milter

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestDirect sends more than the sockets hold in both directions, and then checks the
// errors: they are those of package net.
func TestDirect(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		t.Run(network, func(t *testing.T) {
			c, peer := connected(t, network)
			d := newDirect(c)
			if _, ok := d.(*direct); !ok {
				t.Fatalf("got a %T", d)
			}
			text := bytes.Repeat([]byte("a line of text\r\n"), 1<<18)
			go func() {
				got, _ := io.ReadAll(io.LimitReader(peer, int64(len(text))))
				peer.Write(got)
			}()
			if n, err := d.Write(text); n != len(text) || err != nil {
				t.Fatalf("wrote %d of %d octets: %v", n, len(text), err)
			}
			got := make([]byte, len(text))
			if _, err := io.ReadFull(d, got); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("read other octets: %v", err)
			}

			c.SetReadDeadline(time.Now().Add(time.Millisecond))
			for range 2 { // the runtime notices the first, because the last read was long
				_, err := d.Read(got)
				if _, want := c.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) || err.Error() != want.Error() {
					t.Errorf("after the deadline: got %v, want %v", err, want)
				}
			}
			c.SetReadDeadline(time.Time{})
			peer.Close()
			if n, err := d.Read(got); n != 0 || err != io.EOF {
				t.Errorf("at the end: got %d, %v", n, err)
			}
			var err error
			for err == nil {
				_, err = d.Write(text)
			}
			if _, want := c.Write(text); err.Error() != want.Error() {
				t.Errorf("nobody reads: got %v, want %v", err, want)
			}
			c.Close()
			if _, err := d.Read(got); !errors.Is(err, net.ErrClosed) {
				t.Errorf("closed: got %v", err)
			}
		})
	}
}

// TestDirectReset has a peer that resets the connection. The kernel reports that only
// once.
func TestDirectReset(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		for _, op := range []string{"read", "write"} {
			t.Run(network+" "+op, func(t *testing.T) {
				outcome := func(wrap func(net.Conn) io.ReadWriter) (errno syscall.Errno, text string) {
					c, peer := connected(t, network)
					if _, err := c.Write([]byte("unread")); err != nil {
						t.Fatal(err)
					}
					if tcp, ok := peer.(*net.TCPConn); ok {
						tcp.SetLinger(0)
					}
					peer.Close()
					s, call := wrap(c), io.ReadWriter.Read
					if op == "write" {
						call = io.ReadWriter.Write
					}
					_, err := call(s, make([]byte, 10))
					var of *net.OpError
					if !errors.As(err, &of) || !errors.As(err, &errno) {
						t.Fatalf("got %v", err)
					}
					if of.Source != c.LocalAddr() || of.Addr != c.RemoteAddr() {
						t.Errorf("got the addresses %v and %v", of.Source, of.Addr)
					}
					of.Source, of.Addr = nil, nil // the next connection has others
					return errno, of.Error()
				}
				want, wantText := outcome(func(c net.Conn) io.ReadWriter { return c })
				if got, text := outcome(newDirect); got != want || text != wantText {
					t.Errorf("got %q, want %q", text, wantText)
				}
			})
		}
	}
}

// TestDirectKeepsNoPacket checks that a connection that waits for the next packet does
// not keep the buffer of the last one.
func TestDirectKeepsNoPacket(t *testing.T) {
	c, peer := connected(t, "unix")
	d := newDirect(c).(*direct)
	for _, call := range []func([]byte) (int, error){peer.Write, d.Read, d.Write} {
		if n, err := call(make([]byte, 8<<10)); n != 8<<10 || err != nil {
			t.Fatal(n, err)
		}
		if d.p != nil {
			t.Errorf("%d octets are kept", len(d.p))
		}
	}
}

// connected returns both ends of a connection.
func connected(t *testing.T, network string) (c, peer net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if peer, err = net.Dial(network, l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	if c, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, peer
}

// TestWake has one goroutine that works until another has run, on one processor. Both
// begin at an event of the kernel, because the runtime does not notice that.
func TestWake(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	worker, other := kernelTimer(t, 300*time.Millisecond), kernelTimer(t, 310*time.Millisecond)
	var ran atomic.Bool
	interrupted := make(chan bool)
	go func() {
		worker()
		wake()
		for began := time.Now(); !ran.Load() && time.Since(began) < 2*time.Second; {
		}
		interrupted <- ran.Load()
	}()
	go func() {
		other()
		ran.Store(true)
	}()
	if !<-interrupted {
		t.Error("the goroutine was not interrupted for 2 seconds")
	}
}

// kernelTimer returns a function that waits until the time has passed.
func kernelTimer(t *testing.T, d time.Duration) (wait func()) {
	t.Helper()
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "timer")
	t.Cleanup(func() { file.Close() })
	if err := unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}, nil); err != nil {
		t.Fatal(err)
	}
	raw, err := file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		waited := false
		raw.Read(func(uintptr) (done bool) {
			done, waited = waited, true
			return done
		})
	}
}
