package mtatest_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// inClear is mail of sendTo that has bypassed postseal.
var inClear = arrived{direct: []string{"bob@gmail.com: [secure] x"}}

func TestDoctorServices(tt *testing.T) {
	t := on(tt, changed)
	port := t.mta.Addr()
	smtpd := port + "/inet"
	for _, i := range []illness{
		{id: "service-without-milter", name: "empty", master: []string{smtpd + "/smtpd_milters="},
			ill: inClear, service: smtpd, fix: "-PX " + smtpd + "/smtpd_milters && "},
		{id: "service-without-milter", name: "undefined macro", master: []string{smtpd + "/smtpd_milters=$mua_milters"},
			ill: inClear, service: smtpd, fix: "-PX " + smtpd + "/smtpd_milters && "},
		{id: "service-without-milter", name: "main.cf", main: []string{"smtpd_milters="},
			ill: inClear, service: "main.cf", fix: "-e 'smtpd_milters = unix:postseal/postseal.sock'"},
		{id: "milter-maps", name: "DISABLE", main: []string{"smtpd_milter_maps=static:DISABLE"},
			ill: inClear, service: "main.cf", fix: "-X smtpd_milter_maps"},
		{id: "milter-maps", name: "file", files: map[string]string{"milters.cidr": "127.0.0.0/8 DISABLE\n"}, master: []string{smtpd + "/smtpd_milter_maps=cidr:$DIR/milters.cidr"},
			ill: inClear, service: smtpd, fix: "-PX " + smtpd + "/smtpd_milter_maps"},
		{id: "no-milters", name: "main.cf", main: []string{"receive_override_options=no_milters"},
			ill: inClear, service: "main.cf", fix: "-c $DIR -X receive_override_options && "},
		{id: "no-milters", name: "service", master: []string{smtpd + "/receive_override_options=no_milters,no_unknown_recipient_checks"},
			ill: inClear, service: smtpd, fix: "-P " + smtpd + "/receive_override_options=no_unknown_recipient_checks"},
		{id: "default-action", name: "accept", main: []string{"milter_default_action=accept"}, down: true,
			ill: inClear, service: "main.cf", fix: "-e 'milter_default_action = tempfail'"},
		{id: "default-action", name: "in braces", main: []string{"smtpd_milters={ unix:postseal/postseal.sock, default_action=accept }"}, down: true,
			ill: inClear, service: "main.cf", fix: "-e 'smtpd_milters = unix:postseal/postseal.sock'"},
		{id: "proxy-filter", name: "main.cf", main: []string{"smtpd_proxy_filter=" + t.internet.Addr},
			ill: inClear, service: "main.cf", fix: "-X smtpd_proxy_filter"},
		{id: "proxy-filter", name: "that returns mail without postseal", main: []string{"mua_milters="},
			master: []string{smtpd + "/smtpd_proxy_filter=" + t.internet.Addr}, ill: inClear, service: smtpd, fix: "-PX " + smtpd + "/smtpd_proxy_filter"},
		{id: "pickup", name: "no filter", master: []string{"pickup/unix/content_filter"}, submitted: true,
			ill: inClear, service: "pickup/unix", fix: "-P 'pickup/unix/content_filter=" + t.postfix().ContentFilter + "'"},
		{id: "non-smtpd-milters", name: "with the filter", main: []string{"non_smtpd_milters=unix:postseal/postseal.sock"}, submitted: true,
			ill: t.bounced(), service: "main.cf", fix: "-X non_smtpd_milters"},
		{id: "non-smtpd-milters", name: "without the filter", main: []string{"non_smtpd_milters=unix:postseal/postseal.sock"}, master: []string{"pickup/unix/content_filter"}, submitted: true,
			also: []string{"pickup"}, ill: t.bounced(), service: "main.cf", fix: "-X non_smtpd_milters", healthy: inClear},
		{id: "non-smtpd-milters", name: "with canonical maps", main: []string{"non_smtpd_milters=unix:postseal/postseal.sock", "canonical_maps=inline:{bob@trust.example=bob@gmail.com}"}, master: []string{"pickup/unix/content_filter"}, submitted: true,
			to: "bob@trust.example", also: []string{"pickup", "alias-out"}, ill: t.bounced(), service: "main.cf", fix: "-X non_smtpd_milters", healthy: inClear},
	} {
		t.Run(i.id+" "+i.name, func(t *T) {
			i.fix = strings.ReplaceAll(i.fix, "$DIR", filepath.Join(t.mta.Directory(), "etc"))
			t.cure(i)
		})
	}
}
