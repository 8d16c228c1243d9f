/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON for human eyes: aligned, tabbed, and with nothing in it that could fool a terminal. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "ctl/table.h"

static const struct table_column columns[] = {
	{ "ID", "id", TABLE_TEXT },
	{ "WHEN", "when", TABLE_TIME },
	{ "SIZE", "size", TABLE_SIZE },
	{ "TO", "to", TABLE_COUNT },
	{ "NAMES", "names", TABLE_TEXT },
	{ "HELD", "held", TABLE_TEXT },
	{ "AGE", "age", TABLE_AGE },
	{ "TOOK", "took", TABLE_SHORT },
	{ NULL, NULL, TABLE_TEXT },
};

enum how { HEADINGS, TABS, FIELDS };

static void
check(const char *json, enum how how, const char *wanted)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	json_t *value = json_loads(json, 0, NULL);

	assert_non_null(value);
	if (how == FIELDS)
		table_print_fields(out, columns, value);
	else
		table_print(out, columns, value, how == HEADINGS);
	fclose(out);
	assert_string_equal(text, wanted);
	free(text);
	json_decref(value);
}

#define ROWS                                                                                       \
	"[{\"id\":\"a1\",\"when\":1700000000000,\"size\":500,\"to\":[1,2,3],\"names\":[\"x\",\"y\"]," \
	"\"held\":false},{\"id\":7,\"size\":26214400,\"to\":[],\"held\":true}]"

static void
tables(void **state)
{
	(void)state;
	check(ROWS, HEADINGS,
		"ID  WHEN                 SIZE   TO  NAMES  HELD  AGE  TOOK\n"
		"a1  2023-11-14 22:13:20  500    3   x, y   no         \n"
		"7                        25.0M  0          yes        \n");
	check(ROWS, TABS,
		"a1\t2023-11-14 22:13:20\t500\t3\tx, y\tno\t\t\n7\t\t25.0M\t0\t\tyes\t\t\n");
	/* nothing is nothing, without a heading over it */
	check("[]", HEADINGS, "");
	check("[]", TABS, "");
}

static void
fields(void **state)
{
	(void)state;
	check("{\"id\":\"a1\",\"names\":[],\"size\":1536,\"banana\":1}", FIELDS,
		"ID:   a1\n"
		"SIZE: 1.5K\n");
	check("{\"id\":\"\",\"when\":null,\"names\":[\"x\"]}", FIELDS, "NAMES: x\n");
}

static void
short_times(void **state)
{
	(void)state;
	check("{\"took\":0}", FIELDS, "TOOK: -\n");
	check("{\"took\":7}", FIELDS, "TOOK: 0.01ms\n");
	check("{\"took\":420}", FIELDS, "TOOK: 0.42ms\n");
	check("{\"took\":9990}", FIELDS, "TOOK: 9.99ms\n");
	check("{\"took\":17400}", FIELDS, "TOOK: 17ms\n");
	check("{\"took\":999600}", FIELDS, "TOOK: 1.0s\n");
	check("{\"took\":61000000}", FIELDS, "TOOK: 61.0s\n");
}

static void
ages(void **state)
{
	(void)state;
	check("{\"age\":999}", FIELDS, "AGE: 0s\n");
	check("{\"age\":59000}", FIELDS, "AGE: 59s\n");
	check("{\"age\":61000}", FIELDS, "AGE: 1m 1s\n");
	check("{\"age\":7500000}", FIELDS, "AGE: 2h 5m\n");
	check("{\"age\":273600000}", FIELDS, "AGE: 3d 4h\n");
}

static void
sizes(void **state)
{
	static const struct {
		const char *json;
		const char *text;
	} cases[] = {
		{ "{\"size\":0}", "SIZE: 0\n" },
		{ "{\"size\":1023}", "SIZE: 1023\n" },
		{ "{\"size\":1024}", "SIZE: 1.0K\n" },
		{ "{\"size\":1048575}", "SIZE: 1.0M\n" },
		{ "{\"size\":1073741824}", "SIZE: 1.0G\n" },
		{ "{\"size\":5497558138880}", "SIZE: 5.0T\n" },
		{ "{\"size\":5629499534213120}", "SIZE: 5120.0T\n" },
		{ "{\"size\":\"odd\"}", "SIZE: odd\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check(cases[i].json, FIELDS, cases[i].text);
}

static void
what_could_fool(void **state)
{
	static const struct {
		const char *json;
		const char *text;
	} cases[] = {
		{ "{\"id\":\"m\\u00fcller\"}", "ID: m\xc3\xbcller\n" },
		{ "{\"id\":\"\\u001b[31mred\"}", "ID: \\x1b[31mred\n" },
		{ "{\"id\":\"a\\nb\\tc\\r\"}", "ID: a\\x0ab\\x09c\\x0d\n" },
		{ "{\"id\":\"\\u009b31m\"}", "ID: \\xc2\\x9b31m\n" },
		{ "{\"id\":\"\\u202eevil\"}", "ID: \\xe2\\x80\\xaeevil\n" },
		{ "{\"id\":\"back\\\\slash\"}", "ID: back\\slash\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check(cases[i].json, FIELDS, cases[i].text);
}

/* Characters count, not bytes. */
static void
wide_rows(void **state)
{
	(void)state;
	check("[{\"id\":\"m\\u00fc\",\"held\":true},{\"id\":\"abc\"}]", HEADINGS,
		"ID   WHEN  SIZE  TO  NAMES  HELD  AGE  TOOK\n"
		"m\xc3\xbc                          yes        \n"
		"abc                                    \n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables),
		cmocka_unit_test(fields),
		cmocka_unit_test(short_times),
		cmocka_unit_test(ages),
		cmocka_unit_test(sizes),
		cmocka_unit_test(what_could_fool),
		cmocka_unit_test(wide_rows),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
