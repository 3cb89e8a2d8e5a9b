package mtatest_test

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/mtatest"
)

// testTooManyConnections uses all connections that postseal accepts. Clients of
// the MTA then get 451, and no mail goes out. Afterwards mail is accepted
// again.
func testTooManyConnections(t *T) {
	d := t.startDaemon("enforce", "")
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	})
	socket := filepath.Join(t.mta.SocketDir(), "postseal.sock")
	var held []net.Conn
	for range milter.DefaultMaxConnections {
		c, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		held = append(held, c)
	}
	const attempts = 3
	for range attempts {
		c := t.dial()
		r := say451(t, c, "MAIL FROM:"+sender, "RCPT TO:<bob@gmail.com>")
		t.Logf("the client gets %v", r)
		c.Close()
	}
	if n := len(d.AwaitEvents("too many connections", 1)); n != 1 {
		t.Errorf("got %d lines at the start:\n%s", n, d.Log())
	}
	t.wantArrived(arrived{})
	for _, c := range held {
		c.Close()
	}
	if _, err := d.Await("connections taken again", func(e mtatest.Event) bool { return e["refused"].(float64) >= attempts }); err != nil {
		t.Error(err)
	}
	if s := t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure] x")); s.End.Code != 250 {
		t.Errorf("the retry: got %v", s)
	}
	t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure] x"}})
}

// say451 sends lines until an answer is 451. Sendmail gives it at MAIL, Postfix
// at RCPT.
func say451(t testing.TB, c *mtatest.Client, lines ...string) mtatest.Reply {
	t.Helper()
	for _, line := range lines {
		r, err := c.Say(line)
		if err != nil {
			t.Fatal(err)
		}
		if r.Code == 451 {
			return r
		}
	}
	t.Fatalf("%q: no answer was 451", lines)
	return mtatest.Reply{}
}
