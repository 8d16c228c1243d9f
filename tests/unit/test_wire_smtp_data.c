/* SPDX-License-Identifier: BSD-2-Clause */
/* Content of DATA and BDAT: against a slow reader, in every cut. */
#include "smtp_content.h"

/* The same by the letter of the RFC, one line after the other, from the whole input. */
static void
add_line(struct content *content, struct span line)
{
	if (line.length > content->longest)
		content->longest = line.length;
	content->size += line.length + 2;
	if (line.length == 0 && !content->in_body) {
		content->in_body = true;
		return;
	}
	buf_add_span(content->in_body ? &content->body : &content->header, line);
	buf_add_text(content->in_body ? &content->body : &content->header, "\r\n");
}

static void
note_fault(struct content *content, enum smtp_data_fault fault, enum smtp_newline newline)
{
	if (content->fault == SMTP_DATA_OK &&
		(newline == SMTP_NEWLINE_REJECT || fault == SMTP_DATA_NUL))
		content->fault = fault;
}

static struct content
read_slowly(struct span in, enum smtp_newline newline, bool dots)
{
	struct content content = { .ended = false };
	bool by_crlf = true;

	while (content.used < in.length) {
		size_t end = content.used;
		struct span line;
		bool crlf;

		while (end < in.length && in.start[end] != '\r' && in.start[end] != '\n') {
			if (in.start[end] == '\0')
				note_fault(&content, SMTP_DATA_NUL, newline);
			end++;
		}
		line = span_of(in.start + content.used, end - content.used);
		crlf = end + 1 < in.length && in.start[end] == '\r' && in.start[end + 1] == '\n';
		content.used = end + (crlf ? 2 : end < in.length ? 1 : 0);
		if (end < in.length && !crlf)
			note_fault(&content,
				in.start[end] == '\r' ? SMTP_DATA_BARE_CR : SMTP_DATA_BARE_LF,
				newline);
		if (dots && by_crlf && span_is(line, ".") && crlf) {
			content.ended = true;
			return content;
		}
		if (dots && by_crlf && span_starts(line, "."))
			line = span_from(line, 1);
		add_line(&content, line);
		by_crlf = crlf;
	}
	return content;
}

static void
compare(struct span in, const struct content *got, const struct content *wanted)
{
	bool same = got->ended == wanted->ended && got->used == wanted->used &&
		    got->fault == wanted->fault;

	if (same && got->fault == SMTP_DATA_OK)
		same = got->in_body == wanted->in_body &&
			span_equal(buf_span(&got->header), buf_span(&wanted->header)) &&
			span_equal(buf_span(&got->body), buf_span(&wanted->body)) &&
			got->longest == wanted->longest && got->size == wanted->size;
	if (!same) {
		char text[200];

		text_escape(in, text, sizeof text);
		print_error("input %s\n", text);
	}
	assert_true(same);
}

static void
check_data(struct span in, enum smtp_newline newline)
{
	struct content wanted = read_slowly(in, newline, true);

	for (size_t step = 1; step <= in.length; step++) {
		struct content got = run_data(in, newline, step);

		compare(in, &got, &wanted);
		content_fini(&got);
	}
	content_fini(&wanted);
}

/* Every text of seven bytes over the bytes that matter, then the right end, in every piece size. */
static void
test_every_short_text(void **state)
{
	static const char letters[] = { '\r', '\n', '.', 'a', '\0' };
	char text[7 + 5];

	(void)state;
	memcpy(text + 7, "\r\n.\r\n", 5);
	for (unsigned number = 0; number < 5 * 5 * 5 * 5 * 5 * 5 * 5; number++) {
		unsigned rest = number;

		for (int i = 0; i < 7; i++, rest /= 5)
			text[i] = letters[rest % 5];
		check_data(span_of(text, sizeof text), SMTP_NEWLINE_REJECT);
		check_data(span_of(text, sizeof text), SMTP_NEWLINE_NORMALIZE);
	}
}

#define FIRST "From: a@example.org\r\n\r\nfirst"
#define SECOND "MAIL FROM:<a@example.org>\r\nRCPT TO:<v@example.net>\r\nDATA\r\nsmuggled\r\n.\r\n"

/* A1 to A15 and whatever else somebody could take for the end of data: it does not end here. */
static void
test_smuggling(void **state)
{
	static const struct {
		struct span in;
		enum smtp_data_fault fault;
	} cases[] = {
		{ SPAN_LITERAL(FIRST "\n.\n" SECOND), SMTP_DATA_BARE_LF },               /* A1 */
		{ SPAN_LITERAL(FIRST "\n.\r\n" SECOND), SMTP_DATA_BARE_LF },             /* A2 */
		{ SPAN_LITERAL(FIRST "\r\n.\n" SECOND), SMTP_DATA_BARE_LF },
		{ SPAN_LITERAL(FIRST "\r.\r" SECOND), SMTP_DATA_BARE_CR },               /* A4 */
		{ SPAN_LITERAL(FIRST "\r.\n" SECOND), SMTP_DATA_BARE_CR },               /* A5 */
		{ SPAN_LITERAL(FIRST "\n.\r" SECOND), SMTP_DATA_BARE_LF },               /* A6 */
		{ SPAN_LITERAL(FIRST "\r.\r\n" SECOND), SMTP_DATA_BARE_CR },
		{ SPAN_LITERAL(FIRST "\r\n.\r" SECOND), SMTP_DATA_BARE_CR },             /* A8 */
		{ SPAN_LITERAL(FIRST "\r\n.\r\r\n" SECOND), SMTP_DATA_BARE_CR },         /* A9 */
		{ SPAN_LITERAL(FIRST "\r\n\n.\r\n" SECOND), SMTP_DATA_BARE_LF },
		{ SPAN_LITERAL(FIRST "\n\r\n.\n" SECOND), SMTP_DATA_BARE_LF },
		{ SPAN_LITERAL(FIRST "\n\r.\r\n" SECOND), SMTP_DATA_BARE_LF },
		{ SPAN_LITERAL(FIRST "\r\n\0.\r\n" SECOND), SMTP_DATA_NUL },
		{ SPAN_LITERAL(FIRST "\r\n.\0\r\n" SECOND), SMTP_DATA_NUL },
		{ SPAN_LITERAL(FIRST "\r\0\n.\r\n" SECOND), SMTP_DATA_BARE_CR },
		{ SPAN_LITERAL(FIRST "\r\n. \r\n" SECOND), SMTP_DATA_OK },               /* A15 */
		{ SPAN_LITERAL(FIRST "\r\n.\t\r\n" SECOND), SMTP_DATA_OK },
		{ SPAN_LITERAL(FIRST "\r\n .\r\n" SECOND), SMTP_DATA_OK },
		{ SPAN_LITERAL(FIRST "\r\n..\r\n" SECOND), SMTP_DATA_OK },
		{ SPAN_LITERAL(FIRST "\x85.\x85" SECOND), SMTP_DATA_OK },
		{ SPAN_LITERAL(FIRST "\xe2\x80\xa8.\xe2\x80\xa8" SECOND), SMTP_DATA_OK },
		{ SPAN_LITERAL(FIRST "\x0b.\x0b" SECOND), SMTP_DATA_OK },
		{ SPAN_LITERAL(FIRST "\x0c.\x0c" SECOND), SMTP_DATA_OK },
		{ SPAN_LITERAL(FIRST "\x1a" SECOND), SMTP_DATA_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t step = 1; step <= cases[i].in.length; step++) {
			struct content got = run_data(cases[i].in, SMTP_NEWLINE_REJECT, step);

			/* The one end is that of the smuggled message: all of it is content. */
			assert_true(got.ended);
			assert_int_equal(got.used, cases[i].in.length);
			assert_int_equal(got.fault, cases[i].fault);
			content_fini(&got);
		}
		check_data(cases[i].in, SMTP_NEWLINE_NORMALIZE);
	}
}

/* CR LF dot CR LF is the end whatever stands before it; the message is refused for what does. */
static void
test_the_one_end_behind_other_ends(void **state)
{
	static const char *const before[] = { FIRST "\r", FIRST "\n", FIRST "\r\r",
		FIRST "\n\r\r" };

	(void)state;
	for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
		struct buf text = BUF_INIT(0);
		struct content got;

		buf_add_text(&text, before[i]);
		buf_add_text(&text, "\r\n.\r\nNOOP\r\n");
		got = run_data(buf_span(&text), SMTP_NEWLINE_REJECT, 1);
		assert_true(got.ended);
		assert_span_equal(span_from(buf_span(&text), got.used), "NOOP\r\n");
		assert_int_not_equal(got.fault, SMTP_DATA_OK);
		content_fini(&got);
		buf_fini(&text);
	}
}

static void
test_pipelined_commands_stay(void **state)
{
	struct span in = SPAN_LITERAL("a: b\r\n\r\nx\r\n.\r\nMAIL FROM:<>\r\n"); /* A25 */

	(void)state;
	for (size_t step = 1; step <= in.length; step++) {
		struct content got = run_data(in, SMTP_NEWLINE_REJECT, step);

		assert_true(got.ended);
		assert_span_equal(span_from(in, got.used), "MAIL FROM:<>\r\n");
		assert_span_equal(buf_span(&got.header), "a: b\r\n");
		assert_span_equal(buf_span(&got.body), "x\r\n");
		content_fini(&got);
	}
}

/* A19, with each byte in a segment of its own, and what the machine tells about the content. */
static void
test_results(void **state)
{
	struct span in = SPAN_LITERAL("a: b\r\n\r\nA\r\n..dot\r\nB\xc3\xa4\r\n.\r\n");
	struct content got = run_data(in, SMTP_NEWLINE_REJECT, 1);
	struct smtp_data data;
	struct span piece;

	(void)state;
	assert_span_equal(buf_span(&got.body), "A\r\n.dot\r\nB\xc3\xa4\r\n");
	assert_int_equal(got.longest, 4);
	assert_int_equal(got.size, 6 + 2 + 3 + 6 + 5);
	content_fini(&got);

	smtp_data_init(&data, SMTP_NEWLINE_REJECT);
	while (smtp_data_next(&data, &in, &piece) != SMTP_DATA_END)
		;
	assert_true(data.has_8bit);
	assert_true(data.in_body);
	assert_int_equal(smtp_data_next(&data, &in, &piece), SMTP_DATA_END);

	in = SPAN_LITERAL(".\r\n");
	smtp_data_init(&data, SMTP_NEWLINE_REJECT);
	assert_int_equal(smtp_data_next(&data, &in, &piece), SMTP_DATA_END);
	assert_false(data.has_8bit);
	assert_int_equal(data.size, 0);
}

static void
test_long_runs_are_one_piece(void **state)
{
	enum { LINES = 1000, LINE = 80 };
	static char text[LINES * LINE];
	struct span in = span_of(text, sizeof text);
	struct smtp_data data;
	struct span piece;

	(void)state;
	memset(text, 'x', sizeof text);
	for (size_t i = 0; i < LINES; i++)
		memcpy(text + i * LINE + LINE - 2, "\r\n", 2);
	smtp_data_init(&data, SMTP_NEWLINE_REJECT);
	assert_int_equal(smtp_data_next(&data, &in, &piece), SMTP_DATA_HEADER);
	assert_ptr_equal(piece.start, text);
	assert_int_equal(piece.length, sizeof text);
	assert_int_equal(smtp_data_next(&data, &in, &piece), SMTP_DATA_MORE);
	assert_int_equal(data.longest_line, LINE - 2);
}

static struct content
run_chunks(struct span in, enum smtp_newline newline, size_t chunk, size_t step)
{
	struct content content = { .ended = false };
	struct smtp_data data;
	size_t left = in.length;

	smtp_data_init(&data, newline);
	do {
		size_t size = left < chunk ? left : chunk;
		enum smtp_data_event event;

		left -= size;
		smtp_data_chunk(&data, size, left == 0);
		do {
			struct span rest = span_first(span_from(in, content.used), step);
			size_t before = rest.length;
			struct span piece;

			while ((event = smtp_data_next(&data, &rest, &piece)) == SMTP_DATA_HEADER ||
				event == SMTP_DATA_BODY)
				buf_add_span(
					event == SMTP_DATA_HEADER ? &content.header : &content.body,
					piece);
			content.used += before - rest.length;
		} while (event != SMTP_DATA_END);
	} while (left);
	content.in_body = data.in_body;
	content.fault = data.fault;
	content.longest = data.longest_line;
	content.size = data.size;
	return content;
}

static void
check_chunks(struct span in, enum smtp_newline newline)
{
	struct content wanted = read_slowly(in, newline, false);

	for (size_t chunk = 1; chunk <= in.length; chunk++) {
		for (size_t step = 1; step <= in.length + 1; step += 3) {
			struct content got = run_chunks(in, newline, chunk, step);

			compare(in, &got, &wanted);
			content_fini(&got);
		}
	}
	content_fini(&wanted);
}

static void
test_chunks_of_every_short_text(void **state)
{
	static const char letters[] = { '\r', '\n', '.', 'a', '\0' };
	char text[5];

	(void)state;
	for (unsigned number = 0; number < 5 * 5 * 5 * 5 * 5; number++) {
		unsigned rest = number;

		for (int i = 0; i < 5; i++, rest /= 5)
			text[i] = letters[rest % 5];
		check_chunks(span_of(text, sizeof text), SMTP_NEWLINE_REJECT);
		check_chunks(span_of(text, sizeof text), SMTP_NEWLINE_NORMALIZE);
	}
	/* A20: dots mean nothing. A21: CR LF over a border. A22: bare ones. A23: no last CRLF. */
	check_chunks(SPAN_LITERAL("a: b\r\n\r\nx\r\n.\r\n.\r\nMAIL FROM:<x@y>\r\nend\r\n"),
		SMTP_NEWLINE_REJECT);
	check_chunks(
		SPAN_LITERAL("a: b\r\n\r\nbody\r\n.\r\nMAIL FROM:<x@y>\r\n"), SMTP_NEWLINE_REJECT);
	check_chunks(SPAN_LITERAL("a: b\r\n\r\nbo\ndy\rx"), SMTP_NEWLINE_NORMALIZE);
	check_chunks(SPAN_LITERAL("a: b\r\n\r\nabc"), SMTP_NEWLINE_REJECT);
	check_chunks(SPAN_LITERAL("a: b"), SMTP_NEWLINE_REJECT);
}

/* D9: a chunk is as long as its size says, whatever stands in it. */
static void
test_a_chunk_ends_by_count(void **state)
{
	struct span in = SPAN_LITERAL("RSET\r\nQUIT\r\n");
	struct smtp_data data;
	struct span piece;

	(void)state;
	smtp_data_init(&data, SMTP_NEWLINE_REJECT);
	smtp_data_chunk(&data, 6, false);
	assert_int_equal(smtp_data_next(&data, &in, &piece), SMTP_DATA_HEADER);
	assert_span_equal(piece, "RSET\r\n");
	assert_int_equal(smtp_data_next(&data, &in, &piece), SMTP_DATA_END);
	assert_span_equal(in, "QUIT\r\n");
	smtp_data_chunk(&data, 0, true);
	assert_int_equal(smtp_data_next(&data, &in, &piece), SMTP_DATA_END);
	assert_span_equal(in, "QUIT\r\n");
}

static void
test_a_cr_at_the_very_end_is_bare(void **state)
{
	struct content got =
		run_chunks(SPAN_LITERAL("a: b\r\n\r\nx\r"), SMTP_NEWLINE_REJECT, 100, 100);

	(void)state;
	assert_int_equal(got.fault, SMTP_DATA_BARE_CR);
	content_fini(&got);
	got = run_chunks(SPAN_LITERAL("a: b\r\n\r\nx\r"), SMTP_NEWLINE_NORMALIZE, 100, 100);
	assert_int_equal(got.fault, SMTP_DATA_OK);
	assert_span_equal(buf_span(&got.body), "x\r\n");
	content_fini(&got);
}

static void
test_fault_texts(void **state)
{
	(void)state;
	assert_null(smtp_data_fault_text(SMTP_DATA_OK));
	assert_string_equal(smtp_data_fault_text(SMTP_DATA_BARE_CR), "bare CR in message");
	assert_string_equal(smtp_data_fault_text(SMTP_DATA_BARE_LF), "bare LF in message");
	assert_string_equal(smtp_data_fault_text(SMTP_DATA_NUL), "NUL byte in message");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_short_text),
		cmocka_unit_test(test_smuggling),
		cmocka_unit_test(test_the_one_end_behind_other_ends),
		cmocka_unit_test(test_pipelined_commands_stay),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_long_runs_are_one_piece),
		cmocka_unit_test(test_chunks_of_every_short_text),
		cmocka_unit_test(test_a_chunk_ends_by_count),
		cmocka_unit_test(test_a_cr_at_the_very_end_is_bare),
		cmocka_unit_test(test_fault_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
