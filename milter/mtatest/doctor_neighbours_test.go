package mtatest_test

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/milter/mtatest"
)

// TestDoctorMilters runs a milter that adds a recipient.
func TestDoctorMilters(tt *testing.T) {
	t := on(tt, changed)
	other := startPlace(t, "other")
	other.filter.Store(&filter{end: func(m *gomilter.Modifier) error { return m.AddRecipient("eve@gmail.com") }})
	bob, eve := "bob@gmail.com: [secure] x", "eve@gmail.com: [secure] x"
	for name, milters := range map[string]string{"before": other.socket + ", unix:postseal/postseal.sock", "after": "unix:postseal/postseal.sock, " + other.socket} {
		t.Run(name, func(t *T) {
			t.cure(illness{id: "other-milters", main: []string{"smtpd_milters=" + milters},
				ill: arrived{direct: []string{eve}, relay: []string{bob}}, service: "main.cf",
				fix:     fmt.Sprintf("-e 'smtpd_milters = %s' 'content_filter = %s'", other.socket, t.postfix().ContentFilter),
				healthy: arrived{relay: []string{bob, eve}}})
		})
	}
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func TestDoctorQMQP(tt *testing.T) {
	t := on(tt, changed)
	port := freePort(t)
	d := t.serve("enforce", t.statusSocket())
	t.settings("qmqpd_authorized_clients=127.0.0.1")
	t.change("master.cf", "-M", port+"/inet="+port+" inet n - n - - qmqpd")
	found := t.wantFindings(d, "second-instance leak")
	send := func() {
		t.Helper()
		t.expectMail()
		netstring := func(text string) string { return fmt.Sprintf("%d:%s,", len(text), text) }
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, netstring(netstring("Subject: [secure] x\n\nx\n")+netstring("ward@trust.example")+netstring("bob@gmail.com")))
		if answer, err := bufio.NewReader(conn).ReadString(','); !strings.Contains(answer, ":K") {
			t.Fatalf("%q, %v", answer, err)
		}
	}
	send()
	t.wantArrived(inClear)
	t.mend(found[0])
	t.wantFindings(d)
	send()
	t.wantArrived(arrived{relay: inClear.direct})
}

// TestDoctorSecondInstance has an instance whose smtpd does not ask postseal.
func TestDoctorSecondInstance(tt *testing.T) {
	t := on(tt, changed)
	second := t.oneMore(mtatest.Options{Milter: true})
	port := freePort(t)
	second.postconf("-M", port+"/inet="+port+" inet n - n - - smtpd")
	second.postconf("-e", "multi_instance_enable=yes", "smtpd_milters=")
	etc := filepath.Join(second.mta.Directory(), "etc")
	t.settings("multi_instance_directories=" + etc)
	d := t.serve("enforce", t.statusSocket())
	if found := t.wantFindings(d, "second-instance leak"); !strings.HasSuffix(found[0].Fix, "postseal doctor -config-directory "+etc) {
		t.Errorf("got %+v", found)
	}
	send := func() {
		t.Helper()
		c := second.dialTo("127.0.0.1:" + port)
		defer c.Close()
		if s, err := c.Send(sender, []string{"<bob@gmail.com>"}, mail("Subject: [secure] x")); err != nil || s.End.Code != 250 {
			t.Fatal(s, err)
		}
	}
	send()
	second.wantArrived(inClear)

	i := slices.IndexFunc(second.doctor(d), func(f doctorFinding) bool { return f.ID == "service-without-milter" && f.Service == "main.cf" })
	if i < 0 {
		t.Fatal("doctor -config-directory does not name the setting")
	}
	second.mend(second.doctor(d)[i])
	t.wantFindings(d)
	send()
	second.wantArrived(arrived{relay: inClear.direct})
}

// TestDoctorSigner has a signer at its usual port, before postseal.
func TestDoctorSigner(tt *testing.T) {
	t := on(tt, changed)
	signer := startSignerAt(t, "From,Subject", "8891")
	d := t.serve("enforce", "[[policy]]\nname = \"all\"\naction = \"tag\"\nadd_marker = true\n"+t.statusSocket())
	t.settings("smtpd_milters=" + signer.socket + ", unix:postseal/postseal.sock")
	wantVerdict := func(want string) {
		t.Helper()
		t.send([]string{"<bob@gmail.com>"}, mail("Subject: x"))
		direct, _, _ := t.settle()
		if len(direct) != 1 || signer.verdict(t, direct[0]) != want || direct[0].Header("Subject")[0] != " [secure] x" {
			t.Errorf("got %v, want signature %s", direct, want)
		}
	}
	found := t.wantFindings(d, "other-milters loss")
	wantVerdict("fail")
	t.mend(found[0])
	t.wantFindings(d)
	wantVerdict("pass")
}

// TestDoctorContentFilter has another filter, which returns mail to a port where
// postseal does not run. Mail of a program on this host comes to a port of its own.
func TestDoctorContentFilter(tt *testing.T) {
	t := on(tt, changed)
	other, err := mtatest.StartSink()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Stop() })
	back, own := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	d := t.serve("enforce", t.statusSocket())
	t.settings("content_filter=smtp:" + strings.Replace(other.Addr, "127.0.0.1", "[127.0.0.1]", 1))
	t.change("master.cf", "-M", back+"/inet="+back+" inet n - n - - smtpd -o content_filter= -o smtpd_milters= -o receive_override_options=no_header_body_checks")
	t.wantFindings(d)
	send := func(port string) {
		t.Helper()
		t.expectMail()
		pass := func(addr, from string, to []string, message []byte) {
			c := t.dialTo(addr)
			defer c.Close()
			if s, err := c.Send(from, to, message); err != nil || s.End.Code != 250 {
				t.Fatal(s, err)
			}
		}
		pass(port, sender, []string{"<bob@gmail.com>"}, mail("Subject: [secure] x"))
		var got []mtatest.Delivery
		until(t, func() bool { got = append(got, other.Take()...); return len(got) > 0 }, t.postfix().Log)
		pass(back, sender, []string{"<" + got[0].Recipients[0].Address + ">"}, got[0].Data)
	}
	send(t.mta.Addr())
	t.wantArrived(arrived{relay: inClear.direct})

	t.change("master.cf", "-M", own+"/inet="+own+" inet n - n - - smtpd -o smtpd_milters=")
	found := t.wantFindings(d, "service-without-milter leak")
	send(own)
	t.wantArrived(inClear)
	t.mend(found[0])
	t.wantFindings(d)
	send(own)
	t.wantArrived(arrived{relay: inClear.direct})
}
