/* SPDX-License-Identifier: BSD-2-Clause */
/* Options that become lists and moments. */
#include "unit.h"

#include <stdlib.h>
#include <time.h>

#include "ctl/option.h"

static void
protocols(void **state)
{
	static const struct {
		const char *text;
		const char *list;
	} cases[] = {
		{ "none", "[]" },
		{ "", "[]" },
		{ "smtp", "[\"smtp\"]" },
		{ "smtp,imap", "[\"smtp\",\"imap\"]" },
		{ "smtp,imap,pop3", "[\"smtp\",\"imap\",\"pop3\"]" },
		/* auth says what is wrong with these */
		{ "none,smtp", "[\"none\",\"smtp\"]" },
		{ "smtp, imap", "[\"smtp\",\" imap\"]" },
		{ "smtp,,imap", "[\"smtp\",\"\",\"imap\"]" },
		{ ",smtp", "[\"\",\"smtp\"]" },
		{ "SMTP", "[\"SMTP\"]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_t *list = option_protocols(cases[i].text);
		char *text = json_dumps(list, JSON_COMPACT);

		assert_string_equal(text, cases[i].list);
		free(text);
		json_decref(list);
	}
}

static void
set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

/* A day ends where the next one begins, in the time of the place. */
static void
expiry(void **state)
{
	static const struct {
		const char *zone;
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "UTC", "never", 0 },
		{ "UTC", "2030-01-31", 1896134400000 },
		{ "UTC", "2028-02-29", 1835481600000 },
		{ "UTC", "2030-12-31", 1924992000000 },
		{ "UTC", "1970-01-01", 86400000 },
		{ "XST-1", "2030-01-31", 1896130800000 },
		{ "XST5", "2030-01-31", 1896152400000 },
		/* the days on which clocks are set: of 23 hours, and of 25 */
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2030-03-31", 1901224800000 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2030-10-27", 1919372400000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_int_t ms = -1;

		set_zone(cases[i].zone);
		if (!option_expiry(cases[i].text, &ms))
			fail_msg("refused: %s", cases[i].text);
		assert_int_equal(ms, cases[i].ms);
	}
	set_zone("UTC");
}

static void
no_expiry(void **state)
{
	static const char *const texts[] = { "", "tomorrow", "Never", "never ", "2030", "2030-01",
		"2030-01-", "2030-00-10", "2030-13-01", "2030-01-00", "2030-01-32", "2030-02-29",
		"2030-02-30", "2030-04-31", "2030-01-31x", "2030-01-31 ", "2030-01-31 12:00",
		"2030/01/31", "31.1.2030", "0", "1896134400" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		json_int_t ms = -1;

		if (option_expiry(texts[i], &ms))
			fail_msg("passed: %s", texts[i]);
		assert_int_equal(ms, -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protocols),
		cmocka_unit_test(expiry),
		cmocka_unit_test(no_expiry),
	};

	return cmocka_run_group_tests_name("ctl/option", tests, NULL, NULL);
}
