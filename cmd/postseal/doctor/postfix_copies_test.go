package doctor

import "testing"

func TestPostfixCopies(t *testing.T) {
	const (
		change  = "remove the row, or name an address of your own, in "
		reload  = ", then run postfix reload"
		postmap = ", then run postmap "
		sure    = "make sure that "
		own     = " returns only addresses of your own"
	)
	for _, test := range []struct {
		name, main, master string
		want               []string
	}{
		{"as in contrib", "notify_classes = bounce, 2bounce, delay, resource", "", nil},
		{"always_bcc inside", "always_bcc = archive", "", nil},
		{"always_bcc to a secure domain", "always_bcc = archive@nhs.net", "", nil},
		{"always_bcc outside", "always_bcc = archive@example.org", "",
			[]string{"always-bcc main.cf: always_bcc = archive@example.org -> postconf -X always_bcc && postfix reload"}},
		{"always_bcc of a service", "", "cleanup2/unix cleanup\n-o always_bcc=archive@example.org",
			[]string{"always-bcc cleanup2/unix: always_bcc = archive@example.org -> postconf -PX cleanup2/unix/always_bcc && postfix reload"}},
		{"bcc maps inside", "sender_bcc_maps = hash:/in\nrecipient_bcc_maps = proxy:hash:/in", "", nil},
		{"bcc maps", "sender_bcc_maps = hash:/in, hash:/out\nrecipient_bcc_maps = proxy:hash:/out", "", []string{
			"sender-bcc main.cf: sender_bcc_maps = hash:/in, hash:/out: a@trust.example x@example.org, and 1 more -> " + change + "/out" + postmap + "hash:/out",
			"recipient-bcc main.cf: recipient_bcc_maps = proxy:hash:/out: a@trust.example x@example.org, and 1 more -> " + change + "/out" + postmap + "hash:/out"}},
		{"bcc patterns inside", `sender_bcc_maps = regexp:{ { /^(.*)@(.*)$/ $1-$2@trust.example } }`, "", nil},
		{"bcc patterns outside", `sender_bcc_maps = regexp:{ { /^(.*)@trust\.example$/ ${1}@example.org } }`, "",
			[]string{`sender-bcc main.cf: sender_bcc_maps = regexp:{ { /^(.*)@trust\.example$/ ${1}@example.org } }: /^(.*)@trust\.example$/ ${1}@example.org -> ` + change + "sender_bcc_maps of main.cf" + reload}},
		{"bcc maps that cannot be listed", "sender_bcc_maps = ldap:/x, hash:/in", "",
			[]string{"sender-bcc main.cf: sender_bcc_maps = ldap:/x, hash:/in -> " + sure + "ldap:/x" + own}},
		{"actions inside", "header_checks = inline:{ { a = REDIRECT x@trust.example } }\nsmtpd_sender_restrictions = check_sender_access inline:{ { a = BCC x } }, check_policy_service unix:private/policy", "", nil},
		{"other actions", "header_checks = inline:{ { a = REJECT x@example.org } }\nbody_checks = inline:{ { a = WARN BCC x@example.org } }", "", nil},
		{"an action for the default", "header_checks = inline:{ { a = redirect x@example.org } }\nmime_header_checks =", "",
			[]string{"redirect main.cf: header_checks = inline:{ { a = redirect x@example.org } }: a redirect x@example.org -> " + change + "header_checks of main.cf" + reload}},
		{"access maps", "smtpd_restriction_classes = staff\nstaff = permit_mynetworks, check_sender_access hash:/bcc, reject", "submission/inet smtpd\n-o smtpd_milters=unix:postseal/postseal.sock\n-o smtpd_client_restrictions={ check_client_access inline:{ { a = BCC x@example.org } } }, permit", []string{
			"bcc main.cf: staff = permit_mynetworks, check_sender_access hash:/bcc, reject: a BCC x@example.org -> " + change + "/bcc" + postmap + "hash:/bcc",
			"bcc submission/inet: smtpd_client_restrictions = { check_client_access inline:{ { a = BCC x@example.org } } }, permit: a BCC x@example.org -> " + change + "smtpd_client_restrictions of master.cf, service submission/inet" + reload}},
		{"access maps that cannot be listed", "smtpd_sender_restrictions = check_sender_access mysql:/x", "",
			[]string{"redirect main.cf: smtpd_sender_restrictions = check_sender_access mysql:/x -> " + sure + "mysql:/x" + own}},
		{"notices that are off", "bounce_notice_recipient = x@example.org\nnotify_classes = resource", "bounce/unix bounce", nil},
		{"notices", "bounce_notice_recipient = x@example.org\nerror_notice_recipient = x@example.org\nnotify_classes = bounce, policy", "bounce/unix bounce\ndefer/unix bounce", []string{
			"notices main.cf: bounce_notice_recipient = x@example.org -> postconf -X bounce_notice_recipient && postfix reload",
			"notices main.cf: error_notice_recipient = x@example.org -> postconf -X error_notice_recipient && postfix reload"}},
		{"notices of a service", "notify_classes = 2bounce", "bounce/unix bounce\n-o 2bounce_notice_recipient=x@example.org",
			[]string{"notices bounce/unix: 2bounce_notice_recipient = x@example.org -> postconf -PX bounce/unix/2bounce_notice_recipient && postfix reload"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tables := map[string]map[string]string{
				"hash:/in":  {"a@trust.example": "x@trust.example", "b@trust.example": "x@nhs.net"},
				"hash:/out": {"a@trust.example": "x@example.org", "b@trust.example": "y@example.org"},
				"hash:/bcc": {"a": "BCC x@example.org"},
			}
			wantFound(t, site(t, fakePostfix(contribMain+test.main, contribMaster+test.master, tables), nil), postfixCopies, test.want...)
		})
	}
}
