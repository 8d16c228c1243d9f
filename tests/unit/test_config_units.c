/* SPDX-License-Identifier: BSD-2-Clause */
/* Durations and sizes, read and written. */
#include "unit.h"

#include "config/units.h"

struct unit_case {
	const char *text;
	bool good;
	uint64_t number;
	const char *again; /* how it is written back; NULL: as it was */
};

static void
check(const struct unit_case *unit, bool (*parse)(struct span, uint64_t *),
	void (*format)(uint64_t, struct buf *))
{
	struct buf again = BUF_INIT(64);
	uint64_t number = 4711;

	assert_int_equal(parse(span_text(unit->text), &number), unit->good);
	assert_int_equal(number, unit->good ? unit->number : 4711);
	if (unit->good) {
		format(number, &again);
		assert_string_equal(buf_text(&again), unit->again ? unit->again : unit->text);
	}
	buf_fini(&again);
}

static void
durations(void **state)
{
	static const struct unit_case cases[] = {
		{ "0", true, 0, NULL },
		{ "0s", true, 0, "0" },
		{ "1ms", true, 1, NULL },
		{ "1500ms", true, 1500, NULL },
		{ "2000ms", true, 2000, "2s" },
		{ "30s", true, 30000, NULL },
		{ "90s", true, 90000, NULL },
		{ "60s", true, 60000, "1m" },
		{ "5m", true, 300000, NULL },
		{ "1h", true, 3600000, NULL },
		{ "24h", true, 86400000, "1d" },
		{ "5d", true, 432000000, NULL },
		{ "3650d", true, UNITS_DURATION_MAX_MS, NULL },
		{ "3651d", false, 0, NULL },
		{ "", false, 0, NULL },
		{ "s", false, 0, NULL },
		{ "5", false, 0, NULL },
		{ "-5s", false, 0, NULL },
		{ "5 s", false, 0, NULL },
		{ " 5s", false, 0, NULL },
		{ "5S", false, 0, NULL },
		{ "1h30m", false, 0, NULL },
		{ "1.5h", false, 0, NULL },
		{ "5sec", false, 0, NULL },
		{ "99999999999999999999d", false, 0, NULL },
		{ "18446744073709551615d", false, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check(&cases[i], units_parse_duration, units_format_duration);
}

static void
sizes(void **state)
{
	static const struct unit_case cases[] = {
		{ "0", true, 0, NULL },
		{ "512", true, 512, NULL },
		{ "1024", true, 1024, "1K" },
		{ "64K", true, 65536, NULL },
		{ "1025", true, 1025, NULL },
		{ "25M", true, 26214400, NULL },
		{ "2048M", true, 2147483648, "2G" },
		{ "", false, 0, NULL },
		{ "K", false, 0, NULL },
		{ "64k", false, 0, NULL },
		{ "64KB", false, 0, NULL },
		{ "-1", false, 0, NULL },
		{ "0x10", false, 0, NULL },
		{ "18446744073709551615", true, UINT64_MAX, NULL },
		{ "18446744073709551615K", false, 0, NULL },
		{ "18446744073709551616", false, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check(&cases[i], units_parse_size, units_format_size);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
