/* SPDX-License-Identifier: BSD-2-Clause */
/* One message in the making. */
#include "policy/mail.h"

#include <string.h>

enum {
	MAIL_ARENA_BYTES = 1024,
	MAIL_RECIPIENTS_FIRST = 4,
	/* In memory beyond this a body goes to a file; the cap leaves room for the last piece. */
	MAIL_BODY_MAX_BYTES = 256 * 1024,
};

struct mail *
mail_new(const struct mail_session *session, const char *id, int64_t now_ms)
{
	struct arena *arena = arena_new(MAIL_ARENA_BYTES);
	struct mail *mail = arena_alloc(arena, sizeof *mail);

	mail->arena = arena;
	mail->session = session;
	mail->id = arena_strdup(arena, id);
	mail->now_ms = now_ms;
	mail->sender = mail->envid = mail->parameters = mail->hold_reason = "";
	buf_init(&mail->header_block, HEADER_MAX_BYTES);
	header_init(&mail->header, arena);
	buf_init(&mail->body, MAIL_BODY_MAX_BYTES);
	mail->body_fd = -1;
	return mail;
}

void
mail_free(struct mail **mail)
{
	struct arena *arena;

	if (!*mail)
		return;
	arena = (*mail)->arena;
	buf_fini(&(*mail)->header_block);
	buf_fini(&(*mail)->body);
	arena_free(&arena);
	*mail = NULL;
}

bool
mail_parse_header(struct mail *mail, bool submitted, struct fault *fault_out)
{
	unsigned rules = mail->smtputf8 ? HEADER_UTF8 : 0;

	if (!submitted)
		rules |= HEADER_RAW;
	else if (mail->session->listener->lenient)
		rules |= HEADER_8BIT;
	return header_parse(buf_span(&mail->header_block), rules, mail->arena, &mail->header,
		fault_out);
}

struct verdict
mail_judge_header(struct mail *mail, bool submitted)
{
	struct fault fault = FAULT_INIT;

	if (mail_parse_header(mail, submitted, &fault))
		return VERDICT_PASS;
	return fault.kind == FAULT_LIMIT
		? verdict_refuse(552, "5.3.4", "header size", "%s", fault.text)
		: verdict_refuse(554, "5.6.0", "header grammar", "%s", fault.text);
}

struct mail_recipient *
mail_add_recipient(struct mail *mail, const char *path, const char *orcpt, uint8_t notify)
{
	struct mail_recipient *added;

	if (mail->recipient_count == mail->recipient_room) {
		size_t room = mail->recipient_room ? mail->recipient_room * 2
						   : MAIL_RECIPIENTS_FIRST;
		struct mail_recipient *more = arena_alloc(mail->arena, room * sizeof *more);

		if (mail->recipient_count)
			memcpy(more, mail->recipients, mail->recipient_count * sizeof *more);
		mail->recipients = more;
		mail->recipient_room = room;
	}
	added = &mail->recipients[mail->recipient_count++];
	*added = (struct mail_recipient){
		.path = arena_strdup(mail->arena, path),
		.orcpt = arena_strdup(mail->arena, orcpt),
		.notify = notify,
		.parameters = "",
	};
	return added;
}

bool
mail_is_trace(const struct mail *mail, const struct header_field *field)
{
	return mail->trace && field->whole.start == mail->trace;
}

uint64_t
mail_size(const struct mail *mail)
{
	return mail->header.bytes + 2 + mail->body_length;
}
