/* SPDX-License-Identifier: BSD-2-Clause */
/* O8 for queue.db: pages zeroed, cut off, bits flipped. What can be read stays; nothing goes in silence. */
#include "../fake/mail_samples.h"
#include "queue/spool_salvage.h"
#include "queue/spool_store.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MESSAGES = 150, HISTORY = 100, PAGE_BYTES = 4096, BODY_BYTES = 70000 };

static char top[250];
static char path[300];
static struct spool_store *store;
static struct fault fault;
static off_t size;

static bool
shell(const char *command)
{
	char line[900];
	snprintf(line, sizeof(line), "cd %s && %s", top, command);
	return system(line) == 0;
}

static bool
open_store(void)
{
	fault = FAULT_INIT;
	store = spool_store_open(path, true, &fault);
	return store != NULL;
}

static enum spool_result
ask(struct spool_request *request)
{
	if (spool_store_is_reading(request)) {
		spool_store_read(store, request);
	} else {
		assert_true(spool_store_begin(store));
		spool_store_write(store, request);
		assert_true(spool_store_commit(store));
	}
	return request->result;
}

static void
commit(struct parcel *parcel)
{
	struct spool_commit request = { { .verb = SPOOL_COMMIT }, .parcel = parcel };
	assert_int_equal(ask(&request.request), SPOOL_DONE);
	parcel_drop(&parcel);
}

static void
change(enum spool_change_kind kind, const char *id)
{
	struct spool_change request = { { .verb = SPOOL_CHANGE }, .kind = kind, .reason = "why",
		.now_ms = SAMPLE_RECEIVED_MS };
	snprintf(request.id, sizeof(request.id), "%s", id);
	assert_int_equal(ask(&request.request), SPOOL_DONE);
}

/* In "good": small and large messages, one in a file, held ones, history. */
static int
set_up(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "%s", sample_folder_make());
	snprintf(path, sizeof(path), "%s/good", top);
	assert_true(open_store());
	char *large = mem_alloc(30001);
	memset(large, 'l', 30000);
	for (unsigned i = 0; i < HISTORY + MESSAGES; i++) {
		char id[20];
		snprintf(id, sizeof(id), "%04u", i);
		commit(i % 25 == 24 ?
				sample_parcel(id, large,
					(const char *const[]){ "bob@example.net", NULL }) :
				sample_parcel_to(id, "bob@example.net"));
		if (i < HISTORY)
			change(SPOOL_DELETE, id);
		else if (i % 10 == 0)
			change(SPOOL_HOLD, id);
	}
	static char body[BODY_BYTES];
	memset(body, 'b', sizeof(body));
	char name[400];
	snprintf(name, sizeof(name), "%s/body/1", path);
	int fd = open(name, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, body, sizeof(body)), sizeof(body));
	close(fd);
	commit(sample_parcel_file("file", 1, span_of(body, sizeof(body))));
	mem_free(&large);
	spool_store_close(&store);
	struct stat stat;
	snprintf(name, sizeof(name), "%s/queue.db", path);
	assert_int_equal(lstat(name, &stat), 0);
	size = stat.st_size;
	snprintf(path, sizeof(path), "%s/queue", top);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	spool_store_close(&store);
	sample_folder_remove();
	return 0;
}

static int
open_fresh(void)
{
	char name[400];
	spool_store_close(&store);
	assert_true(shell("rm -rf queue && cp -rp good queue"));
	snprintf(name, sizeof(name), "%s/queue.db", path);
	int fd = open(name, O_RDWR);
	assert_true(fd >= 0);
	return fd;
}

static enum spool_result
fetch(const char *id)
{
	struct spool_fetch request = { { .verb = SPOOL_FETCH }, .with_file = true, .fd = -1 };
	snprintf(request.id, sizeof(request.id), "%s", id);
	ask(&request.request);
	parcel_drop(&request.parcel);
	arena_free(&request.arena);
	if (request.fd >= 0)
		close(request.fd);
	return request.request.result;
}

/* Everything is read once, as a day's work would; false as soon as the file is found damaged. */
static bool
read_all(unsigned *found_out, unsigned *torn_out)
{
	struct spool_page page = { { .verb = SPOOL_PAGE }, .kind = SPOOL_PAGE_ALL, .limit = 1000 };
	struct spool_page waiting = { { .verb = SPOOL_PAGE }, .kind = SPOOL_PAGE_WAITING,
		.limit = 1000, .until_due_ms = INT64_MAX };
	struct spool_track track = { { .verb = SPOOL_TRACK }, .text = "bob@example.net",
		.limit = 1000 };
	*found_out = *torn_out = 0;
	ask(&page.request);
	arena_free(&page.arena);
	ask(&waiting.request);
	arena_free(&waiting.arena);
	ask(&track.request);
	arena_free(&track.arena);
	for (unsigned i = HISTORY; i <= HISTORY + MESSAGES; i++) {
		char id[20];
		snprintf(id, sizeof(id), i == HISTORY + MESSAGES ? "file" : "%04u", i);
		enum spool_result result = fetch(id);
		*found_out += result == SPOOL_DONE;
		*torn_out += result == SPOOL_TORN;
	}
	return !spool_store_take_damage(store);
}

static bool
has_copy(void)
{
	char name[400];
	struct stat stat;
	snprintf(name, sizeof(name), "%s/corrupt/queue.db.corrupt-1", path);
	return lstat(name, &stat) == 0;
}

/* As the queue does: damage that is met later is left word of, and the next start sees to it. */
static bool
work(unsigned *found_out, unsigned *torn_out)
{
	if (!open_store())
		return false;
	for (unsigned i = 0; !read_all(found_out, torn_out); i++) {
		assert_true(i < 2);
		spool_salvage_mark(spool_store_folder(store));
		spool_store_close(&store);
		if (!open_store())
			return false;
		assert_true(has_copy());
	}
	/* It is a spool that can be worked with. */
	static unsigned count;
	char id[20];
	snprintf(id, sizeof(id), "after%u", count++);
	commit(sample_parcel_to(id, "bob@example.net"));
	assert_int_equal(fetch(id), SPOOL_DONE);
	change(SPOOL_DELETE, id);
	return true;
}

static void
test_every_page_zeroed(void **state)
{
	(void)state;
	static const char zeros[PAGE_BYTES];
	unsigned salvaged = 0;
	unsigned refused = 0;
	unsigned least = UINT32_MAX;
	for (off_t at = 0; at < size; at += PAGE_BYTES) {
		unsigned found;
		unsigned torn;
		int fd = open_fresh();
		assert_int_equal(pwrite(fd, zeros, PAGE_BYTES, at), PAGE_BYTES);
		close(fd);
		bool works = work(&found, &torn);
		/* All that SQLite knows a database by; or one by which all messages are found. */
		if (!works) {
			if (fault.kind != FAULT_CONFIG || !strstr(fault.text, "restore a backup"))
				fail_msg("page at %ld: %s", (long)at, fault.text);
			assert_false(has_copy());
			refused++;
			continue;
		}
		assert_true(at > 0);
		salvaged += has_copy();
		least = found < least ? found : least;
	}
	/* One page more or less is a few messages more or less. */
	if (least < MESSAGES * 3 / 4)
		fail_msg("only %u messages of %u were left", least, MESSAGES + 1);
	print_message("%u salvaged, %u refused; at least %u messages of %u were left\n", salvaged,
		refused, least, MESSAGES + 1);
	assert_true(salvaged > 10);
	assert_true(refused >= 1 && refused <= 5);
}

/* Cut off where it may be: what stood before the cut is read, or it is refused with a reason. */
static void
test_truncated(void **state)
{
	(void)state;
	for (off_t length = 0; length < size; length += 5 * PAGE_BYTES - 100) {
		unsigned found;
		unsigned torn;
		int fd = open_fresh();
		assert_int_equal(ftruncate(fd, length), 0);
		close(fd);
		bool works = work(&found, &torn);
		if (works)
			assert_true(has_copy());
		else if (fault.kind != FAULT_CONFIG)
			fail_msg("%ld bytes: %s", (long)length, fault.text);
		if (length < 100)
			assert_false(works);
		if (length > size * 9 / 10) {
			assert_true(works);
			assert_true(found > MESSAGES / 2);
		}
	}
}

/* Bits of the header: it goes on with all mail, or says why not, and the file is still there. */
static void
test_bits_of_the_header(void **state)
{
	(void)state;
	for (off_t at = 0; at < 100; at++) {
		unsigned found = 0;
		unsigned torn = 0;
		unsigned char byte;
		int fd = open_fresh();
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= (unsigned char)(1u << at % 8);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
		if (work(&found, &torn))
			assert_int_equal(found, MESSAGES + 1);
		else
			assert_true(fault.text[0] != 0);
		spool_store_close(&store);
		assert_true(shell("test -s queue/queue.db"));
	}
}

/* The database is gone, or empty, and what is left tells that there was one. */
static void
test_missing_is_not_empty(void **state)
{
	(void)state;
	close(open_fresh());
	assert_true(shell(": > queue/queue.db"));
	assert_false(open_store());
	assert_non_null(strstr(fault.text, "queue.db is empty"));
	assert_true(shell("rm queue/queue.db && head -c 5000 /dev/zero > queue/queue.db-wal"));
	assert_false(open_store());
	assert_non_null(strstr(fault.text, "queue.db is missing"));
	assert_true(shell("test -s queue/queue.db-wal"));
	/* the administrator's word: begin with an empty queue */
	assert_true(shell("rm queue/queue.db-wal"));
	assert_true(open_store());
	assert_int_equal(spool_store_counts(store)->messages, 0);
	spool_store_close(&store);
	/* not followed */
	assert_true(shell("mv queue/queue.db other && ln -s ../other queue/queue.db"));
	assert_false(open_store());
	assert_int_equal(fault.kind, FAULT_CONFIG);
	assert_true(shell("rm queue/queue.db && mkfifo queue/queue.db"));
	assert_false(open_store());
	assert_true(shell("rm queue/queue.db && mkdir queue/queue.db"));
	assert_false(open_store());
}

/* A false alarm: nothing is exchanged. And a salvage that power cut at any step is ended. */
static void
test_word_of_damage(void **state)
{
	(void)state;
	unsigned found;
	unsigned torn;
	close(open_fresh());
	assert_true(open_store());
	spool_salvage_mark(spool_store_folder(store));
	spool_store_close(&store);
	assert_true(shell("test -f queue/queue.db.damaged"));
	assert_true(work(&found, &torn));
	assert_int_equal(found, MESSAGES + 1);
	assert_false(has_copy());
	spool_store_close(&store);
	assert_true(shell("test ! -e queue/queue.db.damaged"));
	/* exchange: the new one is whole, the old one and its log still have their names */
	assert_true(shell("cp queue/queue.db queue/queue.db.salvaged && "
			  "head -c 9999 /dev/urandom > queue/queue.db && "
			  "head -c 9999 /dev/urandom > queue/queue.db-wal"));
	assert_true(work(&found, &torn));
	assert_int_equal(found, MESSAGES + 1);
	assert_true(has_copy());
	spool_store_close(&store);
	assert_true(shell("test $(stat -c %s queue/corrupt/queue.db.corrupt-1-wal) = 9999"));
	/* a part that was never whole is nothing */
	assert_true(shell("head -c 9999 /dev/urandom > queue/queue.db.salvage"));
	assert_true(work(&found, &torn));
	assert_int_equal(found, MESSAGES + 1);
}

/* Its row is gone, its body is not: that is kept, and so is all that came before and after. */
static void
test_bodies_of_lost_messages_are_kept(void **state)
{
	(void)state;
	close(open_fresh());
	spool_store_close(&store);
	assert_true(open_store());
	uint64_t first_file = spool_store_first_file(store);
	spool_store_close(&store);
	assert_true(shell("printf x > queue/body/2"));
	sqlite3 *db;
	char name[400];
	snprintf(name, sizeof(name), "%s/queue.db", path);
	assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "INSERT INTO meta VALUES ('" SPOOL_SALVAGE_ORPHANS
					  "', 1)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_true(first_file > 2);
	assert_true(open_store());
	assert_true(shell("test -f queue/corrupt/2 && test -f queue/body/1"));
	spool_store_close(&store);
	/* that once: later it is as always */
	assert_true(shell("printf x > queue/body/3"));
	assert_true(open_store());
	assert_true(shell("test ! -e queue/corrupt/3 && test ! -e queue/body/3"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_every_page_zeroed),
		TEST(test_truncated),
		TEST(test_bits_of_the_header),
		TEST(test_missing_is_not_empty),
		TEST(test_word_of_damage),
		TEST(test_bodies_of_lost_messages_are_kept),
	};
	/* Hundreds of starts, each with its syncs: where they cost nothing, if there is such a place. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
