/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A filter on libmilter that does what the mail tells it to: every callback, every verdict, every
 * modification. Each callback is a line on standard output.
 *
 * Envelope: a HELO name "ACTION.helo", a sender "ACTION.mail@…", recipients "ACTION.rcpt@…" and
 * "ACTION.data@…", a client 127.77.0.N (the Nth action). Content: fields "X-NAME: VERB …",
 * done in their order at the end of the message, but for the at- verbs; "\n" in them is a newline.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <libmilter/mfapi.h>

enum { ORDERS_MAX = 64, TEXT_MAX = 8192 };

static char *field_name = "X-Do";
static bool leading_space;
static bool quiet;         /* asks to be allowed no reply, and gives none */
static bool mute;          /* writes no lines */
static const char *symbols; /* asks for these macros at MAIL */

struct session {
	char *orders[ORDERS_MAX];
	size_t count;
};

__attribute__((format(printf, 1, 2))) static void
say(const char *format, ...)
{
	va_list values;

	if (mute)
		return;
	va_start(values, format);
	vprintf(format, values);
	va_end(values);
	fflush(stdout);
}

static void
forget(struct session *session)
{
	while (session->count > 0)
		free(session->orders[--session->count]);
}

/* ---- verdicts --------------------------------------------------------------------------------- */

static const char *const actions[] = { "continue", "accept", "reject", "tempfail", "discard", "skip",
	"reply", "lines", "close" };

static sfsistat
act(SMFICTX *context, const char *action)
{
	static const sfsistat plain[] = { SMFIS_CONTINUE, SMFIS_ACCEPT, SMFIS_REJECT, SMFIS_TEMPFAIL,
		SMFIS_DISCARD, SMFIS_SKIP };

	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		if (!strcmp(action, actions[i]))
			return plain[i];
	}
	if (!strcmp(action, "reply")) {
		smfi_setreply(context, "554", "5.7.9", "not this one, 100%% sure");
		return SMFIS_REJECT;
	}
	if (!strcmp(action, "lines")) {
		smfi_setmlreply(context, "451", "4.7.9", "not now", "because of this", "and of that", NULL);
		return SMFIS_TEMPFAIL;
	}
	if (!strcmp(action, "close")) {
		smfi_setreply(context, "421", "4.7.0", "go away");
		return SMFIS_TEMPFAIL;
	}
	return SMFIS_CONTINUE;
}

/* What a name "ACTION.stage…" says at this stage; SMFIS_CONTINUE if it says nothing. */
static sfsistat
named(SMFICTX *context, const char *name, const char *stage)
{
	name += *name == '<';
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		size_t length = strlen(actions[i]);

		if (!strncmp(name, actions[i], length) && name[length] == '.' &&
			!strncmp(name + length + 1, stage, strlen(stage)))
			return act(context, actions[i]);
	}
	return SMFIS_CONTINUE;
}

/* What a field "at-STAGE ACTION" says. */
static sfsistat
ordered(SMFICTX *context, const char *stage)
{
	struct session *session = smfi_getpriv(context);

	for (size_t i = 0; i < session->count; i++) {
		if (!strncmp(session->orders[i], stage, strlen(stage)))
			return act(context, session->orders[i] + strlen(stage));
	}
	return SMFIS_CONTINUE;
}

static sfsistat
unless_quiet(sfsistat verdict)
{
	return quiet && verdict == SMFIS_CONTINUE ? SMFIS_NOREPLY : verdict;
}

/* ---- callbacks -------------------------------------------------------------------------------- */

static sfsistat
on_negotiate(SMFICTX *context, unsigned long offered_actions, unsigned long offered_steps,
	unsigned long more, unsigned long still_more, unsigned long *actions_out,
	unsigned long *steps_out, unsigned long *more_out, unsigned long *still_more_out)
{
	unsigned long no_reply = SMFIP_NR_HDR | SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL |
		SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_NR_UNKN;

	(void)more;
	(void)still_more;
	*actions_out = offered_actions;
	*steps_out = offered_steps & (SMFIP_SKIP | SMFIP_RCPT_REJ);
	if (leading_space)
		*steps_out |= offered_steps & SMFIP_HDR_LEADSPC;
	if (quiet)
		*steps_out |= offered_steps & no_reply;
	*more_out = *still_more_out = 0;
	if (symbols)
		smfi_setsymlist(context, SMFIM_ENVFROM, (char *)symbols);
	say("negotiate %lx %lx\n", offered_actions, offered_steps);
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *context, char *host, _SOCK_ADDR *address)
{
	struct session *session = calloc(1, sizeof *session);
	char text[INET6_ADDRSTRLEN] = "?";
	unsigned long number = 0;

	smfi_setpriv(context, session);
	if (address && address->sa_family == AF_INET) {
		const struct sockaddr_in *from = (const struct sockaddr_in *)(const void *)address;

		inet_ntop(AF_INET, &from->sin_addr, text, sizeof text);
		if (!strncmp(text, "127.77.0.", 9))
			number = strtoul(text + 9, NULL, 10);
	}
	say("connect %s %s\n", host, text);
	if (number < sizeof actions / sizeof *actions)
		return unless_quiet(act(context, actions[number]));
	return unless_quiet(SMFIS_CONTINUE);
}

static sfsistat
on_helo(SMFICTX *context, char *name)
{
	say("helo %s\n", name);
	return unless_quiet(named(context, name, "helo"));
}

static void
say_words(const char *what, char **words)
{
	char line[TEXT_MAX] = "";
	size_t at = 0;

	for (; *words && at < sizeof line; words++)
		at += (size_t)snprintf(line + at, sizeof line - at, " %s", *words);
	say("%s%s\n", what, line);
}

static sfsistat
on_mail(SMFICTX *context, char **words)
{
	forget(smfi_getpriv(context));
	say_words("mail", words);
	return unless_quiet(named(context, words[0], "mail"));
}

static sfsistat
on_rcpt(SMFICTX *context, char **words)
{
	struct session *session = smfi_getpriv(context);
	char order[64];

	say_words("rcpt", words);
	/* DATA tells nothing by itself: what it is to be answered is written down here. */
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		snprintf(order, sizeof order, "<%s.data@", actions[i]);
		if (!strncmp(words[0], order, strlen(order)) && session->count < ORDERS_MAX) {
			snprintf(order, sizeof order, "at-data %s", actions[i]);
			session->orders[session->count++] = strdup(order);
		}
	}
	return unless_quiet(named(context, words[0], "rcpt"));
}

static sfsistat
on_data(SMFICTX *context)
{
	say("data\n");
	return unless_quiet(ordered(context, "at-data "));
}

/* A copy in which "\n" is a newline. */
static char *
order_from(const char *value)
{
	char *order = malloc(strlen(value) + 1);
	char *out = order;

	for (value += strspn(value, " \t"); *value; value++) {
		bool newline = value[0] == '\\' && value[1] == 'n';

		*out++ = newline ? '\n' : *value;
		value += newline;
	}
	*out = '\0';
	return order;
}

static sfsistat
on_header(SMFICTX *context, char *name, char *value)
{
	struct session *session = smfi_getpriv(context);
	char shown[TEXT_MAX];
	size_t at = 0;

	for (const char *byte = value; *byte && at < sizeof shown - 2; byte++) {
		shown[at++] = *byte == '\n' ? '|' : *byte;
	}
	shown[at] = '\0';
	say("header %s:%s\n", name, shown);
	if (strcasecmp(name, field_name) != 0 || session->count == ORDERS_MAX)
		return unless_quiet(SMFIS_CONTINUE);
	session->orders[session->count] = order_from(value);
	if (!strncmp(session->orders[session->count++], "at-header ", 10))
		return unless_quiet(ordered(context, "at-header "));
	return unless_quiet(SMFIS_CONTINUE);
}

static sfsistat
on_eoh(SMFICTX *context)
{
	say("eoh\n");
	return unless_quiet(ordered(context, "at-eoh "));
}

static sfsistat
on_body(SMFICTX *context, unsigned char *bytes, size_t length)
{
	(void)bytes;
	say("body %zu\n", length);
	return unless_quiet(ordered(context, "at-body "));
}

static sfsistat
on_unknown(SMFICTX *context, const char *line)
{
	const char *word = strchr(line, ' ');

	say("unknown %s\n", line);
	return unless_quiet(named(context, word ? word + 1 : line, "unknown"));
}

/* ---- the end of the message ------------------------------------------------------------------- */

static char *
word(char **rest)
{
	char *found = strsep(rest, " ");

	return found ? found : "";
}

static void
replace_body(SMFICTX *context, unsigned long bytes)
{
	static unsigned char line[80];

	memset(line, 'z', sizeof line - 2);
	memcpy(line + sizeof line - 2, "\r\n", 2);
	for (; bytes > 0; bytes -= bytes < sizeof line ? bytes : sizeof line) {
		size_t length = bytes < sizeof line ? bytes : sizeof line;

		smfi_replacebody(context, line + sizeof line - length, (int)length);
	}
}

static void
change_header(SMFICTX *context, const char *verb, char *rest)
{
	unsigned long number = 0;
	char *name;

	if (strcmp(verb, "add") != 0)
		number = strtoul(word(&rest), NULL, 10);
	name = word(&rest);
	if (!strcmp(verb, "add"))
		smfi_addheader(context, name, rest ? rest : "");
	else if (!strcmp(verb, "insert"))
		smfi_insheader(context, (int)number, name, rest ? rest : "");
	else
		smfi_chgheader(context, name, (int)number, rest);
}

static void
change_envelope(SMFICTX *context, const char *verb, char *rest)
{
	char *address = word(&rest);

	if (!strcmp(verb, "rcpt+"))
		smfi_addrcpt(context, address);
	else if (!strcmp(verb, "rcpt-par"))
		smfi_addrcpt_par(context, address, rest);
	else if (!strcmp(verb, "rcpt-"))
		smfi_delrcpt(context, address);
	else
		smfi_chgfrom(context, address, rest);
}

static void
say_macro(SMFICTX *context, const char *name)
{
	char shown[64];
	const char *value = smfi_getsymval(context, (char *)name);

	snprintf(shown, sizeof shown, "%s", name);
	say("macro %s=%s\n", shown, value ? value : "(none)");
}

static sfsistat
obey(SMFICTX *context, char *order)
{
	char *rest = order;
	const char *verb = word(&rest);

	if (!strcmp(verb, "add") || !strcmp(verb, "insert") || !strcmp(verb, "change"))
		change_header(context, verb, rest);
	else if (!strncmp(verb, "rcpt", 4) || !strcmp(verb, "from"))
		change_envelope(context, verb, rest);
	else if (!strcmp(verb, "body"))
		smfi_replacebody(context, (unsigned char *)rest, rest ? (int)strlen(rest) : 0);
	else if (!strcmp(verb, "fill"))
		replace_body(context, strtoul(word(&rest), NULL, 10));
	else if (!strcmp(verb, "quarantine"))
		smfi_quarantine(context, rest);
	else if (!strcmp(verb, "progress"))
		smfi_progress(context);
	else if (!strcmp(verb, "macro"))
		say_macro(context, word(&rest));
	else if (!strcmp(verb, "end"))
		return act(context, word(&rest));
	return SMFIS_CONTINUE;
}

static sfsistat
on_eom(SMFICTX *context)
{
	struct session *session = smfi_getpriv(context);
	sfsistat verdict = SMFIS_CONTINUE;

	for (size_t i = 0; i < session->count && verdict == SMFIS_CONTINUE; i++)
		verdict = obey(context, session->orders[i]);
	forget(session);
	say("end\n");
	return verdict;
}

static sfsistat
on_abort(SMFICTX *context)
{
	forget(smfi_getpriv(context));
	say("abort\n");
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *context)
{
	struct session *session = smfi_getpriv(context);

	/* Who only knocked has none, and no end that anybody waits for. */
	if (session) {
		forget(session);
		free(session);
		smfi_setpriv(context, NULL);
		say("close\n");
	}
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	struct smfiDesc filter = {
		.xxfi_name = "obedient",
		.xxfi_version = SMFI_VERSION,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_unknown = on_unknown,
		.xxfi_data = on_data,
		.xxfi_negotiate = on_negotiate,
	};
	char *address = NULL;
	int option;

	while ((option = getopt(argc, argv, "p:n:s:lqm")) != -1) {
		switch (option) {
		case 'p': address = optarg; break;
		case 'n': field_name = optarg; break;
		case 's': symbols = optarg; break;
		case 'l': leading_space = true; break;
		case 'q': quiet = true; break;
		case 'm': mute = true; break;
		default: return 2;
		}
	}
	if (!address || smfi_setconn(address) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS) {
		fprintf(stderr, "usage: %s -p ADDRESS [-n FIELD] [-s MACROS] [-l] [-q] [-m]\n", argv[0]);
		return 2;
	}
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
