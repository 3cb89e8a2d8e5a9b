package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/milter/mtatest"
)

// sendmailWith unpacks Sendmail with the options of FEATURE(`access_db').
func sendmailWith(t *testing.T, options string) *mtatest.SendmailFiles {
	t.Helper()
	root, err := mtatest.Root()
	if err != nil {
		t.Fatal(err)
	}
	sendmail, err := mtatest.UnpackSendmail(root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := sendmail.Configure(fmt.Sprintf("FEATURE(`access_db', `hash -T<TMPF> %s/access'%s)dnl\nMAILER(`smtp')dnl\n", sendmail.Dir, options)); err != nil {
		t.Fatal(err)
	}
	return sendmail
}

const allOptions = ", `skip', `lookupdotdomain'"

// tlsRcpt returns for each domain whether Sendmail sends to it over the
// connection that setup describes.
func tlsRcpt(t *testing.T, s *mtatest.SendmailFiles, access string, setup, domains []string) []string {
	t.Helper()
	if err := s.MakeMap("access", access); err != nil {
		t.Fatal(err)
	}
	var recipients []string
	for _, domain := range domains {
		recipients = append(recipients, "a@"+domain)
	}
	results, err := s.TestRules(append([]string{".D{server_name}mx.x.example", ".D{server_addr}192.0.2.1"}, setup...), "tls_rcpt", recipients)
	if err != nil {
		t.Fatal(err)
	}
	for i, result := range results {
		switch {
		case result == "OK":
			results[i] = "sent"
		case strings.HasPrefix(result, "$# error $@ 4 . 7 . 0"):
			results[i] = "waits"
		}
	}
	return results
}

var withoutTLS = []string{".D{verify}NONE", ".D{cipher_bits}0"}

func TestSendmailFindsWhatTheTableSays(t *testing.T) {
	sendmail := sendmailWith(t, allOptions)
	random := rand.New(rand.NewPCG(2026, 12))
	for range 10 {
		c := randomTable(t, random)
		names := randomNames(random, 60)
		access := text(c, levelEncrypt, formatSendmail)
		for i, got := range tlsRcpt(t, sendmail, access, withoutTLS, names) {
			want := "sent"
			if wantSecure(c, names[i]) {
				want = "waits"
			}
			if got != want {
				t.Fatalf("%s: got %s, want %s\n%s", names[i], got, want, access)
			}
		}
	}
}

func TestSendmailLevels(t *testing.T) {
	c, err := config.Load(writeExport(t, exportConfig, exportRules, exportList))
	if err != nil {
		t.Fatal(err)
	}
	domains := []string{"x.nhs.net", "listed.nhs.uk", "sub.listed.nhs.uk", "guests.partner.example", "x.guests.partner.example", "x.gsi.gov.uk", "gmail.com"}
	encrypted := []string{".D{verify}NO", ".D{cipher_bits}256"}
	verified := []string{".D{verify}OK", ".D{cipher_bits}256"}
	const everywhere = "TLS_Rcpt:\tENCR:112\n" // a site's own default
	for _, test := range []struct {
		name, options, level, more string
		connection                 []string
		want                       string
	}{
		{"unencrypted", allOptions, levelEncrypt, "", withoutTLS, "waits waits sent sent waits sent sent"},
		{"encrypted", allOptions, levelEncrypt, "", encrypted, "sent sent sent sent sent sent sent"},
		{"encrypted but not verified", allOptions, levelVerify, "", encrypted, "waits waits sent sent waits sent sent"},
		{"verified", allOptions, levelVerify, "", verified, "sent sent sent sent sent sent sent"},
		{"level may demands nothing", allOptions, levelMay, "", withoutTLS, "sent sent sent sent sent sent sent"},
		{"SKIP leaves the site's default", allOptions, levelEncrypt, everywhere, withoutTLS, "waits waits waits waits waits waits waits"},
		{"a name covers names below it without options", "", levelEncrypt, "", withoutTLS, "waits waits waits sent sent sent sent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			access := text(c, test.level, formatSendmail) + test.more
			got := strings.Join(tlsRcpt(t, sendmailWith(t, test.options), access, test.connection, domains), " ")
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestSendmailTriesTLS checks that rows of level may can override a site's own
// "Try_TLS: NO", by the name of the server.
func TestSendmailTriesTLS(t *testing.T) {
	c, err := config.Load(writeExport(t, exportConfig, exportRules, exportList))
	if err != nil {
		t.Fatal(err)
	}
	sendmail := sendmailWith(t, allOptions)
	if err := sendmail.MakeMap("access", text(c, levelMay, formatSendmail)+"Try_TLS:\tNO\n"); err != nil {
		t.Fatal(err)
	}
	for server, want := range map[string]string{"mx.nhs.net": "< YES > < >", "mx.gmail.com": "$# error $@ 5 . 7 . 1"} {
		got, err := sendmail.TestRules([]string{".D{server_name}" + server, ".D{server_addr}192.0.2.1"}, "try_tls", []string{"x"})
		if err != nil || !strings.HasPrefix(got[0], want) {
			t.Errorf("%s: got %v, %v, want %s", server, got, err, want)
		}
	}
}

// TestPageGivesTheFeature compares the options of these tests with those on the
// man page.
func TestPageGivesTheFeature(t *testing.T) {
	page, err := os.ReadFile("../../contrib/man/postseal.8.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := "FEATURE(`access_db', `hash -T<TMPF> /etc/mail/access'" + allOptions + ")"; !strings.Contains(string(page), want) {
		t.Errorf("no %q", want)
	}
}
