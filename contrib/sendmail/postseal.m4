dnl postseal: include this file in /etc/mail/sendmail.mc, as the last line
dnl before the MAILER lines. README.md in this directory explains each part.
dnl
dnl The filter. F=T: while postseal is down, clients keep their mail.
INPUT_MAIL_FILTER(`postseal', `S=local:/run/postseal/postseal.sock, F=T, T=S:30s;R:30s;E:5m')dnl
dnl
dnl The end of sendmail.mc. m4 reads this after all lines of sendmail.mc, including
dnl those after the include, and before the m4wrap of cf.m4, which writes the
dnl options. If a check fails, the file that m4 makes has only one line. Sendmail
dnl cannot read this line, so it does not start. If you delete the line
dnl INPUT_MAIL_FILTER to uninstall postseal, the checks for the filter pass.
define(`_POSTSEAL_FAULT_', `errprint(`postseal.m4: $1
')divert(0)dnl
postseal.m4: `$1'
m4exit(1)')dnl
define(`_POSTSEAL_END_', `divert(-1)
ifdef(`_MAILER_TABLE_',, `_POSTSEAL_FAULT_(`FEATURE(mailertable) is missing: it has the route to the relay')')
divert(92)undivert(2)divert(2)undivert(92)divert(93)undivert(3)divert(3)undivert(93)divert(-1)
ifdef(`confFALLBACK_SMARTHOST', `errprint(`postseal.m4: confFALLBACK_SMARTHOST is removed: it would get diverted mail unencrypted
')undefine(`confFALLBACK_SMARTHOST')')
define(`confPRIVACY_FLAGS', defn(`confPRIVACY_FLAGS')`,nobodyreturn')
define(`_POSTSEAL_NAMED_', index(`;'translit(defn(`confINPUT_MAIL_FILTERS'), `, 	', `;')`;', `;postseal;'))
ifelse(index(defn(`_MAIL_FILTERS_'), `Xpostseal,'), `-1', `', _POSTSEAL_NAMED_, `-1',
	`_POSTSEAL_FAULT_(`confINPUT_MAIL_FILTERS does not name postseal: add it to the list')')
define(`_POSTSEAL_PORTS_', patsubst(defn(`_DPO_'), `,', `|'))
define(`_POSTSEAL_PORTS_', patsubst(defn(`_POSTSEAL_PORTS_'), `[Ii][A-Za-z]*[ 	]*=\([^|
]*[; 	]\)?postseal\([; 	|
]\|$\)'))
ifelse(index(defn(`_MAIL_FILTERS_'), `Xpostseal,'), `-1', `', regexp(defn(`_POSTSEAL_PORTS_'), `[=|][ 	]*[Ii][A-Za-z]*[ 	]*='), `-1', `',
	`_POSTSEAL_FAULT_(`InputMailFilters in a DAEMON_OPTIONS line does not name postseal: add it')')
ifelse(regexp(defn(`confDELIVERY_MODE'), `^[ 	]*[dD]')regexp(defn(`_POSTSEAL_PORTS_'), `[=|][ 	]*[Dd][A-Za-z]*[ 	]*=[ 	]*[dD]'), `-1-1', `',
	`_POSTSEAL_FAULT_(`delivery mode deferred hides CNAMEs of recipients from postseal: use background or queue-only')')
divert(0)')dnl
m4wrap(`_POSTSEAL_END_()')dnl
dnl
dnl The port of the encryption relay, as in `TCP $h 587'.
ifdef(`ENCRYPT_MAILER_ARGS',, `define(`ENCRYPT_MAILER_ARGS', `TCP $h')')dnl
dnl
dnl Rules for diverted addresses. The macro _POSTSEAL_END_ puts them before those
dnl of LOCAL_RULE_3 and LOCAL_RULE_0, wherever these are in sendmail.mc.
divert(92)dnl
# postseal: a diverted address is canonical. Otherwise Sendmail would complete it
# with a domain of the resolver's search list that has a wildcard in the DNS.
R$* < @ $+ . encrypt.invalid > $*	$@ $1 < @ $2 . encrypt.invalid . > $3
divert(93)dnl
# postseal: the mailer encrypt sends a diverted address to the host in its row of
# the mailertable. Without a row the mail stays queued for an address that no host
# has. $#error cannot be used: Sendmail loses a recipient that a filter added if
# the recipient resolves to it.
R$* < @ $+ . encrypt.invalid . > $*	$: < $(mailertable .encrypt.invalid $: $) > $1 < @ $2 . encrypt.invalid . > $3
R< encrypt : $+ > $*	$# encrypt $@ $1 $: $2
R< $* > $* < @ $+ . encrypt.invalid . > $*	$# encrypt $@ [255.255.255.255] $: $2 < @ $3 . encrypt.invalid . > $4
dnl
LOCAL_CONFIG
# Only mail for the encryption relay has this field: Y is a flag of the mailer
# encrypt, and of no other.
H?Y?X-Postseal-Relay: encrypt

MAILER_DEFINITIONS
# The delivery to the encryption relay: the mailer esmtp, with the recipients
# restored. While the relay is down, mail stays queued: with the flag 0 Sendmail
# looks up no MX records, and so does not use the fallback MX host.
Mencrypt,	P=[IPC], F=mDFMuXaY0, S=EnvFromSMTP/HdrFromSMTP, E=\r\n, L=990,
		R=EnvToEncrypt/ifdef(`_ALL_MASQUERADE_', `HdrFromSMTP', `EnvToSMTP'),
		T=DNS/RFC822/SMTP,
		A=ENCRYPT_MAILER_ARGS

# bob@example.org.encrypt.invalid becomes bob@example.org.
SEnvToEncrypt
R$+ < @ $+ . encrypt.invalid . >	$: $1 < @ $2 . >
R$+ < @ $+ . encrypt.invalid >	$: $1 < @ $2 >
R$*			$: $>EnvToSMTP $1
