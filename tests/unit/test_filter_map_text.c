/* SPDX-License-Identifier: BSD-2-Clause */
/* Text tables: what is in them, what is no table, and files that change. */
#include "table_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "filter/map_text.h"

static void
keys_have_values(void **state)
{
	static const char file[] = "# senders\n"
				   "alice@example.org alice\n"
				   "\n"
				   "Team@Example.ORG   alice, bob\n"
				   "   carol\n"
				   "alice@example.org mallory\n"
				   "\"a b\"@example.org bob\n"
				   "@example.net\troot\r\n"
				   "a\\ b@example.org dave\n"
				   "last@example.org x y";
	static const struct {
		const char *key;
		const char *value;
	} cases[] = {
		{ "alice@example.org", "alice" },
		{ "team@example.org", "alice, bob   carol" },
		{ "\"a b\"@example.org", "bob" },
		{ "a\\ b@example.org", "dave" },
		{ "@example.net", "root" },
		{ "last@example.org", "x y" },
		{ "bob@example.org", "" },
		{ "", "" },
		{ "a", "" },
		{ "zzz", "" },
	};
	struct fault fault = FAULT_INIT;
	struct map *map = map_text_open(table_write("senders", file), &fault);

	(void)state;
	assert_non_null(map);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(table_ask(map, cases[i].key, &fault), cases[i].value);
	map->type->free(&map);
}

static void
what_is_no_table(void **state)
{
	static const struct {
		const char *file;
		const char *reason;
	} cases[] = {
		{ " a b\n", "/senders:1: continues no line, or has a byte 0" },
		{ "a b\nalone\nc d\n", "/senders:2: is no key with a value behind it" },
		{ "#\nalice: \n", "/senders:2: is no key with a value behind it" },
		{ "a b\n\"c d\n", "/senders:2: quotes do not end" },
	};
	struct fault fault = FAULT_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_null(map_text_open(table_write("senders", cases[i].file), &fault));
		assert_string_equal(fault.text + strlen(table_folder), cases[i].reason);
		assert_int_equal(fault.kind, FAULT_CONFIG);
	}
	assert_null(map_text_open(table_path("nowhere"), &fault));
	assert_non_null(strstr(fault.text, "nowhere"));
	assert_null(map_text_open(table_folder, &fault));
	/* Nobody waits for somebody to write into it. */
	assert_int_equal(mkfifo(table_path("fifo"), 0600), 0);
	assert_null(map_text_open(table_path("fifo"), &fault));
}

static void
a_new_file_is_read(void **state)
{
	struct fault fault = FAULT_INIT;
	struct map *map = map_text_open(table_write("senders", "a one\n"), &fault);
	FILE *file;

	(void)state;
	assert_string_equal(table_ask(map, "a", &fault), "one");
	table_write("senders", "a two\n");
	assert_string_equal(table_ask(map, "a", &fault), "two");
	/* in place, the same size */
	file = fopen(table_path("senders"), "r+");
	fputs("b two\n", file);
	fclose(file);
	chmod(table_path("senders"), 0600); /* the clock of files may stand still so long */
	table_write("senders", "b three\n");
	assert_string_equal(table_ask(map, "a", &fault), "");
	assert_string_equal(table_ask(map, "b", &fault), "three");
	map->type->free(&map);
}

/* Nobody knows what holds then: neither what did, nor nothing. */
static void
a_bad_new_file_makes_unsure(void **state)
{
	struct fault fault = FAULT_INIT;
	struct map *map = map_text_open(table_write("senders", "a one\n"), &fault);

	(void)state;
	table_write("senders", "a one\nb\n");
	for (int i = 0; i < 2; i++) {
		fault = FAULT_INIT;
		assert_string_equal(table_ask(map, "a", &fault), "!");
		assert_non_null(strstr(fault.text, "/senders:2: is no key"));
	}
	assert_int_equal(unlink(table_path("senders")), 0);
	assert_string_equal(table_ask(map, "a", &fault), "!");
	assert_non_null(strstr(fault.text, "No such file"));
	table_write("senders", "a three\n");
	assert_string_equal(table_ask(map, "a", &fault), "three");
	map->type->free(&map);
}

struct readers {
	struct map *map;
	atomic_bool end;
	atomic_uint odd;
};

static void *
read_on(void *context)
{
	struct readers *readers = context;
	struct buf value = BUF_INIT(0);

	while (!readers->end) {
		struct fault fault = FAULT_INIT;
		enum map_result result;

		buf_clear(&value);
		result = readers->map->type->find(
			readers->map, "a", clock_steady_ms() + TABLE_WAIT_MS, &value, &fault);
		if (result != MAP_FOUND ||
			(!span_is(buf_span(&value), "one") && !span_is(buf_span(&value), "three")))
			readers->odd++;
	}
	buf_fini(&value);
	return NULL;
}

static void
threads_see_one_version_or_the_other(void **state)
{
	struct fault fault = FAULT_INIT;
	struct readers readers = { .map = map_text_open(table_write("senders", "a one\n"), &fault) };
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers), 0);
	for (int i = 0; i < 100; i++)
		table_write("senders", i % 2 ? "a one\n" : "a three\nb x\n");
	readers.end = true;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(readers.odd, 0);
	readers.map->type->free(&readers.map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(keys_have_values),
		TABLE_TEST(what_is_no_table),
		TABLE_TEST(a_new_file_is_read),
		TABLE_TEST(a_bad_new_file_makes_unsure),
		TABLE_TEST(threads_see_one_version_or_the_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
