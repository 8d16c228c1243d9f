/* SPDX-License-Identifier: BSD-2-Clause */
/* Rolling a log file. */
#include "super/roll.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	HOUR_MS = 3600 * 1000,
	DAY_MS = 24 * HOUR_MS,
	SAME_TIME_MAX = 1000,   /* files of one second */
	ROLLED_MAX = 100000,    /* names looked at */
	STAMP_BYTES = 16,       /* "20261121T130000Z" */
};

bool
roll_is_due(const struct settings_log *log, uint64_t size, int64_t since_ms, int64_t now_ms)
{
	if (size == 0)
		return false;
	switch (log->roll) {
	case LOG_ROLL_OFF:
		return false;
	case LOG_ROLL_HOUR:
		return since_ms / HOUR_MS < now_ms / HOUR_MS;
	case LOG_ROLL_DAY:
		return since_ms / DAY_MS < now_ms / DAY_MS;
	case LOG_ROLL_SIZE:
		break;
	}
	return size >= log->roll_size;
}

bool
roll_rename(const char *path, int64_t now_ms, struct fault *fault)
{
	time_t seconds = (time_t)(now_ms / 1000);
	char stamp[STAMP_BYTES + 1];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
	for (unsigned i = 0; i < SAME_TIME_MAX; i++) {
		char *name = i ? mem_printf("%s.%s-%u", path, stamp, i)
			       : mem_printf("%s.%s", path, stamp);
		/* Unlike rename(), never over a file that is there. */
		bool linked = link(path, name) == 0;

		mem_free(&name);
		if (linked)
			return unlink(path) == 0 || fault_set_errno(fault, "%s", path);
		if (errno != EEXIST)
			return fault_set_errno(fault, "roll %s", path);
	}
	return fault_set(fault, FAULT_LIMIT, "roll %s: too often in one second", path);
}

/* ---- what is deleted -------------------------------------------------------------------------- */

struct rolled {
	char *path;
	int64_t written_ms;
	uint64_t size;
};

struct rolled_list {
	struct rolled *items;
	size_t count;
};

/* Is "NAME" a rolled file of "BASE": BASE, a dot, a stamp, perhaps a number? */
static bool
is_rolled(const char *name, const char *base)
{
	static const char digits[] = "0123456789";
	size_t length = strlen(base);

	if (strncmp(name, base, length) != 0 || name[length] != '.')
		return false;
	name += length + 1;
	if (strlen(name) < STAMP_BYTES || strspn(name, digits) != 8 || name[8] != 'T' ||
		strspn(name + 9, digits) != 6 || name[15] != 'Z')
		return false;
	name += STAMP_BYTES;
	return name[0] == '\0' ||
		(name[0] == '-' && name[1] && strspn(name + 1, digits) == strlen(name + 1));
}

static void
add_rolled(struct rolled_list *list, const char *folder, const char *name)
{
	char *path = mem_printf("%s/%s", folder, name);
	struct stat status;

	if (lstat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
		mem_free(&path);
		return;
	}
	list->items = mem_grow_array(list->items, list->count + 1, sizeof *list->items);
	list->items[list->count++] = (struct rolled){ path,
		(int64_t)status.st_mtim.tv_sec * 1000, (uint64_t)status.st_size };
}

static int
by_age(const void *a, const void *b)
{
	const struct rolled *first = a;
	const struct rolled *second = b;

	if (first->written_ms != second->written_ms)
		return first->written_ms < second->written_ms ? -1 : 1;
	return strcmp(first->path, second->path);
}

static void
list_rolled(struct rolled_list *list, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? mem_strndup(path, (size_t)(slash - path)) : mem_strdup(".");
	DIR *directory = opendir(folder[0] ? folder : "/");
	struct dirent *entry;

	while (directory && list->count < ROLLED_MAX && (entry = readdir(directory))) {
		if (is_rolled(entry->d_name, slash ? slash + 1 : path))
			add_rolled(list, folder, entry->d_name);
	}
	if (directory)
		closedir(directory);
	mem_free(&folder);
}

void
roll_clean(const char *const *paths, size_t count, const struct settings_log *log, int64_t now_ms)
{
	struct rolled_list list = { NULL, 0 };
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		list_rolled(&list, paths[i]);
	if (list.count)
		qsort(list.items, list.count, sizeof *list.items, by_age);
	for (size_t i = 0; i < list.count; i++)
		total += list.items[i].size;
	/* Oldest first. */
	for (size_t i = 0; i < list.count; i++) {
		struct rolled *rolled = &list.items[i];
		bool old = log->keep && now_ms - rolled->written_ms > (int64_t)log->keep;
		bool large = log->keep_size && total > log->keep_size;

		if (old || large) {
			unlink(rolled->path);
			total -= rolled->size;
		}
		mem_free(&rolled->path);
	}
	mem_free(&list.items);
}
