/* SPDX-License-Identifier: BSD-2-Clause */
/* The keyed table: find, take, grow, age. */
#include "unit.h"

#include <stdio.h>

#include "auth/table.h"
#include "base/memory.h"

struct item {
	int number;
	struct table_entry entry;
	char key[16];
};

enum { ITEMS = 1000 };

static struct item *
find(const struct table *table, const char *key)
{
	return TABLE_OWNER(table_find(table, span_text(key)), struct item, entry);
}

static void
add(struct table *table, struct item *item, int number)
{
	item->number = number;
	snprintf(item->key, sizeof item->key, "key%d", number);
	table_add(table, &item->entry, span_text(item->key));
}

static void
finds_what_was_added(void **state)
{
	struct item *items = mem_alloc_array(ITEMS, sizeof *items);
	struct table table;

	(void)state;
	table_init(&table);
	assert_null(find(&table, "key0"));
	for (int i = 0; i < ITEMS; i++)
		add(&table, &items[i], i);
	assert_int_equal(table.count, ITEMS);
	for (int i = 0; i < ITEMS; i++)
		assert_ptr_equal(find(&table, items[i].key), &items[i]);
	assert_null(find(&table, "key"));
	assert_null(find(&table, "key1000"));
	for (int i = 0; i < ITEMS; i += 2)
		table_take(&table, &items[i].entry);
	assert_int_equal(table.count, ITEMS / 2);
	for (int i = 0; i < ITEMS; i++)
		assert_ptr_equal(find(&table, items[i].key), i % 2 ? &items[i] : NULL);
	table_fini(&table);
	mem_free(&items);
}

static void
keeps_the_order_of_age(void **state)
{
	struct item items[4];
	struct table table;

	(void)state;
	table_init(&table);
	for (int i = 0; i < 4; i++)
		add(&table, &items[i], i);
	table_renew(&table, &items[0].entry);
	table_renew(&table, &items[2].entry);
	table_renew(&table, &items[2].entry);
	assert_ptr_equal(table.oldest, &items[1].entry);
	assert_ptr_equal(items[1].entry.newer, &items[3].entry);
	assert_ptr_equal(items[3].entry.newer, &items[0].entry);
	assert_ptr_equal(items[0].entry.newer, &items[2].entry);
	assert_ptr_equal(table.newest, &items[2].entry);
	table_take(&table, &items[1].entry);
	assert_ptr_equal(table.oldest, &items[3].entry);
	table_take(&table, &items[2].entry);
	assert_ptr_equal(table.newest, &items[0].entry);
	table_fini(&table);
}

/* Keys of every length around the hash's words, and some that differ in their last byte alone. */
static void
tells_similar_keys_apart(void **state)
{
	static const char bytes[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
	struct table_entry entries[34];
	struct table table;

	(void)state;
	table_init(&table);
	for (size_t i = 0; i < 34; i++) {
		assert_null(table_find(&table, span_of(bytes, i)));
		table_add(&table, &entries[i], span_of(bytes, i));
	}
	for (size_t i = 0; i < 34; i++)
		assert_ptr_equal(table_find(&table, span_of(bytes, i)), &entries[i]);
	assert_null(table_find(&table, span_of(bytes, 34)));
	assert_null(table_find(&table, span_of("a\0", 2)));
	table_fini(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(keeps_the_order_of_age),
		cmocka_unit_test(tells_similar_keys_apart),
	};

	return cmocka_run_group_tests_name("auth/table", tests, NULL, NULL);
}
