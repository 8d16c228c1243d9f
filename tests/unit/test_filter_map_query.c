/* SPDX-License-Identifier: BSD-2-Clause */
/* The description of a database: its words, its templates, and what may not stand there. */
#include "table_fixture.h"

#include "filter/map_query.h"

static struct map_query *
load(const char *text, struct fault *fault)
{
	return map_query_load(table_write("q.cf", text), fault);
}

static void
keys_are_expanded(void **state)
{
	static const struct {
		const char *query;
		const char *key;
		const char *sql; /* NULL: not asked for */
	} cases[] = {
		{ "SELECT '%s'", "a@b.c", "SELECT 'a@b.c'" },
		{ "SELECT '%S' || '%%'", "a@b.c", "SELECT 'a@b.c' || '%'" },
		{ "SELECT '%u','%d'", "a@b.c", "SELECT 'a','b.c'" },
		{ "SELECT '%U','%D'", "a@b.c", "SELECT 'a','b.c'" },
		{ "SELECT '%u'", "user", "SELECT 'user'" },
		{ "SELECT '%u'", "@b.c", NULL },
		{ "SELECT '%d'", "user", NULL },
		{ "SELECT '%d'", "@b.c", "SELECT 'b.c'" },
		{ "SELECT '%1.%2.%3'", "a@x.y.z", "SELECT 'z.y.x'" },
		{ "SELECT '%3'", "a@y.z", NULL },
		{ "SELECT '%1'", "a@b", "SELECT 'b'" },
		{ "SELECT '%2'", "a@b..c", NULL },
		/* escaped */
		{ "SELECT '%s'", "o'x@b.c", "SELECT 'o''x@b.c'" },
		{ "SELECT '%u'", "''@b.c", "SELECT ''''''" },
		{ "SELECT '%s'", "\"x\\\\'; DROP\"@b.c", "SELECT '\"x\\\\''; DROP\"@b.c'" },
		{ "SELECT \"a'b\" , '%s'", "x", "SELECT \"a'b\" , 'x'" },
		{ "SELECT 'it''s %s'", "x", "SELECT 'it''s x'" },
		{ "SELECT '%s'", "a@b@c", "SELECT 'a@b@c'" },
		{ "SELECT '%u|%d'", "a@b@c", "SELECT 'a@b|c'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fault fault = FAULT_INIT;
		struct buf sql = BUF_INIT(0);
		struct map_query *query;
		char text[256];

		snprintf(text, sizeof text, "dbpath = /x\nquery = %s\n", cases[i].query);
		query = load(text, &fault);
		assert_non_null(query);
		assert_int_equal(map_query_expand(query, cases[i].key, &sql), cases[i].sql != NULL);
		assert_span_equal(buf_span(&sql), cases[i].sql ? cases[i].sql : "");
		buf_fini(&sql);
		map_query_free(&query);
	}
}

static void
values_are_formatted(void **state)
{
	static const struct {
		const char *format;
		const char *value;
		const char *result; /* behind "x" */
	} cases[] = {
		{ "%s", "bob", "x,bob" },
		{ "%u", "bob@b.c", "x,bob" },
		{ "%d", "bob@b.c", "x,b.c" },
		{ "%d", "bob", "x" },
		{ "%u", "@b.c", "x" },
		{ "%s@%D", "bob", "x,bob@key.org" },
		{ "%U/%S", "bob", "x,alice/alice@key.org" },
		{ "%1%%", "bob", "x,org%" },
		{ "%s", "it's", "x,it's" },
		{ "%s", "", "x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fault fault = FAULT_INIT;
		struct buf values = BUF_INIT(0);
		struct map_query *query;
		char text[256];

		snprintf(text, sizeof text, "dbpath=/x\nquery=SELECT 1\nresult_format=%s\n",
			cases[i].format);
		query = load(text, &fault);
		assert_non_null(query);
		buf_add_text(&values, "x");
		map_query_add_value(query, "alice@key.org", cases[i].value, &values);
		assert_span_equal(buf_span(&values), cases[i].result);
		buf_fini(&values);
		map_query_free(&query);
	}
}

static void
domains_narrow_what_is_asked(void **state)
{
	static const struct {
		const char *key;
		bool wanted;
	} cases[] = {
		{ "a@example.org", true },
		{ "a@EXAMPLE.net", true },
		{ "a@example.com", false },
		{ "@example.org", false },
		{ "user", false },
		{ "a@sub.example.org", false },
	};
	struct fault fault = FAULT_INIT;
	struct map_query *query =
		load("dbpath = /x\nquery = SELECT '%s'\ndomain = example.org,\n example.net\n", &fault);

	(void)state;
	assert_non_null(query);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(map_query_wants(query, cases[i].key), cases[i].wanted);
	map_query_free(&query);
	query = load("dbpath = /x\nquery = SELECT '%s'\n", &fault);
	assert_true(map_query_wants(query, "user"));
	map_query_free(&query);
}

static void
the_older_words(void **state)
{
	struct fault fault = FAULT_INIT;
	struct buf sql = BUF_INIT(0);
	struct map_query *query = load("dbpath = /var/db\ntable = owners\nselect_field = login\n"
				       "where_field = address\nadditional_conditions = AND active\n"
				       "expansion_limit = 3\nhosts = ignored\n",
		&fault);

	(void)state;
	assert_non_null(query);
	assert_string_equal(map_query_database(query), "/var/db");
	assert_int_equal(map_query_limit(query), 3);
	assert_true(map_query_expand(query, "a@b", &sql));
	assert_span_equal(buf_span(&sql), "SELECT login FROM owners WHERE address = 'a@b' AND active");
	buf_fini(&sql);
	map_query_free(&query);
}

static void
what_is_no_description(void **state)
{
	static const struct {
		const char *file;
		const char *reason;
	} cases[] = {
		{ "", ": dbpath is no absolute path" },
		{ "dbpath = db\nquery = SELECT 1", ": dbpath is no absolute path" },
		{ "dbpath = /x", ": there is no query" },
		{ "dbpath = /x\ntable = t\nselect_field = s\n", ": there is no query" },
		{ "dbpath = /x\nquery SELECT 1\n", ":2: is no" },
		{ "dbpath = /x\n= SELECT 1\n", ":2: is no" },
		{ "dbpath = /x\nquery = a\nquery = b\n", ":3: is no" },
		{ "dbpath = /x\nquery = SELECT '%x'\n", ": the query has an expansion that there is not" },
		{ "dbpath = /x\nquery = SELECT '%0'\n", ": the query has an expansion that there is not" },
		{ "dbpath = /x\nquery = SELECT '%'\n", ": the query has an expansion that there is not" },
		{ "dbpath = /x\nquery = SELECT %s\n", ": the query has an expansion outside of" },
		{ "dbpath = /x\nquery = SELECT \"%s\"\n", ": the query has an expansion outside of" },
		{ "dbpath = /x\nquery = SELECT 'a' || %u || 'b'\n", ": the query has an expansion outside of" },
		{ "dbpath = /x\nquery = SELECT 1\nresult_format = %q\n",
			": result_format has an expansion that there is not" },
		{ "dbpath = /x\nquery = SELECT 1\ndomain = /etc/domains\n",
			": domain may have names alone" },
		{ "dbpath = /x\nquery = SELECT 1\nexpansion_limit = many\n",
			": expansion_limit is no number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fault fault = FAULT_INIT;

		assert_null(load(cases[i].file, &fault));
		if (!strstr(fault.text, cases[i].reason) || !strstr(fault.text, "/q.cf"))
			fail_msg("%s: %s", cases[i].file, fault.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(keys_are_expanded),
		TABLE_TEST(values_are_formatted),
		TABLE_TEST(domains_narrow_what_is_asked),
		TABLE_TEST(the_older_words),
		TABLE_TEST(what_is_no_description),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
