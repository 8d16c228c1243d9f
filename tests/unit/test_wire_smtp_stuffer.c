/* SPDX-License-Identifier: BSD-2-Clause */
/* Content on its way out: stuffed, folded, and read again as what it was. */
#include "smtp_content.h"

#include "wire/smtp_stuffer.h"

static void
stuff(struct span in, size_t step, struct buf *out)
{
	struct smtp_stuffer stuffer;
	size_t used = 0;

	smtp_stuffer_init(&stuffer);
	while (used < in.length) {
		struct span rest = span_first(span_from(in, used), step);
		struct span piece;

		used += rest.length;
		while (smtp_stuffer_next(&stuffer, &rest, &piece)) {
			assert_true(piece.length > 0);
			buf_add_span(out, piece);
		}
		assert_int_equal(rest.length, 0);
	}
	buf_add_span(out, smtp_stuffer_end(&stuffer));
}

/* A26: what leaves has no bare CR or LF and no NUL, and one end of data, at its end. */
static void
check_wire(struct span wire)
{
	for (size_t i = 0; i < wire.length; i++) {
		assert_true(wire.start[i] != '\0');
		if (wire.start[i] == '\n')
			assert_true(i > 0 && wire.start[i - 1] == '\r');
		if (wire.start[i] == '\r')
			assert_true(i + 1 < wire.length && wire.start[i + 1] == '\n');
		if (i + 5 < wire.length)
			assert_memory_not_equal(wire.start + i, "\r\n.\r\n", 5);
	}
	assert_true(wire.length == 3 || memcmp(wire.start + wire.length - 5, "\r\n.\r\n", 5) == 0);
	assert_memory_equal(wire.start + wire.length - 3, ".\r\n", 3);
}

static void
test_stuffing_every_short_text(void **state)
{
	static const char letters[] = { '\r', '\n', '.', 'a', '\0' };
	char text[6];
	struct buf whole = BUF_INIT(0);
	struct buf cut = BUF_INIT(0);

	(void)state;
	for (unsigned number = 0; number < 5 * 5 * 5 * 5 * 5 * 5; number++) {
		struct span in = span_of(text, sizeof text);
		unsigned rest = number;

		for (int i = 0; i < 6; i++, rest /= 5)
			text[i] = letters[rest % 5];
		stuff(in, sizeof text, &whole);
		check_wire(buf_span(&whole));
		for (size_t step = 1; step < sizeof text; step++) {
			stuff(in, step, &cut);
			assert_true(span_equal(buf_span(&whole), buf_span(&cut)));
			buf_clear(&cut);
		}
		buf_clear(&whole);
	}
	buf_fini(&whole);
	buf_fini(&cut);
}

static void
check_stuffed(struct span in, const char *wanted)
{
	struct buf out = BUF_INIT(0);

	stuff(in, in.length ? in.length : 1, &out);
	assert_span_equal(buf_span(&out), wanted);
	buf_fini(&out);
}

static void
test_stuffed_forms(void **state)
{
	(void)state;
	check_stuffed(SPAN_EMPTY, ".\r\n");
	check_stuffed(SPAN_LITERAL("abc"), "abc\r\n.\r\n"); /* A23 */
	check_stuffed(SPAN_LITERAL("abc\r\n"), "abc\r\n.\r\n");
	check_stuffed(SPAN_LITERAL("abc\r"), "abc\r\n.\r\n");
	check_stuffed(SPAN_LITERAL("\r\n.\r\n.\r\nx"), "\r\n..\r\n..\r\nx\r\n.\r\n"); /* A20 */
	check_stuffed(SPAN_LITERAL(".a\r\n..b\r\n"), "..a\r\n...b\r\n.\r\n");
	check_stuffed(SPAN_LITERAL("x\n.\nMAIL FROM:"), "x\r\n..\r\nMAIL FROM:\r\n.\r\n"); /* A24 */
	check_stuffed(SPAN_LITERAL("a\0b"), "a?b\r\n.\r\n");
}

/* E6: nothing is lost of a long line, and each piece of it is one that every hop takes. */
static void
test_long_lines_are_folded(void **state)
{
	static const size_t lengths[] = { 997, 998, 999, 1995, 1996, 65536 };
	static const char *const characters[] = { "z", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x80", "\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		for (size_t k = 0; k < sizeof characters / sizeof *characters; k++) {
			const char *one = characters[k];
			struct buf in = BUF_INIT(0);
			struct buf whole = BUF_INIT(0);
			struct buf cut = BUF_INIT(0);
			struct span rest;
			size_t bytes = 0;

			buf_add_text(&in, k % 2 ? "." : "x");
			while (buf_length(&in) < lengths[i])
				buf_add_text(&in, one);
			stuff(buf_span(&in), lengths[i] + 8, &whole);
			stuff(buf_span(&in), 7, &cut);
			assert_true(span_equal(buf_span(&whole), buf_span(&cut)));
			rest = buf_span(&whole);
			for (unsigned line = 0; rest.length && !span_is(rest, ".\r\n"); line++) {
				struct span text = span_cut(rest, '\n', &rest);
				size_t extra = line ? 1 : k % 2; /* the blank, or the dot */

				assert_true(text.length <= 998u + 1 + (line ? 0 : extra));
				/* A fold is before a whole character. */
				assert_true(!line || (text.start[0] == ' ' && text.start[1] == one[0]));
				bytes += text.length - 1 - extra;
			}
			assert_int_equal(bytes, buf_length(&in));
			buf_fini(&in);
			buf_fini(&whole);
			buf_fini(&cut);
		}
	}
	check_stuffed(SPAN_LITERAL("a\r\nb"), "a\r\nb\r\n.\r\n");
}

/* What was stuffed is read back as the same lines. */
static void
test_there_and_back(void **state)
{
	struct span in = SPAN_LITERAL("a: b\r\n\r\n.\r\n..\r\n...x\r\n\r\nend\r\n");
	struct buf wire = BUF_INIT(0);
	struct buf both = BUF_INIT(0);
	struct content got;

	(void)state;
	stuff(in, 3, &wire);
	got = run_data(buf_span(&wire), SMTP_NEWLINE_REJECT, 5);
	buf_add_span(&both, buf_span(&got.header));
	buf_add_text(&both, "\r\n");
	buf_add_span(&both, buf_span(&got.body));
	assert_true(got.ended);
	assert_true(span_equal(buf_span(&both), in));
	buf_fini(&wire);
	buf_fini(&both);
	content_fini(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stuffing_every_short_text),
		cmocka_unit_test(test_stuffed_forms),
		cmocka_unit_test(test_long_lines_are_folded),
		cmocka_unit_test(test_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
