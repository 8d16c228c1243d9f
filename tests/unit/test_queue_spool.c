/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool on its thread: order, groups, numbers, broken and full disks. */
#include "spool_fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

static void
test_many_in_one_group(void **state)
{
	(void)state;
	enum { COUNT = 3000 };
	struct spool_commit *commits = calloc(COUNT, sizeof(*commits));
	for (unsigned i = 0; i < COUNT; i++) {
		char id[20];
		snprintf(id, sizeof(id), "%04u", i);
		commits[i] = (struct spool_commit){ { .verb = SPOOL_COMMIT },
			.parcel = sample_parcel_to(id, "bob@example.net") };
		begin(&commits[i].request);
	}
	run();
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(commits[i].request.result, SPOOL_DONE);
		assert_int_equal(commits[i].parcel->seq, i + 1); /* in the order of asking */
		parcel_drop(&commits[i].parcel);
	}
	assert_int_equal(spool_counts(spool)->messages, COUNT);
	free(commits);
	reopen_spool();
	assert_int_equal(spool_counts(spool)->messages, COUNT);
	assert_int_equal(fetch_result("2999"), SPOOL_DONE);
}

/*
 * What writes is done in the order of asking, what reads after what writes; nothing is answered from
 * inside the asking, and the answers come in order.
 */
static void
test_order_within_a_group(void **state)
{
	(void)state;
	struct parcel *parcel = sample_parcel_to("0001", "bob@example.net");
	struct parcel *again = sample_parcel_to("0001", "bob@example.net");
	struct spool_commit first = { { .verb = SPOOL_COMMIT }, .parcel = parcel };
	struct spool_fetch fetch = { { .verb = SPOOL_FETCH }, .id = "0001", .fd = -1 };
	struct spool_change delete = { { .verb = SPOOL_CHANGE }, .kind = SPOOL_DELETE,
		.id = "0001", .now_ms = 5 };
	struct spool_commit second = { { .verb = SPOOL_COMMIT }, .parcel = again };
	struct spool_fetch gone = { { .verb = SPOOL_FETCH }, .id = "0001", .fd = -1 };
	begin(&first.request);
	begin(&fetch.request);
	begin(&delete.request);
	begin(&second.request);
	begin(&gone.request);
	assert_int_equal(pending, 5);
	run();
	assert_int_equal(first.request.result, SPOOL_DONE);
	assert_int_equal(fetch.request.result, SPOOL_MISSING);
	assert_int_equal(delete.request.result, SPOOL_DONE);
	assert_true(second.known);
	assert_int_equal(gone.request.result, SPOOL_MISSING);
	parcel_drop(&parcel);
	parcel_drop(&again);
}

static void
test_numbers(void **state)
{
	(void)state;
	uint64_t file = spool_next_file(spool);
	uint64_t job = spool_next_job(spool);
	assert_true(file > 0);
	assert_int_equal(spool_next_file(spool), file + 1);
	assert_int_equal(spool_next_job(spool), job + 1);
	/* a limit that is reached is raised by the next tick */
	uint64_t last = file;
	for (uint64_t next; (next = spool_next_file(spool));)
		last = next;
	struct spool_tick tick = { .request = { .verb = SPOOL_TICK } };
	ask(&tick.request);
	assert_int_equal(spool_next_file(spool), last + 1);
	reopen_spool();
	assert_true(spool_next_file(spool) > last + 1);
	assert_true(spool_next_job(spool) > job + 1);
}

/* What only may be answered if it is known, because there is no room for more. */
static void
test_only_known(void **state)
{
	(void)state;
	struct parcel *parcel = sample_parcel_to("0001", "bob@example.net");
	struct spool_commit request = { { .verb = SPOOL_COMMIT }, .parcel = parcel,
		.only_known = true };
	ask(&request.request);
	assert_int_equal(request.request.result, SPOOL_MISSING);
	assert_int_equal(commit(parcel), SPOOL_DONE);
	ask(&request.request);
	assert_int_equal(request.request.result, SPOOL_DONE);
	assert_true(request.known);
	parcel_drop(&parcel);
}

static void
limit_file_size(rlim_t bytes)
{
	struct rlimit limit;
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* O5, O6: writes fail for a while. COMMIT is refused, results wait, and then all is well again. */
static void
test_broken_disk(void **state)
{
	(void)state;
	static const struct recipient delivered = { .number = 0, .stage = RECIPIENT_DELIVERED };
	struct parcel *before = sample_parcel_to("0001", "bob@example.net");
	struct parcel *during = sample_parcel_to("0002", "bob@example.net");
	struct parcel *later = sample_parcel_to("0003", "bob@example.net");
	assert_int_equal(commit(before), SPOOL_DONE);
	signal(SIGXFSZ, SIG_IGN);
	limit_file_size(1000);
	struct spool_settle settle = settle_of(before, &delivered);
	struct spool_commit refused = { { .verb = SPOOL_COMMIT }, .parcel = during };
	begin(&settle.request);
	begin(&refused.request);
	assert_int_equal(run_until(&refused.request), SPOOL_BROKEN);
	assert_true(spool_counts(spool)->suspect);
	assert_int_equal(settle.request.result, SPOOL_UNDONE);
	/* refused at once now; reading goes on */
	struct spool_commit at_once = { { .verb = SPOOL_COMMIT }, .parcel = later };
	begin(&at_once.request);
	assert_int_equal(run_until(&at_once.request), SPOOL_BROKEN);
	limit_file_size(RLIM_INFINITY);
	run(); /* the result is tried again by itself */
	assert_int_equal(settle.request.result, SPOOL_DONE);
	assert_false(spool_counts(spool)->suspect);
	assert_int_equal(fetch_result("0001"), SPOOL_MISSING);
	assert_int_equal(fetch_result("0002"), SPOOL_MISSING);
	assert_int_equal(commit(during), SPOOL_DONE);
	reopen_spool();
	assert_int_equal(fetch_result("0002"), SPOOL_DONE);
	assert_int_equal(fetch_result("0003"), SPOOL_MISSING);
	parcel_drop(&before);
	parcel_drop(&during);
	parcel_drop(&later);
}

static void
use_small_disk(void)
{
	close_spool();
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("spool", path, "tmpfs", 0, "size=64m,mode=0700") < 0) {
		print_message("skipped: a small file system cannot be mounted here\n");
		skip();
	}
	open_spool();
}

static void
leave_small_disk(void)
{
	close_spool();
	umount2(path, MNT_DETACH);
}

/* The disk is full when queue starts: what starting writes goes where the reserve was. */
static void
test_full_disk_at_start(void **state)
{
	(void)state;
	use_small_disk();
	struct parcel *parcel = sample_parcel_to("0001", "bob@example.net");
	assert_int_equal(commit(parcel), SPOOL_DONE);
	parcel_drop(&parcel);
	close_spool();
	char name[400];
	static const char zeros[65536];
	snprintf(name, sizeof(name), "%s/corrupt/filler", path);
	int fd = open(name, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		continue;
	close(fd);
	open_spool();
	struct spool_page fresh;
	assert_int_equal(page_result(&fresh), SPOOL_DONE);
	assert_int_equal(fresh.entry_count, 1);
	arena_free(&fresh.arena);
	leave_small_disk();
}

/* O10: the disk is full. What comes in is refused, results are written from the reserve. */
static void
test_full_disk(void **state)
{
	(void)state;
	static const struct recipient delivered = { .number = 0, .stage = RECIPIENT_DELIVERED };
	use_small_disk();
	struct parcel *first = sample_parcel_to("0000", "bob@example.net");
	assert_int_equal(commit(first), SPOOL_DONE);
	char *large = mem_alloc(60001);
	memset(large, 'x', 60000);
	enum spool_result result = SPOOL_DONE;
	unsigned count = 0;
	while (result == SPOOL_DONE && count < 1000) {
		char id[20];
		snprintf(id, sizeof(id), "%04u", ++count);
		struct parcel *parcel = sample_parcel(
			id, large, (const char *const[]){ "bob@example.net", NULL });
		result = commit(parcel);
		parcel_drop(&parcel);
	}
	mem_free(&large);
	assert_int_equal(result, SPOOL_FULL);
	assert_true(count > 20);
	struct spool_settle settle = settle_of(first, &delivered);
	ask(&settle.request);
	assert_int_equal(settle.request.result, SPOOL_DONE);
	/* with room again it takes mail by itself; nothing that was answered is lost */
	for (unsigned i = 1; i < count; i++) {
		struct spool_change change = { { .verb = SPOOL_CHANGE }, .kind = SPOOL_DELETE,
			.now_ms = 9 };
		snprintf(change.id, sizeof(change.id), "%04u", i);
		ask(&change.request);
	assert_int_equal(change.request.result, SPOOL_DONE);
	}
	struct parcel *after = sample_parcel_to("9999", "bob@example.net");
	struct spool_tick tick = { .request = { .verb = SPOOL_TICK } };
	assert_int_equal(commit(after), SPOOL_FULL); /* not before the next look at the disk */
	ask(&tick.request);
	assert_int_equal(commit(after), SPOOL_DONE);
	parcel_drop(&after);
	parcel_drop(&first);
	leave_small_disk();
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, spool_set_up, spool_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_many_in_one_group),
		TEST(test_order_within_a_group),
		TEST(test_numbers),
		TEST(test_only_known),
		TEST(test_broken_disk),
		TEST(test_full_disk_at_start),
		TEST(test_full_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
