/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool's folder: what is refused, what is set aside and never overwritten, the reserve. */
#include "../fake/mail_samples.h"
#include "queue/folder.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[300];
static struct folder *folder;

static struct folder *
open_folder(void)
{
	struct fault fault = FAULT_INIT;
	struct folder *opened = folder_open(path, &fault);
	if (!opened)
		fail_msg("%s", fault.text);
	return opened;
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/queue", sample_folder_make());
	folder = open_folder();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	folder_free(&folder);
	sample_folder_remove();
	return 0;
}

static const char *
inside(const char *name)
{
	static char full[400];
	snprintf(full, sizeof(full), "%s/%s", path, name);
	return full;
}

static void
make_file(const char *name, const char *content)
{
	int fd = open(inside(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	close(fd);
}

static off_t
size_of(const char *name)
{
	struct stat stat;
	return lstat(inside(name), &stat) == 0 ? stat.st_size : -1;
}

/* What stands in corrupt/ stays, however often another thing of that name comes. */
static void
test_set_aside_overwrites_nothing(void **state)
{
	(void)state;
	make_file("strange", "1");
	folder_free(&folder);
	folder = open_folder();
	make_file("strange", "22");
	folder_free(&folder);
	folder = open_folder();
	make_file("strange", "333");
	folder_free(&folder);
	folder = open_folder();
	assert_int_equal(size_of("corrupt/strange"), 1);
	assert_int_equal(size_of("corrupt/strange.1"), 2);
	assert_int_equal(size_of("corrupt/strange.2"), 3);
	assert_int_equal(size_of("strange"), -1);
	/* what is ours stays where it is */
	make_file("queue.db.v7", "backup");
	folder_free(&folder);
	folder = open_folder();
	assert_int_equal(size_of("queue.db.v7"), 6);
}

/* N2: links and other things in place of a part of ours. */
static void
test_parts_that_are_not_folders(void **state)
{
	(void)state;
	struct fault fault = FAULT_INIT;
	folder_free(&folder);
	assert_int_equal(rmdir(inside("corrupt")), 0);
	assert_int_equal(symlink("/tmp", inside("corrupt")), 0);
	assert_null(folder_open(path, &fault));
	assert_int_equal(unlink(inside("corrupt")), 0);
	make_file("corrupt", "");
	assert_null(folder_open(path, &fault));
	assert_int_equal(unlink(inside("corrupt")), 0);
	assert_int_equal(rmdir(inside("body")), 0);
	assert_int_equal(symlink("corrupt", inside("body")), 0);
	assert_null(folder_open(path, &fault));
	assert_int_equal(unlink(inside("body")), 0);
	folder = open_folder();
	folder_free(&folder);
	snprintf(path + strlen(path), 20, "/not/there");
	assert_null(folder_open(path, &fault));
	assert_int_equal(fault.kind, FAULT_SYSTEM);
}

/* Who can still write a body could change it after it was hashed. */
static void
test_bodies_that_can_be_written(void **state)
{
	(void)state;
	struct fault fault = FAULT_INIT;
	struct parcel *parcel = sample_parcel_file("0001", 1, SPAN_LITERAL("large"));
	const unsigned char *hash = parcel->record.body_hash;
	int fd = folder_make_body(folder, 1, &fault);
	assert_int_equal(write(fd, "large", 5), 5);
	int copy = dup(fd);
	int reader = open(inside("body/1"), O_RDONLY);
	close(fd);
	assert_int_equal(folder_seal_body(folder, 1, 5, hash, true, &fault), FOLDER_WRONG);
	close(copy);
	assert_int_equal(folder_seal_body(folder, 1, 5, hash, true, &fault), FOLDER_DONE);
	assert_int_equal(folder_check_body(reader, hash), FOLDER_DONE);
	assert_int_equal(folder_check_body(reader, parcel->record.content_hash), FOLDER_WRONG);
	assert_int_equal(folder_check_body(-1, hash), FOLDER_FAILED);
	close(reader);
	parcel_drop(&parcel);
}

/* A body with a second name could be changed behind our back. */
static void
test_bodies_with_links(void **state)
{
	(void)state;
	struct fault fault = FAULT_INIT;
	make_file("body/1", "x");
	int fd = folder_open_body(folder, 1, 1, &fault);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(folder_open_body(folder, 1, 2, &fault), -1);
	char other[400];
	snprintf(other, sizeof(other), "%s", inside("body/other"));
	assert_int_equal(link(inside("body/1"), other), 0);
	assert_int_equal(folder_open_body(folder, 1, 1, &fault), -1);
	assert_int_equal(symlink("/etc/hostname", inside("body/2")), 0);
	assert_int_equal(folder_open_body(folder, 2, (uint64_t)size_of("body/2"), &fault), -1);
	assert_int_equal(mkfifo(inside("body/3"), 0600), 0);
	assert_int_equal(folder_open_body(folder, 3, 0, &fault), -1);
	assert_int_equal(mkdir(inside("body/4"), 0700), 0);
	assert_int_equal(folder_open_body(folder, 4, (uint64_t)size_of("body/4"), &fault), -1);
	folder_remove_body(folder, 99); /* is not there: nothing happens */
}

static bool
is_even(void *context, uint64_t number)
{
	(void)context;
	return number % 2 == 0;
}

static void
test_sweep(void **state)
{
	(void)state;
	static const char *const odd_names[] = { "01", "+3", "3x", "0", "18446744073709551616",
		".hidden" };
	for (uint64_t number = 1; number <= 10; number++) {
		char name[30];
		snprintf(name, sizeof(name), "body/%u", (unsigned)number);
		make_file(name, "x");
	}
	for (size_t i = 0; i < sizeof(odd_names) / sizeof(odd_names[0]); i++) {
		char name[40];
		snprintf(name, sizeof(name), "body/%s", odd_names[i]);
		make_file(name, "x");
	}
	/* Bodies by name that are none: of those that are wanted, too. */
	assert_int_equal(symlink("7", inside("body/12")), 0);
	assert_int_equal(mkfifo(inside("body/14"), 0600), 0);
	assert_int_equal(mkdir(inside("body/16"), 0700), 0);
	make_file("body/17", "x");
	char second[400];
	snprintf(second, sizeof(second), "%s", inside("second"));
	assert_int_equal(link(inside("body/17"), second), 0);
	assert_int_equal(folder_sweep_bodies(folder, 9, is_even, NULL), 4);
	assert_true(size_of("body/12") < 0 && size_of("corrupt/12") >= 0);
	assert_true(size_of("body/14") < 0 && size_of("corrupt/14") >= 0);
	assert_true(size_of("body/16") < 0 && size_of("corrupt/16") >= 0);
	assert_true(size_of("body/17") < 0 && size_of("corrupt/17") >= 0);
	assert_int_equal(size_of("body/1"), -1);
	assert_int_equal(size_of("body/2"), 1);
	assert_int_equal(size_of("body/8"), 1);
	assert_int_equal(size_of("corrupt/9"), 1);
	assert_int_equal(size_of("body/10"), 1); /* wanted is wanted */
	for (size_t i = 0; i < sizeof(odd_names) / sizeof(odd_names[0]); i++) {
		char name[40];
		snprintf(name, sizeof(name), "corrupt/%s", odd_names[i]);
		assert_int_equal(size_of(name), 1);
	}
	assert_int_equal(folder_sweep_bodies(folder, 9, is_even, NULL), 0);
}

static void
test_reserve_and_space(void **state)
{
	(void)state;
	struct folder_space space;
	assert_true(folder_fill_reserve(folder));
	assert_true(folder_fill_reserve(folder));
	assert_int_equal(size_of("reserve"), FOLDER_RESERVE_BYTES);
	folder_release_reserve(folder);
	assert_int_equal(size_of("reserve"), -1);
	assert_true(folder_space(folder, &space));
	assert_true(space.bytes > 0 && space.files > 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_set_aside_overwrites_nothing),
		TEST(test_parts_that_are_not_folders),
		TEST(test_bodies_that_can_be_written),
		TEST(test_bodies_with_links),
		TEST(test_sweep),
		TEST(test_reserve_and_space),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
