/* SPDX-License-Identifier: BSD-2-Clause */
/* Dates: known ones both ways, a walk through the centuries, and what is no date. */
#include "unit.h"

#include <time.h>

#include "wire/mail_date.h"

static void
test_known_dates(void **state)
{
	static const struct {
		int64_t seconds;
		int offset;
		const char *text;
	} cases[] = {
		{ 0, 0, "Thu, 01 Jan 1970 00:00:00 +0000" },
		{ 880127706, -360, "Fri, 21 Nov 1997 09:55:06 -0600" },
		{ 951782400, 0, "Tue, 29 Feb 2000 00:00:00 +0000" },
		{ 2147483648, 0, "Tue, 19 Jan 2038 03:14:08 +0000" },
		{ -1, 0, "Wed, 31 Dec 1969 23:59:59 +0000" },
		{ -1, 345, "Thu, 01 Jan 1970 05:44:59 +0545" },
		{ -2208988800, 0, "Mon, 01 Jan 1900 00:00:00 +0000" },
		{ INT64_C(253402300799), 0, "Fri, 31 Dec 9999 23:59:59 +0000" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[MAIL_DATE_SIZE];
		int64_t seconds;

		assert_int_equal(mail_date_format(cases[i].seconds, cases[i].offset, text),
			strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
		assert_true(mail_date_parse(span_text(text), &seconds));
		assert_true(seconds == cases[i].seconds);
	}
}

static void
test_out_of_range_is_the_nearest(void **state)
{
	char text[MAIL_DATE_SIZE];

	(void)state;
	mail_date_format(INT64_MAX, 0, text);
	assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 +0000");
	mail_date_format(INT64_MIN, 0, text);
	assert_string_equal(text, "Mon, 01 Jan 1900 00:00:00 +0000");
	mail_date_format(INT64_C(253402300799), 60, text);
	assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 +0100");
	mail_date_format(INT64_MIN, INT32_MIN, text);
	assert_string_equal(text, "Mon, 01 Jan 1900 00:00:00 -9959");
}

/* Against the C library, day after day and at odd seconds. */
static void
test_as_the_c_library_has_it(void **state)
{
	(void)state;
	for (int64_t seconds = -2208988800; seconds < INT64_C(8000000000);
		seconds += 86400 * 3 + 12347) {
		time_t time = (time_t)seconds;
		struct tm tm;
		char ours[MAIL_DATE_SIZE];
		char theirs[MAIL_DATE_SIZE];
		int64_t again;

		gmtime_r(&time, &tm);
		strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S +0000", &tm);
		mail_date_format(seconds, 0, ours);
		assert_string_equal(ours, theirs);
		assert_true(mail_date_parse(span_text(ours), &again));
		assert_true(again == seconds);
	}
}

static void
test_forms(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ " Fri, 21 Nov 1997 09:55:06 -0600", true },
		{ "21 Nov 1997 09:55:06 -0600", true },
		{ "21 Nov 1997 09:55 -0600", true },
		{ "Fri,\r\n 21 Nov 1997\r\n\t09:55:06 -0600", true },
		{ "Fri, 21 Nov 1997 15:55:06 +0000 (UTC)", true },
		{ "Fri, 21 Nov 1997 15:55:06 +0000 (a (b) \\) c) ", true },
		{ "fri, 21 nov 1997 15:55:06 gmt", true },
		{ "Fri, 21 Nov 1997 15:55:06 UT", true },
		{ "Fri, 21 Nov 1997 10:55:06 EST", true },
		{ "Fri, 1 Nov 2030 00:00:60 +0000", true },
		{ "", false },
		{ "now", false },
		{ "Thu, 21 Nov 1997 09:55:06 -0600", false },      /* it was a Friday */
		{ "Fri 21 Nov 1997 09:55:06 -0600", false },
		{ "Fri, 21 Nov 97 09:55:06 -0600", false },
		{ "Fri, 21 Nov 19970 09:55:06 -0600", false },
		{ "Fri, 21 Nov 1899 09:55:06 -0600", false },
		{ "31 Feb 2020 00:00:00 +0000", false },
		{ "30 Feb 2020 00:00:00 +0000", false },
		{ "29 Feb 2020 00:00:00 +0000", true },
		{ "29 Feb 2100 00:00:00 +0000", false },
		{ "31 Nov 2020 00:00:00 +0000", false },
		{ "0 Nov 2020 00:00:00 +0000", false },
		{ "32 Dec 2020 00:00:00 +0000", false },
		{ "99 Dec 2020 00:00:00 +0000", false },
		{ "021 Nov 1997 09:55:06 -0600", false },
		{ "21 November 1997 09:55:06 -0600", false },
		{ "21 Nov 1997 24:00:00 -0600", false },
		{ "21 Nov 1997 09:60:00 -0600", false },
		{ "21 Nov 1997 09:55:61 -0600", false },
		{ "21 Nov 1997 9:55:06 -0600", false },
		{ "21 Nov 1997 09:55: -0600", false },
		{ "21 Nov 1997 09 :55:06 -0600", false },
		{ "21 Nov 1997 09:55:06", false },
		{ "21 Nov 1997 09:55:06 0600", false },
		{ "21 Nov 1997 09:55:06 -060", false },
		{ "21 Nov 1997 09:55:06 -0660", false },
		{ "21 Nov 1997 09:55:06 -06:00", false },
		{ "21 Nov 1997 09:55:06 Z", false },
		{ "21 Nov 1997 09:55:06 -0600 x", false },
		{ "21 Nov 1997 09:55:06 -0600 (x", false },
		{ "21 Nov 1997 09:55:06 -0600 )", false },
		{ "1997-11-21T09:55:06Z", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t seconds;

		if (mail_date_parse(span_text(cases[i].text), &seconds) != cases[i].good)
			print_error("date %s\n", cases[i].text);
		assert_int_equal(
			mail_date_parse(span_text(cases[i].text), &seconds), cases[i].good);
		if (cases[i].good && i < 9 && i != 2)
			assert_true(seconds == 880127706);
	}
}

static void
test_every_prefix_is_no_date(void **state)
{
	static const char whole[] = "Fri, 21 Nov 1997 09:55:06 -0600";
	int64_t seconds;

	(void)state;
	for (size_t length = 0; length < sizeof whole - 1; length++)
		assert_false(mail_date_parse(span_of(whole, length), &seconds));
	assert_false(mail_date_parse(SPAN_LITERAL("Fri, 21 Nov 1997 09:55:06 -0600\0"), &seconds));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_dates),
		cmocka_unit_test(test_out_of_range_is_the_nearest),
		cmocka_unit_test(test_as_the_c_library_has_it),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_every_prefix_is_no_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
