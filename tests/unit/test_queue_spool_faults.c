/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool on a disk that fails call by call: what is refused, what is tried again, what is believed. */
#include "spool_fixture.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

enum fault_call {
	FAULT_NO_CALL,
	FAULT_PREAD,
	FAULT_PWRITE,
	FAULT_FDATASYNC,
	FAULT_CALL_COUNT,
};

static enum fault_call fault_call;
static int fault_after; /* so many calls succeed before one fails */
static int fault_errno;
static int fault_hits;
static _Atomic unsigned sync_count;

static bool
fails(enum fault_call call)
{
	if (fault_call != call || fault_after-- > 0)
		return false;
	fault_call = FAULT_NO_CALL; /* once */
	fault_hits++;
	errno = fault_errno;
	return true;
}

/* SQLite's own calls come here, because the program's symbols go first. */
ssize_t
pread64(int fd, void *bytes, size_t size, off64_t at)
{
	return fails(FAULT_PREAD) ? -1 : syscall(SYS_pread64, fd, bytes, size, at);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t size, off64_t at)
{
	return fails(FAULT_PWRITE) ? -1 : syscall(SYS_pwrite64, fd, bytes, size, at);
}

int
fdatasync(int fd)
{
	sync_count++;
	return fails(FAULT_FDATASYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static int
set_up(void **state)
{
	fault_call = FAULT_NO_CALL;
	fault_hits = 0;
	return spool_set_up(state);
}

static void
stop_loop(void *context)
{
	(void)context;
	loop_stop(loop);
}

/* A turn of the loop: what was to begin by itself has begun. */
static void
turn(void)
{
	struct loop_defer defer;
	loop_defer_init(&defer, loop, stop_loop, NULL);
	loop_defer(&defer);
	loop_run(loop);
}

/* A result is not worth a sync of its own while mail comes in: it is kept with that. */
static void
test_results_travel_with_mail(void **state)
{
	(void)state;
	static const struct recipient delivered = { .number = 0, .stage = RECIPIENT_DELIVERED };
	struct parcel *first = sample_parcel_to("0001", "bob@example.net");
	struct parcel *second = sample_parcel_to("0002", "bob@example.net");
	assert_int_equal(commit(first), SPOOL_DONE);
	unsigned before = sync_count;
	struct spool_commit mail = { { .verb = SPOOL_COMMIT }, .parcel = second };
	struct spool_settle settle = settle_of(first, &delivered);
	begin(&settle.request);
	turn();
	assert_int_equal(settle.request.result, SPOOL_UNDONE);
	ask(&mail.request);
	assert_int_equal(mail.request.result, SPOOL_DONE);
	assert_int_equal(settle.request.result, SPOOL_DONE);
	assert_int_equal(sync_count, before + 1);
	/* and alone when none comes */
	settle = settle_of(second, &delivered);
	ask(&settle.request);
	assert_int_equal(settle.request.result, SPOOL_DONE);
	assert_int_equal(spool_counts(spool)->messages, 0);
	parcel_drop(&first);
	parcel_drop(&second);
}

/* Asks again until it is taken, as a client would; a tick heals what is suspect. */
static void
commit_in_the_end(struct parcel *parcel)
{
	for (int tries = 0; tries < 10; tries++) {
		if (commit(parcel) == SPOOL_DONE)
			return;
		struct spool_tick tick = { .request = { .verb = SPOOL_TICK } };
		ask(&tick.request);
	}
	fail_msg("not taken in the end");
}

/* One message comes and goes, another comes, and the kth call of one kind fails, once. */
static void
run_with_fault(enum fault_call call, int after, int error)
{
	static const struct recipient delivered = { .number = 0, .stage = RECIPIENT_DELIVERED };
	struct parcel *first = sample_parcel_to("0001", "bob@example.net");
	struct parcel *second = sample_parcel_to("0002", "bob@example.net");
	fault_errno = error;
	fault_after = after;
	fault_call = call;
	commit_in_the_end(first);
	struct spool_settle settle = settle_of(first, &delivered);
	ask(&settle.request);
	assert_int_equal(settle.request.result, SPOOL_DONE);
	commit_in_the_end(second);
	fault_call = FAULT_NO_CALL;
	reopen_spool();
	assert_int_equal(fetch_result("0001"), SPOOL_MISSING);
	assert_int_equal(fetch_result("0002"), SPOOL_DONE);
	assert_int_equal(spool_counts(spool)->messages, 1);
	parcel_drop(&first);
	parcel_drop(&second);
}

/* O5, O6: every write and every sync on the way of a message fails once. */
static void
test_every_single_fault(void **state)
{
	static const int errors[] = { EIO, ENOSPC };
	for (enum fault_call call = FAULT_PWRITE; call < FAULT_CALL_COUNT; call++) {
		for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
			int after = 0;
			do {
				spool_tear_down(state);
				set_up(state);
				fault_hits = 0;
				run_with_fault(call, after++, errors[i]);
			} while (fault_hits);
			assert_true(after > 2); /* some calls were hit */
		}
	}
}

/* O6: after a failed sync the bytes are written again before anything is believed. */
static void
test_failed_sync_is_not_tried_again(void **state)
{
	(void)state;
	struct parcel *parcel = sample_parcel_to("0001", "bob@example.net");
	fault_errno = EIO;
	fault_after = 0;
	fault_call = FAULT_FDATASYNC;
	assert_int_equal(commit(parcel), SPOOL_BROKEN);
	assert_int_equal(fault_hits, 1);
	assert_true(spool_counts(spool)->suspect);
	/* the probe cannot be written: it stays suspect, but can be read */
	fault_after = 0;
	fault_call = FAULT_PWRITE;
	assert_int_equal(fetch_result("0001"), SPOOL_MISSING);
	assert_int_equal(fault_hits, 2);
	assert_true(spool_counts(spool)->suspect);
	assert_int_equal(commit(parcel), SPOOL_BROKEN);
	struct spool_tick tick = { .request = { .verb = SPOOL_TICK } };
	ask(&tick.request);
	assert_false(spool_counts(spool)->suspect);
	assert_int_equal(commit(parcel), SPOOL_DONE);
	parcel_drop(&parcel);
}

/* What cannot be read is not missing, and not the end of the list; new mail still comes in. */
static void
test_unreadable(void **state)
{
	(void)state;
	struct parcel *before = sample_parcel_to("0001", "bob@example.net");
	struct parcel *during = sample_parcel_to("0002", "bob@example.net");
	struct spool_fetch fetch = { { .verb = SPOOL_FETCH }, .id = "0001", .fd = -1 };
	struct spool_commit request = { { .verb = SPOOL_COMMIT }, .parcel = during };
	struct spool_page fresh;
	assert_int_equal(commit(before), SPOOL_DONE);
	fault_errno = EIO;
	fault_after = 0;
	fault_hits = 0;
	reopen_spool();
	fault_call = FAULT_PREAD;
	assert_int_equal(page_result(&fresh), SPOOL_BROKEN);
	assert_int_equal(fault_hits, 1);
	assert_int_equal(page_result(&fresh), SPOOL_DONE);
	assert_int_equal(fresh.entry_count, 1);
	reopen_spool();
	fault_call = FAULT_PREAD;
	ask(&fetch.request);
	assert_int_equal(fetch.request.result, SPOOL_BROKEN);
	assert_int_equal(fault_hits, 2);
	ask(&request.request);
	assert_int_equal(request.request.result, SPOOL_DONE);
	assert_int_equal(fetch_result("0001"), SPOOL_DONE);
	parcel_drop(&before);
	parcel_drop(&during);
}

/* A page asked for with a message that in the end is refused does not show it. */
static void
test_nothing_refused_is_read(void **state)
{
	(void)state;
	struct parcel *parcel = sample_parcel_to("0001", "bob@example.net");
	struct spool_commit request = { { .verb = SPOOL_COMMIT }, .parcel = parcel };
	struct spool_page fresh;
	fault_errno = EIO;
	fault_after = 0;
	fault_call = FAULT_FDATASYNC;
	begin(&request.request);
	assert_int_equal(page_result(&fresh), SPOOL_DONE);
	assert_int_equal(request.request.result, SPOOL_BROKEN);
	assert_int_equal(fresh.entry_count, 0);
	parcel_drop(&parcel);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, spool_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_results_travel_with_mail),
		TEST(test_every_single_fault),
		TEST(test_failed_sync_is_not_tried_again),
		TEST(test_unreadable),
		TEST(test_nothing_refused_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
