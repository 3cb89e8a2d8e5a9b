dnl postseal: include this file in /etc/mail/sendmail.mc, after the other
dnl INPUT_MAIL_FILTER lines and before the MAILER lines. README.md beside it
dnl says what each part is for.
dnl
dnl The filter. F=T: while postseal is down, mail waits at its client.
INPUT_MAIL_FILTER(`postseal', `S=local:/run/postseal/postseal.sock, F=T, T=S:30s;R:30s;E:5m')dnl
dnl
dnl The port of the encryption relay, as in `TCP $h 587'.
ifdef(`ENCRYPT_MAILER_ARGS',, `define(`ENCRYPT_MAILER_ARGS', `TCP $h')')dnl
dnl
LOCAL_CONFIG
# Only mail on the leg to the encryption relay bears this field: Y is a flag
# of that mailer alone.
H?Y?X-Postseal-Relay: encrypt

MAILER_DEFINITIONS
# The leg to the encryption relay: the mailer esmtp, with recipients restored.
# While the relay is down, mail waits for it.
Mencrypt,	P=[IPC], F=mDFMuXaY, S=EnvFromSMTP/HdrFromSMTP, R=EnvToEncrypt/HdrFromSMTP, E=\r\n, L=990,
		T=DNS/RFC822/SMTP,
		A=ENCRYPT_MAILER_ARGS

# bob@example.org.encrypt.invalid becomes bob@example.org.
SEnvToEncrypt
R$+ < @ $+ . encrypt.invalid . >	$: $1 < @ $2 . >
R$+ < @ $+ . encrypt.invalid >	$: $1 < @ $2 >
R$*			$: $>EnvToSMTP $1
