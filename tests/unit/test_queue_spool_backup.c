/* SPDX-License-Identifier: BSD-2-Clause */
/* Backups of a spool at work: whole, of one moment, checked by sums, never in the way. */
#include "spool_fixture.h"

#include "queue/folder_backup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BODY_BYTES = 5 * 1024 * 1024, BODIES = 3, ROWS = 3000 };

static void
bring(struct parcel *parcel)
{
	assert_int_equal(commit(parcel), SPOOL_DONE);
	parcel_drop(&parcel);
}

static void
fill(void)
{
	static char body[BODY_BYTES];
	for (unsigned i = 0; i < BODIES; i++) {
		char id[20];
		char name[400];
		uint64_t file = spool_next_file(spool);
		memset(body, 'a' + (int)i, sizeof(body));
		snprintf(name, sizeof(name), "%s/body/%u", path, (unsigned)file);
		int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		assert_int_equal(write(fd, body, sizeof(body)), sizeof(body));
		close(fd);
		snprintf(id, sizeof(id), "file%u", i);
		bring(sample_parcel_file(id, file, span_of(body, sizeof(body))));
	}
	struct spool_commit *commits = mem_alloc_array(ROWS, sizeof(*commits));
	for (unsigned i = 0; i < ROWS; i++) {
		char id[20];
		snprintf(id, sizeof(id), "row%u", i);
		commits[i] = (struct spool_commit){ { .verb = SPOOL_COMMIT },
			.parcel = sample_parcel_to(id, "bob@example.net") };
		begin(&commits[i].request);
	}
	run();
	for (unsigned i = 0; i < ROWS; i++)
		parcel_drop(&commits[i].parcel);
	mem_free(&commits);
}

static enum spool_result
fetch(const char *id, char *byte_out)
{
	struct spool_fetch request = { { .verb = SPOOL_FETCH }, .with_file = true, .fd = -1 };
	snprintf(request.id, sizeof(request.id), "%s", id);
	enum spool_result result = ask(&request.request);
	if (request.fd >= 0) {
		assert_int_equal(pread(request.fd, byte_out, 1, BODY_BYTES - 1), 1);
		close(request.fd);
	}
	parcel_drop(&request.parcel);
	arena_free(&request.arena);
	return result;
}

static enum spool_result
delete(const char *id)
{
	struct spool_change request = { { .verb = SPOOL_CHANGE }, .kind = SPOOL_DELETE,
		.now_ms = SAMPLE_RECEIVED_MS };
	snprintf(request.id, sizeof(request.id), "%s", id);
	return ask(&request.request);
}

static struct spool_backup
backup_of(const char *name, uint64_t keep_free)
{
	return (struct spool_backup){ { .verb = SPOOL_BACKUP }, .name = name,
		.keep_free = keep_free };
}

static unsigned
count_names(const char *below)
{
	char name[400];
	unsigned count = 0;
	snprintf(name, sizeof(name), "%s/%s", path, below);
	DIR *stream = opendir(name);
	if (!stream)
		return 0;
	while (readdir(stream))
		count++;
	closedir(stream);
	return count - 2;
}

/* While it is made, mail comes and goes; what it holds is what there was when its database was done. */
static void
test_backup_of_a_spool_at_work(void **state)
{
	(void)state;
	char command[700];
	char byte = 0;
	fill();
	struct spool_backup backup = backup_of("one", 0);
	begin(&backup.request);
	unsigned meanwhile = 0;
	while (!is_answered(&backup.request)) {
		char id[20];
		snprintf(id, sizeof(id), "more%u", meanwhile);
		struct spool_commit request = { { .verb = SPOOL_COMMIT },
			.parcel = sample_parcel_to(id, "bob@example.net") };
		begin(&request.request);
		run_until(&request.request);
		assert_int_equal(request.request.result, SPOOL_DONE);
		parcel_drop(&request.parcel);
		/* gone from the queue, and yet in the backup if its database has it */
		if (meanwhile == 2) {
			struct spool_change gone = { { .verb = SPOOL_CHANGE },
				.kind = SPOOL_DELETE, .id = "file1",
				.now_ms = SAMPLE_RECEIVED_MS };
			begin(&gone.request);
			run_until(&gone.request);
		}
		meanwhile++;
	}
	run();
	assert_int_equal(backup.request.result, SPOOL_DONE);
	assert_true(meanwhile > 5); /* it has many steps, and none is long */
	assert_int_equal(backup.missing, 0);
	assert_true(backup.bytes > (uint64_t)BODY_BYTES * 2);
	assert_true(backup.messages >= ROWS + BODIES - 1);
	assert_int_equal(count_names("body"), BODIES - 1); /* what was put off is done */
	snprintf(command, sizeof(command),
		"cd %s/backup/one && sha256sum --check --strict --quiet SHA256SUMS && "
		"test $(wc -l < SHA256SUMS) = $(($(ls body | wc -l) + 1)) && "
		"test -z \"$(find . -perm /077)\"",
		path);
	assert_int_equal(system(command), 0);
	close_spool();

	/* opened where it is, it is a spool like any other */
	char other[400];
	uint64_t bodies = backup.bodies;
	snprintf(other, sizeof(other), "%s/backup/one", path);
	open_spool_at(other);
	assert_int_equal(spool_counts(spool)->messages, backup.messages);
	assert_int_equal(fetch("file0", &byte), SPOOL_DONE);
	assert_int_equal(byte, 'a');
	assert_int_equal(fetch("file1", &byte), bodies == BODIES ? SPOOL_DONE : SPOOL_MISSING);
	assert_int_equal(fetch("row2999", &byte), SPOOL_DONE);
	assert_int_equal(count_names("backup/one/corrupt"), 0);
}

/* Deleted after the copy of the database and before that of its body: the body is not lost to it. */
static void
test_bodies_wait_for_the_backup(void **state)
{
	(void)state;
	char byte = 0;
	fill();
	struct spool_backup backup = backup_of("one", 0);
	begin(&backup.request);
	/* The first step copies up to a megabyte of the database; the bodies follow. */
	while (!is_answered(&backup.request) && count_names("backup/one.partial/body") == 0) {
		struct spool_tick tick = { .request = { .verb = SPOOL_TICK } };
		begin(&tick.request);
		run_until(&tick.request);
	}
	assert_false(is_answered(&backup.request));
	for (unsigned i = 0; i < BODIES; i++) {
		char id[20];
		snprintf(id, sizeof(id), "file%u", i);
		struct spool_change gone = { { .verb = SPOOL_CHANGE }, .kind = SPOOL_DELETE,
			.now_ms = SAMPLE_RECEIVED_MS };
		snprintf(gone.id, sizeof(gone.id), "%s", id);
		begin(&gone.request);
		run_until(&gone.request);
		assert_int_equal(gone.request.result, SPOOL_DONE);
	}
	assert_int_equal(run_until(&backup.request), SPOOL_DONE);
	assert_int_equal(backup.bodies, BODIES);
	assert_int_equal(backup.missing, 0);
	assert_int_equal(count_names("body"), 0);
	close_spool();
	char other[400];
	snprintf(other, sizeof(other), "%s/backup/one", path);
	open_spool_at(other);
	for (unsigned i = 0; i < BODIES; i++) {
		char id[20];
		snprintf(id, sizeof(id), "file%u", i);
		assert_int_equal(fetch(id, &byte), SPOOL_DONE);
		assert_int_equal(byte, 'a' + (int)i);
	}
}

static void
test_refusals(void **state)
{
	(void)state;
	fill();
	struct spool_backup first = backup_of("one", 0);
	struct spool_backup second = backup_of("two", 0);
	struct spool_backup again = backup_of("one", 0);
	struct spool_backup full = backup_of("three", UINT64_MAX / 2);
	begin(&first.request);
	begin(&second.request);
	run_until(&first.request);
	assert_int_equal(first.request.result, SPOOL_DONE);
	assert_int_equal(second.request.result, SPOOL_CROWDED);
	assert_int_equal(ask(&again.request), SPOOL_CLASH);
	assert_non_null(strstr(again.fault.text, "one"));
	assert_int_equal(ask(&full.request), SPOOL_FULL);
	assert_int_equal(count_names("backup"), 1);
	/* a body that is gone: the rest is saved */
	char name[400];
	snprintf(name, sizeof(name), "%s/body/1", path);
	assert_int_equal(unlink(name), 0);
	struct spool_backup less = backup_of("four", 0);
	assert_int_equal(ask(&less.request), SPOOL_DONE);
	assert_int_equal(less.missing, 1);
	assert_int_equal(less.bodies, BODIES - 1);
}

/* The end, orderly or not: nothing is left of what was not finished, and the queue is whole. */
static void
test_unfinished_backups_go(void **state)
{
	(void)state;
	fill();
	struct spool_backup backup = backup_of("one", 0);
	begin(&backup.request);
	struct spool_tick tick = { .request = { .verb = SPOOL_TICK } };
	begin(&tick.request);
	run_until(&tick.request);
	assert_int_equal(count_names("backup"), 1);
	close_spool();
	assert_int_equal(backup.request.result, SPOOL_BROKEN);
	assert_int_equal(count_names("backup"), 0);
	char command[500];
	snprintf(command, sizeof(command),
		"cd %s/backup && mkdir -p x.partial/body kept/body && touch x.partial/queue.db "
		"x.partial/body/1 kept/body/1",
		path);
	assert_int_equal(system(command), 0);
	open_spool();
	assert_int_equal(count_names("backup"), 1);
	assert_int_equal(count_names("backup/kept/body"), 1);
	assert_int_equal(spool_counts(spool)->messages, ROWS + BODIES);
	assert_int_equal(delete("row0"), SPOOL_DONE);
}

static void
test_names(void **state)
{
	(void)state;
	static const char *const good[] = { "a", "2026-11-21", "x_y.z", "20261121T130000Z" };
	static const char *const bad[] = { "", ".", "..", ".x", "a/b", "../x", "a b", "x.partial",
		"a\n", "\xc3\xa4",
		"12345678901234567890123456789012345678901234567890123456789012345" };
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(folder_backup_is_name(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(folder_backup_is_name(bad[i]));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, spool_set_up, spool_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_backup_of_a_spool_at_work),
		TEST(test_bodies_wait_for_the_backup),
		TEST(test_refusals),
		TEST(test_unfinished_backups_go),
		TEST(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
