dnl postseal: include this file in /etc/mail/sendmail.mc, as the last line
dnl before the MAILER lines. README.md beside it says what each part is for.
dnl
dnl The filter. F=T: while postseal is down, mail waits at its client.
INPUT_MAIL_FILTER(`postseal', `S=local:/run/postseal/postseal.sock, F=T, T=S:30s;R:30s;E:5m')dnl
dnl
dnl While the relay is down, Sendmail would send sealed mail there, in clear.
ifdef(`confFALLBACK_SMARTHOST', `errprint(`postseal.m4: confFALLBACK_SMARTHOST is left out: it would get sealed mail in clear
')undefine(`confFALLBACK_SMARTHOST')')dnl
dnl
dnl The port of the encryption relay, as in `TCP $h 587'.
ifdef(`ENCRYPT_MAILER_ARGS',, `define(`ENCRYPT_MAILER_ARGS', `TCP $h')')dnl
dnl
LOCAL_CONFIG
# Names that end in this label are canonical. Otherwise Sendmail would complete
# them with a domain of the resolver's search list that has a wildcard in DNS,
# and send sealed mail there, in clear.
CPinvalid
# Mail on the leg to the encryption relay bears this field, and no other does:
# Y is a flag of that mailer alone.
H?Y?X-Postseal-Relay: encrypt

MAILER_DEFINITIONS
# The leg to the encryption relay: the mailer esmtp, with recipients restored.
# While the relay is down, mail waits for it.
Mencrypt,	P=[IPC], F=mDFMuXaY, S=EnvFromSMTP/HdrFromSMTP, E=\r\n, L=990,
		R=EnvToEncrypt/ifdef(`_ALL_MASQUERADE_', `HdrFromSMTP', `EnvToSMTP'),
		T=DNS/RFC822/SMTP,
		A=ENCRYPT_MAILER_ARGS

# bob@example.org.encrypt.invalid becomes bob@example.org.
SEnvToEncrypt
R$+ < @ $+ . encrypt.invalid . >	$: $1 < @ $2 . >
R$+ < @ $+ . encrypt.invalid >	$: $1 < @ $2 >
R$*			$: $>EnvToSMTP $1
