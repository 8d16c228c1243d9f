/* SPDX-License-Identifier: BSD-2-Clause */
/* Who gets the socket, and nothing but the socket. */
#include "unit.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "filter/privileges.h"

/* In a new folder, which is the working directory. */
static int
listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static bool
give(const char *path)
{
	struct settings_filter filter = {
		.socket = { .kind = ENDPOINT_UNIX, .path = path },
		.socket_mode = 0660,
		.socket_group = "",
		.user = "nobody",
	};

	return privileges_give_socket(&filter, NULL);
}

static void
only_a_socket_is_given(void **state)
{
	char folder[] = "/tmp/privileges-XXXXXX";
	struct stat before;
	struct stat after;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	fd = listen_at("ours");
	assert_true(give("ours"));

	/* What the owner of the folder put in its place meanwhile. */
	fclose(fopen("secret", "w"));
	assert_int_equal(chmod("secret", 0640), 0);
	assert_int_equal(symlink("secret", "link"), 0);
	assert_int_equal(symlink("ours", "other"), 0);
	assert_int_equal(lstat("secret", &before), 0);
	assert_false(give("link"));
	assert_false(give("other"));
	assert_false(give("secret"));
	assert_false(give("missing"));
	assert_int_equal(lstat("secret", &after), 0);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_gid, before.st_gid);

	close(fd);
	unlink("ours");
	unlink("secret");
	unlink("link");
	unlink("other");
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void
a_port_is_nobodys(void **state)
{
	struct settings_filter filter = { .socket = { .kind = ENDPOINT_INET, .host = "127.0.0.1" },
		.socket_group = "no-such-group" };

	(void)state;
	assert_true(privileges_give_socket(&filter, NULL));
}

/* Only root can, and has to. */
static void
the_log_is_the_users(void **state)
{
	char path[] = "/tmp/privileges-log-XXXXXX";
	const struct passwd *nobody = getpwnam("nobody");
	int fd = mkstemp(path);
	char other[64];
	struct stat status;
	int ends[2];

	(void)state;
	snprintf(other, sizeof other, "%s.other", path);
	assert_true(privileges_give_log(fd, "nobody", NULL));
	assert_int_equal(fstat(fd, &status), 0);
	if (geteuid() == 0) {
		assert_int_equal(status.st_uid, nobody->pw_uid);
		assert_false(privileges_give_log(fd, "root", NULL));
		assert_int_equal(link(path, other), 0);
		assert_false(privileges_give_log(fd, "nobody", NULL));
		unlink(other);
	}
	assert_int_equal(pipe(ends), 0);
	assert_true(privileges_give_log(ends[1], "nobody", NULL));
	close(ends[0]);
	close(ends[1]);
	close(fd);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_socket_is_given),
		cmocka_unit_test(a_port_is_nobodys),
		cmocka_unit_test(the_log_is_the_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
