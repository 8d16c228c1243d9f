/* SPDX-License-Identifier: BSD-2-Clause */
/* Files and secrets that super passed: who may take them, and how often. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proc/role_store.h"

static int
make_file(const char *text)
{
	char path[] = "/tmp/sallyport-store-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void
files_are_taken_once(void **state)
{
	struct role_store *store = role_store_new();
	struct message_file file = { FILE_LISTENER, 1, "submission" };
	int fd = dup(STDERR_FILENO);
	int second = dup(STDERR_FILENO);

	(void)state;
	assert_true(role_store_add_file(store, &file, fd));
	assert_int_equal(role_store_take_file(store, FILE_LISTENER, "submission", 0), -1);
	assert_int_equal(role_store_take_file(store, FILE_KEY, "submission", 1), -1);
	assert_int_equal(role_store_take_file(store, FILE_LISTENER, "other", 1), -1);
	assert_int_equal(role_store_take_file(store, FILE_LISTENER, "submission", 1), fd);
	assert_int_equal(role_store_take_file(store, FILE_LISTENER, "submission", 1), -1);
	/* Replaced while nobody took it: closed. */
	assert_true(role_store_add_file(store, &file, fd));
	assert_true(role_store_add_file(store, &file, second));
	assert_false(is_open(fd));
	role_store_free(&store);
	assert_false(is_open(second));
	assert_null(store);
	role_store_free(&store);
}

static void
trust_is_taken_again_from_its_beginning(void **state)
{
	struct role_store *store = role_store_new();
	struct message_file file = { FILE_TRUST, 0, "/etc/ca.pem" };
	char text[8] = "";

	(void)state;
	assert_true(role_store_add_file(store, &file, make_file("abc")));
	for (int i = 0; i < 3; i++) {
		int fd = role_store_take_file(store, FILE_TRUST, "/etc/ca.pem", 0);

		assert_true(fd >= 0);
		assert_int_equal(read(fd, text, sizeof text), 3);
		assert_memory_equal(text, "abc", 3);
		close(fd);
	}
	role_store_free(&store);
}

static void
secrets(void **state)
{
	struct role_store *store = role_store_new();
	struct message_secret ticket = { SECRET_TICKET_KEY, "submission", { "one", 3 } };

	(void)state;
	assert_int_equal(
		role_store_secret(store, SECRET_TICKET_KEY, "submission").length, 0);
	assert_true(role_store_add_secret(store, &ticket));
	assert_span_equal(role_store_secret(store, SECRET_TICKET_KEY, "submission"), "one");
	ticket.bytes = span_text("two!");
	assert_true(role_store_add_secret(store, &ticket));
	assert_span_equal(role_store_secret(store, SECRET_TICKET_KEY, "submission"), "two!");
	assert_int_equal(role_store_secret(store, SECRET_GRANT_KEY, "submission").length, 0);
	assert_int_equal(role_store_secret(store, SECRET_TICKET_KEY, "other").length, 0);
	role_store_free(&store);
}

static void
never_too_many(void **state)
{
	struct role_store *store = role_store_new();
	struct message_secret secret = { SECRET_TICKET_KEY, "", { "x", 1 } };
	unsigned kept = 0;
	char name[16];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "%u", i);
		secret.name = name;
		kept += role_store_add_secret(store, &secret);
	}
	assert_int_equal(kept, 4096);
	role_store_free(&store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_taken_once),
		cmocka_unit_test(trust_is_taken_again_from_its_beginning),
		cmocka_unit_test(secrets),
		cmocka_unit_test(never_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
