/* SPDX-License-Identifier: BSD-2-Clause */
/* Unix sockets for programs of this machine: mode, what is in the way, and whose folder it may be. */
#include "folder_fixture.h"
#include "unit.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "super/local_socket.h"

static char folder[64];
static char path[96];

static int
set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/sallyport-local-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/some.sock", folder);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	remove_folder(folder);
	return 0;
}

/* As a daemon leaves it that was killed. */
static void
leave_a_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	close(fd);
}

static void
what_a_killed_daemon_left_is_replaced(void **state)
{
	struct fault fault = FAULT_INIT;
	struct stat status;
	int fd;

	(void)state;
	leave_a_socket();
	fd = local_socket_listen(path, &fault);
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &status), 0);
	assert_true(S_ISSOCK(status.st_mode));
	assert_int_equal(status.st_mode & 07777, 0660);
	assert_int_equal(local_socket_listen(path, &fault), -1); /* one that is served is not */
	close(fd);
}

static void
what_is_no_socket_stays(void **state)
{
	struct fault fault = FAULT_INIT;
	struct stat status;
	FILE *file = fopen(path, "w");

	(void)state;
	assert_non_null(file);
	fputs("x", file);
	fclose(file);
	assert_int_equal(local_socket_listen(path, &fault), -1);
	assert_non_null(strstr(fault.text, path));
	assert_int_equal(stat(path, &status), 0);
	assert_true(S_ISREG(status.st_mode) && status.st_size == 1);
	assert_int_equal(unlink(path), 0);
	/* nor is a link followed to where it leads */
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(local_socket_listen(path, &fault), -1);
}

static void
our_group_is_ours_again(void **state)
{
	struct fault fault = FAULT_INIT;
	gid_t own = getegid();
	struct stat status;
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(folder, 0, 12345), 0);
	fd = local_socket_listen(path, &fault);
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_gid, 12345);
	assert_int_equal(getegid(), own);
	close(fd);
	/* also where it came to nothing */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(local_socket_listen(path, &fault), -1);
	assert_int_equal(getegid(), own);
}

static void
folders(void **state)
{
	static const struct {
		mode_t mode;
		bool good;
	} cases[] = {
		{ 0700, true }, { 0755, true }, { 0711, true }, { 02750, true },
		{ 0770, false }, { 0707, false }, { 0702, false }, { 01777, false },
	};
	struct fault fault = FAULT_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(chmod(folder, cases[i].mode), 0);
		assert_int_equal(local_socket_check_folder(path, &fault), cases[i].good);
	}
	assert_int_equal(chmod(folder, 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(folder, 12345, 0), 0);
		assert_false(local_socket_check_folder(path, &fault));
	}
	assert_false(local_socket_check_folder("/nowhere/at/all", &fault));
	assert_non_null(strstr(fault.text, "/nowhere/at/all"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_killed_daemon_left_is_replaced),
		TEST(what_is_no_socket_stays),
		TEST(our_group_is_ours_again),
		TEST(folders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
