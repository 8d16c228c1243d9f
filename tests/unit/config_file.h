/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration files for tests: a folder of their own, which is the current one meanwhile. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char config_file_folder[] = "/tmp/test-config-XXXXXX";
static char config_file_home[4096];

static inline int
config_file_setup(void **state)
{
	(void)state;
	assert_non_null(getcwd(config_file_home, sizeof config_file_home));
	assert_non_null(mkdtemp(config_file_folder));
	assert_int_equal(chdir(config_file_folder), 0);
	return 0;
}

static inline int
config_file_teardown(void **state)
{
	DIR *folder = opendir(".");
	const struct dirent *entry;

	(void)state;
	assert_non_null(folder);
	while ((entry = readdir(folder)))
		unlink(entry->d_name);
	closedir(folder);
	assert_int_equal(chdir(config_file_home), 0);
	assert_int_equal(rmdir(config_file_folder), 0);
	return 0;
}

static inline void
config_file_write_bytes(const char *name, struct span bytes)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes.start, 1, bytes.length, file), bytes.length);
	assert_int_equal(fclose(file), 0);
}

static inline void
config_file_write(const char *name, const char *text)
{
	config_file_write_bytes(name, span_text(text));
}

/* The whole file, with a NUL behind it, to be freed. */
static inline char *
config_file_read(const char *name)
{
	FILE *file = fopen(name, "r");
	char *text = calloc(1, 1 << 20);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

#endif
