/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target over its corpus, without a fuzzer: each seed whole, and each start of it; what
 * fuzzing found (FOLDER.found, see corpus.py) whole.
 */
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

enum {
	INPUT_MAX_BYTES = 1 << 20,
	FOUND_MAX_BYTES = 4096,
	PREFIX_MAX_BYTES = 2048,  /* of longer files only the whole is run */
	PATH_SIZE = 4096,
};

static unsigned files;
static unsigned found;

static void
run(const uint8_t *bytes, size_t size)
{
	struct span copy = fuzz_copy(span_of(bytes, size));

	LLVMFuzzerTestOneInput((const uint8_t *)copy.start, size);
	fuzz_free(copy);
}

static void
replay_file(const char *path)
{
	static uint8_t bytes[INPUT_MAX_BYTES];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		exit(1);
	}
	size = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	run(bytes, size);
	for (size_t start = 0; start < size && size <= PREFIX_MAX_BYTES; start++)
		run(bytes, start);
	files++;
}

/* Each input behind its length, most significant byte first. */
static void
replay_found(const char *path)
{
	uint8_t bytes[FOUND_MAX_BYTES];
	uint8_t head[4];
	FILE *file = fopen(path, "rb");

	if (!file)
		return;
	while (fread(head, sizeof head, 1, file) == 1) {
		size_t size = (size_t)head[2] << 8 | head[3];

		FUZZ_CHECK(head[0] == 0 && head[1] == 0 && size <= sizeof bytes);
		FUZZ_CHECK(fread(bytes, 1, size, file) == size);
		run(bytes, size);
		found++;
	}
	fclose(file);
}

static void
replay(const char *path)
{
	struct stat status;
	struct dirent *entry;
	DIR *folder;

	if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode)) {
		replay_file(path);
		return;
	}
	folder = opendir(path);
	if (!folder) {
		perror(path);
		exit(1);
	}
	while ((entry = readdir(folder))) {
		char inside[PATH_SIZE];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
		replay(inside);
	}
	closedir(folder);
}

/* Without arguments: the corpus of this target, whose name is behind "fuzz_" in the program's. */
int
main(int argc, char **argv)
{
	const char *source = getenv("srcdir");
	const char *target = strstr(argv[0], "fuzz_");
	char path[PATH_SIZE];

	for (const char *at = target; at; at = strstr(at + 1, "fuzz_"))
		target = at;
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1 && target) {
		snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", source ? source : ".",
			target + strlen("fuzz_"));
		replay(path);
		strncat(path, ".found", sizeof path - strlen(path) - 1);
		replay_found(path);
	}
	printf("%s: %u seeds, %u found\n", argv[0], files, found);
	return files ? 0 : 1;
}
