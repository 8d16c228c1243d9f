/* SPDX-License-Identifier: BSD-2-Clause */
/* Content in and out: the same from any cut, never a bare line end on the wire, back as it was. */
#include "fuzz.h"

#include "base/buffer.h"
#include "wire/smtp_data.h"
#include "wire/smtp_stuffer.h"

struct content {
	struct buf header;
	struct buf body;
	struct smtp_data data;
	bool ended;
	size_t used;
};

static void
content_fini(struct content *content)
{
	buf_fini(&content->header);
	buf_fini(&content->body);
}

/* Runs the machine over one copied piece; returns the last event. */
static enum smtp_data_event
run_piece(struct content *content, struct span from)
{
	struct span copy = fuzz_copy(from);
	struct span rest = copy;
	enum smtp_data_event event;
	struct span piece;

	while ((event = smtp_data_next(&content->data, &rest, &piece)) == SMTP_DATA_HEADER ||
		event == SMTP_DATA_BODY) {
		FUZZ_CHECK(piece.length > 0);
		FUZZ_CHECK(event == SMTP_DATA_BODY || buf_length(&content->body) == 0);
		buf_add_span(event == SMTP_DATA_HEADER ? &content->header : &content->body, piece);
	}
	content->used += copy.length - rest.length;
	FUZZ_CHECK(event == SMTP_DATA_END || rest.length == 0);
	fuzz_free(copy);
	return event;
}

/* DATA if chunk is 0, else BDAT in chunks of this size; pieces of step bytes. */
static struct content
read_content(struct span in, enum smtp_newline newline, size_t chunk, size_t step)
{
	struct content content = { .ended = false };
	size_t left = in.length;

	smtp_data_init(&content.data, newline);
	while (!content.ended && (chunk || content.used < in.length)) {
		size_t size = left < chunk ? left : chunk;
		enum smtp_data_event event = SMTP_DATA_MORE;

		left -= size;
		if (chunk)
			smtp_data_chunk(&content.data, size, left == 0);
		while (event == SMTP_DATA_MORE && (chunk || content.used < in.length))
			event = run_piece(&content, span_first(span_from(in, content.used), step));
		content.ended = event == SMTP_DATA_END && (!chunk || left == 0);
	}
	return content;
}

static void
check_same(const struct content *a, const struct content *b)
{
	FUZZ_CHECK(a->ended == b->ended && a->used == b->used);
	FUZZ_CHECK(a->data.fault == b->data.fault);
	FUZZ_CHECK(a->data.received == b->data.received && a->data.received == a->used);
	if (a->data.fault != SMTP_DATA_OK)
		return;
	FUZZ_CHECK(span_equal(buf_span(&a->header), buf_span(&b->header)));
	FUZZ_CHECK(span_equal(buf_span(&a->body), buf_span(&b->body)));
	FUZZ_CHECK(a->data.in_body == b->data.in_body && a->data.has_8bit == b->data.has_8bit);
	FUZZ_CHECK(a->data.longest_line == b->data.longest_line && a->data.size == b->data.size);
}

static void
check_clean(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		FUZZ_CHECK(text.start[i] != '\0');
		FUZZ_CHECK(text.start[i] != '\n' || (i && text.start[i - 1] == '\r'));
		FUZZ_CHECK(text.start[i] != '\r' ||
			   (i + 1 < text.length && text.start[i + 1] == '\n'));
	}
}

static void
check_content(const struct content *content)
{
	struct span header = buf_span(&content->header);
	struct span body = buf_span(&content->body);
	uint64_t size = header.length + body.length + (content->data.in_body ? 2 : 0);

	if (content->data.fault != SMTP_DATA_OK || !content->ended)
		return;
	check_clean(header);
	check_clean(body);
	FUZZ_CHECK(size == content->data.size);
	FUZZ_CHECK(header.length == 0 || header.start[header.length - 1] == '\n');
	FUZZ_CHECK(body.length == 0 || body.start[body.length - 1] == '\n');
	for (size_t i = 0; i + 3 < header.length; i++)
		FUZZ_CHECK(memcmp(header.start + i, "\r\n\r\n", 4) != 0);
}

static void
stuff(struct span in, size_t step, struct buf *out)
{
	struct smtp_stuffer stuffer;

	smtp_stuffer_init(&stuffer);
	for (size_t used = 0; used < in.length; used += step) {
		struct span copy = fuzz_copy(span_first(span_from(in, used), step));
		struct span rest = copy;
		struct span piece;

		while (smtp_stuffer_next(&stuffer, &rest, &piece))
			buf_add_span(out, piece);
		FUZZ_CHECK(rest.length == 0);
		fuzz_free(copy);
	}
	buf_add_span(out, smtp_stuffer_end(&stuffer));
}

/* No line is longer than a hop must take, its extra dot aside. */
static void
check_lines(struct span wire)
{
	while (wire.length) {
		struct span line = span_cut(wire, '\n', &wire);

		FUZZ_CHECK(line.length <= 1u + SMTP_STUFFER_LINE_MAX_BYTES + 1u);
	}
}

/* Out by the stuffer, in by DATA: what BDAT gives of the same bytes, ending at the end. */
static void
check_there_and_back(struct span in, size_t step)
{
	struct buf wire = BUF_INIT(0);
	struct buf cut = BUF_INIT(0);
	struct content back;
	struct content direct;

	stuff(in, in.length + 1, &wire);
	stuff(in, step, &cut);
	FUZZ_CHECK(span_equal(buf_span(&wire), buf_span(&cut)));
	check_clean(buf_span(&wire));
	check_lines(buf_span(&wire));
	back = read_content(buf_span(&wire), SMTP_NEWLINE_REJECT, 0, buf_length(&wire));
	FUZZ_CHECK(back.ended && back.used == buf_length(&wire) && back.data.fault == SMTP_DATA_OK);
	direct = read_content(in, SMTP_NEWLINE_NORMALIZE, in.length + 1, in.length + 1);
	if (direct.data.fault == SMTP_DATA_OK &&
		direct.data.longest_line <= SMTP_STUFFER_LINE_MAX_BYTES) {
		FUZZ_CHECK(span_equal(buf_span(&back.header), buf_span(&direct.header)));
		FUZZ_CHECK(span_equal(buf_span(&back.body), buf_span(&direct.body)));
	}
	content_fini(&back);
	content_fini(&direct);
	buf_fini(&wire);
	buf_fini(&cut);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);
	unsigned steer = fuzz_take(&in);
	size_t step = 1 + steer % 16;
	enum smtp_newline newline = steer & 0x80 ? SMTP_NEWLINE_NORMALIZE : SMTP_NEWLINE_REJECT;

	for (int chunked = 0; chunked < 2; chunked++) {
		size_t all = in.length + 1;
		struct content whole = read_content(in, newline, chunked ? all : 0, all);
		struct content cut = read_content(in, newline, chunked ? 1 + steer % 7 : 0, step);

		check_same(&whole, &cut);
		check_content(&whole);
		content_fini(&whole);
		content_fini(&cut);
	}
	check_there_and_back(in, step);
	return 0;
}
