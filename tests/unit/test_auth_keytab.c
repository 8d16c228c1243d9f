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
assert_holds(const struct keytab *keytab, const char *bytes, size_t size)
{
	char read_back[20000];
	int fd = open(keytab_path(keytab), O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, read_back, sizeof read_back), size);
	assert_memory_equal(read_back, bytes, size);
	close(fd);
}

static void
fill(char *bytes, size_t size, int factor)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)((int)i * factor);
	bytes[0] = 5;
	bytes[1] = 2;
}

static void
the_copy_is_the_same_and_outlives_the_file(void **state)
{
	struct fault fault = FAULT_INIT;
	struct keytab *keytab;
	char bytes[10000];
	int fd;

	(void)state;
	fill(bytes, sizeof bytes, 7);
	fd = file_with(bytes, sizeof bytes);
	keytab = keytab_new(fd, &fault);
	assert_non_null(keytab);
	close(fd);
	assert_int_equal(access(keytab_path(keytab), R_OK), 0);
	assert_holds(keytab, bytes, sizeof bytes);
	keytab_free(&keytab);
	assert_null(keytab);
	keytab_free(&keytab);
}

static void
new_keys_take_the_place_of_the_old(void **state)
{
	struct fault fault = FAULT_INIT;
	struct keytab *keytab;
	char before[10000];
	char after[500];
	int fds[3];

	(void)state;
	fill(before, sizeof before, 7);
	fill(after, sizeof after, 11);
	fds[0] = file_with(before, sizeof before);
	fds[1] = file_with(after, sizeof after);
	fds[2] = file_with("rubbish", 7);
	keytab = keytab_new(fds[0], &fault);
	assert_true(keytab_update(keytab, fds[1], &fault));
	assert_holds(keytab, after, sizeof after);
	assert_false(keytab_update(keytab, fds[2], &fault));
	assert_holds(keytab, after, sizeof after);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	keytab_free(&keytab);
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
		assert_null(keytab_new(fds[i], &fault));
		assert_int_equal(fault.kind, FAULT_CONFIG);
		close(fds[i]);
	}
	assert_null(keytab_new(-1, &fault));
	assert_int_equal(fault.kind, FAULT_SYSTEM);
	mem_free(&large);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_copy_is_the_same_and_outlives_the_file),
		cmocka_unit_test(new_keys_take_the_place_of_the_old),
		cmocka_unit_test(what_is_no_keytab_is_refused),
	};

	return cmocka_run_group_tests_name("auth/keytab", tests, NULL, NULL);
}
