/* SPDX-License-Identifier: BSD-2-Clause */
/* The same tables read here and by postmap -q: every key has the same value in both. */
#include "table_fixture.h"

#include "filter/map_sqlite.h"
#include "filter/map_text.h"

static const char *const keys[] = {
	"alice@example.org", "team@example.org", "\"a b\"@example.org", "@example.net", "user",
	"@example.org", "o'brien@example.org", "back\\slash@example.org", "dup@example.org", "%",
	"many@example.org", "nobody@example.org", "a@b@example.org", "a+b@example.org", "last",
	"x@a.b.c", "x@c", "x@.c", "empty@example.org", "comment@example.org", "cr@example.org",
	"quoted\\\"@example.org", "#hash@example.org", "tab@example.org", "next@example.org",
	"upper@example.org", "x@example.com", "j\xc3\xb6rg@example.org", "back\\",
};

/* What postmap says of each key, in order; its own configuration is an empty one. */
struct told {
	char values[sizeof keys / sizeof keys[0]][256];
};

static bool
have_postmap(const char *type)
{
	char command[128];

	snprintf(command, sizeof command,
		"command -v postmap >/dev/null && postconf -m 2>/dev/null | grep -qx %s", type);
	return system(command) == 0;
}

static void
ask_postmap(const char *table, struct told *told)
{
	char command[512];
	char line[1024];
	FILE *answers;
	FILE *asked = fopen(table_path("keys"), "w");

	*told = (struct told){ .values = { "" } };
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		fprintf(asked, "%s\n", keys[i]);
	fclose(asked);
	table_write("main.cf", "compatibility_level = 3.6\nmaillog_file =\n");
	/* Postfix waits for files that have just changed. */
	snprintf(command, sizeof command,
		"cd %s; cp /etc/postfix/dynamicmaps.cf . 2>/dev/null; touch -d '1 hour ago' *; "
		"postmap -c . -q - %s <keys 2>said",
		table_folder, table);
	answers = popen(command, "r");
	assert_non_null(answers);
	while (fgets(line, sizeof line, answers)) {
		char *value = strchr(line, '\t');
		size_t i = 0;

		assert_non_null(value);
		*value++ = '\0';
		value[strcspn(value, "\n")] = '\0';
		while (i < sizeof keys / sizeof keys[0] && strcmp(keys[i], line) != 0)
			i++;
		assert_true(i < sizeof keys / sizeof keys[0]);
		snprintf(told->values[i], sizeof told->values[i], "%s", value);
	}
	pclose(answers);
}

static void
compare(struct map *map, const char *table, size_t at_least)
{
	struct told told;
	size_t found = 0;

	ask_postmap(table, &told);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		struct fault fault = FAULT_INIT;
		const char *value = table_ask(map, keys[i], &fault);

		if (strcmp(value, told.values[i]) != 0)
			fail_msg("%s: %s has \"%s\" here, \"%s\" in Postfix", table, keys[i], value,
				told.values[i]);
		found += value[0] != '\0';
	}
	assert_true(found >= at_least);
	map->type->free(&map);
}

static void
texts(void **state)
{
	static const struct {
		const char *file;
		size_t found;
	} cases[] = {
		{ "alice@example.org alice\nTeam@Example.ORG\talice, bob\n\n# x\n carol\n"
		  "\"a b\"@example.org   dave \n@example.net x\nuser y\n",
			5 },
		{ "dup@example.org first\ndup@example.org second\nmany@example.org a\n b\n\n c\n# d\n e\n",
			2 },
		{ "back\\slash@example.org one\nquoted\\\"@example.org two\nback\\ slash three\n", 2 },
		{ "cr@example.org one\r\ntab@example.org\t\ttwo\t\r\nlast three\r", 3 },
		{ "#hash@example.org one\n #hash@example.org two\nnext@example.org three\n", 1 },
		{ "UPPER@EXAMPLE.ORG One\nj\xc3\xb6rg@example.org two\nlast #not a comment\n", 3 },
		{ "next@example.org one\n#\n\ttwo\n   # three\nlast four", 2 },
		{ "alice@example.org\n one\nteam@example.org\n\n# x\n\ttwo\n", 2 },
		{ "# nothing\n", 0 },
	};

	(void)state;
	if (!have_postmap("texthash"))
		skip();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fault fault = FAULT_INIT;
		const char *path = table_write("senders", cases[i].file);
		struct map *map = map_text_open(path, &fault);
		char table[160];

		snprintf(table, sizeof table, "texthash:%s/senders", table_folder);
		if (!map)
			fail_msg("%s", fault.text);
		compare(map, table, cases[i].found);
	}
}

static void
databases(void **state)
{
	static const struct {
		const char *cf; /* behind dbpath */
		size_t found;
	} cases[] = {
		{ "query = SELECT v FROM t WHERE k = '%s' ORDER BY v\n", 6 },
		{ "query = SELECT v FROM t WHERE k = '%u@%d' ORDER BY v\n", 3 },
		{ "query = SELECT v FROM t WHERE k = '%s'\n  ORDER BY v\nresult_format = %s@%D\n", 3 },
		{ "query = SELECT v FROM t WHERE k = '%s' ORDER BY v\nresult_format = <%u>\n", 3 },
		{ "query = SELECT '%u|%d|%s|%U|%D|%S|%%'\n", 10 },
		{ "query = SELECT '%1|%2|%3'\n", 1 },
		{ "query = SELECT '%2'\n", 10 },
		{ "query = SELECT 'x'\ndomain = example.com, example.net\n", 1 },
		{ "query = SELECT 'x'\ndomain = Example.COM\n", 1 },
		{ "table = t\nselect_field = v\nwhere_field = k\nadditional_conditions = ORDER BY v\n",
			6 },
		{ "query = SELECT v, v FROM t WHERE k = '%s' ORDER BY v; garbage\n", 6 },
	};

	(void)state;
	if (!have_postmap("sqlite"))
		skip();
	table_database("db",
		"CREATE TABLE t (k, v);"
		"INSERT INTO t VALUES ('alice@example.org', 'alice'), ('team@example.org', 'a@b.c'),"
		"('team@example.org', 'bob'), ('o''brien@example.org', 'brian'), ('user', 'u'),"
		"('@example.net', 'at'), ('empty@example.org', ''), ('comment@example.org', NULL),"
		"('back\\slash@example.org', '%s')");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fault fault = FAULT_INIT;
		char text[512];
		char table[160];
		struct map *map;

		snprintf(text, sizeof text, "dbpath = %s/db\n%s", table_folder, cases[i].cf);
		map = map_sqlite_open(table_write("q.cf", text), &fault);
		if (!map)
			fail_msg("%s", fault.text);
		snprintf(table, sizeof table, "sqlite:%s/q.cf", table_folder);
		compare(map, table, cases[i].found);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(texts),
		TABLE_TEST(databases),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
