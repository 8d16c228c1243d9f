/* SPDX-License-Identifier: BSD-2-Clause */
/* Body files that come from disk: damaged ones are held, never given out; the rest goes on. */
#include "spool_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BODY_BYTES = 200000 };

static char body[BODY_BYTES];
static uint64_t file;

static int
open_body(int flags)
{
	char name[400];
	snprintf(name, sizeof(name), "%s/body/%u", path, (unsigned)file);
	int fd = open(name, flags, 0600);
	assert_true(fd >= 0);
	return fd;
}

static int
set_up(void **state)
{
	spool_set_up(state);
	memset(body, 'b', sizeof(body));
	file = spool_next_file(spool);
	int fd = open_body(O_WRONLY | O_CREAT | O_EXCL);
	assert_int_equal(write(fd, body, sizeof(body)), sizeof(body));
	close(fd);
	struct parcel *parcel = sample_parcel_file("0001", file, span_of(body, sizeof(body)));
	assert_int_equal(commit(parcel), SPOOL_DONE);
	parcel_drop(&parcel);
	return 0;
}

static struct spool_fetch
fetch(bool with_file)
{
	struct spool_fetch request = { { .verb = SPOOL_FETCH }, .id = "0001",
		.with_file = with_file, .fd = -1 };
	ask(&request.request);
	return request;
}

static void
fetch_free(struct spool_fetch *fetched)
{
	parcel_drop(&fetched->parcel);
	arena_free(&fetched->arena);
	if (fetched->fd >= 0)
		close(fetched->fd);
}

static void
damage(off_t at, char byte)
{
	int fd = open_body(O_WRONLY);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void
test_good_bodies(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct spool_fetch fetched = fetch(true);
		assert_int_equal(fetched.request.result, SPOOL_DONE);
		assert_true(fetched.fd >= 0);
		assert_int_equal(lseek(fetched.fd, 0, SEEK_CUR), 0);
		assert_int_equal(fetched.unproven, i > 0); /* sealed by this start, or not */
		fetch_free(&fetched);
		reopen_spool();
	}
}

/* O8: one byte of another value, at either end and in the middle. */
static void
test_damaged_bodies_are_held(void **state)
{
	(void)state;
	static const off_t places[] = { 0, BODY_BYTES / 2, BODY_BYTES - 1 };
	close_spool();
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		damage(places[i], 'c');
		open_spool();
		struct spool_fetch fetched = fetch(true);
		assert_int_equal(fetched.request.result, SPOOL_TORN);
		assert_null(fetched.parcel);
		assert_true(fetched.held);
		assert_int_equal(fetched.fd, -1);
		assert_string_equal(fetched.hold_reason, "its body file is damaged");
		fetch_free(&fetched);
		assert_int_equal(spool_counts(spool)->held, 1);
		/* It can still be shown; and once the file is what it was, released. */
		fetched = fetch(false);
		assert_int_equal(fetched.request.result, SPOOL_DONE);
		assert_true(fetched.held);
		struct spool_change release = { { .verb = SPOOL_CHANGE }, .kind = SPOOL_RELEASE,
			.seq = fetched.seq, .now_ms = 1 };
		fetch_free(&fetched);
		damage(places[i], 'b');
		assert_int_equal(ask(&release.request), SPOOL_DONE);
		fetched = fetch(true);
		assert_int_equal(fetched.request.result, SPOOL_DONE);
		fetch_free(&fetched);
		close_spool();
	}
}

/* The end comes while a body is read: whoever asked is told. */
static void
test_end_while_a_body_is_read(void **state)
{
	(void)state;
	reopen_spool();
	struct spool_fetch request = { { .verb = SPOOL_FETCH }, .id = "0001", .with_file = true,
		.fd = -1 };
	begin(&request.request);
	close_spool();
	assert_int_equal(request.request.result, SPOOL_BROKEN);
	fetch_free(&request);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, spool_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_good_bodies),
		TEST(test_damaged_bodies_are_held),
		TEST(test_end_while_a_body_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
