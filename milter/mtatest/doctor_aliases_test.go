package mtatest_test

import (
	"os"
	"path/filepath"
	"testing"
)

// setting returns a function that changes a setting, for illness.mend.
func setting(args ...string) func(*T, doctorFinding) {
	return func(t *T, _ doctorFinding) { t.postconf(args...) }
}

func TestDoctorRewrites(tt *testing.T) {
	t := on(tt, changed)
	out, inside := arrived{direct: []string{"bob@gmail.com: [secure] x"}}, arrived{direct: []string{"a@nhs.net: [secure] x"}}
	elsewhere := arrived{direct: []string{"eve@gmail.com: [secure] x"}}
	for _, i := range []illness{
		{id: "alias-out", name: "virtual", main: []string{"virtual_alias_maps=inline:{team@trust.example=bob@gmail.com}"}, to: "team@trust.example",
			ill: out, service: "main.cf", fix: "in virtual_alias_maps of main.cf", mend: setting("-e", "virtual_alias_maps=inline:{team@trust.example=a@nhs.net}"), healthy: inside},
		{id: "alias-out", name: "canonical", main: []string{"canonical_maps=regexp:{ { /^team@trust.example$$/ bob@gmail.com } }"}, to: "team@trust.example",
			ill: out, service: "main.cf", fix: "in canonical_maps of main.cf", mend: setting("-e", "canonical_maps=regexp:{ { /^team@trust.example$$/ a@nhs.net } }"), healthy: inside},
		{id: "alias-relay-domain", name: "pattern without an end", main: []string{`virtual_alias_maps=regexp:{ { /^bob@gmail\.com/ eve@gmail.com } }`},
			ill: elsewhere, service: "main.cf", fix: `$$1 } }, regexp:{ {`},
		{id: "alias-relay-domain", name: "row", main: []string{"canonical_maps=inline:{bob@gmail.com.encrypt.invalid=eve@gmail.com}"},
			ill: elsewhere, service: "main.cf", fix: `-e 'canonical_maps = regexp:`},
		{id: "alias-relay-domain", name: "catch-all", main: []string{"recipient_canonical_maps=static:a@nhs.net"},
			ill: inside, service: "main.cf", fix: `-e 'recipient_canonical_maps = regexp:`},
		{id: "alias-relay-domain", name: "domain", main: []string{`virtual_alias_maps=regexp:{ { /^(.*\.encrypt\.invalid)$$/ $$1 } }`},
			ill: t.bounced(), service: "main.cf", fix: "name only your own domains in virtual_alias_domains", mend: setting("-e", "virtual_alias_domains=")},
		{id: "alias-relay-domain", name: "masquerade", main: []string{"masquerade_domains=invalid", "masquerade_classes=envelope_recipient"},
			ill: arrived{direct: []string{"bob@invalid: [secure] x"}}, service: "main.cf", fix: "-e 'masquerade_domains = !encrypt.invalid, invalid'"},
	} {
		t.Run(i.id+" "+i.name, func(t *T) { t.cure(i) })
	}
}

func TestDoctorAliases(tt *testing.T) {
	t := on(tt, changed)
	t.change("master.cf", "-M", "local/unix=local unix - n n - - local")
	t.settings("local_transport=local:")
	table := filepath.Join(t.mta.Directory(), "aliases")
	write := func(t *T, name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(t, table, "team: \"|cat >/dev/null\", :include:"+table+".list\nnull: /dev/null\n")
	write(t, table+".list", "# those on call\nbob@gmail.com, a@nhs.net\n")
	if err := t.postfix().Run("postalias", "hash:"+table); err != nil {
		t.Fatal(err)
	}
	outside := "smtp:[mx.example.org]" + t.internet.Addr[len("127.0.0.1"):]
	arrives := func(to ...string) (a arrived) {
		for _, to := range to {
			a.direct = append(a.direct, to+": [secure] x")
		}
		return a
	}
	nothing := arrived{direct: []string{}} // the bounce has no user either
	for _, i := range []illness{
		{id: "alias-out", name: "aliases", main: []string{"alias_maps=hash:" + table},
			ill: arrives("bob@gmail.com", "a@nhs.net"), service: "main.cf", fix: "/aliases, then run postalias -c ",
			mend: func(t *T, _ doctorFinding) { write(t, table+".list", "a@nhs.net\n") }, healthy: arrives("a@nhs.net")},
		{id: "alias-out", name: "luser_relay", main: []string{"luser_relay=$user@example.org"},
			ill: arrives("team@example.org"), service: "main.cf", fix: "-X luser_relay", healthy: nothing},
		{id: "alias-out", name: "mailbox_transport", main: []string{"mailbox_transport=" + outside},
			ill: arrives("team@trust.example"), service: "main.cf", fix: "-X mailbox_transport", healthy: nothing},
		{id: "alias-out", name: "fallback_transport", main: []string{"fallback_transport=" + outside},
			ill: arrives("team@trust.example"), service: "main.cf", fix: "-X fallback_transport", healthy: nothing},
		{id: "alias-out", name: "fallback_transport_maps", main: []string{"fallback_transport_maps=inline:{team=" + outside + "}"},
			ill: arrives("team@trust.example"), service: "main.cf", fix: "in fallback_transport_maps of main.cf", mend: setting("-X", "fallback_transport_maps"), healthy: nothing},
	} {
		i.to = "team@trust.example"
		t.Run(i.id+" "+i.name, func(t *T) { t.cure(i) })
	}
}
