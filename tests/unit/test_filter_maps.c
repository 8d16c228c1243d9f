/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose an address is: which keys are looked up, in what order, in which tables. */
#include "table_fixture.h"

#include "filter/maps.h"

static struct maps *
open_maps(const char *const *names, const char *const *local, const char *delimiters,
	struct fault *fault)
{
	struct settings_texts all = { names, 0 };
	struct settings_texts domains = { local, 0 };

	while (names[all.count])
		all.count++;
	while (local[domains.count])
		domains.count++;
	return maps_new(&all, &domains, delimiters, fault);
}

static const char *
find(struct maps *maps, const char *address)
{
	static struct buf logins;
	struct fault fault = FAULT_INIT;

	buf_clear(&logins);
	switch (maps_find(maps, address, clock_steady_ms() + TABLE_WAIT_MS, &logins, &fault)) {
	case MAP_FOUND:
		return buf_text(&logins);
	case MAP_NONE:
		return "";
	case MAP_FAILED:
		break;
	}
	return "!";
}

static void
the_order_of_keys(void **state)
{
	/* The keys are taken away one by one: each is found when those before it are not there. */
	static const struct {
		const char *address;
		const char *delimiters;
		const char *keys[8];
	} cases[] = {
		{ "user+ext@local.org", "+",
			{ "user+ext@local.org", "user@local.org", "user+ext", "user",
				"@local.org" } },
		{ "USER+Ext@Local.ORG", "+",
			{ "user+ext@local.org", "user@local.org", "user+ext", "user",
				"@local.org" } },
		{ "user@local.org", "+", { "user@local.org", "user", "@local.org" } },
		{ "user@remote.org", "+", { "user@remote.org", "@remote.org" } },
		{ "user+ext@remote.org", "", { "user+ext@remote.org", "@remote.org" } },
		{ "user-a+b@remote.org", "+-",
			{ "user-a+b@remote.org", "user@remote.org", "@remote.org" } },
		{ "user+@remote.org", "+", { "user+@remote.org", "user@remote.org", "@remote.org" } },
		{ "+ext@remote.org", "+", { "+ext@remote.org", "@remote.org" } },
		{ "owner-list@remote.org", "-", { "owner-list@remote.org", "@remote.org" } },
		{ "list-request@remote.org", "-", { "list-request@remote.org", "@remote.org" } },
		{ "-request@remote.org", "-", { "-request@remote.org", "@remote.org" } },
		{ "list-request@remote.org", "+-", { "list-request@remote.org", "@remote.org" } },
		{ "owner-list@remote.org", "+", { "owner-list@remote.org", "@remote.org" } },
		{ "double-bounce@remote.org", "-", { "double-bounce@remote.org", "@remote.org" } },
		{ "Mailer-Daemon@remote.org", "-", { "mailer-daemon@remote.org", "@remote.org" } },
		{ "\"a b\"@local.org", "+",
			{ "\"a b\"@local.org", "a b@local.org", "\"a b\"", "a b", "@local.org" } },
		{ "\"a b+c\"@remote.org", "+",
			{ "\"a b+c\"@remote.org", "a b+c@remote.org", "\"a b\"@remote.org",
				"a b@remote.org", "@remote.org" } },
		{ "user@[192.0.2.1]", "+", { "user@[192.0.2.1]", "user", "@[192.0.2.1]" } },
	};
	static const char *const local[] = { "Local.org", "[192.0.2.1]", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t from = 0; from == 0 || cases[i].keys[from - 1]; from++) {
			struct fault fault = FAULT_INIT;
			struct buf sql = BUF_INIT(0);
			struct maps *maps;
			char cf[256];
			char name[160];

			/* A database, whose keys may have blanks. */
			buf_add_text(&sql, "CREATE TABLE t (k, v);");
			for (size_t at = from; cases[i].keys[at]; at++)
				buf_printf(&sql, "INSERT INTO t VALUES ('%s', '%zu');",
					cases[i].keys[at], at);
			unlink(table_path("db"));
			snprintf(cf, sizeof cf, "dbpath = %s\nquery = SELECT v FROM t WHERE k = '%%s'\n",
				table_database("db", buf_text(&sql)));
			snprintf(name, sizeof name, "sqlite:%s", table_write("q.cf", cf));
			maps = open_maps((const char *const[]){ name, NULL }, local,
				cases[i].delimiters, &fault);
			assert_non_null(maps);
			if (cases[i].keys[from])
				assert_int_equal(atoi(find(maps, cases[i].address)), (int)from);
			else
				assert_string_equal(find(maps, cases[i].address), "");
			maps_free(&maps);
			buf_fini(&sql);
		}
	}
}

/* A key is looked for in all tables before the next key is. */
static void
several_tables(void **state)
{
	char first[128];
	char second[160];
	struct fault fault = FAULT_INIT;
	const char *names[] = { first, second, NULL };
	const char *local[] = { NULL };
	struct maps *maps;

	(void)state;
	snprintf(first, sizeof first, "%s", table_write("one", "@example.org one\na@example.org two\n"));
	snprintf(second, sizeof second, "proxy:texthash:%s",
		table_write("two", "a@example.org three\nb@example.org four\n"));
	maps = open_maps(names, local, "", &fault);
	assert_non_null(maps);
	assert_string_equal(find(maps, "a@example.org"), "two");
	assert_string_equal(find(maps, "b@example.org"), "four");
	assert_string_equal(find(maps, "c@example.org"), "one");
	assert_string_equal(find(maps, "c@example.net"), "");
	assert_string_equal(find(maps, ""), "");
	assert_string_equal(find(maps, "no address"), "");
	/* One that fails is not passed over. */
	table_write("one", "bad\n");
	assert_string_equal(find(maps, "b@example.org"), "!");
	table_write("one", "x y\n");
	table_write("two", "bad\n");
	assert_string_equal(find(maps, "b@example.org"), "!");
	assert_string_equal(find(maps, "x@example.org"), "!");
	maps_free(&maps);
}

static void
tables_that_are_not_read(void **state)
{
	static const struct {
		const char *name;
		const char *reason;
	} cases[] = {
		{ "hash:/etc/postfix/senders", "write texthash:/etc/postfix/senders" },
		{ "proxy:lmdb:/x", "write texthash:/x" },
		{ "btree:/x", "write texthash:/x" },
		{ "cdb:/x", "write texthash:/x" },
		{ "mysql:/etc/postfix/my.cf", "texthash:/path and sqlite:/path" },
		{ "senders", "texthash:/path and sqlite:/path" },
		{ "texthash:senders", "is absolute" },
		{ "sqlite:senders", "is absolute" },
		{ "", "texthash:/path and sqlite:/path" },
	};
	const char *local[] = { NULL };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fault fault = FAULT_INIT;
		const char *names[] = { table_write("good", "a b\n"), cases[i].name, NULL };

		assert_null(open_maps(names, local, "", &fault));
		if (!strstr(fault.text, cases[i].reason) ||
			!span_starts(span_text(fault.text), "sender-maps: ") ||
			!span_starts(span_from(span_text(fault.text), 13), cases[i].name))
			fail_msg("%s: %s", cases[i].name, fault.text);
	}
}

static void
path_is_told_once(void **state)
{
	const char *missing[] = { "texthash:/nowhere/at/all", NULL };
	const char *local[] = { NULL };
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_null(open_maps(missing, local, "", &fault));
	assert_string_equal(fault.text, "/nowhere/at/all: No such file or directory");
}

static void
logins_in_a_value(void **state)
{
	static const struct {
		const char *value;
		const char *login;
		bool has;
	} cases[] = {
		{ "alice", "alice", true },
		{ "alice", "ALICE", true },
		{ "Alice,bob", "bob", true },
		{ "alice, bob   carol\tdave", "carol", true },
		{ "alice, bob   carol\tdave", "dave", true },
		{ " , alice ,", "alice", true },
		{ "alice bob", "alice bob", false },
		{ "alice", "alic", false },
		{ "alice", "alicee", false },
		{ "alice", "", false },
		{ ",,", "", false },
		{ "", "", false },
		{ "alice@example.org", "alice", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(
			maps_has_login(span_text(cases[i].value), cases[i].login), cases[i].has);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(the_order_of_keys),
		TABLE_TEST(several_tables),
		TABLE_TEST(tables_that_are_not_read),
		TABLE_TEST(path_is_told_once),
		TABLE_TEST(logins_in_a_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
