package mtatest_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

func TestDoctorCopies(tt *testing.T) {
	t := on(tt, changed)
	const bob, eve, inner = "bob@gmail.com: [secure] x", "eve@gmail.com: [secure] x", "archive@trust.example: [secure] x"
	copied := arrived{direct: []string{eve}, relay: []string{bob}}
	redirected := arrived{direct: []string{eve}}
	keepsInside := arrived{direct: []string{inner}, relay: []string{bob}}
	set := func(args ...string) func(*T, doctorFinding) {
		return func(t *T, _ doctorFinding) { t.postconf(args...) }
	}
	table := filepath.Join(t.mta.Directory(), "copies")
	write := func(t *T, rows string) {
		t.Helper()
		if err := os.WriteFile(table, []byte(rows), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := t.postfix().Run("postmap", "hash:"+table); err != nil {
			t.Fatal(err)
		}
	}
	write(t, "bob@gmail.com eve@gmail.com\n")
	for _, i := range []illness{
		{id: "always-bcc", name: "main.cf", main: []string{"always_bcc=eve@gmail.com"},
			ill: copied, service: "main.cf", fix: "-X always_bcc"},
		{id: "sender-bcc", name: "inline", main: []string{"sender_bcc_maps=inline:{ward@trust.example=eve@gmail.com}"},
			ill: copied, service: "main.cf", fix: "in sender_bcc_maps of main.cf",
			mend: set("-e", "sender_bcc_maps=inline:{ward@trust.example=archive@trust.example}"), healthy: keepsInside},
		{id: "recipient-bcc", name: "hash", main: []string{"recipient_bcc_maps=hash:" + table},
			ill: copied, service: "main.cf", fix: "in " + table + ", then run postmap -c ",
			mend: func(t *T, _ doctorFinding) { write(t, "bob@gmail.com archive@trust.example\n") }, healthy: keepsInside},
		{id: "redirect", name: "header_checks", main: []string{"header_checks=regexp:{ { /^Subject: .secure/ REDIRECT eve@gmail.com } }"},
			ill: redirected, service: "main.cf", fix: "in header_checks of main.cf", mend: set("-X", "header_checks")},
		{id: "redirect", name: "body_checks", files: map[string]string{"body": "/trailing/  REDIRECT eve@gmail.com\n"}, main: []string{"body_checks=pcre:$DIR/body"},
			ill: redirected, service: "main.cf", fix: "/etc/body, then run postfix -c ", mend: set("-X", "body_checks")},
		{id: "redirect", name: "milter_header_checks", main: []string{"milter_header_checks=regexp:{ { /^X-Postseal:/ REDIRECT eve@gmail.com } }"},
			ill: redirected, service: "main.cf", fix: "in milter_header_checks of main.cf", mend: set("-X", "milter_header_checks")},
		{id: "redirect", name: "access", main: []string{"smtpd_sender_restrictions=check_sender_access inline:{ { ward@trust.example = REDIRECT eve@gmail.com } }"},
			ill: redirected, service: "main.cf", fix: "in smtpd_sender_restrictions of main.cf", mend: set("-X", "smtpd_sender_restrictions")},
		{id: "bcc", name: "header_checks", main: []string{"header_checks=regexp:{ { /^Subject: .secure/ BCC eve@gmail.com } }"},
			ill: copied, service: "main.cf", fix: "in header_checks of main.cf", mend: set("-X", "header_checks")},
		{id: "bcc", name: "access", files: map[string]string{"access": "127.0.0.1 BCC eve@gmail.com\n"},
			master: []string{t.mta.Addr() + "/inet/smtpd_data_restrictions=check_client_access,texthash:$DIR/access"},
			ill:    copied, service: t.mta.Addr() + "/inet", fix: "/etc/access, then run postfix -c ", mend: set("-PX", t.mta.Addr()+"/inet/smtpd_data_restrictions")},
		{id: "notices", name: "bounce", main: []string{"notify_classes=bounce", "bounce_notice_recipient=eve@gmail.com"}, to: "nobody@gmail.com",
			ill:     arrived{direct: []string{"ward@trust.example: Undelivered Mail Returned to Sender", "eve@gmail.com: Postmaster Copy: Undelivered Mail"}},
			service: "main.cf", fix: "-X bounce_notice_recipient",
			healthy: arrived{direct: []string{"ward@trust.example: Undelivered Mail Returned to Sender", "postmaster@mx.trust.example: Postmaster Copy: Undelivered Mail"}}},
	} {
		t.Run(i.id+" "+i.name, func(t *T) { t.cure(i) })
	}
}

// TestDoctorErrorNotices sends mail that postseal refuses, and mail that cannot return
// to its sender. Postfix sends a notice some time later.
func TestDoctorErrorNotices(tt *testing.T) {
	t := on(tt, changed)
	d := t.serve("enforce", t.statusSocket())
	for _, test := range []struct{ class, name, from, to, want string }{
		{"policy", "error_notice_recipient", sender, "x@y.gsi.gov.uk", "RCPT TO:<x@y.gsi.gov.uk>"},
		{"2bounce", "2bounce_notice_recipient", "<nobody@trust.example>", "nobody@gmail.com", "trailing blanks"},
	} {
		t.Run(test.class, func(t *T) {
			t.settings("bounce_size_limit=50000", "notify_classes="+test.class, test.name+"=eve@gmail.com")
			wantNotice := func(to string) {
				t.Helper()
				t.sendFrom(test.from, []string{"<" + test.to + ">"}, mail("Subject: [secure] x"))
				var got []mtatest.Delivery
				until(t, func() bool { got = append(got, t.internet.Take()...); return len(got) > 0 }, t.postfix().Log)
				if len(got) != 1 || got[0].Recipients[0].Address != to || !strings.Contains(string(got[0].Data), test.want) {
					t.Fatalf("got %q", got[0].Data[max(0, len(got[0].Data)-900):])
				}
			}
			const whole = "notices advice" // bounce_size_limit
			found := t.wantFindings(d, "notices leak", whole)
			wantNotice("eve@gmail.com")
			t.mend(found[0])
			found = t.wantFindings(d, whole)
			wantNotice("postmaster@mx.trust.example")
			t.mend(found[0])
			t.wantFindings(d)
		})
	}
}

// TestDoctorDelayNotices has mail that waits for the relay. Its sender gets a notice
// too.
func TestDoctorDelayNotices(tt *testing.T) {
	t := on(tt, changed)
	d := t.serve("enforce", t.statusSocket())
	t.settings("notify_classes=delay", "delay_warning_time=1s", "delay_notice_recipient=eve@gmail.com")
	wantNotice := func(to string) {
		t.Helper()
		t.stopRelay()
		t.send([]string{"<bob@gmail.com>"}, mail("Subject: [secure] x"))
		var got []mtatest.Delivery
		until(t, func() bool {
			t.mta.Retry()
			got = append(got, t.internet.Take()...)
			return len(got) > 1
		}, t.postfix().Log)
		var recipients []string
		for _, d := range got {
			recipients = append(recipients, d.Recipients[0].Address)
			if text := string(d.Data); !strings.Contains(text, "Subject: [secure] x") || strings.Contains(text, string(mailBody)) {
				t.Errorf("got %s", text)
			}
		}
		slices.Sort(recipients)
		if want := []string{to, "ward@trust.example"}; !slices.Equal(recipients, want) {
			t.Errorf("got notices for %q, want %q", recipients, want)
		}
		t.startRelay()
		t.wantArrived(arrived{relay: []string{"bob@gmail.com: [secure] x"}})
	}
	found := t.wantFindings(d, "notices leak")
	wantNotice("eve@gmail.com")
	t.mend(found[0])
	t.wantFindings(d)
	wantNotice("postmaster@mx.trust.example")
}
