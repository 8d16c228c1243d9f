/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies: ours are lines that nothing can break, a hop's are read strictly and kept safe. */
#include "unit.h"

#include "base/memory.h"
#include "wire/smtp_reply.h"

static void
check_format(unsigned code, const char *enhanced, const char *text, const char *wanted)
{
	struct smtp_reply reply = { .code = code, .enhanced = enhanced, .text = text };
	struct buf out = BUF_INIT(0);

	assert_true(smtp_reply_format(&reply, &out));
	assert_span_equal(buf_span(&out), wanted);
	buf_fini(&out);
}

static void
test_formats(void **state)
{
	(void)state;
	check_format(250, "2.1.0", "Ok", "250 2.1.0 Ok\r\n");
	check_format(220, NULL, "mail.example.org ESMTP", "220 mail.example.org ESMTP\r\n");
	check_format(250, "", "a\nSIZE 1\nHELP", "250-a\r\n250-SIZE 1\r\n250 HELP\r\n");
	check_format(550, "5.7.1", "a\nb", "550-5.7.1 a\r\n550 5.7.1 b\r\n");
	check_format(550, "5.7.1", "a\n\nb\n", "550-5.7.1 a\r\n550-5.7.1 \r\n550 5.7.1 b\r\n");
	check_format(334, NULL, "", "334 \r\n");
	check_format(250, "2.0.0", NULL, "250 2.0.0 \r\n");
}

/* H8: text from a client cannot end a line or act as another reply. */
static void
test_control_bytes_cannot_pass(void **state)
{
	struct buf out = BUF_INIT(0);

	(void)state;
	check_format(501, "5.5.4", "a\r250 ok\t\x1b\x7f\xc3\xa4", "501 5.5.4 a?250 ok?????\r\n");
	assert_true(smtp_reply_printf(&out, 501, "5.5.4", "bad word %s", "x\r"));
	assert_span_equal(buf_span(&out), "501 5.5.4 bad word x?\r\n");
	buf_fini(&out);
}

static void
check_long(const char *text, size_t length)
{
	char *longest = mem_strndup(text, length);
	struct smtp_reply reply = { .code = 550, .enhanced = "5.7.1", .text = longest };
	struct buf out = BUF_INIT(0);
	struct span rest;
	size_t letters = 0;
	size_t lines = 0;

	assert_true(smtp_reply_format(&reply, &out));
	rest = buf_span(&out);
	while (rest.length) {
		struct span line = span_cut(rest, '\n', &rest);

		assert_true(line.length + 1 <= SMTP_REPLY_LINE_MAX_BYTES);
		assert_true(span_starts(line, rest.length ? "550-5.7.1 " : "550 5.7.1 "));
		for (size_t i = 10; i < line.length; i++)
			letters += line.start[i] == 'x';
		lines++;
	}
	for (size_t i = 0; i < length; i++)
		letters -= text[i] == 'x';
	assert_int_equal(letters, 0);
	assert_true(lines > 1);
	buf_fini(&out);
	mem_free(&longest);
}

static void
test_long_lines_go_on(void **state)
{
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof text);
	check_long(text, sizeof text);
	for (size_t i = 0; i < sizeof text; i += 7)
		text[i] = ' ';
	check_long(text, sizeof text);
}

static void
test_a_challenge_is_one_line(void **state)
{
	char challenge[3001];
	struct smtp_reply reply = { .code = 334, .text = challenge };
	struct buf out = BUF_INIT(0);

	(void)state;
	memset(challenge, 'A', sizeof challenge - 1);
	challenge[sizeof challenge - 1] = '\0';
	assert_true(smtp_reply_format(&reply, &out));
	assert_int_equal(buf_length(&out), 4 + 3000 + 2);
	buf_fini(&out);
}

static void
test_a_full_buffer_is_left_alone(void **state)
{
	struct smtp_reply reply = { .code = 250, .enhanced = "2.0.0", .text = "a\nb" };
	struct buf out = BUF_INIT(20);

	(void)state;
	assert_true(buf_add_text(&out, "x"));
	assert_false(smtp_reply_format(&reply, &out));
	assert_span_equal(buf_span(&out), "x");
	buf_fini(&out);
}

static void
test_enhanced_codes(void **state)
{
	static const struct {
		const char *text;
		unsigned code;
		bool fits;
	} cases[] = {
		{ "2.0.0", 250, true },
		{ "5.7.1", 550, true },
		{ "4.123.999", 450, true },
		{ "5.0.0", 250, false },
		{ "2.0.0", 550, false },
		{ "3.0.0", 354, false },
		{ "5.7", 550, false },
		{ "5.7.", 550, false },
		{ "5..1", 550, false },
		{ "5.7.1.1", 550, false },
		{ "5.1234.1", 550, false },
		{ "5.1.1234", 550, false },
		{ "5.a.1", 550, false },
		{ "", 550, false },
		{ "55.1.1", 550, false },
		{ ".1.1", 550, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(smtp_reply_enhanced_fits(span_text(cases[i].text), cases[i].code),
			cases[i].fits);
}

struct reply_case {
	struct span in;
	enum parse result;
	unsigned code;
	const char *enhanced;
	const char *text;
	const char *rest; /* what is left of the input */
};

#define DONE(in, code, enhanced, text, rest)                                                       \
	{                                                                                          \
		SPAN_LITERAL(in), PARSE_DONE, code, enhanced, text, rest                           \
	}
#define MORE(in) { SPAN_LITERAL(in), PARSE_MORE, 0, "", "", "" }
#define BAD(in) { SPAN_LITERAL(in), PARSE_BAD, 0, "", "", "" }

/* L1 to L4 and H5 of the attack list are about what a hop may answer. */
static const struct reply_case hop_replies[] = {
	DONE("250 2.1.5 Ok\r\n", 250, "2.1.5", "Ok", ""),
	DONE("250 Ok\r\n", 250, "", "Ok", ""),
	DONE("250\r\n", 250, "", "", ""), /* CVE-2020-8794 */
	DONE("250 \r\n", 250, "", "", ""),
	DONE("354 go\r\n", 354, "", "go", ""),
	DONE("571 5.7.1 no\r\n", 571, "5.7.1", "no", ""),
	DONE("550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 user\r\n", 550, "5.1.1", "no\nsuch\nuser",
		""),
	DONE("250-a\r\n250-SIZE 100\r\n250 HELP\r\n", 250, "", "a\nSIZE 100\nHELP", ""),
	DONE("250-\r\n250\r\n", 250, "", "\n", ""),
	DONE("250 a\r\n250 b\r\n", 250, "", "a", "250 b\r\n"), /* L4: one reply at a time */
	DONE("220 ready\r\n250-SIZE 1\r\n250 AUTH PLAIN\r\n", 220, "", "ready",
		"250-SIZE 1\r\n250 AUTH PLAIN\r\n"),	     /* B20: what follows is seen */
	DONE("250 5.0.0 odd\r\n", 250, "", "5.0.0 odd", ""), /* H5: class of another kind */
	DONE("550 5.1 short\r\n", 550, "", "5.1 short", ""),
	DONE("550 5.1.1\r\n", 550, "5.1.1", "", ""),
	DONE("550 5.1.1x y\r\n", 550, "", "5.1.1x y", ""),
	DONE("550-first\r\n550 5.1.1 second\r\n", 550, "5.1.1", "first\nsecond", ""),
	DONE("550-5.1.1 first\r\n550 5.2.2 second\r\n", 550, "5.1.1", "first\nsecond", ""),
	DONE("250 \x1b[31m\x9b\0\x07\xff\\\r\n", 250, "", "\\x1b[31m\\x9b\\x00\\x07\\xff\\x5c",
		""), /* H5 */
	MORE(""),
	MORE("2"),
	MORE("250 Ok"),
	MORE("250 Ok\r"),
	MORE("250-a\r\n"),
	MORE("250-a\r\n250"),
	BAD("000 x\r\n"), /* H5 */
	BAD("199 x\r\n"),
	BAD("999 x\r\n"),
	BAD("600 x\r\n"),
	BAD("2x0 x\r\n"),
	BAD("25\r\n"),
	BAD("\r\n"),
	BAD(" 250 x\r\n"),
	BAD("x250 x\r\n"),
	BAD("2500 x\r\n"),
	BAD("250_x\r\n"),
	BAD("250\tx\r\n"),
	BAD("+OK\r\n"),
	BAD("250 a\n"),
	BAD("250-a\n250 b\r\n"),
	BAD("250 a\rb\r\n"),
	BAD("250 a\r\r\n"),
	BAD("\r250 a\r\n"),
	BAD("250-a\r\n550 b\r\n"),
	BAD("250-a\r\nb\r\n"),
};

static void
check_reply(const struct reply_case *c, size_t step)
{
	struct smtp_reply_reader reader;
	enum parse result = PARSE_MORE;
	size_t used = 0;

	smtp_reply_reader_init(&reader);
	while (used < c->in.length && result == PARSE_MORE) {
		struct span piece = span_first(span_from(c->in, used), step);
		size_t before = piece.length;

		result = smtp_reply_reader_feed(&reader, &piece);
		used += before - piece.length;
		if (result == PARSE_MORE)
			assert_int_equal(piece.length, 0);
	}
	if (result != c->result)
		print_error("reply %.*s\n", SPAN_PRINT(c->in));
	assert_int_equal(result, c->result);
	if (result == PARSE_DONE) {
		assert_int_equal(reader.code, c->code);
		assert_string_equal(reader.enhanced, c->enhanced);
		assert_span_equal(buf_span(&reader.text), c->text);
		assert_span_equal(span_from(c->in, used), c->rest);
	}
	assert_true((result == PARSE_BAD) == (reader.fault != NULL));
	smtp_reply_reader_fini(&reader);
}

static void
test_hop_replies_in_pieces_of_every_size(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof hop_replies / sizeof hop_replies[0]; i++)
		for (size_t step = 1; step <= hop_replies[i].in.length + 1; step++)
			check_reply(&hop_replies[i], step);
}

static void
test_one_reader_reads_reply_after_reply(void **state)
{
	struct span in = SPAN_LITERAL("550-5.1.1 a\r\n550 b\r\n250 Ok\r\n");
	struct smtp_reply_reader reader;

	(void)state;
	smtp_reply_reader_init(&reader);
	assert_int_equal(smtp_reply_reader_feed(&reader, &in), PARSE_DONE);
	assert_int_equal(reader.lines, 2);
	assert_span_equal(smtp_reply_reader_line(&reader, 0), "a");
	assert_span_equal(smtp_reply_reader_line(&reader, 1), "b");
	assert_span_equal(smtp_reply_reader_line(&reader, 2), "");
	assert_int_equal(smtp_reply_reader_feed(&reader, &in), PARSE_DONE);
	assert_int_equal(reader.code, 250);
	assert_string_equal(reader.enhanced, "");
	assert_span_equal(buf_span(&reader.text), "Ok");
	assert_int_equal(reader.lines, 1);
	assert_int_equal(in.length, 0);
	smtp_reply_reader_fini(&reader);
}

/* L1, H5: five hundred lines, ten megabytes, a line without an end, "250-" for ever. */
static enum parse
feed_many(const char *line, size_t count, struct smtp_reply_reader *reader)
{
	enum parse result = PARSE_MORE;

	for (size_t i = 0; i < count && result == PARSE_MORE; i++) {
		struct span in = span_text(line);

		result = smtp_reply_reader_feed(reader, &in);
	}
	return result;
}

static void
test_floods_are_bounded(void **state)
{
	struct smtp_reply_reader reader;
	struct span last = SPAN_LITERAL("250 end\r\n");

	(void)state;
	smtp_reply_reader_init(&reader);
	assert_int_equal(feed_many("250-a\r\n", 500, &reader), PARSE_BAD);
	smtp_reply_reader_fini(&reader);
	smtp_reply_reader_init(&reader);
	assert_int_equal(feed_many("xxxxxxxxxxxxxxxx", 1000000, &reader), PARSE_BAD);
	assert_true(reader.bytes <= SMTP_REPLY_IN_LINE_MAX_BYTES + 16);
	smtp_reply_reader_fini(&reader);

	/* Past the cap the text is cut, but the reply still counts. */
	smtp_reply_reader_init(&reader);
	assert_int_equal(feed_many("250-0123456789012345678901234567890123456789012345678\r\n", 200,
				 &reader),
		PARSE_MORE);
	assert_int_equal(smtp_reply_reader_feed(&reader, &last), PARSE_DONE);
	assert_int_equal(reader.code, 250);
	assert_int_equal(reader.lines, 201);
	assert_true(buf_length(&reader.text) <= SMTP_REPLY_IN_TEXT_MAX_BYTES);
	assert_true(buf_length(&reader.text) > SMTP_REPLY_IN_TEXT_MAX_BYTES - 100);
	smtp_reply_reader_fini(&reader);

	smtp_reply_reader_init(&reader);
	for (int i = 0; i < 20; i++) {
		char line[4000];
		struct span in = span_of(line, sizeof line);
		enum parse result;

		memset(line, 'x', sizeof line);
		memcpy(line, "250-", 4);
		memcpy(line + sizeof line - 2, "\r\n", 2);
		result = smtp_reply_reader_feed(&reader, &in);
		assert_int_equal(result, i < 16 ? PARSE_MORE : PARSE_BAD); /* 64 KiB in all */
		if (result == PARSE_BAD)
			break;
	}
	smtp_reply_reader_fini(&reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_control_bytes_cannot_pass),
		cmocka_unit_test(test_long_lines_go_on),
		cmocka_unit_test(test_a_challenge_is_one_line),
		cmocka_unit_test(test_a_full_buffer_is_left_alone),
		cmocka_unit_test(test_enhanced_codes),
		cmocka_unit_test(test_hop_replies_in_pieces_of_every_size),
		cmocka_unit_test(test_one_reader_reads_reply_after_reply),
		cmocka_unit_test(test_floods_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
