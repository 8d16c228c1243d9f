/* SPDX-License-Identifier: BSD-2-Clause */
/* Verdicts from answers of filters, and without one. */
#include "unit.h"

#include "base/memory.h"
#include "policy/milter_verdict.h"

struct answer_case {
	enum milter_answer answer;
	const char *payload;
	size_t length;
	enum verdict_kind kind;
	unsigned code;
	const char *enhanced;
};

static void
of_answers(void **state)
{
	static const struct answer_case cases[] = {
		{ MILTER_CONTINUE, "", 0, VERDICT_CONTINUE, 0, "" },
		{ MILTER_ACCEPT, "", 0, VERDICT_ACCEPT, 0, "" },
		{ MILTER_DISCARD, "", 0, VERDICT_DISCARD, 0, "" },
		{ MILTER_REJECT, "", 0, VERDICT_REJECT, 550, "5.7.1" },
		{ MILTER_TEMPFAIL, "", 0, VERDICT_TEMPFAIL, 451, "4.7.1" },
		{ MILTER_REPLY, "554 5.6.0 no", 13, VERDICT_REJECT, 554, "5.6.0" },
		{ MILTER_REPLY, "450 later", 10, VERDICT_TEMPFAIL, 450, "4.7.1" },
	};
	struct arena *arena = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct milter_packet packet = { .answer = cases[i].answer,
			.payload = span_of(cases[i].payload, cases[i].length) };
		struct verdict verdict;

		assert_true(milter_verdict_of(&packet, "milter x at mail", arena, &verdict));
		assert_int_equal(verdict.kind, cases[i].kind);
		assert_int_equal(verdict.code, cases[i].code);
		assert_string_equal(verdict.enhanced, cases[i].enhanced);
		assert_string_equal(verdict.where, "milter x at mail");
		assert_null(verdict.lines);
	}
	arena_free(&arena);
}

/* A line that is cut, and what has several, is whole in lines. */
static void
long_texts(void **state)
{
	struct arena *arena = arena_new(0);
	char text[4 + 1 + 400 + 1] = "550 ";
	struct milter_packet packet = { .answer = MILTER_REPLY };
	struct verdict verdict;

	(void)state;
	memset(text + 4, 'x', 400);
	packet.payload = span_of(text, 4 + 400 + 1);
	assert_true(milter_verdict_of(&packet, "", arena, &verdict));
	assert_int_equal(strlen(verdict.text), VERDICT_TEXT_MAX_BYTES - 1);
	assert_int_equal(strlen(verdict.lines), 400);
	packet.payload = span_of("550-5.7.1 a\r\n550 5.7.1 b", sizeof "550-5.7.1 a\r\n550 5.7.1 b");
	assert_true(milter_verdict_of(&packet, "", arena, &verdict));
	assert_string_equal(verdict.text, "a");
	assert_string_equal(verdict.lines, "a\nb");
	packet.payload = span_of("250 ok", 7);
	assert_false(milter_verdict_of(&packet, "", arena, &verdict));
	arena_free(&arena);
}

static void
without_an_answer(void **state)
{
	static const struct {
		enum milter_failure on_failure;
		enum verdict_kind kind[2]; /* untouched, changed */
	} cases[] = {
		{ MILTER_FAILURE_TEMPFAIL, { VERDICT_TEMPFAIL, VERDICT_TEMPFAIL } },
		{ MILTER_FAILURE_ACCEPT, { VERDICT_ACCEPT, VERDICT_TEMPFAIL } },
		{ MILTER_FAILURE_REJECT, { VERDICT_REJECT, VERDICT_REJECT } },
		{ MILTER_FAILURE_HOLD, { VERDICT_HOLD, VERDICT_TEMPFAIL } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int changed = 0; changed < 2; changed++) {
			struct verdict verdict = milter_verdict_without(cases[i].on_failure, changed,
				"milter secret-name at mail");

			assert_int_equal(verdict.kind, cases[i].kind[changed]);
			assert_string_equal(verdict.where, "milter secret-name at mail");
			/* A client is told nothing of the house; who looks at what is held is. */
			assert_int_equal(strstr(verdict.text, "secret-name") != NULL,
				verdict.kind == VERDICT_HOLD);
		}
}

static void
names_of_places(void **state)
{
	char where[VERDICT_TEXT_MAX_BYTES];

	(void)state;
	milter_verdict_where("x", MILTER_AT_CONNECT, where);
	assert_string_equal(where, "milter x at connect");
	milter_verdict_where("x", MILTER_AT_END, where);
	assert_string_equal(where, "milter x at end of message");
	for (int place = MILTER_AT_CONNECT; place <= MILTER_AT_UNKNOWN; place++)
		assert_non_null(milter_place_name((enum milter_place)place));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_answers),
		cmocka_unit_test(long_texts),
		cmocka_unit_test(without_an_answer),
		cmocka_unit_test(names_of_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
