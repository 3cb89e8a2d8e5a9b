package mtatest_test

import (
	"net"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

// wantClient sends a message to an own domain, which any client may do, and
// checks the client that the MTA showed to the filter.
func (t *T) wantClient(d *mtatest.Daemon, c *mtatest.Client, want string) {
	t.Helper()
	s, err := c.Send(sender, []string{"<ward@trust.example>"}, mail("Subject: x"))
	if err != nil || s.End.Code != 250 {
		t.Fatalf("got %v, %v", s, err)
	}
	if e := decision(t, d, s.QueueID()); e["client"] != want {
		t.Errorf("got the client %v, want %s", e["client"], want)
	}
	t.wantArrived(arrived{direct: []string{"ward@trust.example: x"}})
}

// TestClientAddresses checks how the MTAs show an IPv6 client. Policies compare
// its address.
func TestClientAddresses(t *testing.T) {
	t.Parallel()
	t.Run("Postfix", func(tt *testing.T) {
		t := on(tt, changed)
		t.settings("smtpd_authorized_xclient_hosts=127.0.0.1", "inet_protocols=ipv4, ipv6", "mynetworks=[2001:db8::]/32, 192.0.2.0/24")
		d := t.serve("enforce", "")
		for given, want := range map[string]string{
			"IPV6:2001:db8::7":      "2001:db8::7",
			"IPV6:::ffff:192.0.2.7": "192.0.2.7",
			"192.0.2.7":             "192.0.2.7",
		} {
			c := t.dial()
			say(t, c, 220, "XCLIENT ADDR="+given+" NAME=[UNAVAILABLE]")
			say(t, c, 250, "EHLO client.example")
			t.wantClient(d, c, want)
		}
	})
	t.Run("Sendmail", func(tt *testing.T) {
		t := on(tt, sendmail)
		d := t.serve("enforce", "")
		l, err := net.Listen("tcp6", "[::1]:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ended := make(chan error, 1)
		go func() {
			conn, err := l.Accept()
			if err == nil {
				err = t.sendmail().Serve(conn.(*net.TCPConn))
			}
			ended <- err
		}()
		c := t.dialTo(l.Addr().String())
		t.wantClient(d, c, "::1")
		say(t, c, 221, "QUIT")
		c.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
