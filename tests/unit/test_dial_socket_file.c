/* SPDX-License-Identifier: BSD-2-Clause */
/* Which files are connected to: sockets that nobody but their owners can have put there. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dial/socket_file.h"

static char folder[] = "/tmp/test-socket-file-XXXXXX";
static char path[sizeof folder + 16];
static struct fault fault;

static void
make_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
}

static void
sockets_in_ordinary_folders(void **state)
{
	static const mode_t modes[] = { 0700, 0755, 0750, 0770, 0775, 02770 };

	(void)state;
	make_socket();
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		assert_int_equal(chmod(folder, modes[i]), 0);
		assert_true(socket_file_check(path, &fault));
	}
}

static void
what_is_not_there(void **state)
{
	char below[sizeof path + 16];

	(void)state;
	assert_false(socket_file_check(path, &fault));
	assert_int_equal(fault.kind, FAULT_MISSING);
	assert_non_null(strstr(fault.text, path));
	snprintf(below, sizeof below, "%s/s", path);
	assert_false(socket_file_check(below, &fault));
	assert_int_equal(fault.kind, FAULT_MISSING);
}

static void
links_and_other_files(void **state)
{
	char other[sizeof path + 16];

	(void)state;
	make_socket();
	snprintf(other, sizeof other, "%s.real", path);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_false(socket_file_check(path, &fault));
	assert_int_equal(fault.kind, FAULT_DENIED);
	assert_non_null(strstr(fault.text, "symbolic link"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(other), 0);

	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_false(socket_file_check(path, &fault));
	assert_int_equal(fault.kind, FAULT_DENIED);
	assert_non_null(strstr(fault.text, "not a socket"));
	assert_false(socket_file_check("/", &fault));
	assert_int_equal(fault.kind, FAULT_DENIED);
}

static void
folders_in_which_everybody_may_write(void **state)
{
	(void)state;
	make_socket();
	assert_int_equal(chmod(folder, 0777), 0);
	assert_false(socket_file_check(path, &fault));
	assert_int_equal(fault.kind, FAULT_DENIED);
	assert_non_null(strstr(fault.text, folder));
	/* Nobody replaces it where the folder is sticky; our own is ours. */
	assert_int_equal(chmod(folder, 01777), 0);
	assert_true(socket_file_check(path, &fault));
	if (geteuid() != 0)
		return;
	assert_int_equal(lchown(path, 65534, 65534), 0);
	assert_false(socket_file_check(path, &fault));
	assert_int_equal(fault.kind, FAULT_DENIED);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_true(socket_file_check(path, &fault));
}

static int
set_up(void **state)
{
	(void)state;
	fault = FAULT_INIT;
	snprintf(path, sizeof path, "%s/filter", folder);
	return mkdir(folder, 0700);
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static int
choose_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) && rmdir(folder) == 0 ? 0 : -1;
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(sockets_in_ordinary_folders),
		CASE(what_is_not_there),
		CASE(links_and_other_files),
		CASE(folders_in_which_everybody_may_write),
	};

	return cmocka_run_group_tests(tests, choose_folder, NULL);
}
