package milter

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDirect sends more than the sockets hold in both directions, and then checks the
// errors: they are those of package net.
func TestDirect(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		t.Run(network, func(t *testing.T) {
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(t.TempDir(), "s")
			}
			l, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			peer, err := net.Dial(network, l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
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
			d.(*direct).wake()
			got := make([]byte, len(text))
			if _, err := io.ReadFull(d, got); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("read other octets: %v", err)
			}

			c.SetReadDeadline(time.Now().Add(time.Millisecond))
			for range 2 { // the runtime notices the first, because the last read was long
				_, err = d.Read(got)
				if _, want := c.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) || err.Error() != want.Error() {
					t.Errorf("after the deadline: got %v, want %v", err, want)
				}
			}
			c.SetReadDeadline(time.Time{})
			peer.Close()
			if n, err := d.Read(got); n != 0 || err != io.EOF {
				t.Errorf("at the end: got %d, %v", n, err)
			}
			for err = nil; err == nil; _, err = d.Write(text) {
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
