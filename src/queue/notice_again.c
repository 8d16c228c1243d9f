/* SPDX-License-Identifier: BSD-2-Clause */
/* A notice once more, in 7 bits: for a hop that does not take the original which it returns. */
#include "queue/notice_again.h"

#include "queue/notice_original.h"

#include <stdint.h>
#include <string.h>

bool
notice_again_is_due(const struct record *notice, const struct recipient *recipient)
{
	/* 5.6.3 without a code: relay has not even asked the hop. */
	return notice->parent[0] && !notice->envelope.sender[0] &&
		notice->envelope.body_kind == BODY_8BITMIME &&
		recipient->stage == RECIPIENT_FAILED && !recipient->code && recipient->enhanced &&
		strcmp(recipient->enhanced, "5.6.3") == 0;
}

/* What stands behind the mark; empty if there is none. */
static struct span
behind(struct span text, struct span mark)
{
	const char *found = memmem(text.start, text.length, mark.start, mark.length);
	return found ? span_from(text, (size_t)(found - text.start) + mark.length) : SPAN_EMPTY;
}

/* No field from elsewhere has a line like this: those that a notice has are unfolded. */
static struct span
boundary_of(const struct parcel *notice)
{
	struct span rest = behind(parcel_header(notice), SPAN_LITERAL(";\r\n boundary=\""));
	return span_first(rest, span_find(rest, '"'));
}

/* The body up to the original, and its header; false if there is none in 8 bits. */
static bool
add_body(struct buf *to, const struct parcel *notice)
{
	struct span boundary = boundary_of(notice);
	struct span body = parcel_body(notice);
	struct buf mark = BUF_INIT(0);
	buf_printf(&mark,
		"--%.*s\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
		SPAN_PRINT(boundary));
	struct span rest = behind(body, buf_span(&mark));
	bool found = boundary.length && rest.length;
	if (found) {
		buf_add_span(to,
			span_first(body, body.length - rest.length - buf_length(&mark)));
		buf_printf(to, "--%.*s\r\nContent-Type: text/rfc822-headers\r\n\r\n",
			SPAN_PRINT(boundary));
		notice_original_add_header(to, rest, false, SIZE_MAX);
		buf_printf(to, "\r\n--%.*s--\r\n", SPAN_PRINT(boundary));
	}
	buf_fini(&mark);
	return found;
}

struct parcel *
notice_again_make(const struct parcel *notice, int64_t now_ms)
{
	struct buf body = BUF_INIT(MESSAGE_NOTICE_MAX_BYTES);
	struct parcel *again = NULL;
	if (add_body(&body, notice) && !body.overflow) {
		char id[MESSAGE_ID_MAX_BYTES + 1];
		const char *suffix = strrchr(notice->record.id, '.');
		/* Its own letter twice: no other notice about a notice has that. */
		notice_make_id(notice, suffix ? suffix[1] : 'F', 0, id);
		again = parcel_new(buf_length(&body) + parcel_header(notice).length);
		notice_set_record(again, id, notice->record.parent,
			notice->record.envelope.recipients[0].path, false);
		parcel_seal(again, parcel_header(notice), buf_span(&body), now_ms);
	}
	buf_fini(&body);
	return again;
}
