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
the_path_leads_to_the_keys(void **state)
{
	struct fault fault = FAULT_INIT;
	struct keytab *keytab;
	char bytes[10000];

	(void)state;
	fill(bytes, sizeof bytes, 7);
	keytab = keytab_new(file_with(bytes, sizeof bytes), &fault);
	assert_non_null(keytab);
	assert_int_equal(access(keytab_path(keytab), R_OK), 0);
	/* Each opening begins at the first byte. */
	assert_holds(keytab, bytes, sizeof bytes);
	assert_holds(keytab, bytes, sizeof bytes);
	keytab_free(&keytab);
	assert_null(keytab);
	keytab_free(&keytab);
}

/* Also for who has opened it: they read on in the old keys, whole. */
static void
new_keys_take_the_place_of_the_old(void **state)
{
	struct fault fault = FAULT_INIT;
	struct keytab *keytab, *fresh;
	char before[10000], after[500], read_back[20000];
	char path[64];
	int fd;

	(void)state;
	fill(before, sizeof before, 7);
	fill(after, sizeof after, 11);
	keytab = keytab_new(file_with(before, sizeof before), &fault);
	fresh = keytab_new(file_with(after, sizeof after), &fault);
	snprintf(path, sizeof path, "%s", keytab_path(keytab));
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, read_back, 100), 100);
	keytab_replace(keytab, &fresh);
	assert_null(fresh);
	assert_string_equal(keytab_path(keytab), path);
	assert_holds(keytab, after, sizeof after);
	assert_int_equal(read(fd, read_back, sizeof read_back), sizeof before - 100);
	assert_memory_equal(read_back, before + 100, sizeof before - 100);
	close(fd);
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
		assert_int_equal(fcntl(fds[i], F_GETFD), -1); /* closed */
	}
	assert_null(keytab_new(-1, &fault));
	assert_int_equal(fault.kind, FAULT_SYSTEM);
	mem_free(&large);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_path_leads_to_the_keys),
		cmocka_unit_test(new_keys_take_the_place_of_the_old),
		cmocka_unit_test(what_is_no_keytab_is_refused),
	};

	return cmocka_run_group_tests_name("auth/keytab", tests, NULL, NULL);
}
