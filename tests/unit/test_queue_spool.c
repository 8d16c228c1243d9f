/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool on its thread: order, groups, broken and full disks, and kill -9 at any point. */
#include "../fake/mail_samples.h"
#include "queue/spool.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a disk that fails: SQLite's own calls come here, because the program's symbols go first */

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

static struct loop *loop;
static struct spool *spool;
static char path[300];
static unsigned pending;

static void
open_spool(void)
{
	struct fault fault = FAULT_INIT;
	loop = loop_new();
	spool = spool_open(loop, path, true, &fault);
	if (!spool)
		fail_msg("%s", fault.text);
}

static void
close_spool(void)
{
	spool_close(&spool);
	loop_free(&loop);
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/queue", sample_folder_make());
	open_spool();
	pending = 0;
	fault_call = FAULT_NO_CALL;
	fault_hits = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	if (spool)
		close_spool();
	sample_folder_remove();
	return 0;
}

static void
on_done(struct spool_request *request)
{
	(void)request;
	pending--;
	loop_stop(loop);
}

static void
ask(struct spool_request *request)
{
	request->on_done = on_done;
	pending++;
	spool_ask(spool, request);
}

/* Until all that was asked is answered. */
static void
run(void)
{
	while (pending)
		loop_run(loop);
}

static enum spool_result
run_until(const struct spool_request *request)
{
	while (request->result == SPOOL_UNDONE)
		loop_run(loop);
	return request->result;
}

static enum spool_result
commit(struct parcel *parcel)
{
	struct spool_commit request = { { .verb = SPOOL_COMMIT }, .parcel = parcel };
	ask(&request.request);
	run();
	return request.request.result;
}

static enum spool_result
fetch_result(const char *id)
{
	struct spool_fetch fetch = { { .verb = SPOOL_FETCH }, .fd = -1 };
	snprintf(fetch.id, sizeof(fetch.id), "%s", id);
	ask(&fetch.request);
	run();
	parcel_drop(&fetch.parcel);
	arena_free(&fetch.arena);
	return fetch.request.result;
}

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
		ask(&commits[i].request);
	}
	run();
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(commits[i].request.result, SPOOL_DONE);
		assert_int_equal(commits[i].parcel->seq, i + 1); /* in the order of asking */
		parcel_drop(&commits[i].parcel);
	}
	assert_int_equal(spool_counts(spool)->messages, COUNT);
	free(commits);
	close_spool();
	open_spool();
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
	ask(&first.request);
	ask(&fetch.request);
	ask(&delete.request);
	ask(&second.request);
	ask(&gone.request);
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
	run();
	assert_int_equal(spool_next_file(spool), last + 1);
	close_spool();
	open_spool();
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
	run();
	assert_int_equal(request.request.result, SPOOL_MISSING);
	assert_int_equal(commit(parcel), SPOOL_DONE);
	ask(&request.request);
	run();
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

static struct spool_settle
settle_of(struct parcel *parcel, const struct recipient *recipient)
{
	return (struct spool_settle){ { .verb = SPOOL_SETTLE }, .parcel = parcel,
		.recipients = recipient, .recipient_count = 1, .finished = true, .now_ms = 7 };
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
	ask(&settle.request);
	turn();
	assert_int_equal(settle.request.result, SPOOL_UNDONE);
	ask(&mail.request);
	run();
	assert_int_equal(mail.request.result, SPOOL_DONE);
	assert_int_equal(settle.request.result, SPOOL_DONE);
	assert_int_equal(sync_count, before + 1);
	/* and alone when none comes */
	settle = settle_of(second, &delivered);
	ask(&settle.request);
	run();
	assert_int_equal(settle.request.result, SPOOL_DONE);
	assert_int_equal(spool_counts(spool)->messages, 0);
	parcel_drop(&first);
	parcel_drop(&second);
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
	ask(&settle.request);
	ask(&refused.request);
	assert_int_equal(run_until(&refused.request), SPOOL_BROKEN);
	assert_true(spool_counts(spool)->suspect);
	assert_int_equal(settle.request.result, SPOOL_UNDONE);
	/* refused at once now; reading goes on */
	struct spool_commit at_once = { { .verb = SPOOL_COMMIT }, .parcel = later };
	ask(&at_once.request);
	assert_int_equal(run_until(&at_once.request), SPOOL_BROKEN);
	limit_file_size(RLIM_INFINITY);
	run(); /* the result is tried again by itself */
	assert_int_equal(settle.request.result, SPOOL_DONE);
	assert_false(spool_counts(spool)->suspect);
	assert_int_equal(fetch_result("0001"), SPOOL_MISSING);
	assert_int_equal(fetch_result("0002"), SPOOL_MISSING);
	assert_int_equal(commit(during), SPOOL_DONE);
	close_spool();
	open_spool();
	assert_int_equal(fetch_result("0002"), SPOOL_DONE);
	assert_int_equal(fetch_result("0003"), SPOOL_MISSING);
	parcel_drop(&before);
	parcel_drop(&during);
	parcel_drop(&later);
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
		run();
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
	run();
	assert_int_equal(settle.request.result, SPOOL_DONE);
	commit_in_the_end(second);
	fault_call = FAULT_NO_CALL;
	close_spool();
	open_spool();
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
				tear_down(state);
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
	run();
	assert_false(spool_counts(spool)->suspect);
	assert_int_equal(commit(parcel), SPOOL_DONE);
	parcel_drop(&parcel);
}

static enum spool_result
page(struct spool_page *page)
{
	*page = (struct spool_page){ { .verb = SPOOL_PAGE }, .kind = SPOOL_PAGE_FRESH,
		.limit = 10 };
	ask(&page->request);
	run();
	arena_free(&page->arena);
	return page->request.result;
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
	close_spool();
	open_spool();
	fault_call = FAULT_PREAD;
	assert_int_equal(page(&fresh), SPOOL_BROKEN);
	assert_int_equal(fault_hits, 1);
	assert_int_equal(page(&fresh), SPOOL_DONE);
	assert_int_equal(fresh.entry_count, 1);
	close_spool();
	open_spool();
	fault_call = FAULT_PREAD;
	ask(&fetch.request);
	run();
	assert_int_equal(fetch.request.result, SPOOL_BROKEN);
	assert_int_equal(fault_hits, 2);
	ask(&request.request);
	run();
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
	ask(&request.request);
	assert_int_equal(page(&fresh), SPOOL_DONE);
	assert_int_equal(request.request.result, SPOOL_BROKEN);
	assert_int_equal(fresh.entry_count, 0);
	parcel_drop(&parcel);
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
	assert_int_equal(page(&fresh), SPOOL_DONE);
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
	run();
	assert_int_equal(settle.request.result, SPOOL_DONE);
	/* with room again it takes mail by itself; nothing that was answered is lost */
	for (unsigned i = 1; i < count; i++) {
		struct spool_change change = { { .verb = SPOOL_CHANGE }, .kind = SPOOL_DELETE,
			.now_ms = 9 };
		snprintf(change.id, sizeof(change.id), "%04u", i);
		ask(&change.request);
		run();
		assert_int_equal(change.request.result, SPOOL_DONE);
	}
	struct parcel *after = sample_parcel_to("9999", "bob@example.net");
	struct spool_tick tick = { .request = { .verb = SPOOL_TICK } };
	assert_int_equal(commit(after), SPOOL_FULL); /* not before the next look at the disk */
	ask(&tick.request);
	run();
	assert_int_equal(commit(after), SPOOL_DONE);
	parcel_drop(&after);
	parcel_drop(&first);
	leave_small_disk();
}

/* ---- kill -9 */

/* What the child says as soon as it is durable: a letter and a number, in one write. */
struct word {
	char what; /* 'C' committed, 'S' settled with a notice */
	unsigned number;
};

static int say_fd;

struct child_message {
	struct spool_commit commit;
	struct spool_settle settle;
	struct parcel *notice;
	unsigned number;
};

static void
say(char what, unsigned number)
{
	struct word word = { what, number };
	if (write(say_fd, &word, sizeof(word)) != sizeof(word))
		_exit(3);
}

static void
on_child_settled(struct spool_request *request)
{
	struct child_message *message = (struct child_message *)((char *)request -
		offsetof(struct child_message, settle));
	if (request->result != SPOOL_DONE)
		_exit(4);
	say('S', message->number);
}

static void child_send(struct child_message *message);
static unsigned child_next;

static void
on_child_committed(struct spool_request *request)
{
	static const struct recipient failed = { .number = 0, .stage = RECIPIENT_FAILED };
	struct child_message *message = (struct child_message *)request;
	if (request->result != SPOOL_DONE)
		_exit(5);
	say('C', message->number);
	if (message->number % 2) { /* half of them fail, and their senders are told */
		char id[30];
		snprintf(id, sizeof(id), "%u.F0", message->number);
		message->notice = sample_parcel_to(id, "alice@example.org");
		message->settle = settle_of(message->commit.parcel, &failed);
		message->settle.request.on_done = on_child_settled;
		message->settle.notices = &message->notice;
		message->settle.notice_count = 1;
		spool_ask(spool, &message->settle.request);
	}
	child_send(mem_alloc(sizeof(*message)));
}

static void
child_send(struct child_message *message)
{
	char id[30];
	message->number = child_next++;
	snprintf(id, sizeof(id), "%u", message->number);
	message->commit = (struct spool_commit){ { .verb = SPOOL_COMMIT,
						  .on_done = on_child_committed },
		.parcel = sample_parcel_to(id, "bob@example.net") };
	spool_ask(spool, &message->commit.request);
}

static void
child_main(unsigned first, unsigned width)
{
	open_spool();
	child_next = first;
	for (unsigned i = 0; i < width; i++)
		child_send(mem_alloc(sizeof(struct child_message)));
	loop_run(loop);
	_exit(0);
}

static unsigned char said[200000]; /* per message: 1 committed, 2 settled */
static unsigned highest;

static unsigned
hear(int fd, unsigned most)
{
	struct word word;
	unsigned heard = 0;
	while (heard < most && read(fd, &word, sizeof(word)) == sizeof(word)) {
		assert_true(word.number < sizeof(said));
		said[word.number] |= word.what == 'C' ? 1 : 2;
		if (word.number > highest)
			highest = word.number;
		heard++;
	}
	return heard;
}

static void
assert_said(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char id[30];
		snprintf(id, sizeof(id), "%u", i);
		if (said[i] & 2) {
			assert_int_equal(fetch_result(id), SPOOL_MISSING);
			snprintf(id, sizeof(id), "%u.F0", i);
			assert_int_equal(fetch_result(id), SPOOL_DONE);
		} else if (said[i] & 1) {
			/* there, or settled with its notice though nobody was told */
			if (fetch_result(id) != SPOOL_DONE) {
				assert_true(i % 2);
				snprintf(id, sizeof(id), "%u.F0", i);
				assert_int_equal(fetch_result(id), SPOOL_DONE);
			}
		}
	}
}

/* O1, I9: a child is killed after so many words; what it said is true. */
static void
test_kill_9(void **state)
{
	(void)state;
	enum { KILLS = 25 };
	unsigned number = 17;
	unsigned first = 0;
	close_spool();
	memset(said, 0, sizeof(said));
	for (int kills = 0; kills < KILLS; kills++) {
		int fds[2];
		number = number * 1103515245 + 12345;
		unsigned words = (number >> 16) % 400;
		unsigned width = 1 + (number >> 8) % 60;
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		pid_t child = fork();
		if (child == 0) {
			close(fds[0]);
			say_fd = fds[1];
			child_main(first, width);
		}
		close(fds[1]);
		assert_int_equal(hear(fds[0], words), words);
		kill(child, SIGKILL);
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		hear(fds[0], UINT32_MAX);
		close(fds[0]);
		first = highest + width +
			1; /* what was begun and not answered may be there or not */
	}
	assert_true(highest > 1000);
	open_spool();
	assert_said(highest + 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_many_in_one_group),
		TEST(test_order_within_a_group),
		TEST(test_numbers),
		TEST(test_only_known),
		TEST(test_results_travel_with_mail),
		TEST(test_broken_disk),
		TEST(test_every_single_fault),
		TEST(test_failed_sync_is_not_tried_again),
		TEST(test_kill_9),
		TEST(test_unreadable),
		TEST(test_nothing_refused_is_read),
		TEST(test_full_disk_at_start),
		TEST(test_full_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
