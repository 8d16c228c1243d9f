/* SPDX-License-Identifier: BSD-2-Clause */
/* What DATA has read: header, body, and how it ended. */
#ifndef UNIT_SMTP_CONTENT_H
#define UNIT_SMTP_CONTENT_H

#include "base/buffer.h"
#include "unit.h"
#include "wire/smtp_data.h"

struct content {
	struct buf header;
	struct buf body;
	bool ended;
	bool in_body;
	enum smtp_data_fault fault;
	size_t used;          /* input bytes up to behind the end */
	size_t longest;
	uint64_t size;
};

static inline void
content_fini(struct content *content)
{
	buf_fini(&content->header);
	buf_fini(&content->body);
}

/* What the machine says, fed with pieces of this size. */
static inline struct content
run_data(struct span in, enum smtp_newline newline, size_t step)
{
	struct content content = { .ended = false };
	struct smtp_data data;
	enum smtp_data_event event = SMTP_DATA_MORE;

	smtp_data_init(&data, newline);
	while (content.used < in.length && event != SMTP_DATA_END) {
		struct span rest = span_first(span_from(in, content.used), step);
		size_t before = rest.length;
		struct span piece;

		while ((event = smtp_data_next(&data, &rest, &piece)) == SMTP_DATA_HEADER ||
			event == SMTP_DATA_BODY) {
			assert_true(piece.length > 0);
			buf_add_span(
				event == SMTP_DATA_HEADER ? &content.header : &content.body, piece);
		}
		content.used += before - rest.length;
	}
	content.ended = event == SMTP_DATA_END;
	content.in_body = data.in_body;
	content.fault = data.fault;
	content.longest = data.longest_line;
	content.size = data.size;
	assert_int_equal(data.received, content.used);
	return content;
}

#endif
