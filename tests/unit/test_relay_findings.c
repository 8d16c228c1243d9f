/* SPDX-License-Identifier: BSD-2-Clause */
/* What is remembered of recipients: for how long, of which hop, and never more than fits. */
#include "relay/findings.h"
#include "unit.h"

#include <stdio.h>

static struct findings *findings;
static char enhanced[MESSAGE_ENHANCED_MAX_BYTES + 1];

static enum finding
find(const char *hop, const char *path, uint64_t now_ms)
{
	return findings_find(findings, span_text(hop), span_text(path), now_ms, enhanced);
}

static void
add(const char *hop, const char *path, enum finding finding, const char *code, uint64_t now_ms,
	uint64_t life_ms)
{
	findings_add(findings, span_text(hop), span_text(path), finding, code, now_ms, life_ms);
}

static void
remembered_for_a_while(void **state)
{
	(void)state;
	findings = findings_new();
	assert_int_equal(find("smtp:a", "u@x", 0), FINDING_UNSURE);
	add("smtp:a", "u@x", FINDING_UNKNOWN, "5.1.1", 1000, 500);
	add("smtp:a", "v@x", FINDING_KNOWN, "", 1000, 5000);
	assert_int_equal(find("smtp:a", "u@x", 1499), FINDING_UNKNOWN);
	assert_string_equal(enhanced, "5.1.1");
	assert_int_equal(find("smtp:a", "v@x", 1499), FINDING_KNOWN);
	assert_string_equal(enhanced, "");
	assert_int_equal(find("smtp:a", "u@x", 1500), FINDING_UNSURE);
	assert_int_equal(find("smtp:a", "v@x", 5999), FINDING_KNOWN);
	/* the newer counts, and another hop or recipient is another */
	add("smtp:a", "u@x", FINDING_KNOWN, "", 2000, 500);
	assert_int_equal(find("smtp:a", "u@x", 2100), FINDING_KNOWN);
	assert_int_equal(find("smtp:b", "u@x", 2100), FINDING_UNSURE);
	assert_int_equal(find("smtp:a", "U@x", 2100), FINDING_UNSURE);
	assert_int_equal(find("smtp:au", "@x", 2100), FINDING_UNSURE);
	findings_free(&findings);
	assert_null(findings);
	findings_free(&findings);
}

static void
what_is_not_sure_is_not_kept(void **state)
{
	(void)state;
	findings = findings_new();
	add("h", "u@x", FINDING_LATER, "4.2.1", 0, 1000);
	add("h", "v@x", FINDING_UNSURE, "", 0, 1000);
	add("h", "w@x", FINDING_KNOWN, "", 5, 0);
	assert_int_equal(find("h", "u@x", 1), FINDING_UNSURE);
	assert_int_equal(find("h", "v@x", 1), FINDING_UNSURE);
	assert_int_equal(find("h", "w@x", 5), FINDING_UNSURE);
	findings_free(&findings);
}

/* Ten times as many as there is room for: most of the last are there, and none is another's. */
static void
more_than_fit(void **state)
{
	char path[40];
	size_t kept = 0;

	(void)state;
	findings = findings_new();
	for (unsigned i = 0; i < 10 * FINDINGS_MAX; i++) {
		snprintf(path, sizeof path, "user%u@example.org", i);
		add("h", path, i % 2 ? FINDING_KNOWN : FINDING_UNKNOWN, "", i, 1000 * 1000);
	}
	for (unsigned i = 0; i < 10 * FINDINGS_MAX; i++) {
		snprintf(path, sizeof path, "user%u@example.org", i);
		enum finding finding = find("h", path, 1000);

		if (finding == FINDING_UNSURE)
			continue;
		kept++;
		assert_int_equal(finding, i % 2 ? FINDING_KNOWN : FINDING_UNKNOWN);
	}
	assert_true(kept <= FINDINGS_MAX && kept > FINDINGS_MAX * 9 / 10);
	findings_free(&findings);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembered_for_a_while),
		cmocka_unit_test(what_is_not_sure_is_not_kept),
		cmocka_unit_test(more_than_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
