/* SPDX-License-Identifier: BSD-2-Clause */
/* What a stage says: its kind by the code, its word, and texts that are fit to be sent. */
#include "unit.h"

#include "policy/verdict.h"

static void
refusals(void **state)
{
	struct verdict later = verdict_refuse(451, "4.7.1", "a stage", "Wait %d\r\n550 x", 5);
	struct verdict never = verdict_refuse(550, "5.7.1", "", "No");

	(void)state;
	assert_int_equal(later.kind, VERDICT_TEMPFAIL);
	assert_int_equal(later.code, 451);
	assert_string_equal(later.enhanced, "4.7.1");
	assert_string_equal(later.where, "a stage");
	assert_null(strpbrk(later.text, "\r\n"));
	assert_int_equal(never.kind, VERDICT_REJECT);
	assert_string_equal(never.text, "No");
}

static void
words(void **state)
{
	static const struct {
		struct verdict verdict;
		const char *word;
		bool is_refusal;
	} cases[] = {
		{ { .kind = VERDICT_CONTINUE }, "pass", false },
		{ { .kind = VERDICT_CONTINUE, .changed = VERDICT_STRIPPED }, "strip", false },
		{ { .kind = VERDICT_CONTINUE, .changed = VERDICT_REWRITTEN }, "rewrite", false },
		{ { .kind = VERDICT_ACCEPT }, "accept", false },
		{ { .kind = VERDICT_REJECT }, "refuse", true },
		{ { .kind = VERDICT_TEMPFAIL }, "tempfail", true },
		{ { .kind = VERDICT_DISCARD }, "discard", false },
		{ { .kind = VERDICT_HOLD }, "hold", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_string_equal(verdict_word(&cases[i].verdict), cases[i].word);
		assert_int_equal(verdict_is_refusal(&cases[i].verdict), cases[i].is_refusal);
	}
}

static void
passes_and_holds(void **state)
{
	struct verdict pass = verdict_pass("rule 3");
	struct verdict hold = verdict_hold("rule 4", "for %s", "review");

	(void)state;
	assert_int_equal(pass.kind, VERDICT_CONTINUE);
	assert_string_equal(pass.where, "rule 3");
	assert_int_equal(hold.kind, VERDICT_HOLD);
	assert_string_equal(hold.text, "for review");
	assert_string_equal(hold.where, "rule 4");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals),
		cmocka_unit_test(words),
		cmocka_unit_test(passes_and_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
