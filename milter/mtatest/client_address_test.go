package mtatest_test

import (
	"net"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

// wantClient sends a message to an own domain, which needs no leave, and looks
// at the client that the MTA has shown to the filter.
func wantClient(t *testing.T, d *mtatest.Daemon, c *mtatest.Client, want string) {
	t.Helper()
	s, err := c.Send(sender, []string{"<ward@trust.example>"}, mail("Subject: x"))
	if err != nil || s.End.Code != 250 {
		t.Fatalf("got %v, %v", s, err)
	}
	if e := decision(t, d, s.QueueID()); e["client"] != want {
		t.Errorf("got the client %v, want %s", e["client"], want)
	}
	wantArrived(t, arrived{direct: []string{"ward@trust.example: x"}})
}

// TestClientAddresses holds how the MTAs show an IPv6 client: policies ask for
// its address.
func TestClientAddresses(t *testing.T) {
	t.Run("Postfix", func(t *testing.T) {
		settings(t, "smtpd_authorized_xclient_hosts=127.0.0.1", "inet_protocols=ipv4, ipv6", "mynetworks=[2001:db8::]/32, 192.0.2.0/24")
		d := start(t, "enforce", "")
		for given, want := range map[string]string{
			"IPV6:2001:db8::7":      "2001:db8::7",
			"IPV6:::ffff:192.0.2.7": "192.0.2.7",
			"192.0.2.7":             "192.0.2.7",
		} {
			c := dial(t)
			say(t, c, 220, "XCLIENT ADDR="+given+" NAME=[UNAVAILABLE]")
			say(t, c, 250, "EHLO client.example")
			wantClient(t, d, c, want)
		}
	})
	t.Run("Sendmail", func(t *testing.T) {
		use(t, sendmail)
		d := start(t, "enforce", "")
		l, err := net.Listen("tcp6", "[::1]:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ended := make(chan error, 1)
		go func() {
			conn, err := l.Accept()
			if err == nil {
				err = sendmail.Serve(conn.(*net.TCPConn))
			}
			ended <- err
		}()
		c := dialTo(t, l.Addr().String())
		wantClient(t, d, c, "::1")
		say(t, c, 221, "QUIT")
		c.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
