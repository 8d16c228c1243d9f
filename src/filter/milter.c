/* SPDX-License-Identifier: BSD-2-Clause */
/* libmilter: callbacks, replies, modifications. */
#include "filter/milter.h"

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "filter/transaction.h"

/* libmilter keeps one table of skipped steps for all connections, so every one gets the same answer. */
enum {
	WANTED_ACTIONS = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGFROM | SMFIF_QUARANTINE |
		SMFIF_SETSYMLIST,
	WANTED_STEPS = SMFIP_NOHELO | SMFIP_NORCPT | SMFIP_NODATA | SMFIP_NOBODY | SMFIP_NOUNKNOWN |
		SMFIP_NR_CONN | SMFIP_NR_HDR | SMFIP_HDR_LEADSPC,
	REPLY_MAX_BYTES = 2 * VERDICT_TEXT_MAX_BYTES,
};

/* One connection of the mail server. */
struct connection {
	unsigned long actions; /* as negotiated */
	unsigned long steps;
	char client[INET6_ADDRSTRLEN];
	struct transaction *message;
	bool judged; /* its header was */
};

static atomic_size_t messages_open;

static void
open_message(struct connection *connection)
{
	connection->message = transaction_new();
	connection->judged = false;
	atomic_fetch_add(&messages_open, 1);
}

static void
close_message(struct connection *connection)
{
	if (!connection->message)
		return;
	transaction_free(&connection->message);
	atomic_fetch_sub(&messages_open, 1);
}

/* libmilter wants the name in memory that could be written to. */
static const char *
macro(SMFICTX *context, const char *name)
{
	char copy[32];

	snprintf(copy, sizeof copy, "%s", name);
	return smfi_getsymval(context, copy);
}

static sfsistat
on_negotiate(SMFICTX *context, unsigned long actions, unsigned long steps, unsigned long unused0,
	unsigned long unused1, unsigned long *actions_out, unsigned long *steps_out,
	unsigned long *unused0_out, unsigned long *unused1_out)
{
	static const char wanted[] = "i {auth_type} {auth_authen} {auth_author} {mail_addr} "
				     "{daemon_name} {client_addr} {tls_version}";
	struct connection *connection = mem_alloc(sizeof *connection);
	char macros[sizeof wanted];

	(void)unused0;
	(void)unused1;
	connection->actions = *actions_out = actions & WANTED_ACTIONS;
	connection->steps = *steps_out = steps & WANTED_STEPS;
	*unused0_out = *unused1_out = 0;
	memcpy(macros, wanted, sizeof macros);
	if (actions & SMFIF_SETSYMLIST)
		smfi_setsymlist(context, SMFIM_ENVFROM, macros);
	smfi_setpriv(context, connection);
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *context, char *host, _SOCK_ADDR *address)
{
	struct connection *connection = smfi_getpriv(context);
	const void *bytes = NULL;

	(void)host;
	if (address && address->sa_family == AF_INET)
		bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
	else if (address && address->sa_family == AF_INET6)
		bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	if (bytes)
		inet_ntop(address->sa_family, bytes, connection->client, sizeof connection->client);
	return connection->steps & SMFIP_NR_CONN ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/* libmilter takes a percent sign for its own unless there are two of them. */
static sfsistat
refuse(SMFICTX *context, const struct verdict *verdict)
{
	char enhanced[sizeof verdict->enhanced];
	char text[REPLY_MAX_BYTES];
	char code[16];
	size_t length = 0;

	for (const char *from = verdict->text; *from; from++) {
		text[length++] = *from;
		if (*from == '%')
			text[length++] = '%';
	}
	text[length] = '\0';
	snprintf(code, sizeof code, "%u", (unsigned)verdict->code);
	memcpy(enhanced, verdict->enhanced, sizeof enhanced);
	if (smfi_setmlreply(context, code, enhanced, text, NULL) != MI_SUCCESS)
		log_event(EV_FILTER_BROKEN, kv_str("text", text));
	return verdict->kind == VERDICT_TEMPFAIL ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

/* GO_ON and CHANGE leave the message open. */
static sfsistat
answer(SMFICTX *context, struct connection *connection, enum transaction_answer said)
{
	sfsistat status = SMFIS_CONTINUE;

	switch (said) {
	case TRANSACTION_GO_ON:
	case TRANSACTION_CHANGE:
		return SMFIS_CONTINUE;
	case TRANSACTION_PASS:
		status = SMFIS_ACCEPT;
		break;
	case TRANSACTION_REFUSE:
		status = refuse(context, transaction_verdict(connection->message));
		break;
	}
	close_message(connection);
	return status;
}

static bool
has_parameter(char *const *parameters, const char *wanted)
{
	for (; *parameters; parameters++)
		if (span_is_nocase(span_text(*parameters), wanted))
			return true;
	return false;
}

static sfsistat
on_envfrom(SMFICTX *context, char **arguments)
{
	struct connection *connection = smfi_getpriv(context);
	const char *client = macro(context, "{client_addr}");
	struct transaction_facts facts = {
		.queue_id = macro(context, "i"),
		.login = macro(context, "{auth_authen}"),
		.mechanism = macro(context, "{auth_type}"),
		.client = client ? client : connection->client,
		.listener = macro(context, "{daemon_name}"),
		.sender = arguments[0],
		.smtputf8 = has_parameter(arguments + 1, "SMTPUTF8"),
	};

	close_message(connection);
	open_message(connection);
	return answer(context, connection, transaction_envelope(connection->message, &facts));
}

static sfsistat
on_header(SMFICTX *context, char *name, char *value)
{
	struct connection *connection = smfi_getpriv(context);

	if (connection->message)
		transaction_add_field(connection->message, name, value,
			connection->steps & SMFIP_HDR_LEADSPC);
	return connection->steps & SMFIP_NR_HDR ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static unsigned
able(const struct connection *connection)
{
	const unsigned long fields = SMFIF_ADDHDRS | SMFIF_CHGHDRS;

	return ((connection->actions & fields) == fields ? TRANSACTION_CHANGE_HEADER : 0) |
		(connection->actions & SMFIF_CHGFROM ? TRANSACTION_CHANGE_SENDER : 0) |
		(connection->actions & SMFIF_QUARANTINE ? TRANSACTION_HOLD : 0);
}

static sfsistat
on_eoh(SMFICTX *context)
{
	struct connection *connection = smfi_getpriv(context);

	if (!connection->message)
		return SMFIS_CONTINUE;
	connection->judged = true;
	return answer(context, connection,
		transaction_header(connection->message, macro(context, "i"), able(connection)));
}

static bool
change_field(SMFICTX *context, const struct edit *edit)
{
	struct arena *arena = arena_new(0);
	char *name = arena_strdup(arena, edit->name);
	char *value = arena_strdup(arena, edit->value);
	int status = edit->index ? smfi_chgheader(context, name, (int)edit->index, value)
				 : smfi_addheader(context, name, value);

	arena_free(&arena);
	return status == MI_SUCCESS;
}

static bool
change_sender(SMFICTX *context, const char *sender)
{
	char *path = mem_printf("<%s>", sender);
	int status = smfi_chgfrom(context, path, NULL);

	mem_free(&path);
	return status == MI_SUCCESS;
}

static bool
change(SMFICTX *context, const struct connection *connection)
{
	const struct transaction *message = connection->message;
	struct edits edits = transaction_edits(message, connection->steps & SMFIP_HDR_LEADSPC);
	unsigned needs = transaction_needs(message);
	char reason[VERDICT_TEXT_MAX_BYTES];

	for (size_t i = 0; i < edits.count; i++)
		if (!change_field(context, &edits.items[i]))
			return false;
	if (needs & TRANSACTION_CHANGE_SENDER &&
		!change_sender(context, transaction_sender(message)))
		return false;
	if (!(needs & TRANSACTION_HOLD))
		return true;
	snprintf(reason, sizeof reason, "%s", transaction_verdict(message)->text);
	return smfi_quarantine(context, reason) == MI_SUCCESS;
}

/*
 * Only messages that CHANGE was said of come here, since the server asks no more of the others; and those
 * of which it has shown neither a header nor its end.
 */
static sfsistat
on_eom(SMFICTX *context)
{
	struct connection *connection = smfi_getpriv(context);
	sfsistat status = SMFIS_CONTINUE;
	bool changed = true;

	if (connection->message && !connection->judged)
		status = on_eoh(context);
	if (status != SMFIS_CONTINUE)
		return status;

	if (connection->message) {
		changed = change(context, connection);
		close_message(connection);
	}
	if (!changed)
		log_event(EV_FILTER_BROKEN, kv_str("id", macro(context, "i")));
	return changed ? SMFIS_ACCEPT : SMFIS_TEMPFAIL;
}

static sfsistat
on_abort(SMFICTX *context)
{
	struct connection *connection = smfi_getpriv(context);

	if (connection)
		close_message(connection);
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *context)
{
	struct connection *connection = smfi_getpriv(context);

	if (connection)
		close_message(connection);
	mem_free(&connection);
	smfi_setpriv(context, NULL);
	return SMFIS_CONTINUE;
}

/* ---- the server -------------------------------------------------------------------------------- */

/* "unix:/path", "inet:PORT@HOST": as smfi_setconn(3) wants it. */
static char *
address_of(const struct endpoint *socket)
{
	if (socket->kind == ENDPOINT_UNIX)
		return mem_printf("unix:%s", socket->path);
	return mem_printf("%s:%u@%s", strchr(socket->host, ':') ? "inet6" : "inet", socket->port,
		socket->host);
}

bool
milter_listen(const struct endpoint *socket, struct fault *fault_out)
{
	static char name[] = "sallyport-milter";
	struct smfiDesc filter = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_connect = on_connect,
		.xxfi_envfrom = on_envfrom,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};
	char *address = address_of(socket);
	bool listens = smfi_setconn(address) == MI_SUCCESS && smfi_register(filter) == MI_SUCCESS &&
		smfi_opensocket(true) == MI_SUCCESS;

	mem_free(&address);
	if (!listens)
		return fault_set_errno(fault_out, "cannot listen at %s", socket->text);
	return true;
}

bool
milter_run(void)
{
	return smfi_main() == MI_SUCCESS;
}

bool
milter_is_idle(void)
{
	return atomic_load(&messages_open) == 0;
}
