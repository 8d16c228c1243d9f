/* SPDX-License-Identifier: BSD-2-Clause */
/* What a filter is told: commands with their macros, as many at once as need no answer in between. */
#include "policy/milter_commands.h"
#include "policy/milter_macros.h"
#include "policy/milter_script_parts.h"

enum {
	BATCH_MAX_BYTES = 48 * 1024, /* of fields that wait for answers: no buffer is full by it */
	SEND_AT_BYTES = 32 * 1024,
	BODY_PIECES = 2,             /* told before an answer is waited for */
	BODY_SLACK_BYTES = 64 * 1024, /* in a new one: the cap of the message itself is said elsewhere */
};

static bool
has(const struct milter_script *script, uint32_t steps)
{
	return script->link.offer.steps & steps;
}

/* How many answers the command of a place has. */
static size_t
answers(const struct milter_script *script, enum milter_place place)
{
	return !has(script, milter_commands_at(place)->mute);
}

/* The macros go with the command, or alone if the filter does not want to hear the command. */
static bool
add_macros(struct milter_script *script, enum milter_place place,
	const struct mail_recipient *recipient, const struct verdict *refused)
{
	struct mail then = *script->mail;
	const struct milter_facts facts = {
		.session = script->session,
		.mail = place < MILTER_AT_MAIL ? NULL : &then,
		.recipient = recipient,
		.refused = refused,
	};

	then.sender = script->sender;
	return milter_macros_write(&script->link.out, milter_commands_at(place)->command,
		script->milter->settings, &script->link.offer, &facts);
}

/* ---- session and envelope -------------------------------------------------------------------- */

static bool
add_command(struct milter_script *script, enum milter_place place)
{
	struct buf *out = &script->link.out;

	if (place == MILTER_AT_CONNECT)
		return milter_commands_connect(out, script->session);
	if (place == MILTER_AT_HELO)
		return milter_commands_helo(out, script->session);
	if (place == MILTER_AT_MAIL)
		return milter_commands_mail(out, script->sender, script->mail->parameters);
	return milter_write(out, milter_commands_at(place)->command, SPAN_EMPTY);
}

static bool
tell_plain(struct milter_script *script, enum milter_place place)
{
	if (!add_macros(script, place, NULL, NULL))
		return false;
	if (has(script, milter_commands_at(place)->no))
		return true;
	script->owed += answers(script, place);
	return add_command(script, place);
}

static bool
tell_recipient(struct milter_script *script, const struct mail_recipient *recipient,
	const struct verdict *refused)
{
	if (script->skip_recipients)
		return true;
	if (!add_macros(script, MILTER_AT_RCPT, recipient, refused))
		return false;
	if (has(script, MILTER_NO_RCPT))
		return true;
	*(refused ? &script->owed_refused : &script->owed) += answers(script, MILTER_AT_RCPT);
	return milter_commands_rcpt(&script->link.out, recipient);
}

/* Those that others refused, for a filter that counts. */
static bool
tell_refused(struct milter_script *script)
{
	bool wants = has(script, MILTER_WANTS_REFUSED_RCPT) && !has(script, MILTER_NO_RCPT);
	bool told = true;

	for (; told && script->refused_at < script->refused_count; script->refused_at++) {
		const struct milter_refused *refused = &script->refused[script->refused_at];

		if (buf_length(&script->link.out) >= BATCH_MAX_BYTES)
			break;
		if (wants)
			told = tell_recipient(script, &refused->recipient, &refused->verdict);
	}
	return told;
}

/* Those accepted before, which only a new connection does not know, and the one in question. */
static bool
tell_recipients(struct milter_script *script)
{
	const struct mail_recipient *known =
		script->settled ? script->recipients : script->mail->recipients;

	if (script->recipient_at < script->recipient_end)
		return tell_recipient(script, &known[script->recipient_at++], NULL);
	if (!tell_refused(script))
		return false;
	if (script->refused_at < script->refused_count)
		return true;
	if (script->asked && !script->asked_told) {
		script->asked_told = true;
		return tell_recipient(script, script->asked, NULL);
	}
	script->at = MILTER_AT_DATA;
	return true;
}

static bool
tell_mail(struct milter_script *script)
{
	script->begun = true;
	script->recipient_at = 0;
	script->recipient_end =
		script->settled ? script->recipient_count : script->mail->recipient_count;
	return tell_plain(script, MILTER_AT_MAIL);
}

/* ---- content --------------------------------------------------------------------------------- */

/* No verdict of the filter, but of the message that it cannot be shown. */
static bool
refuse(struct milter_script *script, unsigned code, const char *enhanced, const char *text)
{
	char where[VERDICT_TEXT_MAX_BYTES];
	struct verdict verdict;

	milter_verdict_where(script->milter->settings->title, script->at, where);
	verdict = verdict_refuse(code, enhanced, where, "%s", text);
	milter_script_say_verdict(script, MILTER_SAID_OF_MESSAGE, &verdict);
	return true;
}

/* As many as may wait for their answers together, and the end of the header with the last of them. */
static bool
tell_fields(struct milter_script *script)
{
	const struct mail *mail = script->mail;
	const char *unsayable = script->field_at ? NULL : milter_commands_check(&mail->header);
	size_t batch = 0;

	if (unsayable && !has(script, MILTER_NO_HEADERS))
		return refuse(script, 554, "5.6.0", unsayable);
	if (has(script, MILTER_NO_HEADERS))
		script->field_at = mail->header.count;
	for (; script->field_at < mail->header.count; script->field_at++) {
		const struct header_field *field = &mail->header.fields[script->field_at];

		if (mail_is_trace(mail, field))
			continue;
		batch += field->whole.length;
		if (batch > BATCH_MAX_BYTES && batch > field->whole.length)
			return true;
		if (!milter_commands_field(&script->link.out, field, script->link.offer.steps))
			return false;
		script->owed_fields += answers(script, MILTER_AT_HEADER);
	}
	script->told = MILTER_AT_HEADER_END;
	script->at = MILTER_AT_BODY;
	return tell_plain(script, MILTER_AT_HEADER_END);
}

static bool
tell_body(struct milter_script *script)
{
	bool wanted = !has(script, MILTER_NO_BODY) && !script->skip_body;

	for (unsigned i = 0; wanted && i < BODY_PIECES; i++) {
		size_t size;

		if (script->body_at >= script->mail->body_length)
			break;
		if (!milter_commands_body(&script->link.out, script->mail, script->body_at, &size)) {
			/* The answer to the piece before it comes first, or it would be the next message's. */
			if (i)
				return true;
			return refuse(script, 451, "4.3.0", "The message cannot be read back");
		}
		script->body_at += size;
		script->owed += answers(script, MILTER_AT_BODY);
	}
	if (!wanted || script->body_at >= script->mail->body_length)
		script->at = MILTER_AT_END;
	return true;
}

/* What may come from here on: a new body, as large as the listener takes or as the message is. */
static void
expect_body(struct milter_script *script)
{
	uint64_t most = script->session->listener->message_size;

	if (most && most < mail_size(script->mail))
		most = mail_size(script->mail);
	script->link.body_max_bytes = most ? (size_t)most + BODY_SLACK_BYTES : SIZE_MAX;
	milter_reader_begin_body(&script->link.reader);
}

/* ---- the way --------------------------------------------------------------------------------- */

/* False if it cannot be said. */
static bool
tell_next(struct milter_script *script)
{
	enum milter_place place = script->at;

	script->told = place;
	switch (place) {
	case MILTER_AT_RCPT:
		return tell_recipients(script);
	case MILTER_AT_HEADER:
		return tell_fields(script);
	case MILTER_AT_BODY:
		return tell_body(script);
	case MILTER_AT_MAIL:
		script->at++;
		return tell_mail(script);
	case MILTER_AT_DATA:
		script->at++;
		/* To an older one even the macros of it are strange. */
		return tell_refused(script) &&
			(script->link.offer.version < 4 || tell_plain(script, place));
	case MILTER_AT_END:
		script->begun = false;
		script->at++;
		expect_body(script);
		return tell_plain(script, place);
	case MILTER_AT_CONNECT:
	case MILTER_AT_HELO:
	case MILTER_AT_HEADER_END:
	case MILTER_AT_REST:
	case MILTER_AT_UNKNOWN:
		break;
	}
	script->at++;
	return tell_plain(script, place);
}

static bool
is_there(const struct milter_script *script)
{
	if (script->goal != MILTER_AT_RCPT)
		return script->at > script->goal;
	return script->at == MILTER_AT_RCPT && script->asked_told &&
		script->recipient_at == script->recipient_end;
}

static bool
may_tell(const struct milter_script *script)
{
	return script->asking && script->link.state == MILTER_LINK_OPEN &&
		!milter_script_owes(script);
}

void
milter_script_tell(struct milter_script *script)
{
	struct milter_link *link = &script->link;

	if (may_tell(script) && !is_there(script) && !milter_link_is_quiet(link)) {
		if (milter_link_has_input(link))
			milter_script_break(script, "an answer to nothing");
		else /* It has closed, and END was not told yet: it is replaced. */
			milter_script_wait(script);
		return;
	}
	while (may_tell(script) && !is_there(script)) {
		if (milter_link_is_full(link)) {
			milter_script_wait(script);
			return;
		}
		if (!tell_next(script)) {
			milter_script_break(script, "this cannot be said in its protocol");
			return;
		}
		if (milter_script_owes(script) || buf_length(&link->out) >= SEND_AT_BYTES)
			milter_link_send(link);
	}
	if (may_tell(script))
		milter_script_say(script, MILTER_SAID_GO_ON);
	else if (milter_script_owes(script))
		milter_script_wait(script);
}
