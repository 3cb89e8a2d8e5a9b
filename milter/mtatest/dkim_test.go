package mtatest_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

// signer is OpenDKIM as a milter that signs mail of trust.example. Its keys are
// in files, and it needs no DNS.
type signer struct {
	socket string // as in smtpd_milters
	verify string // the configuration of its verifier
}

// startSigner starts OpenDKIM. The given fields are oversigned: the signature
// breaks if one is added.
func startSigner(t testing.TB, oversigned string) signer {
	t.Helper()
	return startSignerAt(t, oversigned, freePort(t))
}

func startSignerAt(t testing.TB, oversigned, port string) signer {
	t.Helper()
	dir := t.TempDir()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	private := filepath.Join(dir, "private.pem")
	common := fmt.Sprintf("Syslog no\nUserID root\nRequireSafeKeys no\nTestPublicKeys %s\n", filepath.Join(dir, "public"))
	for name, text := range map[string]string{
		"private.pem": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
		"public":      "test._domainkey.trust.example v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public) + "\n",
		"sign": common + fmt.Sprintf("Mode s\nSocket inet:%s@127.0.0.1\nDomain trust.example\nSelector test\nKeyFile %s\nOversignHeaders %s\n",
			port, private, oversigned),
		// OpenDKIM reads a file as mail from 127.0.0.1, which must not be its own
		// network.
		"verify": common + "Mode v\nInternalHosts 192.0.2.1\nPeerList 192.0.2.1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("opendkim", "-f", "-x", filepath.Join(dir, "sign"))
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (the package opendkim must be installed, as make test does)", err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	until(t, func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			c.Close()
		}
		return err == nil
	}, func() string { return "OpenDKIM does not listen" })
	return signer{"inet:127.0.0.1:" + port, filepath.Join(dir, "verify")}
}

// verdict is "pass" or "fail", by OpenDKIM's own verifier, or "none" for a
// message without a signature.
func (s signer) verdict(t testing.TB, d mtatest.Delivery) string {
	t.Helper()
	cmd := exec.Command("opendkim", "-x", s.verify, "-t", "-", "-v")
	cmd.Stdin = bytes.NewReader(d.Data)
	out, err := cmd.CombinedOutput()
	for verdict, text := range map[string]string{"pass": ") succeeded", "fail": "signature verification failed", "none": "message not signed"} {
		if err == nil && strings.Contains(string(out), text) {
			return verdict
		}
	}
	t.Fatalf("opendkim: %v: %s", err, out)
	return ""
}

// signedWays has the verdict on a message for each route, or "" if none was
// sent there.
type signedWays struct{ direct, relay string }

// TestOpenDKIM checks the table of contrib/postfix/README.md: whether the
// signature is good where the mail arrives.
func TestOpenDKIM(tt *testing.T) {
	t := on(tt, changed)
	const pass, fail = "pass", "fail"
	plain, strict := startSigner(t, "From"), startSigner(t, "From,Subject")
	service := strings.Replace(t.postfix().ContentFilter, "postseal:[127.0.0.1]", "127.0.0.1", 1) + "/inet/smtpd_milters="
	for _, order := range []struct {
		name, service string
		main          []string
		signer        signer
		want          [5]signedWays // as in signedMails
	}{
		{"before", "", []string{"smtpd_milters=" + plain.socket + ", unix:postseal/postseal.sock"}, plain,
			[5]signedWays{{direct: pass}, {direct: fail}, {pass, pass}, {pass, fail}, {pass, pass}}},
		{"before, Subject oversigned", "", []string{"smtpd_milters=" + strict.socket + ", unix:postseal/postseal.sock"}, strict,
			[5]signedWays{{direct: pass}, {direct: fail}, {pass, pass}, {pass, fail}, {fail, fail}}},
		{"after", "", []string{"smtpd_milters=unix:postseal/postseal.sock, " + strict.socket}, strict,
			[5]signedWays{{direct: pass}, {direct: pass}, {pass, pass}, {pass, fail}, {pass, fail}}},
		{"after, at a second hop", service + "unix:postseal/postseal.sock," + strict.socket,
			[]string{"smtpd_milters=", "content_filter=" + t.postfix().ContentFilter}, strict,
			[5]signedWays{{direct: pass}, {direct: pass}, {pass, pass}, {pass, fail}, {pass, fail}}},
	} {
		t.Run(order.name, func(t *T) {
			t.settings(order.main...)
			if order.service != "" {
				t.serviceSetting(order.service)
			}
			for i, m := range signedMails {
				t.Run(m.name, func(t *T) {
					if got := t.signedOnTheWay(order.signer, m); got != order.want[i] {
						t.Errorf("got %+v, want %+v", got, order.want[i])
					}
				})
			}
		})
	}
}

// TestOpenDKIMOnSendmail puts the signer after postseal, as
// contrib/sendmail/README.md says. No part of Sendmail changes the subject.
func TestOpenDKIMOnSendmail(tt *testing.T) {
	signer := startSigner(tt, "From,Subject")
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(signer.socket, "inet:"))
	t := onOwn(tt, sendmail, mtatest.Options{Milter: true, MCAfter: "INPUT_MAIL_FILTER(`signer', `S=inet:" + port + "@127.0.0.1, F=T')dnl\n"})
	for _, m := range signedMails {
		t.Run(m.name, func(t *T) {
			got := t.signedOnTheWay(signer, m)
			if got.direct != "pass" || got.relay != "pass" && got.relay != "" {
				t.Errorf("got %+v, want good signatures", got)
			}
		})
	}
}

// signedMail goes to bob@gmail.com and a@nhs.net.
type signedMail struct{ name, action, header string }

var signedMails = []signedMail{
	{"tag", `"tag"`, "Subject: x"},
	{"tag with add_marker", "\"tag\"\nadd_marker = true", "Subject: x"},
	{"divert, marked at the beginning", `"divert"`, "Subject: [secure] x"},
	{"divert, not marked there", `"divert"`, "Subject: Re: [secure] x"},
	{"divert, without a subject", `"divert"`, "X-Other: x"},
}

func (t *T) signedOnTheWay(s signer, m signedMail) (got signedWays) {
	t.Helper()
	t.serve("enforce", "[[policy]]\nname = \"all\"\naction = "+m.action+"\n")
	t.send([]string{"<bob@gmail.com>", "<a@nhs.net>"}, mail(m.header))
	direct, relayed, _ := t.settle()
	if len(direct) > 0 {
		got.direct = s.verdict(t, direct[0])
	}
	if len(relayed) > 0 {
		got.relay = s.verdict(t, relayed[0])
	}
	return got
}
