/* SPDX-License-Identifier: BSD-2-Clause */
/* What was kept before is never overwritten, however often another of its name comes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/keep.h"
#include "base/memory.h"
#include "unit.h"

static char folder[] = "/tmp/sallyport-keep-XXXXXX";

static char *
inside(const char *name)
{
	return mem_printf("%s/%s", folder, name);
}

static char *
make(const char *name, const char *text)
{
	char *path = inside(name);
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

static void
assert_holds(const char *name, const char *text)
{
	char *path = inside(name);
	char found[20] = "";
	int fd = open(path, O_RDONLY);

	assert_true(read(fd, found, sizeof found - 1) >= 0);
	assert_string_equal(found, text);
	close(fd);
	assert_int_equal(unlink(path), 0);
	mem_free(&path);
}

static void
nothing_is_overwritten(void **state)
{
	static const char *const texts[] = { "first", "second", "third" };
	char *wanted = inside("kept");
	struct fault fault = FAULT_INIT;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char *path = make("new", texts[i]);
		char *kept = keep_whole(path, wanted, &fault);

		assert_non_null(kept);
		assert_int_equal(access(path, F_OK), -1);
		assert_holds(i == 0 ? "kept" : i == 1 ? "kept.1" : "kept.2", texts[i]);
		/* Those before are there while the next comes. */
		for (size_t j = 0; j <= i; j++)
			mem_free(&(char *){ make(j == 0 ? "kept" : j == 1 ? "kept.1" : "kept.2",
				texts[j]) });
		mem_free(&path);
		mem_free(&kept);
	}
	assert_holds("kept", "first");
	assert_holds("kept.1", "second");
	assert_holds("kept.2", "third");
	mem_free(&wanted);
}

static void
what_cannot_be_kept_stays(void **state)
{
	char *path = make("new", "text");
	char *nowhere = inside("no/folder");
	char *missing = inside("missing");
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_null(keep_whole(path, nowhere, &fault));
	assert_int_equal(fault.kind, FAULT_SYSTEM);
	assert_holds("new", "text");
	assert_null(keep_whole(missing, nowhere, &fault));
	mem_free(&path);
	mem_free(&nowhere);
	mem_free(&missing);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_overwritten),
		cmocka_unit_test(what_cannot_be_kept_stays),
	};
	int failed;

	assert_non_null(mkdtemp(folder));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
