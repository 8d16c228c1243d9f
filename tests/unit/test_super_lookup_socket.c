/* SPDX-License-Identifier: BSD-2-Clause */
/* The look-up socket: its mode, its folder, and what a reload does to it. */
#include "folder_fixture.h"
#include "unit.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "super/lookup_socket.h"

static char folder[64];
static char path[96];
static char other[96];
static struct settings settings;

static int
set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/sallyport-lookup-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/lookup.sock", folder);
	snprintf(other, sizeof other, "%s/other.sock", folder);
	settings.lookup.socket = path;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	chmod(folder, 0700);
	remove_folder(folder);
	return 0;
}

static bool
answers(const char *where)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool done;

	snprintf(address.sun_path, sizeof address.sun_path, "%s", where);
	done = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	close(fd);
	return done;
}

static void
no_wish_no_socket(void **state)
{
	struct lookup_socket *socket;
	struct fault fault = FAULT_INIT;

	(void)state;
	settings.lookup.socket = "";
	assert_true(lookup_socket_open(&settings, NULL, &socket, &fault));
	assert_null(socket);
	lookup_socket_free(&socket, NULL);
}

static void
it_is_for_user_and_group(void **state)
{
	struct lookup_socket *socket;
	struct fault fault = FAULT_INIT;
	struct stat status;

	(void)state;
	if (geteuid() == 0)
		assert_int_equal(chown(folder, 0, 12345), 0);
	assert_true(lookup_socket_open(&settings, NULL, &socket, &fault));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0660);
	if (geteuid() == 0)
		assert_int_equal(status.st_gid, 12345);
	assert_true(answers(path));
	lookup_socket_free(&socket, NULL);
	assert_int_equal(access(path, F_OK), -1);
}

static void
a_reload_keeps_it(void **state)
{
	struct lookup_socket *first;
	struct lookup_socket *second;
	struct lookup_socket *third;
	struct lookup_socket *none;
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_true(lookup_socket_open(&settings, NULL, &first, &fault));
	assert_true(lookup_socket_open(&settings, first, &second, &fault));
	lookup_socket_free(&first, second);
	assert_true(answers(path));

	settings.lookup.socket = other;
	assert_true(lookup_socket_open(&settings, second, &third, &fault));
	assert_true(answers(path) && answers(other));
	lookup_socket_free(&second, third);
	assert_false(answers(path));
	assert_int_equal(access(path, F_OK), -1);
	assert_true(answers(other));

	settings.lookup.socket = "";
	assert_true(lookup_socket_open(&settings, third, &none, &fault));
	assert_null(none);
	lookup_socket_free(&third, none);
	assert_int_equal(access(other, F_OK), -1);
}

/* A second daemon, or anybody else, has it. */
static void
a_path_in_use_is_refused(void **state)
{
	struct lookup_socket *first;
	struct lookup_socket *second;
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_true(lookup_socket_open(&settings, NULL, &first, &fault));
	assert_false(lookup_socket_open(&settings, NULL, &second, &fault));
	assert_non_null(strstr(fault.text, path));
	assert_true(answers(path));
	lookup_socket_free(&first, NULL);
}

static void
folders_of_others_are_refused(void **state)
{
	static const mode_t modes[] = { 0702, 0720, 0777, 01777 };
	struct lookup_socket *socket;
	struct fault fault = FAULT_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		assert_int_equal(chmod(folder, modes[i]), 0);
		assert_false(lookup_socket_open(&settings, NULL, &socket, &fault));
		assert_int_equal(fault.kind, FAULT_CONFIG);
		assert_int_equal(access(path, F_OK), -1);
	}
	assert_int_equal(chmod(folder, 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(folder, 12345, 0), 0);
		assert_false(lookup_socket_open(&settings, NULL, &socket, &fault));
	}
	settings.lookup.socket = "/nowhere/at/all";
	assert_false(lookup_socket_open(&settings, NULL, &socket, &fault));
	assert_non_null(strstr(fault.text, "/nowhere/at/all"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_wish_no_socket),
		TEST(it_is_for_user_and_group),
		TEST(a_reload_keeps_it),
		TEST(a_path_in_use_is_refused),
		TEST(folders_of_others_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
