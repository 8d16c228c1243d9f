/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies: the same from any cut of the input, text always safe; ours are read back as one. */
#include "fuzz.h"

#include "wire/octet.h"
#include "wire/smtp_reply.h"

/* Feeds pieces of this size (0: all at once) and returns how many bytes were taken. */
static enum parse
read_reply(struct smtp_reply_reader *reader, struct span in, size_t step, size_t *used_out)
{
	enum parse result = PARSE_MORE;
	size_t used = 0;

	smtp_reply_reader_init(reader);
	while (used < in.length && result == PARSE_MORE) {
		struct span piece =
			fuzz_copy(span_first(span_from(in, used), step ? step : in.length));
		struct span rest = piece;

		result = smtp_reply_reader_feed(reader, &rest);
		used += piece.length - rest.length;
		fuzz_free(piece);
	}
	*used_out = used;
	return result;
}

static void
check_reader(const struct smtp_reply_reader *reader)
{
	struct span text = buf_span(&reader->text);

	FUZZ_CHECK(reader->code >= 200 && reader->code <= 599);
	FUZZ_CHECK(reader->lines >= 1 && reader->lines <= SMTP_REPLY_IN_MAX_LINES);
	FUZZ_CHECK(text.length <= SMTP_REPLY_IN_TEXT_MAX_BYTES);
	for (size_t i = 0; i < text.length; i++)
		FUZZ_CHECK(text.start[i] == '\n' ||
			(!octet_is_control(text.start[i]) && !octet_is_8bit(text.start[i])));
	FUZZ_CHECK(reader->enhanced[0] == '\0' ||
		smtp_reply_enhanced_fits(span_text(reader->enhanced), reader->code));
}

static void
check_hop(struct span in, size_t step)
{
	struct smtp_reply_reader whole;
	struct smtp_reply_reader cut;
	size_t whole_used;
	size_t cut_used;
	enum parse result = read_reply(&whole, in, 0, &whole_used);

	FUZZ_CHECK(read_reply(&cut, in, step, &cut_used) == result);
	if (result == PARSE_DONE) {
		check_reader(&whole);
		FUZZ_CHECK(whole_used == cut_used);
		FUZZ_CHECK(whole.code == cut.code && whole.lines == cut.lines);
		FUZZ_CHECK(strcmp(whole.enhanced, cut.enhanced) == 0);
		FUZZ_CHECK(span_equal(buf_span(&whole.text), buf_span(&cut.text)));
	}
	FUZZ_CHECK(result != PARSE_MORE || whole_used == in.length);
	smtp_reply_reader_fini(&whole);
	smtp_reply_reader_fini(&cut);
}

/* Our own reply with this text: whatever it holds, it is one reply, and no line is too long. */
static void
check_own(struct span in)
{
	char *text = malloc(in.length + 1);
	struct smtp_reply reply = { .code = 550, .enhanced = "5.7.1", .text = text };
	struct smtp_reply_reader reader;
	struct buf out = BUF_INIT(0);
	struct span rest;
	enum parse result;

	memcpy(text, in.length ? in.start : "", in.length);
	text[in.length] = '\0';
	FUZZ_CHECK(smtp_reply_format(&reply, &out));
	for (rest = buf_span(&out); rest.length;)
		FUZZ_CHECK(span_cut(rest, '\n', &rest).length < SMTP_REPLY_LINE_MAX_BYTES);
	smtp_reply_reader_init(&reader);
	rest = buf_span(&out);
	result = smtp_reply_reader_feed(&reader, &rest);
	if (buf_length(&out) < 10000 && reader.lines < SMTP_REPLY_IN_MAX_LINES) {
		FUZZ_CHECK(result == PARSE_DONE && rest.length == 0);
		FUZZ_CHECK(reader.code == 550 && strcmp(reader.enhanced, "5.7.1") == 0);
	}
	smtp_reply_reader_fini(&reader);
	buf_fini(&out);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);
	size_t step = 1 + fuzz_take(&in) % 32;

	check_hop(in, step);
	check_own(in);
	return 0;
}
