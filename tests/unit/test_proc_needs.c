/* SPDX-License-Identifier: BSD-2-Clause */
/* What each role needs of the system, by its settings. */
#include "unit.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/needs.h"

static const struct endpoint addresses[2];
static const struct settings_listener listeners[] = {
	{ .protocol = LISTENER_SMTP, .connections = 1000, .address = { addresses, 2 } },
	{ .protocol = LISTENER_IMAP, .connections = 50, .address = { addresses, 1 } },
};
static const struct settings settings = { .state_dir = "/var/lib/sallyport",
	.listener = { listeners, 2 },
	.queue = { .concurrency = 20 } };

static void
descriptors(void **state)
{
	(void)state;
	static const struct settings_listener many = { .protocol = LISTENER_SMTP,
		.connections = 10000, .address = { addresses, 2 } };
	static const struct settings busy = { .listener = { &many, 1 } };
	static const char *const names[] = { "one", "two" };
	static const struct settings_policy policy = { .title = "outgoing",
		.milters = { names, 2 } };
	static const struct settings_listener filtered[] = {
		{ .protocol = LISTENER_SMTP, .connections = 100, .policy = "outgoing" },
		{ .protocol = LISTENER_SMTP, .connections = 1000, .policy = "default" },
		{ .protocol = LISTENER_SMTP, .connections = 10000, .policy = "outgoing" },
	};
	struct settings filters = { .listener = { filtered, 2 }, .policy = { &policy, 1 } };

	/* A session and its file each, the sockets, and what every role has. */
	assert_int_equal(needs_descriptors(ROLE_SMTP, &settings), 2000 + 2 + 128);
	/* Of ten thousand sessions no more have a file than queue gives out. */
	assert_int_equal(needs_descriptors(ROLE_SMTP, &busy), 10000 + 4096 + 2 + 128);
	/*
	 * A connection to each filter of a session's policy, and a file for the body that one of them
	 * sends; never more than are asked for.
	 */
	assert_int_equal(needs_descriptors(ROLE_SMTP, &filters), 2 * 1100 + 3 * 100 + 128);
	filters.listener.count = 3;
	assert_int_equal(needs_descriptors(ROLE_SMTP, &filters), 11100 + 2 * 4096 + 128);
	assert_int_equal(needs_descriptors(ROLE_MAILBOX, &settings), 100 + 1 + 128);
	assert_int_equal(needs_descriptors(ROLE_RELAY, &settings), 40 + 128);
	assert_true(needs_descriptors(ROLE_QUEUE, &settings) > 1000);
	/* As many as it connects at the same time, and the channels of those who ask. */
	assert_int_equal(needs_descriptors(ROLE_DIAL, &settings), 1024 + 256 + 128);
	assert_true(needs_descriptors(ROLE_KEYS, &settings) >= 256);
}

static int
with_limit(rlim_t soft, rlim_t hard)
{
	struct rlimit limit = { soft, hard };
	struct fault fault = FAULT_INIT;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			_exit(9);
		if (!needs_raise_limit(ROLE_SMTP, &settings, &fault))
			_exit(strstr(fault.text, "2130") && strstr(fault.text, "connections") ? 1
											      : 8);
		getrlimit(RLIMIT_NOFILE, &limit);
		_exit(limit.rlim_cur == hard ? 0 : 7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
limits(void **state)
{
	(void)state;
	assert_int_equal(with_limit(64, 3000), 0);
	assert_int_equal(with_limit(64, 2129), 1);
}

static bool
has(const char *const *list, const char *path)
{
	for (size_t i = 0; list[i]; i++) {
		if (strcmp(list[i], path) == 0)
			return true;
	}
	return false;
}

static void
paths(void **state)
{
	struct arena *arena = arena_new(0);
	struct confine_paths paths;

	(void)state;
	for (enum role role = ROLE_SMTP; role < ROLE_COUNT; role++) {
		needs_paths(role, &settings, arena, &paths);
		if (role == ROLE_SMTP || role == ROLE_MAILBOX || role == ROLE_KEYS) {
			assert_null(paths.read_only[0]);
			assert_null(paths.read_write[0]);
		}
		/* Only these two write anywhere. */
		if (role != ROLE_QUEUE && role != ROLE_AUTH)
			assert_null(paths.read_write[0]);
		assert_false(has(paths.read_only, "/"));
		assert_false(has(paths.read_only, "/etc"));
	}
	needs_paths(ROLE_QUEUE, &settings, arena, &paths);
	assert_string_equal(paths.read_write[0], "/var/lib/sallyport/queue");
	assert_null(paths.read_only[0]);
	setenv("KRB5_CONFIG", "/tmp/realm/krb5.conf", 1);
	needs_paths(ROLE_AUTH, &settings, arena, &paths);
	assert_string_equal(paths.read_write[0], "/var/lib/sallyport/auth");
	assert_true(has(paths.read_only, "/tmp/realm/krb5.conf"));
	needs_paths(ROLE_RELAY, &settings, arena, &paths);
	assert_true(has(paths.read_only, "/etc/resolv.conf"));
	assert_false(has(paths.read_only, "/tmp/realm/krb5.conf"));
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors),
		cmocka_unit_test(limits),
		cmocka_unit_test(paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
