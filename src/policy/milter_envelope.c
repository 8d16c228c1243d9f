/* SPDX-License-Identifier: BSD-2-Clause */
/* The envelope of a message while one filter changes it. */
#include "policy/milter_envelope.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "policy/rights.h"
#include "wire/smtp_parameter.h"

enum { REFUSED_LOGGED_MAX = 20 }; /* of one filter and message; the rest is but counted */

void
milter_envelope_init(struct milter_envelope *envelope, struct mail *mail, const char *filter,
	size_t more, struct arena *scratch)
{
	const struct settings_milter *settings =
		settings_find_milter(mail->session->settings, filter);
	size_t count = mail->recipient_count;

	*envelope = (struct milter_envelope){ .mail = mail,
		.filter = filter,
		.trusted = settings && settings->change_envelope,
		.sender = mail->sender,
		.allowed_sender = mail->allowed_sender,
		.envid = mail->envid,
		.ret = mail->ret,
		.recipients = arena_alloc(scratch, (count + more) * sizeof *envelope->recipients),
		.count = count };
	if (count)
		memcpy(envelope->recipients, mail->recipients, count * sizeof *mail->recipients);
}

/* ---- what is passed over --------------------------------------------------------------------- */

static const char *
name_of(enum milter_answer what)
{
	if (what == MILTER_CHANGE_SENDER)
		return "sender";
	return what == MILTER_DELETE_RCPT ? "delete-recipient" : "add-recipient";
}

static void
pass_over(struct milter_envelope *envelope, enum milter_answer what, struct span text,
	const char *why)
{
	if (envelope->refused++ < REFUSED_LOGGED_MAX)
		log_event(EV_MILTER_PASSED_OVER, kv_str("sid", envelope->mail->session->id),
			kv_str("id", envelope->mail->id), kv_str("filter", envelope->filter),
			kv_str("change", name_of(what)), kv_span("value", text),
			kv_str("reason", why));
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* With brackets or without. */
static bool
parse_path(const struct milter_envelope *envelope, struct span text, struct address *address_out)
{
	char path[ADDRESS_TEXT_SIZE + 2];
	unsigned flags = envelope->mail->smtputf8 ? ADDRESS_UTF8 : 0;
	struct span rest;

	if (text.length == 0 || text.length > ADDRESS_TEXT_MAX_BYTES + 2)
		return false;
	if (!span_starts(text, "<")) {
		if (text.length > ADDRESS_TEXT_MAX_BYTES)
			return false;
		text = span_of(path, (size_t)snprintf(path, sizeof path, "<%.*s>",
			SPAN_PRINT(text)));
	}
	return address_parse_path(text, flags, address_out, &rest) == ADDRESS_OK &&
	       rest.length == 0;
}

/* As it stands in the envelope; why not, if it cannot be there. */
static const char *
find_fault(const struct milter_envelope *envelope, enum milter_answer what, struct span text,
	char to[ADDRESS_TEXT_SIZE])
{
	struct address address;

	if (!parse_path(envelope, text, &address))
		return "not an address";
	if (address.kind == (what == MILTER_CHANGE_SENDER ? ADDRESS_BARE : ADDRESS_NULL))
		return "not an address";
	if ((address.kind == ADDRESS_MAILBOX || address.kind == ADDRESS_LITERAL) &&
		!address_is_qualified(&address) &&
		!settings_is_authoritative(
			envelope->mail->session->settings, address_domain(&address)))
		return "its domain is not fully qualified";
	address_format(&address, to);
	return NULL;
}

static void
note(char list[MILTER_ENVELOPE_LIST_SIZE], const char *path)
{
	size_t used = strlen(list);

	snprintf(list + used, MILTER_ENVELOPE_LIST_SIZE - used, "%s%s", used ? " " : "", path);
}

/* ---- parameters ------------------------------------------------------------------------------ */

/* What the parameters of DSN say; no other counts. */
struct dsn {
	struct smtp_mail mail;
	struct smtp_rcpt rcpt;
};

/* One, with a blank in front. Nothing of it is left in dsn if it is malformed. */
static bool
read_one(struct span text, bool of_mail, bool utf8, struct dsn *dsn)
{
	struct dsn next = *dsn;
	struct smtp_reply reply;

	if (of_mail ? !smtp_parameter_parse_mail(text, SMTP_OFFER_DSN, &next.mail, &reply)
		    : !smtp_parameter_parse_rcpt(text, SMTP_OFFER_DSN, utf8, &next.rcpt, &reply))
		return false;
	*dsn = next;
	return true;
}

/* Each by itself, so that one that does not count does not take the others away. */
static struct dsn
read_parameters(struct milter_envelope *envelope, enum milter_answer what, struct span parameters)
{
	const struct mail *mail = envelope->mail;
	struct dsn dsn = { .mail = { .ret = SMTP_RET_UNSAID } };
	struct span rest = span_text(
		arena_printf(mail->arena, " %.*s", SPAN_PRINT(parameters)));

	while (rest.length) {
		struct span one = span_first(rest, 1 + span_find(span_from(rest, 1), ' '));

		rest = span_from(rest, one.length);
		if (one.length > 1 && !read_one(one, what == MILTER_CHANGE_SENDER, mail->smtputf8, &dsn))
			pass_over(envelope, what, span_from(one, 1), "no parameter that counts here");
	}
	return dsn;
}

/* ---- recipients ------------------------------------------------------------------------------ */

static size_t
find_recipient(const struct milter_envelope *envelope, const char *path)
{
	size_t at = 0;

	while (at < envelope->count && strcmp(envelope->recipients[at].path, path) != 0)
		at++;
	return at;
}

static void
delete_recipient(struct milter_envelope *envelope, const char *path)
{
	size_t at = find_recipient(envelope, path);

	if (at == envelope->count)
		return;
	envelope->count--;
	memmove(envelope->recipients + at, envelope->recipients + at + 1,
		(envelope->count - at) * sizeof *envelope->recipients);
	envelope->deleted++;
	note(envelope->deleted_list, path);
}

static void
add_recipient(struct milter_envelope *envelope, enum milter_answer what,
	const struct milter_path *path, const char *to)
{
	struct mail *mail = envelope->mail;
	bool named = rights_check_recipient(mail->session, to).kind == VERDICT_CONTINUE;
	struct dsn dsn;

	if (find_recipient(envelope, to) < envelope->count)
		return;
	if (!named && !envelope->trusted) {
		pass_over(envelope, what, path->path, "the client may not send to it");
		return;
	}
	dsn = read_parameters(envelope, what, path->parameters);
	envelope->recipients[envelope->count++] = (struct mail_recipient){
		.path = arena_strdup(mail->arena, to),
		.orcpt = arena_strndup(mail->arena, dsn.rcpt.orcpt.start, dsn.rcpt.orcpt.length),
		.notify = (uint8_t)dsn.rcpt.notify,
		.parameters = "",
		.added = !named,
	};
	envelope->added++;
	note(envelope->added_list, to);
}

/* ---- the sender ------------------------------------------------------------------------------ */

static void
change_sender(struct milter_envelope *envelope, const struct milter_path *path, const char *sender)
{
	struct mail *mail = envelope->mail;
	bool named = rights_check_sender(mail->session, sender).kind == VERDICT_CONTINUE;
	struct dsn dsn;

	if (!named && !envelope->trusted) {
		pass_over(envelope, MILTER_CHANGE_SENDER, path->path,
			"the client may not send as it");
		return;
	}
	dsn = read_parameters(envelope, MILTER_CHANGE_SENDER, path->parameters);
	if (named)
		envelope->allowed_sender = NULL;
	else if (!envelope->allowed_sender)
		envelope->allowed_sender = envelope->sender;
	envelope->sender = arena_strdup(mail->arena, sender);
	envelope->changed_sender = true;
	if (dsn.mail.ret != SMTP_RET_UNSAID)
		envelope->ret = (uint8_t)dsn.mail.ret;
	if (dsn.mail.envid.length)
		envelope->envid = arena_strndup(
			mail->arena, dsn.mail.envid.start, dsn.mail.envid.length);
}

/* ---- all of them ----------------------------------------------------------------------------- */

void
milter_envelope_change(struct milter_envelope *envelope, enum milter_answer what,
	const struct milter_path *path)
{
	char text[ADDRESS_TEXT_SIZE];
	const char *fault = find_fault(envelope, what, path->path, text);

	if (fault)
		pass_over(envelope, what, path->path, fault);
	else if (what == MILTER_CHANGE_SENDER)
		change_sender(envelope, path, text);
	else if (what == MILTER_DELETE_RCPT)
		delete_recipient(envelope, text);
	else
		add_recipient(envelope, what, path, text);
}

void
milter_envelope_put(const struct milter_envelope *envelope)
{
	struct mail *mail = envelope->mail;

	mail->sender = envelope->sender;
	mail->allowed_sender = envelope->allowed_sender;
	mail->envid = envelope->envid;
	mail->ret = envelope->ret;
	mail->recipients = arena_dup(mail->arena, envelope->recipients,
		envelope->count * sizeof *mail->recipients);
	mail->recipient_count = mail->recipient_room = envelope->count;
}
