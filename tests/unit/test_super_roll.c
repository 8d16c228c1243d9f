/* SPDX-License-Identifier: BSD-2-Clause */
/* When a log is rolled, how it is called then, and when it goes. */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "super/roll.h"

#define HOUR INT64_C(3600000)
/* 2026-11-21 13:00:00 UTC */
#define ONE_O_CLOCK (INT64_C(1795266000) * 1000)

static char folder[64];
static char path[96];

static void
when(void **state)
{
	static const struct {
		enum log_roll roll;
		uint64_t size;
		int64_t since;
		int64_t now;
		bool due;
	} cases[] = {
		{ LOG_ROLL_OFF, 1 << 30, 0, ONE_O_CLOCK, false },
		{ LOG_ROLL_HOUR, 1, ONE_O_CLOCK - 1, ONE_O_CLOCK, true },
		{ LOG_ROLL_HOUR, 1, ONE_O_CLOCK, ONE_O_CLOCK + HOUR - 1, false },
		{ LOG_ROLL_HOUR, 0, 0, ONE_O_CLOCK, false },
		{ LOG_ROLL_DAY, 1, ONE_O_CLOCK, ONE_O_CLOCK + 11 * HOUR - 1, false },
		{ LOG_ROLL_DAY, 1, ONE_O_CLOCK, ONE_O_CLOCK + 11 * HOUR, true },
		/* The clock was set back: wait until it is past again. */
		{ LOG_ROLL_DAY, 1, ONE_O_CLOCK, ONE_O_CLOCK - 48 * HOUR, false },
		{ LOG_ROLL_SIZE, 999, 0, ONE_O_CLOCK, false },
		{ LOG_ROLL_SIZE, 1000, ONE_O_CLOCK, ONE_O_CLOCK, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct settings_log log = { .roll = cases[i].roll, .roll_size = 1000 };

		assert_int_equal(roll_is_due(&log, cases[i].size, cases[i].since, cases[i].now),
			cases[i].due);
	}
}

static void
make_file(const char *name, size_t size, int64_t written_ms)
{
	struct timespec times[2] = { { .tv_sec = written_ms / 1000 },
		{ .tv_sec = written_ms / 1000 } };
	char full[160];
	int fd;

	snprintf(full, sizeof full, "%s/%s", folder, name);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static bool
exists(const char *name)
{
	char full[160];

	snprintf(full, sizeof full, "%s/%s", folder, name);
	return access(full, F_OK) == 0;
}

static void
names(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	for (int i = 0; i < 3; i++) {
		make_file("event.log", 1, ONE_O_CLOCK);
		assert_true(roll_rename(path, ONE_O_CLOCK + 999, &fault));
		assert_false(exists("event.log"));
	}
	assert_true(exists("event.log.20261121T130000Z"));
	assert_true(exists("event.log.20261121T130000Z-1"));
	assert_true(exists("event.log.20261121T130000Z-2"));
	assert_false(roll_rename(path, ONE_O_CLOCK, &fault));
}

static void
old_ones(void **state)
{
	struct settings_log log = { .keep = 10 * (uint64_t)HOUR, .keep_size = 250 };
	const char *paths = path;
	static const char *const strangers[] = { "event.log", "event.log.1", "event.log.gz",
		"event.log.20261121T130000", "event.log.20261121T130000Zx",
		"event.log.20261121T130000Z-", "other.log.20261121T130000Z",
		"event.log.20261121-130000Z" };

	(void)state;
	for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++)
		make_file(strangers[i], 100, ONE_O_CLOCK - 100 * HOUR);
	make_file("event.log.20261121T010000Z", 100, ONE_O_CLOCK - 12 * HOUR);
	make_file("event.log.20261121T040000Z", 100, ONE_O_CLOCK - 9 * HOUR);
	make_file("event.log.20261121T110000Z", 100, ONE_O_CLOCK - 2 * HOUR);
	make_file("event.log.20261121T120000Z-1", 100, ONE_O_CLOCK - HOUR);
	roll_clean(&paths, 1, &log, ONE_O_CLOCK);
	/* Too old; then, of the rest, the oldest to get below the size. */
	assert_false(exists("event.log.20261121T010000Z"));
	assert_false(exists("event.log.20261121T040000Z"));
	assert_true(exists("event.log.20261121T110000Z"));
	assert_true(exists("event.log.20261121T120000Z-1"));
	log = (struct settings_log){ .keep = 0, .keep_size = 0 };
	roll_clean(&paths, 1, &log, ONE_O_CLOCK + 10000 * HOUR);
	assert_true(exists("event.log.20261121T110000Z"));
	for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++)
		assert_true(exists(strangers[i]));
}

/* The size is that of all logs together, and the oldest file of any goes first. */
static void
logs_share_what_is_kept(void **state)
{
	struct settings_log log = { .keep = 0, .keep_size = 250 };
	char other[128];
	const char *paths[] = { path, other };

	(void)state;
	snprintf(other, sizeof other, "%s/smtp.log", folder);
	make_file("event.log.20261121T080000Z", 100, ONE_O_CLOCK - 5 * HOUR);
	make_file("event.log.20261121T100000Z", 100, ONE_O_CLOCK - 3 * HOUR);
	make_file("smtp.log.20261121T090000Z", 100, ONE_O_CLOCK - 4 * HOUR);
	make_file("smtp.log.20261121T110000Z", 100, ONE_O_CLOCK - 2 * HOUR);
	roll_clean(paths, 2, &log, ONE_O_CLOCK);
	assert_false(exists("event.log.20261121T080000Z"));
	assert_false(exists("smtp.log.20261121T090000Z"));
	assert_true(exists("event.log.20261121T100000Z"));
	assert_true(exists("smtp.log.20261121T110000Z"));
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/sallyport-roll-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/event.log", folder);
	return 0;
}

static int
tear_down(void **state)
{
	DIR *directory = opendir(folder);
	struct dirent *entry;

	(void)state;
	while ((entry = readdir(directory)))
		unlinkat(dirfd(directory), entry->d_name, 0);
	closedir(directory);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when),
		cmocka_unit_test_setup_teardown(names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(old_ones, set_up, tear_down),
		cmocka_unit_test_setup_teardown(logs_share_what_is_kept, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
