/* SPDX-License-Identifier: BSD-2-Clause */
/* The keytab is copied to where Kerberos can open it by a path. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/keytab.h"
#include "base/memory.h"

static int
file_with(const void *bytes, size_t size)
{
	char path[] = "/tmp/auth-keytab-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

static void
the_copy_is_the_same_and_outlives_the_file(void **state)
{
	char bytes[10000];
	char read_back[sizeof bytes + 1];
	struct fault fault = FAULT_INIT;
	char *path;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7);
	bytes[0] = 5;
	bytes[1] = 2;
	fd = file_with(bytes, sizeof bytes);
	path = keytab_copy(fd, &fault);
	assert_non_null(path);
	close(fd);
	assert_int_equal(access(path, R_OK), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, read_back, sizeof read_back), sizeof bytes);
	assert_memory_equal(read_back, bytes, sizeof bytes);
	close(fd);
	mem_free(&path);
}

static void
what_is_no_keytab_is_refused(void **state)
{
	struct fault fault = FAULT_INIT;
	char *large = mem_alloc(KEYTAB_MAX_BYTES + 1);
	int fds[4];

	(void)state;
	large[0] = 5;
	fds[0] = file_with("", 0);
	fds[1] = file_with("\x05", 1);
	fds[2] = file_with("-----BEGIN", 10);
	fds[3] = file_with(large, KEYTAB_MAX_BYTES + 1);
	for (int i = 0; i < 4; i++) {
		assert_null(keytab_copy(fds[i], &fault));
		assert_int_equal(fault.kind, FAULT_CONFIG);
		close(fds[i]);
	}
	assert_null(keytab_copy(-1, &fault));
	assert_int_equal(fault.kind, FAULT_SYSTEM);
	mem_free(&large);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_copy_is_the_same_and_outlives_the_file),
		cmocka_unit_test(what_is_no_keytab_is_refused),
	};

	return cmocka_run_group_tests_name("auth/keytab", tests, NULL, NULL);
}
