package doctor

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPostfixAliases(t *testing.T) {
	const (
		change = "remove the row, or name an address of your own, in "
		reload = ", then run postfix reload"
		spare  = `regexp:{ { /^(.+@.+\.encrypt\.invalid)$$/ $$1 } }, `
		sealed = "x@example.org.encrypt.invalid"
	)
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte("# comment\nx@trust.example\ny@example.org, z@trust.example\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tables := map[string]map[string]string{
		"hash:/in":      {"team@trust.example": "x, y@nhs.net", "@old.trust.example": "@trust.example", "root": "x@trust.example", "bob@gmail.com": "rob@gmail.com", "@example.org": "@example.net"},
		"hash:/out":     {"team@trust.example": "x@trust.example, y@example.org", "@old.trust.example": "@example.org"},
		"hash:/sealed":  {"bob@gmail.com.encrypt.invalid": "eve@gmail.com"},
		"hash:/aliases": {"@": "@", "YP_LAST_MODIFIED": "1795955389", "in": `x, \y, "|mail z@example.org", /var/mail/z, :include:/nonexistent`},
		"static:x":      {"*": "x"},
		"proxy:ldap:/x": {},
		"hash:/open":    {"list": "x, :include:" + list, "owner-list": `"z@example.org"`},
	}
	pattern := func(pattern, result string, answers ...string) string {
		table := "regexp:{{" + pattern + " " + result + "}}"
		tables[table] = make(map[string]string)
		for i := 0; i < len(answers); i += 2 {
			tables[table][answers[i]] = answers[i+1]
		}
		return table
	}
	catchAll := pattern("/@/", "x@trust.example", sealed, "x@trust.example", "@example.org.encrypt.invalid", "x@trust.example")
	spared := pattern(`/^(.*\.encrypt\.invalid)$/`, "$1", sealed, sealed, "x@x.encrypt.invalid", "x@x.encrypt.invalid")
	for _, test := range []struct {
		name, main, master string
		want               []string
	}{
		{"as in contrib", "", "", nil},
		{"inside", "virtual_alias_maps = hash:/in\ncanonical_maps = hash:/in\ncanonical_classes = envelope_recipient", "", nil},
		{"virtual", "virtual_alias_maps = hash:/in, hash:/out", "",
			[]string{"alias-out main.cf: virtual_alias_maps = hash:/in, hash:/out: @old.trust.example @example.org, and 1 more -> " + change + "/out, then run postmap hash:/out"}},
		{"canonical for senders", "canonical_maps = hash:/out\ncanonical_classes = envelope_sender, header_sender", "", nil},
		{"canonical", "recipient_canonical_maps = hash:/out\nrecipient_canonical_classes = envelope_recipient, header_recipient", "",
			[]string{"alias-out main.cf: recipient_canonical_maps = hash:/out: @old.trust.example @example.org, and 1 more -> " + change + "/out, then run postmap hash:/out"}},
		{"a map that cannot be listed", "virtual_alias_maps = hash:/in, proxy:ldap:/x", "", []string{"alias-out main.cf: virtual_alias_maps = hash:/in, proxy:ldap:/x -> make sure that proxy:ldap:/x returns only addresses of your own"}},
		{"a pattern for an outside domain", "virtual_alias_maps = " + pattern(`/^(.+)@gmail\.com$/i`, "$1@googlemail.com"), "", nil},
		{"a pattern for an own domain", "virtual_alias_maps = " + pattern(`/^(.+)@trust\.example$/`, "$1@gmail.com"), "",
			[]string{`alias-out main.cf: virtual_alias_maps = regexp:{{/^(.+)@trust\.example$/ $1@gmail.com}}: /^(.+)@trust\.example$/ $1@gmail.com -> ` + change + "virtual_alias_maps of main.cf" + reload}},
		{"a pattern of an own domain, without an end", "virtual_alias_maps = " + pattern(`/^(.+)@trust\.example/`, "$1@mx.trust.example", "x@trust.example.encrypt.invalid", "x@mx.trust.example"), "", nil},
		{"a pattern that copies the domain", "virtual_alias_maps = " + pattern(`/^(.+)@(.+)\.old$/`, "$1@$2", "x@x.old", "x@x"), "",
			[]string{`alias-out main.cf: virtual_alias_maps = regexp:{{/^(.+)@(.+)\.old$/ $1@$2}}: /^(.+)@(.+)\.old$/ $1@$2 -> ` + change + "virtual_alias_maps of main.cf" + reload}},
		{"a pattern without a sample", "virtual_alias_maps = " + pattern(`/^([a-z]+)@(a|b)\.old$/`, "$1@$2.trust"), "",
			[]string{`alias-out main.cf: virtual_alias_maps = regexp:{{/^([a-z]+)@(a|b)\.old$/ $1@$2.trust}} -> make sure that regexp:{{/^([a-z]+)@(a|b)\.old$/ $1@$2.trust}} returns only addresses of your own`}},

		{"aliases inside", "alias_maps = hash:/aliases", "local/unix local", nil},
		{"aliases without local(8)", "alias_maps = hash:/open", "", nil},
		{"aliases", "alias_maps = hash:/aliases, hash:/open", "local/unix local",
			[]string{"alias-out main.cf: alias_maps = hash:/aliases, hash:/open: list x, :include:" + list + ", and 1 more -> " + change + "/open, then run postalias hash:/open"}},
		{"a host name that local_domains lacks", "alias_maps = inline:{ root=admin }\nmyorigin = mx.internal.example\nmydestination = mx.internal.example", "local/unix local", nil},
		{"a host name that Postfix does not deliver", "alias_maps = inline:{ root=admin }\nmyorigin = mx.internal.example", "local/unix local",
			[]string{"alias-out main.cf: alias_maps = inline:{ root=admin }: root admin -> " + change + "alias_maps of main.cf" + reload}},
		{"luser_relay inside", "luser_relay = $user@old.trust.example\nmydomain = trust.example", "local/unix local", nil},
		{"luser_relay", "luser_relay = ${user}@example.org", "local/unix local",
			[]string{"alias-out main.cf: luser_relay = ${user}@example.org -> postconf -X luser_relay && postfix reload"}},
		{"transports inside", "mailbox_transport = lmtp:unix:private/dovecot-lmtp\nfallback_transport = smtp:[10.1.2.3]\nfallback_transport_maps = inline:{ x=smtp:[mx.trust.example]:25 }", "local/unix local", nil},
		{"transports", "mailbox_transport = smtp:[192.0.2.1]:25\nfallback_transport = relay:example.org\nfallback_transport_maps = inline:{ x=smtp:[192.0.2.1] }", "local/unix local", []string{
			"alias-out main.cf: mailbox_transport = smtp:[192.0.2.1]:25 -> postconf -X mailbox_transport && postfix reload",
			"alias-out main.cf: fallback_transport = relay:example.org -> postconf -X fallback_transport && postfix reload",
			"alias-out main.cf: fallback_transport_maps = inline:{ x=smtp:[192.0.2.1] }: x smtp:[192.0.2.1] -> " + change + "fallback_transport_maps of main.cf" + reload}},

		{"a row for a sealed recipient", "virtual_alias_maps = hash:/sealed", "",
			[]string{"alias-relay-domain main.cf: virtual_alias_maps = hash:/sealed: bob@gmail.com.encrypt.invalid eve@gmail.com -> postconf -e 'virtual_alias_maps = " + spare + "hash:/sealed' && postfix reload"}},
		{"a catch-all", "virtual_alias_maps = hash:/in, " + catchAll, "",
			[]string{"alias-relay-domain main.cf: virtual_alias_maps = hash:/in, " + catchAll + ": " + sealed + " x@trust.example -> postconf -e 'virtual_alias_maps = " + spare + "hash:/in, " + catchAll + "' && postfix reload"}},
		{"a catch-all that spares the relay domain", "virtual_alias_maps = " + spared + ", " + catchAll, "", nil},
		{"a domain of sealed recipients", "virtual_alias_domains = static:x", "",
			[]string{"alias-relay-domain main.cf: virtual_alias_domains = static:x -> name only your own domains in virtual_alias_domains, then run postfix reload"}},
		{"masquerade", "masquerade_domains = trust.example, invalid\nmasquerade_classes = envelope_recipient", "",
			[]string{"alias-relay-domain main.cf: masquerade_domains = trust.example, invalid -> postconf -e 'masquerade_domains = !encrypt.invalid, trust.example, invalid' && postfix reload"}},
		{"masquerade that spares it", "masquerade_domains = !encrypt.invalid, invalid\nmasquerade_classes = envelope_recipient", "", nil},
		{"masquerade for senders", "masquerade_domains = invalid\nmasquerade_classes = envelope_sender", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := fakePostfix(contribMain+test.main, contribMaster+test.master, tables)
			wantFound(t, site(t, p, nil), postfixAliases, test.want...)
		})
	}
}

func TestKeyDomain(t *testing.T) {
	for key, want := range map[string]string{
		"":                                     "",
		"root":                                 "",
		"@Trust.example":                       "trust.example",
		"/^(.+)@gmail\\.com$/i":                "gmail.com",
		"/(@gmail\\.com)$/":                    "gmail.com",
		"/^.*@.*/":                             "",
		"/@(a|b)\\.example$/":                  "",
		"/^.*\\.encrypt\\.invalid$/":           "",
		"/^(bob)@gmail\\.com\\.x\\.invalid)$/": "gmail.com.x.invalid",
	} {
		if got := keyDomain(key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
}

func TestDefaultAliases(t *testing.T) {
	p := fakePostfix(contribMain, contribMaster+"local/unix local", map[string]map[string]string{"hash:/etc/aliases": {"root": "x@example.org"}})
	p.main["alias_maps"] = "hash:/etc/aliases, nis:mail.aliases"
	wantFound(t, site(t, p, nil), postfixAliases, "alias-out main.cf: alias_maps = hash:/etc/aliases, nis:mail.aliases: root x@example.org -> "+
		"remove the row, or name an address of your own, in /etc/aliases, then run postalias hash:/etc/aliases")
}
