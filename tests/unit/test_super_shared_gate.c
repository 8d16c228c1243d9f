/* SPDX-License-Identifier: BSD-2-Clause */
/* The gate's table is shared, and can be neither shrunk nor grown. */
#include "unit.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proc/gate_layout.h"
#include "super/shared_gate.h"

static void
shared_and_sealed(void **state)
{
	struct fault fault = FAULT_INIT;
	struct shared_gate *gate = shared_gate_new(&fault);
	struct gate_table *table;
	int fd;

	(void)state;
	assert_non_null(gate);
	fd = shared_gate_fd(gate);
	table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(table, MAP_FAILED);
	assert_int_equal(table->magic, GATE_MAGIC);
	/* A front end cannot pull the ground from under the others. */
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 2 * (off_t)sizeof *table), -1);

	table->tag[5] = 99;
	table->count[5][1].open = 7;
	table->count[5][2].open = 8;
	table->count[5][1].early = 3;
	table->tag[6] = GATE_TAG_TAKING(1);
	shared_gate_sweep(gate, 1);
	assert_int_equal(table->count[5][1].open, 0);
	assert_int_equal(table->count[5][1].early, 0);
	assert_int_equal(table->count[5][2].open, 8);
	assert_int_equal(table->tag[5], 99);
	/* It died while it took this row from another address. */
	assert_int_equal(table->tag[6], 0);
	munmap(table, sizeof *table);
	shared_gate_free(&gate);
	assert_null(gate);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(shared_and_sealed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
