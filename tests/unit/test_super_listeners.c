/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening sockets through reloads: kept, replaced, all or none. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/sock.h"
#include "super/listeners.h"

static char path[96];
static char unix_text[128];
static char fixed[SOCK_TEXT_MAX_BYTES];

static struct endpoint endpoints[3];
static struct settings_listener list[2];
static struct settings settings = { .listener = { list, 2 } };

static int
set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "/tmp/sallyport-listen-%d", (int)getpid());
	snprintf(unix_text, sizeof unix_text, "unix:%s", path);
	endpoints[0] = (struct endpoint){ ENDPOINT_INET, "127.0.0.1:0", "127.0.0.1", 0, "" };
	endpoints[1] = (struct endpoint){ ENDPOINT_INET, "*:0", "*", 0, "" };
	endpoints[2] = (struct endpoint){ ENDPOINT_UNIX, unix_text, "", 0, path };
	list[0] = (struct settings_listener){ .title = "one",
		.where = "x.conf:1",
		.address = { endpoints, 2 } };
	list[1] = (struct settings_listener){ .title = "two",
		.where = "x.conf:2",
		.address = { endpoints + 2, 1 } };
	settings.listener.count = 2;
	return 0;
}

static void
ports_stay(void **state)
{
	struct fault fault = FAULT_INIT;
	struct listeners *first = listeners_open(&settings, NULL, &fault);
	struct listeners *second;
	char before[SOCK_TEXT_MAX_BYTES];
	char after[SOCK_TEXT_MAX_BYTES];
	struct stat status;

	(void)state;
	assert_non_null(first);
	assert_true(listeners_fd(first, "one", 0) >= 0);
	assert_int_equal(listeners_fd(first, "one", 2), -1);
	assert_int_equal(listeners_fd(first, "three", 0), -1);
	listeners_address(first, "one", 0, before);
	assert_memory_equal(before, "127.0.0.1:", 10);
	assert_string_not_equal(before, "127.0.0.1:0");
	assert_memory_equal(listeners_address(first, "one", 1, after), "*:", 2);
	assert_string_equal(listeners_address(first, "two", 0, after), unix_text);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0666);

	/* The first two change places; the unix socket goes. */
	endpoints[0] = endpoints[1];
	endpoints[1] = (struct endpoint){ ENDPOINT_INET, "127.0.0.1:0", "127.0.0.1", 0, "" };
	settings.listener.count = 1;
	second = listeners_open(&settings, first, &fault);
	assert_non_null(second);
	listeners_free(&first, second);
	assert_string_equal(listeners_address(second, "one", 1, after), before);
	assert_int_equal(stat(path, &status), -1);
	listeners_free(&second, NULL);
}

static void
another_name(void **state)
{
	struct fault fault = FAULT_INIT;
	struct listeners *first;
	struct listeners *second;
	char text[SOCK_TEXT_MAX_BYTES];
	char before[SOCK_TEXT_MAX_BYTES];

	(void)state;
	first = listeners_open(&settings, NULL, &fault);
	listeners_address(first, "one", 0, before);
	list[0].title = "first";
	list[1].title = "second";
	second = listeners_open(&settings, first, &fault);
	assert_non_null(second);
	/* Any free port is one of its own; a path that was bound stays so. */
	assert_string_not_equal(listeners_address(second, "first", 0, text), before);
	listeners_free(&first, second);
	assert_string_equal(listeners_address(second, "second", 0, text), unix_text);
	assert_int_equal(access(path, F_OK), 0);
	listeners_free(&second, NULL);

	/* A port that is written is taken over, though it could not be bound twice. */
	snprintf(fixed, sizeof fixed, "%s", before);
	endpoints[0] = (struct endpoint){ ENDPOINT_INET, fixed, "127.0.0.1",
		(uint16_t)atoi(strrchr(fixed, ':') + 1), "" };
	list[0].address.count = 1;
	settings.listener.count = 1;
	first = listeners_open(&settings, NULL, &fault);
	assert_non_null(first);
	list[0].title = "again";
	second = listeners_open(&settings, first, &fault);
	assert_non_null(second);
	listeners_free(&first, second);
	assert_string_equal(listeners_address(second, "again", 0, text), fixed);
	listeners_free(&second, NULL);
}

static void
all_or_none(void **state)
{
	struct fault fault = FAULT_INIT;
	struct listeners *first = listeners_open(&settings, NULL, &fault);
	struct listeners *second;
	struct stat status;

	(void)state;
	assert_non_null(first);
	endpoints[0] = (struct endpoint){ ENDPOINT_INET, "192.0.2.1:25", "192.0.2.1", 25, "" };
	second = listeners_open(&settings, first, &fault);
	assert_null(second);
	assert_non_null(strstr(fault.text, "x.conf:1: listener one: "));
	assert_non_null(strstr(fault.text, "192.0.2.1:25"));
	/* What was there is as it was. */
	assert_true(listeners_fd(first, "one", 0) >= 0);
	assert_int_equal(stat(path, &status), 0);
	listeners_free(&first, NULL);
	assert_int_equal(stat(path, &status), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ports_stay, set_up),
		cmocka_unit_test_setup(another_name, set_up),
		cmocka_unit_test_setup(all_or_none, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
