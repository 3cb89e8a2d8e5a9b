/*
 * A filter on libmilter that does nothing. It receives what postseal receives if
 * no policy has findings: the client, the envelope, the header and the end of the
 * message. "nothing SOCKET" replies at every step, as a filter that sets no flags.
 * "nothing SOCKET quiet" replies only to the end of a message.
 */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int quiet;

static sfsistat step(void) { return quiet ? SMFIS_NOREPLY : SMFIS_CONTINUE; }

static sfsistat on_connect(SMFICTX *c, char *host, _SOCK_ADDR *address) { return step(); }
static sfsistat on_mail(SMFICTX *c, char **arguments) { return step(); }
static sfsistat on_rcpt(SMFICTX *c, char **arguments) { return step(); }
static sfsistat on_header(SMFICTX *c, char *name, char *value) { return step(); }
static sfsistat on_end(SMFICTX *c) { return SMFIS_CONTINUE; }

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
		.xxfi_flags = SMFIF_ADDHDRS | SMFIF_ADDRCPT | SMFIF_DELRCPT,
		.xxfi_connect = on_connect,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_eom = on_end,
		.xxfi_negotiate = negotiate,
	};

	if (argc < 2) {
		fprintf(stderr, "usage: nothing SOCKET [quiet]\n");
		return 2;
	}
	quiet = argc > 2 && strcmp(argv[2], "quiet") == 0;
	umask(0); /* Postfix runs as another user */
	if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
