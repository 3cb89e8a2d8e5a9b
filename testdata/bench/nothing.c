/*
 * Filters on libmilter that decide nothing. They receive what postseal receives if
 * no policy has findings: the client, the envelope, the header and the end of the
 * message. They show how much of a filter's cost is libmilter's and the MTA's.
 *
 * "nothing SOCKET" changes nothing, and replies at every step, as a filter that sets
 * no flags. "nothing SOCKET quiet" replies only to the end of a message. "nothing
 * SOCKET tag" adds a field to each message. "nothing SOCKET divert" sends all
 * recipients through the relay and marks the subject, with postseal's own edits.
 */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static int quiet, tag, divert;

/* message is what "divert" keeps of a message. */
struct message {
	char **to;
	size_t count, room;
	char *subject;
};

static void forget(struct message *m)
{
	while (m->count > 0)
		free(m->to[--m->count]);
	free(m->subject);
	m->subject = NULL;
}

static sfsistat step(void) { return quiet ? SMFIS_NOREPLY : SMFIS_CONTINUE; }

static sfsistat on_connect(SMFICTX *c, char *host, _SOCK_ADDR *address)
{
	if (divert && smfi_setpriv(c, calloc(1, sizeof(struct message))) != MI_SUCCESS)
		return SMFIS_TEMPFAIL;
	return step();
}

static sfsistat on_mail(SMFICTX *c, char **arguments)
{
	if (divert)
		forget(smfi_getpriv(c));
	return step();
}

static sfsistat on_rcpt(SMFICTX *c, char **arguments)
{
	if (divert) {
		struct message *m = smfi_getpriv(c);
		if (m->count == m->room) {
			m->room = m->room ? 2 * m->room : 8;
			m->to = realloc(m->to, m->room * sizeof *m->to);
		}
		m->to[m->count++] = strdup(arguments[0]);
	}
	return step();
}

static sfsistat on_header(SMFICTX *c, char *name, char *value)
{
	if (divert && strcasecmp(name, "Subject") == 0) {
		struct message *m = smfi_getpriv(c);
		free(m->subject);
		m->subject = strdup(value);
	}
	return step();
}

static sfsistat on_end(SMFICTX *c)
{
	int failed = 0;
	if (tag)
		failed |= smfi_addheader(c, "X-Postseal", "tag");
	if (divert) {
		struct message *m = smfi_getpriv(c);
		char text[1024], arguments[1024];
		for (size_t i = 0; i < m->count; i++) {
			int length = strlen(m->to[i]) - 2; /* without < and > */
			snprintf(text, sizeof text, "<%.*s.encrypt.invalid>", length, m->to[i] + 1);
			snprintf(arguments, sizeof arguments, "ORCPT=rfc822;%.*s", length, m->to[i] + 1);
			failed |= smfi_delrcpt(c, m->to[i]);
			failed |= smfi_addrcpt_par(c, text, arguments);
		}
		snprintf(text, sizeof text, "[secure] %s", m->subject ? m->subject : "");
		failed |= smfi_chgheader(c, "Subject", 1, text);
		failed |= smfi_addheader(c, "X-Postseal", "divert");
		forget(m);
	}
	return failed ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *c)
{
	struct message *m = smfi_getpriv(c);
	if (m != NULL) {
		forget(m);
		free(m->to);
		free(m);
		smfi_setpriv(c, NULL);
	}
	return SMFIS_CONTINUE;
}

static sfsistat negotiate(SMFICTX *c, unsigned long actions, unsigned long steps,
	unsigned long f2, unsigned long f3, unsigned long *our_actions,
	unsigned long *our_steps, unsigned long *our_f2, unsigned long *our_f3)
{
	*our_actions = actions;
	*our_steps = SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOEOH | SMFIP_NOBODY | SMFIP_NOUNKNOWN;
	if (quiet)
		*our_steps |= SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR;
	*our_f2 = *our_f3 = 0;
	return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
	struct smfiDesc filter = {
		.xxfi_name = "nothing",
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_ADDRCPT | SMFIF_ADDRCPT_PAR | SMFIF_DELRCPT,
		.xxfi_connect = on_connect,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_eom = on_end,
		.xxfi_close = on_close,
		.xxfi_negotiate = negotiate,
	};
	const char *kind = argc > 2 ? argv[2] : "";

	quiet = strcmp(kind, "quiet") == 0;
	tag = strcmp(kind, "tag") == 0;
	divert = strcmp(kind, "divert") == 0;
	if (argc < 2 || argc > 3 || (argc == 3 && !quiet && !tag && !divert)) {
		fprintf(stderr, "usage: nothing SOCKET [quiet|tag|divert]\n");
		return 2;
	}
	umask(0); /* Postfix runs as another user */
	if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
