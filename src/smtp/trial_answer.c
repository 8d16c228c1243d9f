/* SPDX-License-Identifier: BSD-2-Clause */
/* What a filter says, in a line for people. */
#include "smtp/trial_answer.h"

#include <stdio.h>

#include "wire/milter_answer.h"

static bool
add_refusal(struct buf *line, struct span payload, struct arena *arena)
{
	struct milter_refusal refusal;

	return milter_refusal_parse(payload, arena, &refusal) &&
		buf_printf(line, "%u %s %s", refusal.code, refusal.enhanced, refusal.text);
}

static bool
add_field(struct buf *line, struct span payload, bool indexed, struct arena *arena)
{
	struct milter_field field;

	if (!milter_field_parse(payload, indexed, arena, &field, NULL))
		return false;
	if (indexed)
		buf_printf(line, "%u ", field.index);
	return buf_printf(line, "%.*s: %.*s", SPAN_PRINT(field.name),
		SPAN_PRINT(span_trim(field.value)));
}

static bool
add_path(struct buf *line, struct span payload)
{
	struct milter_path path;

	return milter_path_parse(payload, &path) &&
		buf_printf(line, "%.*s%s%.*s", SPAN_PRINT(path.path),
			path.parameters.length ? " " : "", SPAN_PRINT(path.parameters));
}

static bool
add_reason(struct buf *line, struct span payload)
{
	char reason[TRIAL_ANSWER_SIZE];

	milter_reason_format(payload, reason, sizeof reason);
	return buf_printf(line, "%s", reason);
}

static bool
add_text(struct buf *line, const struct milter_packet *packet, size_t body_bytes,
	struct arena *arena)
{
	switch (packet->answer) {
	case MILTER_REPLY:
		return add_refusal(line, packet->payload, arena);
	case MILTER_ADD_HEADER:
		return add_field(line, packet->payload, false, arena);
	case MILTER_INSERT_HEADER:
	case MILTER_CHANGE_HEADER:
		return add_field(line, packet->payload, true, arena);
	case MILTER_ADD_RCPT:
	case MILTER_ADD_RCPT_WITH:
	case MILTER_DELETE_RCPT:
	case MILTER_CHANGE_SENDER:
		return add_path(line, packet->payload);
	case MILTER_QUARANTINE:
		return add_reason(line, packet->payload);
	case MILTER_REPLACE_BODY:
		return buf_printf(line, "%zu bytes", body_bytes);
	case MILTER_SHUTDOWN:
	case MILTER_ACCEPT:
	case MILTER_CONTINUE:
	case MILTER_DISCARD:
	case MILTER_PROGRESS:
	case MILTER_REJECT:
	case MILTER_SKIP:
	case MILTER_TEMPFAIL:
		break;
	}
	return true;
}

void
trial_answer_format(const struct milter_packet *packet, size_t body_bytes,
	char to[TRIAL_ANSWER_SIZE])
{
	struct arena *arena = arena_new(0);
	struct buf line = BUF_INIT(0);

	if (!add_text(&line, packet, body_bytes, arena))
		snprintf(to, TRIAL_ANSWER_SIZE, "malformed");
	else if (packet->answer == MILTER_REPLY || packet->answer == MILTER_QUARANTINE)
		text_flatten(buf_span(&line), to, TRIAL_ANSWER_SIZE); /* printable already */
	else
		text_escape(buf_span(&line), to, TRIAL_ANSWER_SIZE);
	buf_fini(&line);
	arena_free(&arena);
}
