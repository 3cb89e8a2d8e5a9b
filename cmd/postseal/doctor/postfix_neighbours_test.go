package doctor

import "testing"

func TestNeighbours(t *testing.T) {
	const (
		reload = " && postfix reload"
		ours   = "unix:postseal/postseal.sock"
		hops   = "postconf -e 'smtpd_milters = inet:127.0.0.1:11332' 'content_filter = postseal:[127.0.0.1]:10026'" + reload
	)
	for _, test := range []struct {
		name, main, master string
		markers            bool
		severity           Severity
		want               []string
	}{
		{name: "contrib"},
		{name: "before", main: "smtpd_milters = inet:127.0.0.1:11332, " + ours, severity: Advice,
			want: []string{"other-milters main.cf: smtpd_milters = inet:127.0.0.1:11332, " + ours + " -> " + hops}},
		{name: "after, and a signer", main: "smtpd_milters = " + ours + " inet:127.0.0.1:11332 unix:opendkim/opendkim.sock", severity: Advice,
			want: []string{"other-milters main.cf: smtpd_milters = " + ours + " inet:127.0.0.1:11332 unix:opendkim/opendkim.sock -> " +
				"postconf -P 127.0.0.1:10026/inet/smtpd_milters=" + ours + ",unix:opendkim/opendkim.sock" + reload + " && " + hops}},
		{name: "two services with the same", main: "smtpd_milters = inet:127.0.0.1:11332, " + ours, master: "submission/inet smtpd", severity: Advice,
			want: []string{"other-milters main.cf: smtpd_milters = inet:127.0.0.1:11332, " + ours + " -> " + hops}},
		{name: "in a service", master: "submission/inet smtpd\n-o smtpd_milters=inet:127.0.0.1:11332," + ours, severity: Advice,
			want: []string{"other-milters submission/inet: smtpd_milters = inet:127.0.0.1:11332," + ours + " -> " +
				"postconf -P submission/inet/smtpd_milters=inet:127.0.0.1:11332" + reload + " && postconf -P 'submission/inet/content_filter=postseal:[127.0.0.1]:10026'" + reload}},
		{name: "beside a content filter", main: "smtpd_milters = inet:127.0.0.1:11332, " + ours + "\ncontent_filter = amavis:[127.0.0.1]:10024", severity: Advice,
			want: []string{"other-milters main.cf: smtpd_milters = inet:127.0.0.1:11332, " + ours + " -> run the other milters at a hop before postseal: \"Other milters\" in contrib/postfix/README.md"}},
		{name: "two hops", main: "smtpd_milters = inet:127.0.0.1:11332\ncontent_filter = postseal:[127.0.0.1]:10026"},
		{name: "a signer after", main: "smtpd_milters = " + ours + ", inet:127.0.0.1:8891", markers: true},
		{name: "a signer before", main: "smtpd_milters = inet:127.0.0.1:8891, " + ours},
		{name: "a signer before, with add_marker", main: "smtpd_milters = inet:127.0.0.1:8891, " + ours, markers: true, severity: Loss,
			want: []string{"other-milters main.cf: smtpd_milters = inet:127.0.0.1:8891, " + ours + " -> postconf -e 'smtpd_milters = " + ours + ", inet:127.0.0.1:8891'" + reload}},

		{name: "qmqpd", master: "628/inet qmqpd", severity: Leak,
			want: []string{"second-instance 628/inet: qmqpd -> postconf -P '628/inet/content_filter=postseal:[127.0.0.1]:10026'" + reload}},
		{name: "qmqpd with the filter", master: "628/inet qmqpd\n-o content_filter=postseal:[127.0.0.1]:10026"},
		{name: "another instance", main: "multi_instance_directories = /etc/postfix-open /etc/postfix-good /etc/postfix-off /etc/postfix-behind", severity: Leak,
			want: []string{"second-instance main.cf: multi_instance_directories = /etc/postfix-open /etc/postfix-good /etc/postfix-off /etc/postfix-behind -> " +
				"correct what this command names: postseal doctor -config-directory /etc/postfix-open"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := site(t, fakePostfix(contribMain+test.main, test.master+"\n"+contribMaster, nil), nil)
			s.Markers = test.markers
			s.Postfix.instance = func(directory string) (*Postfix, error) {
				const on = "multi_instance_enable = yes\n"
				return map[string]*Postfix{
					"/etc/postfix-open":   fakePostfix(on, "smtp/inet smtpd", nil),
					"/etc/postfix-good":   fakePostfix(on+"smtpd_milters = unix:/var/spool/postfix/postseal/postseal.sock\nmilter_default_action = tempfail", "smtp/inet smtpd", nil),
					"/etc/postfix-off":    fakePostfix("", "smtp/inet smtpd", nil),
					"/etc/postfix-behind": fakePostfix(on, "127.0.0.1:10026/inet smtpd", nil),
				}[directory], nil
			}
			wantFound(t, s, postfixNeighbours, test.want...)
			if first := firstSeverity(s, postfixNeighbours); len(test.want) > 0 && first != test.severity {
				t.Errorf("severity: got %v, want %v", first, test.severity)
			}
		})
	}
}
