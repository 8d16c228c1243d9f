/* SPDX-License-Identifier: BSD-2-Clause */
/* The gate: limits per listener and per address, over several processes' columns; failures; races.
 */
#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "client/gate.h"
#include "proc/gate_layout.h"

#define LISTENER SPAN_LITERAL("submission")
#define OTHER SPAN_LITERAL("smtp")

static const struct gate_limits limits = { .connections = 5,
	.connections_early = 3,
	.connections_per_address = 2,
	.failures_per_address = 3,
	.failure_window_ms = 1000 };

static const unsigned char *
address(unsigned number)
{
	static unsigned char key[8][GATE_KEY_BYTES];
	unsigned char *to = key[number % 8];

	memset(to, 0, GATE_KEY_BYTES);
	memcpy(to, &number, sizeof number);
	return to;
}

static int
table_fd(void)
{
	int fd = memfd_create("gate", MFD_CLOEXEC);
	struct gate_table *table;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, sizeof *table), 0);
	table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(table, MAP_FAILED);
	gate_table_init(table);
	munmap(table, sizeof *table);
	return fd;
}

static void
test_limits(void **state)
{
	struct gate *gate = gate_open(-1, 0, NULL);
	struct gate_pass pass[6];

	(void)state;
	assert_int_equal(gate_enter(gate, LISTENER, address(1), &limits, 1, &pass[0]), GATE_PASS);
	assert_int_equal(gate_enter(gate, LISTENER, address(1), &limits, 1, &pass[1]), GATE_PASS);
	assert_int_equal(
		gate_enter(gate, LISTENER, address(1), &limits, 1, &pass[2]), GATE_ADDRESS);
	/* another listener counts apart */
	assert_int_equal(gate_enter(gate, OTHER, address(1), &limits, 1, &pass[2]), GATE_PASS);
	assert_int_equal(gate_connections(gate, &pass[1]), 2);
	assert_int_equal(gate_connections(gate, &pass[2]), 1);
	gate_leave(gate, &pass[2]);
	assert_int_equal(gate_connections(gate, &pass[2]), 0);
	assert_int_equal(gate_enter(gate, LISTENER, address(2), &limits, 1, &pass[2]), GATE_PASS);
	assert_int_equal(gate_enter(gate, LISTENER, address(3), &limits, 1, &pass[3]), GATE_EARLY);
	gate_login(gate, &pass[0]);
	gate_login(gate, &pass[0]); /* again is free */
	assert_int_equal(gate_enter(gate, LISTENER, address(3), &limits, 1, &pass[3]), GATE_PASS);
	gate_login(gate, &pass[1]);
	gate_login(gate, &pass[2]);
	assert_int_equal(gate_enter(gate, LISTENER, address(4), &limits, 1, &pass[4]), GATE_PASS);
	assert_int_equal(gate_enter(gate, LISTENER, address(5), &limits, 1, &pass[5]), GATE_ALL);
	gate_leave(gate, &pass[4]);
	gate_leave(gate, &pass[4]);
	assert_int_equal(gate_enter(gate, LISTENER, address(5), &limits, 1, &pass[5]), GATE_PASS);
	gate_close(&gate);
}

static void
test_no_limits(void **state)
{
	static const struct gate_limits none = { 0 };
	struct gate *gate = gate_open(-1, 0, NULL);
	struct gate_pass pass;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(
			gate_enter(gate, LISTENER, address(1), &none, 1, &pass), GATE_PASS);
	gate_close(&gate);
}

/* Two front ends count together, and super takes back what a dead one left. */
static void
test_columns(void **state)
{
	int fd = table_fd();
	struct gate *first = gate_open(fd, 0, NULL);
	struct gate *second = gate_open(fd, GATE_COLUMNS - 1, NULL);
	struct gate_table *table =
		mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct gate_pass pass;

	(void)state;
	assert_int_equal(gate_enter(first, LISTENER, address(1), &limits, 1, &pass), GATE_PASS);
	assert_int_equal(gate_enter(second, LISTENER, address(1), &limits, 1, &pass), GATE_PASS);
	assert_int_equal(gate_connections(first, &pass), 2);
	assert_int_equal(gate_enter(first, LISTENER, address(1), &limits, 1, &pass), GATE_ADDRESS);
	gate_table_clear_column(table, GATE_COLUMNS - 1);
	assert_int_equal(gate_enter(first, LISTENER, address(1), &limits, 1, &pass), GATE_PASS);
	munmap(table, sizeof *table);
	gate_close(&first);
	gate_close(&second);
	close(fd);
}

static void
test_refuses_wrong_table(void **state)
{
	struct fault fault = FAULT_INIT;
	int fd = memfd_create("gate", MFD_CLOEXEC);

	(void)state;
	assert_null(gate_open(fd, 0, &fault));
	assert_int_equal(ftruncate(fd, sizeof(struct gate_table)), 0);
	assert_null(gate_open(fd, 0, &fault));
	assert_null(gate_open(-1, GATE_COLUMNS, &fault));
	close(fd);
}

static void
test_failures(void **state)
{
	struct gate *gate = gate_open(-1, 0, NULL);
	struct gate_pass pass = { 0 };

	(void)state;
	gate_fail(gate, address(1), 1000, 10);
	gate_fail(gate, address(1), 1000, 20);
	assert_int_equal(gate_enter(gate, LISTENER, address(1), &limits, 30, &pass), GATE_PASS);
	gate_fail(gate, address(1), 1000, 40);
	assert_int_equal(gate_enter(gate, OTHER, address(1), &limits, 50, &pass), GATE_FAILURES);
	assert_int_equal(gate_enter(gate, OTHER, address(2), &limits, 50, &pass), GATE_PASS);
	/* nothing is permanent: the window began with the first failure */
	assert_int_equal(gate_enter(gate, OTHER, address(1), &limits, 1009, &pass), GATE_FAILURES);
	assert_int_equal(gate_enter(gate, OTHER, address(1), &limits, 1010, &pass), GATE_PASS);
	gate_fail(gate, address(1), 1000, 2000);
	assert_int_equal(gate_enter(gate, OTHER, address(1), &limits, 2001, &pass), GATE_PASS);
	gate_close(&gate);
}

/* Rows are given to new addresses once nobody counts in them. */
static void
test_rows_are_reused(void **state)
{
	struct gate *gate = gate_open(-1, 0, NULL);
	struct gate_pass pass;

	(void)state;
	for (unsigned i = 0; i < 10 * GATE_ROWS; i++) {
		assert_int_equal(
			gate_enter(gate, LISTENER, address(i), &limits, i, &pass), GATE_PASS);
		gate_leave(gate, &pass);
		gate_fail(gate, address(i), 1000, i);
	}
	gate_close(&gate);
}

struct racer {
	int fd;
	unsigned column;
};

static void *
race(void *context)
{
	const struct racer *racer = context;
	struct gate *gate = gate_open(racer->fd, racer->column, NULL);
	static const struct gate_limits none = { 0 };

	for (unsigned i = 0; i < 20000; i++) {
		struct gate_pass pass = { 0 };
		unsigned char key[GATE_KEY_BYTES] = { (unsigned char)i };

		if (gate_enter(gate, LISTENER, key, &none, i, &pass) == GATE_PASS)
			gate_leave(gate, &pass);
	}
	gate_close(&gate);
	return NULL;
}

/* Whatever they did to each other's rows, nothing is left behind. */
/* More addresses than rows: by open connections, and by failed logins. */
static void
test_more_addresses_than_rows(void **state)
{
	static const struct gate_limits wide = { .connections_per_address = 1,
		.failures_per_address = 2,
		.failure_window_ms = 1000 };
	struct gate *gate = gate_open(-1, 0, NULL);
	struct gate_pass *pass = mem_alloc_array(2 * GATE_ROWS, sizeof *pass);
	struct gate_pass again;
	unsigned counted = 0;

	(void)state;
	for (unsigned i = 0; i < 2 * GATE_ROWS; i++) {
		assert_int_equal(
			gate_enter(gate, LISTENER, address(i), &wide, 1, &pass[i]), GATE_PASS);
		counted += pass[i].address_row != 0;
	}
	assert_in_range(counted, GATE_ROWS * 9 / 10, GATE_ROWS);
	/* The limit holds for those that are counted, of which the first is one. */
	assert_int_equal(gate_enter(gate, LISTENER, address(0), &wide, 1, &again), GATE_ADDRESS);
	for (unsigned i = 0; i < 2 * GATE_ROWS; i++)
		gate_leave(gate, &pass[i]);
	/* Addresses that failed once push each other out, and nobody who connects; who failed often stays. */
	for (unsigned i = 0; i < 2; i++)
		gate_fail(gate, address(7), wide.failure_window_ms, 2);
	for (unsigned i = 100; i < 100 + 4 * GATE_ROWS; i++)
		gate_fail(gate, address(i), wide.failure_window_ms, 3);
	assert_int_equal(gate_enter(gate, OTHER, address(7), &wide, 4, &pass[0]), GATE_FAILURES);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(gate_enter(gate, OTHER, address(5 * GATE_ROWS + i), &wide, 4, &pass[0]),
			GATE_PASS);
		assert_int_not_equal(pass[0].address_row, 0);
		gate_leave(gate, &pass[0]);
	}
	mem_free(&pass);
	gate_close(&gate);
}

static void
test_race(void **state)
{
	int fd = table_fd();
	struct racer racers[2] = { { fd, 1 }, { fd, 2 } };
	pthread_t threads[2];
	struct gate_table *table;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	table = mmap(NULL, sizeof *table, PROT_READ, MAP_SHARED, fd, 0);
	for (size_t i = 0; i < GATE_ROWS; i++)
		for (size_t c = 0; c < GATE_COLUMNS; c++) {
			assert_int_equal(table->count[i][c].open, 0);
			assert_int_equal(table->count[i][c].early, 0);
		}
	munmap(table, sizeof *table);
	close(fd);
}

/* One word for each filter and address, in all processes; who finds no room keeps one for itself. */
static void
test_breakers(void **state)
{
	int fd = table_fd();
	struct gate *first = gate_open(fd, 0, NULL);
	struct gate *second = gate_open(fd, 1, NULL);
	_Atomic uint64_t *word = gate_breaker(first, "virus", "127.0.0.1:1");
	unsigned with_room = 0;
	char name[16];

	(void)state;
	assert_non_null(word);
	assert_ptr_equal(gate_breaker(first, "virus", "127.0.0.1:1"), word);
	atomic_store(word, 7);
	word = gate_breaker(second, "virus", "127.0.0.1:1");
	assert_int_equal(atomic_load(word), 7);
	assert_ptr_not_equal(gate_breaker(second, "virus", "127.0.0.1:2"), word);
	assert_ptr_not_equal(gate_breaker(second, "viru", "s127.0.0.1:1"), word);
	for (unsigned i = 0; i < 2 * GATE_BREAKERS; i++) {
		snprintf(name, sizeof name, "%u", i);
		with_room += gate_breaker(first, name, "") != NULL;
	}
	assert_in_range(with_room, GATE_BREAKERS / 2, GATE_BREAKERS - 3);
	assert_ptr_equal(gate_breaker(second, "virus", "127.0.0.1:1"), word);
	gate_close(&first);
	gate_close(&second);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_no_limits),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_refuses_wrong_table),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_rows_are_reused),
		cmocka_unit_test(test_more_addresses_than_rows),
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_breakers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
