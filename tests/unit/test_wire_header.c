/* SPDX-License-Identifier: BSD-2-Clause */
/* Header blocks: what is malformed is refused with its line, what is changed stays well formed. */
#include "unit.h"

#include "wire/header.h"

static struct arena *arena;

static int
setup(void **state)
{
	(void)state;
	arena = arena_new(4096);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void
test_fields_with_their_places(void **state)
{
	struct span block =
		SPAN_LITERAL("From: a@b.c\r\nSubject:\r\nTo:x,\r\n\ty\r\nX-Last: \r\n z\r\n");
	struct header header;
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_true(header_parse(block, 0, arena, &header, &fault));
	assert_int_equal(header.count, 4);
	assert_int_equal(header.bytes, block.length);
	assert_span_equal(header.fields[0].whole, "From: a@b.c\r\n");
	assert_span_equal(header.fields[0].name, "From");
	assert_span_equal(header.fields[0].value, " a@b.c");
	assert_ptr_equal(header.fields[0].whole.start, block.start);
	assert_span_equal(header.fields[1].value, "");
	assert_span_equal(header.fields[1].whole, "Subject:\r\n");
	assert_span_equal(header.fields[2].value, "x,\r\n\ty");
	assert_span_equal(header.fields[2].whole, "To:x,\r\n\ty\r\n");
	assert_span_equal(header.fields[3].value, " \r\n z");
	assert_span_equal(header_unfold(header.fields[3].value, arena), "z");
	assert_true(header_parse(SPAN_EMPTY, 0, arena, &header, &fault));
	assert_int_equal(header.count, 0);
}

struct block_case {
	struct span block;
	unsigned rules;
	const char *fault; /* NULL: good */
};

static const struct block_case block_cases[] = {
	{ SPAN_LITERAL("A: b\r\n"), 0, NULL },
	{ SPAN_LITERAL("A:b\tc\r\n"), 0, NULL },
	{ SPAN_LITERAL("A\x21z: b\r\n"), 0, NULL },
	{ SPAN_LITERAL(" A: b\r\n"), 0,
		"header line 1: the first line is a continuation" },		   /* G6 */
	{ SPAN_LITERAL("A : b\r\n"), 0, "header line 1: blank before the colon" }, /* G7 */
	{ SPAN_LITERAL("A: b\r\nB\t: c\r\n"), 0, "header line 2: blank before the colon" },
	{ SPAN_LITERAL("A\r\n : b\r\n"), 0, "header line 1: no colon" }, /* G8 */
	{ SPAN_LITERAL("A: b\r\nhello\r\n"), 0, "header line 2: no colon" },
	{ SPAN_LITERAL("A: b\r\n c\r\nhello\r\n"), 0, "header line 3: no colon" },
	{ SPAN_LITERAL("A: b\r\n\r\nB: c\r\n"), 0,
		"header line 2: an empty line inside of the header" },
	{ SPAN_LITERAL("A: b\r\n \r\nB: c\r\n"), 0,
		"header line 2: a continuation of blanks alone" },
	{ SPAN_LITERAL("A: b\r\n\t \t\r\n"), 0, "header line 2: a continuation of blanks alone" },
	{ SPAN_LITERAL(": b\r\n"), 0, "header line 1: no field name before the colon" },
	{ SPAN_LITERAL("A b: c\r\n"), 0, "header line 1: malformed field name" },
	{ SPAN_LITERAL("A\x01: c\r\n"), HEADER_RAW, "header line 1: malformed field name" },
	{ SPAN_LITERAL("\xc3\xa4: c\r\n"), HEADER_UTF8, "header line 1: malformed field name" },
	{ SPAN_LITERAL("\xc3\xa4: c\r\n"), HEADER_RAW, "header line 1: malformed field name" },
	{ SPAN_LITERAL("A: b"), 0, "header line 1: no CRLF at its end" },
	{ SPAN_LITERAL("A: b\r"), 0, "header line 1: bare CR" },
	{ SPAN_LITERAL("A: b\rB: c\r\n"), 0, "header line 1: bare CR" },
	{ SPAN_LITERAL("A: b\r\r\n"), 0, "header line 1: bare CR" },
	{ SPAN_LITERAL("A: b\n"), 0, "header line 1: bare LF" },
	{ SPAN_LITERAL("A: b\nB: c\r\n"), HEADER_RAW, "header line 1: bare LF" },
	{ SPAN_LITERAL("A: b\0c\r\n"), HEADER_RAW, "header line 1: NUL byte" },
	{ SPAN_LITERAL("A\0: c\r\n"), 0, "header line 1: NUL byte" },
	{ SPAN_LITERAL("A: \x07\r\n"), 0, "header line 1: control byte" },
	{ SPAN_LITERAL("A: b\r\n \x7f\r\n"), 0, "header line 2: control byte" },
	{ SPAN_LITERAL("A: \x07\x7f\r\n"), HEADER_RAW, NULL },
	{ SPAN_LITERAL("A: \xc3\xa4\r\n"), 0, "header line 1: 8-bit byte" },
	{ SPAN_LITERAL("A: \xc3\xa4\r\n"), HEADER_UTF8, NULL },
	{ SPAN_LITERAL("A: \xe4\r\n"), HEADER_UTF8, "header line 1: not valid UTF-8" },
	{ SPAN_LITERAL("A: \xc3\r\n \xa4\r\n"), HEADER_UTF8, "header line 1: not valid UTF-8" },
	{ SPAN_LITERAL("A: b\xc2\x85" "B: c\r\n"), HEADER_UTF8,
		"header line 1: a line end of Unicode" },
	{ SPAN_LITERAL("A: b\r\n \xe2\x80\xa8\r\n"), HEADER_UTF8,
		"header line 2: a line end of Unicode" },
	{ SPAN_LITERAL("A: \xe2\x80\xa9\r\n"), HEADER_UTF8, "header line 1: a line end of Unicode" },
	{ SPAN_LITERAL("A: \xc3\x85\xe2\x80\xa7\r\n"), HEADER_UTF8, NULL },
	{ SPAN_LITERAL("A: \xc2\x85\r\n"), HEADER_RAW, NULL },
	{ SPAN_LITERAL("A: \xe4\r\n"), HEADER_RAW, NULL },
	{ SPAN_LITERAL("A: \xe4 \x85 \xc3\x85 \x1b$B\r\n"), HEADER_8BIT, NULL },
	{ SPAN_LITERAL("A: b\xe2\x80\xa8" "B: c\r\n"), HEADER_8BIT,
		"header line 1: a line end of Unicode" },
	{ SPAN_LITERAL("A: b\xe4\xc2\x85" "B: c\r\n"), HEADER_8BIT,
		"header line 1: a line end of Unicode" },
	{ SPAN_LITERAL("A: b\fB: c\r\n"), HEADER_8BIT, "header line 1: control byte" },
	{ SPAN_LITERAL("A: b\r\n \x1e\r\n"), HEADER_8BIT, "header line 2: control byte" },
	{ SPAN_LITERAL("A: b\rB: c\r\n"), HEADER_8BIT, "header line 1: bare CR" },
	{ SPAN_LITERAL("\r\n"), 0, "header line 1: an empty line inside of the header" },
};

static void
test_malformed_blocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof block_cases / sizeof block_cases[0]; i++) {
		const struct block_case *c = &block_cases[i];
		struct header header;
		struct fault fault = FAULT_INIT;
		bool good = header_parse(c->block, c->rules, arena, &header, &fault);

		if (good != (c->fault == NULL))
			print_error("block %.*s: %s\n", SPAN_PRINT(c->block), fault.text);
		assert_int_equal(good, c->fault == NULL);
		if (c->fault) {
			assert_string_equal(fault.text, c->fault);
			assert_int_equal(fault.kind, FAULT_PEER);
		} else {
			assert_int_equal(header.bytes, c->block.length);
		}
	}
}

static bool
parse_repeated(
	const char *head, const char *piece, size_t count, const char *tail, struct fault *fault)
{
	struct buf block = BUF_INIT(0);
	struct header header;
	bool good;

	buf_add_text(&block, head);
	for (size_t i = 0; i < count; i++)
		buf_add_text(&block, piece);
	buf_add_text(&block, tail);
	good = header_parse(buf_span(&block), 0, arena, &header, fault);
	buf_fini(&block);
	return good;
}

/* E4, E5: caps on block, field, name and number, each exact. */
static void
test_caps(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_true(parse_repeated("", "A: b\r\n", HEADER_MAX_FIELDS, "", &fault));
	assert_false(parse_repeated("", "A: b\r\n", HEADER_MAX_FIELDS + 1, "", &fault));
	assert_int_equal(fault.kind, FAULT_LIMIT);
	assert_true(parse_repeated("A: ", "x", HEADER_FIELD_MAX_BYTES - 5, "\r\n", &fault));
	assert_false(parse_repeated("A: ", "x", HEADER_FIELD_MAX_BYTES - 4, "\r\n", &fault));
	assert_int_equal(fault.kind, FAULT_LIMIT);
	assert_false(parse_repeated("A: x\r\n", " y\r\n", HEADER_FIELD_MAX_BYTES, "", &fault));
	assert_int_equal(fault.kind, FAULT_LIMIT);
	assert_false(parse_repeated("", "A: b\r\n", 200000, "", &fault));
	assert_int_equal(fault.kind, FAULT_LIMIT);
	assert_true(parse_repeated("", "x", HEADER_NAME_MAX_BYTES, ": y\r\n", &fault));
	assert_false(parse_repeated("", "x", HEADER_NAME_MAX_BYTES + 1, ": y\r\n", &fault));
	assert_int_equal(fault.kind, FAULT_PEER);
}

/* Cut anywhere, a block is refused or is whole fields. */
static void
test_every_prefix(void **state)
{
	static const char whole[] = "From: a@b.c\r\nTo: x,\r\n y\r\nSubject: z\r\n";
	struct header header;
	struct fault fault;
	size_t good = 0;

	(void)state;
	for (size_t length = 0; length < sizeof whole; length++)
		if (header_parse(span_of(whole, length), 0, arena, &header, &fault)) {
			assert_int_equal(header.bytes, length);
			good++;
		}
	assert_int_equal(good, 5); /* none, one, two with and without its second line, three */
}

static struct header
parse(const char *text)
{
	struct header header;
	struct fault fault;

	assert_true(header_parse(span_text(text), 0, arena, &header, &fault));
	return header;
}

static void
check_block(const struct header *header, const char *wanted)
{
	struct buf out = BUF_INIT(0);
	struct header again;
	struct fault fault;

	assert_true(header_format(header, &out));
	assert_span_equal(buf_span(&out), wanted);
	assert_int_equal(header->bytes, strlen(wanted));
	assert_true(header_parse(buf_span(&out), HEADER_RAW, arena, &again, &fault));
	assert_int_equal(again.count, header->count);
	for (size_t i = 0; i < again.count; i++) {
		assert_true(span_equal(again.fields[i].name, header->fields[i].name));
		assert_true(span_equal(again.fields[i].value, header->fields[i].value));
	}
	buf_fini(&out);
}

static void
test_finding(void **state)
{
	struct header header = parse("Received: 1\r\nFrom: a\r\nreceived: 2\r\nRECEIVED: 3\r\n");

	(void)state;
	assert_int_equal(header_count(&header, "Received"), 3); /* I5 */
	assert_int_equal(header_find(&header, "Received", 0), 0);
	assert_int_equal(header_find(&header, "Received", 1), 2);
	assert_int_equal(header_find(&header, "Received", 2), 3);
	assert_int_equal(header_find(&header, "Received", 3), header.count);
	assert_int_equal(header_find(&header, "X", 0), header.count);
	assert_int_equal(header_next(&header, "Received", 1), 2);
	assert_int_equal(header_next(&header, "Received", 4), 4);
	assert_int_equal(header_count(&header, "Receive"), 0);
}

static void
test_changing(void **state)
{
	struct header header = parse("From: a\r\nBcc: x\r\nTo: b,\r\n c\r\nBcc: y\r\n");

	(void)state;
	assert_true(header_insert(&header, 0, SPAN_LITERAL("Received"), SPAN_LITERAL("from x")));
	assert_true(header_add(&header, SPAN_LITERAL("Date"), SPAN_LITERAL(" now")));
	assert_int_equal(header_delete_all(&header, "BCC"), 2);
	assert_int_equal(header_delete_all(&header, "BCC"), 0);
	assert_true(header_replace(&header, header_find(&header, "From", 0), SPAN_LITERAL("\td")));
	check_block(&header, "Received: from x\r\nFrom:\td\r\nTo: b,\r\n c\r\nDate: now\r\n");
	header_delete(&header, 2);
	assert_true(header_insert(&header, 2, SPAN_LITERAL("X"), SPAN_EMPTY));
	check_block(&header, "Received: from x\r\nFrom:\td\r\nX: \r\nDate: now\r\n");
	for (int i = 0; i < 100; i++)
		assert_true(header_add(&header, SPAN_LITERAL("Y"), SPAN_LITERAL("z")));
	assert_int_equal(header.count, 104);
}

static void
test_values_may_be_folded(void **state)
{
	struct header header;

	(void)state;
	header_init(&header, arena);
	assert_true(header_add(&header, SPAN_LITERAL("A"), SPAN_LITERAL("b\n c\r\n\td")));
	assert_true(header_add(&header, SPAN_LITERAL("B"), SPAN_LITERAL("\n\tc")));
	check_block(&header, "A: b\r\n c\r\n\td\r\nB: \r\n\tc\r\n");
	assert_span_equal(header.fields[0].name, "A");
	assert_span_equal(header.fields[0].value, " b\r\n c\r\n\td");
}

/* A24: no value from a filter can make another field, or end the header. */
static void
test_values_that_would_break_the_block(void **state)
{
	static const struct span bad[] = {
		SPAN_LITERAL("b\r\nFrom: c"),
		SPAN_LITERAL("b\nFrom: c"),
		SPAN_LITERAL("b\rFrom: c"),
		SPAN_LITERAL("b\r\n\r\nbody"),
		SPAN_LITERAL("b\r\n"),
		SPAN_LITERAL("b\n"),
		SPAN_LITERAL("b\r"),
		SPAN_LITERAL("b\0c"),
		SPAN_LITERAL("b\r\n \r\n c"),
		SPAN_LITERAL("b\n \n c"),
		SPAN_LITERAL("b\n "),
		SPAN_LITERAL("\x1b"),
		SPAN_LITERAL("b\r\r\n c"),
		SPAN_LITERAL("b\n\r\n c"),
		SPAN_LITERAL("\n"),
		SPAN_LITERAL("\x7f"),
	};
	static const struct span bad_names[] = {
		SPAN_EMPTY,
		SPAN_LITERAL("A B"),
		SPAN_LITERAL("A:"),
		SPAN_LITERAL("A\r\nB"),
		SPAN_LITERAL("A\0"),
		SPAN_LITERAL("\xc3\xa4"),
		SPAN_LITERAL(" A"),
	};
	struct header header = parse("From: a\r\n");

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(header_add(&header, SPAN_LITERAL("X"), bad[i]));
		assert_false(header_replace(&header, 0, bad[i]));
	}
	for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++)
		assert_false(header_insert(&header, 0, bad_names[i], SPAN_LITERAL("x")));
	check_block(&header, "From: a\r\n");
}

static void
test_line_and_size_caps_of_changes(void **state)
{
	struct header header;
	char value[HEADER_FIELD_MAX_BYTES + 1];
	size_t added = 0;

	(void)state;
	header_init(&header, arena);
	memset(value, 'x', sizeof value);
	assert_true(
		header_add(&header, SPAN_LITERAL("A"), span_of(value, HEADER_LINE_MAX_BYTES - 3)));
	assert_false(
		header_add(&header, SPAN_LITERAL("A"), span_of(value, HEADER_LINE_MAX_BYTES - 2)));
	for (size_t i = 900; i + 1 < sizeof value; i += 900) {
		value[i] = '\n';
		value[i + 1] = ' ';
	}
	assert_false(header_add(&header, SPAN_LITERAL("A"), span_of(value, sizeof value)));
	while (header_add(&header, SPAN_LITERAL("A"), span_of(value, 60000)))
		added++;
	assert_int_equal(added, 4);
	assert_true(header.bytes <= HEADER_MAX_BYTES);
	assert_false(header_replace(&header, 0, span_of(value, 60000)));
	while (header.count < HEADER_MAX_FIELDS)
		assert_true(header_add(&header, SPAN_LITERAL("A"), SPAN_EMPTY));
	assert_false(header_add(&header, SPAN_LITERAL("A"), SPAN_EMPTY));
}

static void
test_a_full_buffer_is_left_alone(void **state)
{
	struct header header = parse("From: a\r\nTo: b\r\n");
	struct buf out = BUF_INIT(10);

	(void)state;
	assert_false(header_format(&header, &out));
	assert_int_equal(buf_length(&out), 0);
	buf_fini(&out);
}

static void
test_folding_and_back(void **state)
{
	struct span value = SPAN_LITERAL(
		"from mail.example.org (mail.example.org [192.0.2.1]) by gate.example.net "
		"with ESMTPSA id 0123456789abcdef for <somebody@example.com>; "
		"Fri, 21 Nov 1997 09:55:06 -0600");
	struct span folded = header_fold(SPAN_LITERAL("Received"), value, arena);
	struct span rest = folded;
	size_t lines = 0;

	(void)state;
	while (rest.length) {
		struct span line = span_cut(rest, '\n', &rest);

		assert_true(
			line.length + (lines ? 0 : strlen("Received: ")) <= 79); /* with its CR */
		assert_true(lines == 0 || line.start[0] == ' ');
		lines++;
	}
	assert_int_equal(lines, 3);
	assert_true(span_equal(header_unfold(folded, arena), value));
	assert_span_equal(header_fold(SPAN_LITERAL("A"), SPAN_LITERAL("  b  "), arena), "b");
	assert_span_equal(header_fold(SPAN_LITERAL("A"), SPAN_EMPTY, arena), "");
	assert_span_equal(header_unfold(SPAN_LITERAL(" b "), arena), "b");
}

static void
test_a_word_is_never_cut(void **state)
{
	char value[300];
	struct span folded;

	(void)state;
	memset(value, 'x', sizeof value);
	folded = header_fold(SPAN_LITERAL("A"), span_of(value, sizeof value), arena);
	assert_int_equal(folded.length, sizeof value);
	value[100] = ' ';
	folded = header_fold(SPAN_LITERAL("A"), span_of(value, sizeof value), arena);
	assert_int_equal(folded.length, sizeof value + 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_with_their_places),
		cmocka_unit_test(test_malformed_blocks),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_finding),
		cmocka_unit_test(test_changing),
		cmocka_unit_test(test_values_may_be_folded),
		cmocka_unit_test(test_values_that_would_break_the_block),
		cmocka_unit_test(test_line_and_size_caps_of_changes),
		cmocka_unit_test(test_a_full_buffer_is_left_alone),
		cmocka_unit_test(test_folding_and_back),
		cmocka_unit_test(test_a_word_is_never_cut),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
