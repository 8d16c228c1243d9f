/* SPDX-License-Identifier: BSD-2-Clause */
/* What filters answer: the forms that real ones send, and those that would break a message. */
#include "unit.h"

#include "wire/milter_answer.h"
#include "wire/milter_packet.h"

#define BYTES(text) SPAN_LITERAL(text)

static struct arena *arena;

static int
set_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* ---- negotiation ----------------------------------------------------------------------------- */

static void
check_offer_fault(struct span payload, const char *wanted)
{
	struct milter_offer offer;
	struct fault fault = FAULT_INIT;

	assert_false(milter_offer_parse(payload, 6, arena, &offer, &fault));
	assert_non_null(strstr(fault.text, wanted));
}

static void
test_offers(void **state)
{
	struct milter_offer offer;
	struct fault fault = FAULT_INIT;

	(void)state;
	/* What OpenDKIM 2.11 answers. */
	assert_true(milter_offer_parse(
		BYTES("\0\0\0\6\0\0\1\x11\0\x10\7\2" "\0\0\0\6i {daemon_name} {auth_type}\0"), 6,
		arena, &offer, &fault));
	assert_int_equal(offer.actions,
		MILTER_MAY_ADD_HEADERS | MILTER_MAY_CHANGE_HEADERS | MILTER_MAY_NAME_MACROS);
	assert_int_equal(offer.steps, MILTER_NO_HELO | MILTER_NO_UNKNOWN | MILTER_NO_DATA |
					      MILTER_CAN_SKIP | MILTER_LEADING_SPACE);
	assert_true(offer.macros[MILTER_STAGE_HEADER_END].given);
	assert_int_equal(offer.macros[MILTER_STAGE_HEADER_END].count, 3);
	assert_span_equal(offer.macros[MILTER_STAGE_HEADER_END].names[1], "{daemon_name}");
	assert_false(offer.macros[MILTER_STAGE_MAIL].given);
	assert_false(offer.odd_actions);
	/* Old ones do not know DATA; larger packets change nothing; actions beyond ours are no harm. */
	assert_true(milter_offer_parse(
		BYTES("\0\0\0\2\x80\0\0\1\x20\0\0\0"), 6, arena, &offer, &fault));
	assert_int_equal(offer.steps, MILTER_NO_UNKNOWN | MILTER_NO_DATA);
	assert_int_equal(offer.actions, MILTER_MAY_ADD_HEADERS);
	assert_true(offer.odd_actions);
	/* An empty list is a list; one for a stage that does not exist is none; the first one counts. */
	assert_true(milter_offer_parse(BYTES("\0\0\0\6\0\0\0\0\0\0\0\0" "\0\0\0\x4d" "a\0"
					     "\0\0\0\2\0" "\0\0\0\3a,b\n c\0" "\0\0\0\3z\0"),
		6, arena, &offer, &fault));
	assert_true(offer.macros[MILTER_STAGE_MAIL].given);
	assert_int_equal(offer.macros[MILTER_STAGE_MAIL].count, 0);
	assert_int_equal(offer.macros[MILTER_STAGE_RCPT].count, 3);
	assert_span_equal(offer.macros[MILTER_STAGE_RCPT].names[2], "c");
	check_offer_fault(SPAN_EMPTY, "cut short");
	check_offer_fault(BYTES("\0\0\0\6\0\0\0\0"), "cut short");
	check_offer_fault(BYTES("\0\0\0\1\0\0\0\0\0\0\0\0"), "version 1");
	check_offer_fault(BYTES("\0\0\0\x63\0\0\0\0\0\0\0\0"), "version 99");
	check_offer_fault(BYTES("\0\0\0\6\0\0\0\0\x80\x60\0\0"), "unknown steps");
	check_offer_fault(BYTES("\0\0\0\6\0\0\0\0\0\0\0\0" "\0\0\0\2i"), "macros");
	check_offer_fault(BYTES("\0\0\0\6\0\0\0\0\0\0\0\0" "\0\0"), "macros");
}

static void
test_a_long_list_of_macros_is_cut(void **state)
{
	char payload[12 + 4 + 2 * 1000];
	struct milter_offer offer;
	struct fault fault = FAULT_INIT;

	(void)state;
	memset(payload, 0, 16);
	payload[3] = 6;
	for (size_t i = 16; i < sizeof payload; i += 2) {
		payload[i] = 'x';
		payload[i + 1] = ' ';
	}
	payload[sizeof payload - 1] = '\0';
	assert_true(milter_offer_parse(
		span_of(payload, sizeof payload), 6, arena, &offer, &fault));
	assert_int_equal(offer.macros[MILTER_STAGE_CONNECT].count, MILTER_MACROS_MAX);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static const struct refusal_case {
	struct span payload;
	unsigned code; /* 0: not even a class */
	const char *enhanced;
	const char *text;
} refusals[] = {
	{ BYTES("550 5.7.9 no\0"), 550, "5.7.9", "no" },
	{ BYTES("451 try later\0"), 451, "4.7.1", "try later" },
	{ BYTES("550 4.7.9 class\0"), 550, "5.7.1", "4.7.9 class" },
	{ BYTES("550-5.7.9 a\r\n550 5.7.9 b\0"), 550, "5.7.9", "a\nb" },
	{ BYTES("550 100%% sure%\0"), 550, "5.7.1", "100% sure" },
	{ BYTES("550 %s%n%%%d\0"), 550, "5.7.1", "sn%d" },
	{ BYTES("550\0"), 550, "5.7.1", "" },
	{ BYTES("550 \x1b[2J\xc3\xa4\0"), 550, "5.7.1", "?[2J??" },
	{ BYTES("550 a\r\n250 b\0"), 550, "5.7.1", "Command rejected" },
	{ BYTES("550-a\n550 b\0"), 550, "5.7.1", "Command rejected" },
	{ BYTES("550 a\r\n550 b\0"), 550, "5.7.1", "Command rejected" },
	{ BYTES("550-a\0"), 550, "5.7.1", "Command rejected" },
	{ BYTES("550x\0"), 550, "5.7.1", "Command rejected" },
	{ BYTES("55\0"), 550, "5.7.1", "Command rejected" },
	{ BYTES("5\0"), 550, "5.7.1", "Command rejected" },
	{ BYTES("550 no end"), 550, "5.7.1", "Command rejected" },
	{ BYTES("450 a\0b\0"), 451, "4.7.1", "Command rejected; try again later" },
	{ BYTES("4x0 a\0"), 451, "4.7.1", "Command rejected; try again later" },
	{ BYTES("250 ok\0"), 0, NULL, NULL },
	{ BYTES("354 go\0"), 0, NULL, NULL },
	{ BYTES("999 a\0"), 0, NULL, NULL },
	{ BYTES("\0"), 0, NULL, NULL },
	{ BYTES(""), 0, NULL, NULL },
};

static void
test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		const struct refusal_case *row = &refusals[i];
		struct milter_refusal refusal = { 0 };

		assert_int_equal(
			milter_refusal_parse(row->payload, arena, &refusal), row->code != 0);
		if (row->code == 0)
			continue;
		assert_int_equal(refusal.code, row->code);
		assert_string_equal(refusal.enhanced, row->enhanced);
		assert_string_equal(refusal.text, row->text);
	}
}

static void
test_a_refusal_of_too_many_lines_is_none(void **state)
{
	char payload[33 * 7 + 1] = "";
	struct milter_refusal refusal;

	(void)state;
	for (int i = 0; i < 33; i++)
		strcat(payload, i < 32 ? "550-a\r\n" : "550 a");
	assert_true(milter_refusal_parse(
		span_of(payload, strlen(payload) + 1), arena, &refusal));
	assert_string_equal(refusal.text, "Command rejected");
}

/* ---- changes --------------------------------------------------------------------------------- */

static const struct value_case {
	struct span given;
	const char *wanted;
} values[] = {
	{ BYTES("X\0 a\0"), " a" },
	{ BYTES("X\0\0"), "" },
	{ BYTES("X\0a\n\tb\0"), "a\r\n\tb" },
	{ BYTES("X\0a\r\n b\0"), "a\r\n b" },
	{ BYTES("X\0a\r b\0"), "a\r\n b" },
	{ BYTES("X\0a\nBcc: v\0"), "a\r\n\tBcc: v" },
	{ BYTES("X\0a\r\n\r\nbody\0"), "a\r\n\tbody" },
	{ BYTES("X\0a\n \n\t\nb\0"), "a\r\n\tb" },
	{ BYTES("X\0a\n\0"), "a" },
	{ BYTES("X\0\na\0"), "\r\n\ta" },
	{ BYTES("X\0a\x01\x7f\tb\0"), "a??\tb" },
};

static void
test_values_stay_within_their_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct milter_field field;
		struct fault fault = FAULT_INIT;

		assert_true(milter_field_parse(values[i].given, false, arena, &field, &fault));
		assert_span_equal(field.name, "X");
		assert_span_equal(field.value, values[i].wanted);
	}
}

static void
test_fields_that_are_none(void **state)
{
	static const struct span bad[] = { BYTES(""), BYTES("X\0"), BYTES("X\0a"), BYTES("\0a\0"),
		BYTES("X\0a\0b\0"), BYTES("X:\0a\0"), BYTES("X \0a\0"), BYTES("X\r\0a\0"),
		BYTES("\xc3\xa4\0a\0") };
	char long_name[MILTER_NAME_MAX_BYTES + 4];
	struct milter_field field;
	struct fault fault = FAULT_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(milter_field_parse(bad[i], false, arena, &field, &fault));
	memset(long_name, 'x', sizeof long_name);
	long_name[MILTER_NAME_MAX_BYTES + 1] = long_name[MILTER_NAME_MAX_BYTES + 3] = '\0';
	assert_false(milter_field_parse(
		span_of(long_name, sizeof long_name), false, arena, &field, &fault));
	assert_true(milter_field_parse(
		span_of(long_name + 1, sizeof long_name - 1), false, arena, &field, &fault));
}

static void
test_indices(void **state)
{
	struct milter_field field;
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_true(milter_field_parse(BYTES("\0\0\0\1X\0a\0"), true, arena, &field, &fault));
	assert_int_equal(field.index, 1);
	/* amavisd-milter says "at the end" so. */
	assert_true(milter_field_parse(
		BYTES("\x7f\xff\xff\xffX\0a\0"), true, arena, &field, &fault));
	assert_int_equal(field.index, INT32_MAX);
	assert_false(milter_field_parse(BYTES("\x80\0\0\0X\0a\0"), true, arena, &field, &fault));
	assert_false(milter_field_parse(BYTES("\0\0\0"), true, arena, &field, &fault));
}

static void
test_paths_and_reasons(void **state)
{
	struct milter_path path;
	char reason[16];

	(void)state;
	assert_true(milter_path_parse(BYTES("<a@b>\0"), &path));
	assert_span_equal(path.path, "<a@b>");
	assert_int_equal(path.parameters.length, 0);
	assert_true(milter_path_parse(BYTES("<a@b>\0NOTIFY=NEVER X=1\0"), &path));
	assert_span_equal(path.parameters, "NOTIFY=NEVER X=1");
	assert_false(milter_path_parse(BYTES("<a@b>"), &path));
	assert_false(milter_path_parse(BYTES("<a@b>\0x"), &path));
	assert_false(milter_path_parse(BYTES("<a@b>\0x\0y\0"), &path));
	assert_false(milter_path_parse(BYTES(""), &path));
	milter_reason_format(BYTES("bad\r\nthing\0x"), reason, sizeof reason);
	assert_string_equal(reason, "bad\\x0d\\x0athin");
	milter_reason_format(BYTES("no end"), reason, sizeof reason);
	assert_string_equal(reason, "no end");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_a_long_list_of_macros_is_cut),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_a_refusal_of_too_many_lines_is_none),
		cmocka_unit_test(test_values_stay_within_their_field),
		cmocka_unit_test(test_fields_that_are_none),
		cmocka_unit_test(test_indices),
		cmocka_unit_test(test_paths_and_reasons),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
