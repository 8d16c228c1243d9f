/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of the milter protocol, byte for byte; answers whole, in pieces, and wrong. */
#include "unit.h"

#include <arpa/inet.h>
#include <string.h>

#include "wire/milter_packet.h"

#define BYTES(text) SPAN_LITERAL(text)

static void
check_bytes(struct buf *out, struct span wanted)
{
	assert_int_equal(buf_length(out), wanted.length);
	assert_memory_equal(buf_span(out).start, wanted.start, wanted.length);
	buf_clear(out);
}

static void
test_commands_byte_for_byte(void **state)
{
	struct buf out = BUF_INIT(0);
	const struct span mail[] = { BYTES("<a@example.org>"), BYTES("SIZE=1") };
	const struct span field[] = { BYTES("To"), BYTES(" x\n\ty") };
	const struct milter_macro macros[] = { { BYTES("i"), BYTES("1") },
		{ BYTES("{auth_type}"), BYTES("PLAIN") } };

	(void)state;
	assert_true(milter_write_offer(&out, 6, MILTER_MAY_ALL, MILTER_STEPS_ALL));
	check_bytes(&out, BYTES("\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff"));
	assert_true(milter_write_connect(&out, BYTES("[192.0.2.1]"), BYTES("192.0.2.1"), 587));
	check_bytes(&out, BYTES("\0\0\0\x1a" "C[192.0.2.1]\0" "4\x02\x4b" "192.0.2.1\0"));
	assert_true(milter_write_connect(&out, BYTES("h"), BYTES("::1"), 0));
	check_bytes(&out, BYTES("\0\0\0\x0a" "Ch\0" "6\0\0" "::1\0"));
	assert_true(milter_write_connect(&out, BYTES("h"), SPAN_EMPTY, 25));
	check_bytes(&out, BYTES("\0\0\0\x04" "Ch\0U"));
	assert_true(milter_write_texts(&out, MILTER_MAIL, mail, 2));
	check_bytes(&out, BYTES("\0\0\0\x18M<a@example.org>\0SIZE=1\0"));
	assert_true(milter_write_texts(&out, MILTER_HEADER, field, 2));
	check_bytes(&out, BYTES("\0\0\0\x0aLTo\0 x\n\ty\0"));
	assert_true(milter_write_macros(&out, MILTER_MAIL, macros, 2));
	check_bytes(&out, BYTES("\0\0\0\x18" "DMi\0" "1\0{auth_type}\0PLAIN\0"));
	assert_true(milter_write_macros(&out, MILTER_MAIL, NULL, 0));
	check_bytes(&out, SPAN_EMPTY);
	assert_true(milter_write(&out, MILTER_END, SPAN_EMPTY));
	check_bytes(&out, BYTES("\0\0\0\x01" "E"));
	buf_fini(&out);
}

static void
test_commands_that_cannot_be(void **state)
{
	static char large[MILTER_PAYLOAD_MAX_BYTES + 1];
	struct buf out = BUF_INIT(0);
	struct buf full = BUF_INIT(8);
	const struct span nul[] = { BYTES("a\0b") };
	const struct span long_text[] = { span_of(large, MILTER_PAYLOAD_MAX_BYTES) };
	const struct span just_fits[] = { span_of(large, MILTER_PAYLOAD_MAX_BYTES - 1) };
	const struct milter_macro nul_macro = { BYTES("i"), BYTES("\0") };

	(void)state;
	memset(large, 'x', sizeof large);
	assert_false(milter_write(&out, MILTER_BODY, span_of(large, sizeof large)));
	assert_false(milter_write_texts(&out, MILTER_HELO, nul, 1));
	assert_false(milter_write_texts(&out, MILTER_HELO, long_text, 1));
	assert_false(milter_write_macros(&out, MILTER_MAIL, &nul_macro, 1));
	assert_false(milter_write_connect(&out, BYTES("\0"), SPAN_EMPTY, 0));
	assert_int_equal(buf_length(&out), 0);
	assert_true(milter_write(&out, MILTER_BODY, span_of(large, MILTER_PAYLOAD_MAX_BYTES)));
	assert_int_equal(buf_length(&out), 5 + MILTER_PAYLOAD_MAX_BYTES);
	buf_clear(&out);
	assert_true(milter_write_texts(&out, MILTER_HELO, just_fits, 1));
	assert_false(milter_write_offer(&full, 6, 0, 0));
	assert_int_equal(buf_length(&full), 0);
	buf_fini(&full);
	buf_fini(&out);
}

/* All at once, and one byte at a time. */
static void
check_answers(struct span all, const char *wanted, size_t body_max)
{
	for (int bytewise = 0; bytewise < 2; bytewise++) {
		struct milter_reader reader = { 0 };
		struct milter_packet packet;
		struct span in = span_first(all, bytewise ? 0 : all.length);
		size_t seen = in.length;
		size_t at = 0;
		enum parse result;

		for (;;) {
			result = milter_reader_take(&reader, &in, body_max, &packet);
			if (result == PARSE_BAD)
				break;
			if (result == PARSE_DONE) {
				if (packet.answer != MILTER_REPLACE_BODY || !packet.more)
					assert_int_equal(packet.answer, wanted[at++]);
				continue;
			}
			if (seen == all.length)
				break;
			in.start = in.length ? in.start : all.start + seen;
			in.length++;
			seen++;
		}
		if (result == PARSE_BAD) {
			assert_non_null(reader.fault);
			assert_int_equal(wanted[at++], '!');
		}
		assert_int_equal(wanted[at], '\0');
	}
}

static void
test_answers(void **state)
{
	(void)state;
	check_answers(BYTES("\0\0\0\1c\0\0\0\1a\0\0\0\1s\0\0\0\1p"), "casp", 0);
	check_answers(BYTES("\0\0\0\7hX\0 y\0z"), "h", 0);
	check_answers(BYTES("\0\0\0\4bxyz\0\0\0\1b\0\0\0\1c"), "bbc", 3);
	check_answers(BYTES("\0\0\0\4bxyz"), "!", 2);
	check_answers(BYTES("\0\0\0\3bxy\0\0\0\3bxy"), "b!", 3);
	check_answers(BYTES("\0\0\0"), "", 0);
	check_answers(BYTES("\0\0\0\0\0\0\0\1c"), "!", 0);
	check_answers(BYTES("\0\0\0\2c\0"), "!", 0);
	check_answers(BYTES("\0\0\0\1f"), "!", 0);
	check_answers(BYTES("\0\0\0\1l"), "!", 0);
	check_answers(BYTES("\0\0\0\1Z"), "!", 0);
	check_answers(BYTES("\xff\xff\xff\xff" "c"), "!", 0);
	check_answers(BYTES("\x80\0\0\0c"), "!", 0);
	check_answers(BYTES("\x7f\xff\xff\xffh"), "!", 0);
	check_answers(BYTES("220 mail ESMTP"), "!", 0);
	check_answers(BYTES("UNKNOWN COMMAND"), "!", 0);
}

/* An answer that is too long for what it is is known by its first five bytes. */
static void
test_what_each_answer_may_carry(void **state)
{
	static const struct {
		const char *answers;
		size_t most;
	} caps[] = {
		{ "cartsdp4", 0 },
		{ "+-2e", 8 * 1024 },
		{ "Oqy", 64 * 1024 },
		{ "him", 128 * 1024 + 255 + 16 - 5 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
		for (const char *answer = caps[i].answers; *answer; answer++) {
			for (size_t more = 0; more < 2; more++) {
				uint32_t length = htonl((uint32_t)(1 + caps[i].most + more));
				struct milter_reader reader = { 0 };
				struct milter_packet packet;
				char head[5];
				struct span in = span_of(head, sizeof head);
				enum parse fits = caps[i].most ? PARSE_MORE : PARSE_DONE;

				memcpy(head, &length, sizeof length);
				head[4] = *answer;
				assert_int_equal(milter_reader_take(&reader, &in, 0, &packet),
					more ? PARSE_BAD : fits);
			}
		}
	}
}

static void
test_a_foreign_service_is_named(void **state)
{
	struct milter_reader reader = { 0 };
	struct milter_packet packet;
	struct span in = BYTES("220 ");

	(void)state;
	assert_int_equal(milter_reader_take(&reader, &in, 0, &packet), PARSE_BAD);
	assert_string_equal(reader.fault, "what answers is not a milter");
}

static void
test_a_body_may_be_as_large_as_allowed_in_all(void **state)
{
	struct milter_reader reader = { 0 };
	struct milter_packet packet;
	struct span in = BYTES("\0\0\0\5bwxyz\0\0\0\2b!");

	(void)state;
	assert_int_equal(milter_reader_take(&reader, &in, 4, &packet), PARSE_DONE);
	assert_span_equal(packet.payload, "wxyz");
	milter_reader_begin_body(&reader); /* another filter's */
	assert_int_equal(milter_reader_take(&reader, &in, 4, &packet), PARSE_DONE);
	assert_span_equal(packet.payload, "!");
}

static void
test_what_was_to_change_something(void **state)
{
	static const struct {
		struct span in;
		bool is_change;
	} cases[] = {
		{ BYTES(""), false },
		{ BYTES("\0\0\0\x09"), false }, /* nobody knows yet */
		{ BYTES("\0\0\0\x09h"), true },
		{ BYTES("\0\0\0\x09hA\0"), true },
		{ BYTES("\x7f\xff\xff\xff" "b"), true },
		{ BYTES("\x00\x00\xff\xff+<a>"), true },
		{ BYTES("\0\0\0\1q"), true },
		{ BYTES("\0\0\0\1c"), false },
		{ BYTES("\0\0\0\x09y550"), false },
	};
	struct milter_reader reader = { .fault = NULL };
	struct span in = BYTES("\0\0\0\x09" "bone");
	struct milter_packet packet;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(milter_reader_is_change(&reader, cases[i].in), cases[i].is_change);
	assert_int_equal(milter_reader_take(&reader, &in, 100, &packet), PARSE_DONE);
	assert_true(milter_reader_is_change(&reader, SPAN_EMPTY)); /* the body goes on */
}

static void
test_what_an_answer_is_for(void **state)
{
	static const char changes[] = "+-2behimq";
	static const char verdicts[] = "adrty";
	static const char others[] = "cps4O";

	(void)state;
	for (size_t i = 0; changes[i]; i++) {
		assert_true(milter_answer_is_change((enum milter_answer)changes[i]));
		assert_false(milter_answer_is_verdict((enum milter_answer)changes[i]));
	}
	for (size_t i = 0; verdicts[i]; i++) {
		assert_true(milter_answer_is_verdict((enum milter_answer)verdicts[i]));
		assert_false(milter_answer_is_change((enum milter_answer)verdicts[i]));
	}
	for (size_t i = 0; others[i]; i++) {
		assert_false(milter_answer_is_verdict((enum milter_answer)others[i]));
		assert_false(milter_answer_is_change((enum milter_answer)others[i]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands_byte_for_byte),
		cmocka_unit_test(test_commands_that_cannot_be),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_what_each_answer_may_carry),
		cmocka_unit_test(test_a_foreign_service_is_named),
		cmocka_unit_test(test_a_body_may_be_as_large_as_allowed_in_all),
		cmocka_unit_test(test_what_was_to_change_something),
		cmocka_unit_test(test_what_an_answer_is_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
