/* SPDX-License-Identifier: BSD-2-Clause */
/* A look-up table in a text file. */
#include "filter/map_text.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "filter/text_lines.h"

enum {
	FILE_MAX_BYTES = 64 * 1024 * 1024,
	HOT_MS = 100, /* so soon after a change, another may bear the same times */
};

/* Sorted by key; of those with the same key, the first in the file is the one that counts. */
struct entry {
	const char *key;
	const char *value;
	unsigned line;
};

/* One version of the file, frozen; whoever looks something up holds it meanwhile. */
struct table {
	unsigned uses;
	struct arena *arena;
	struct entry *entries;
	size_t count;
};

/* What tells one version of a file from another. */
struct stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
	struct timespec touched; /* also where the time of the change was set back */
};

struct map_text {
	struct map map;
	char *path;
	pthread_mutex_t lock;
	struct stamp stamp;
	bool hot;            /* read so soon after a change */
	struct table *table; /* NULL: this version cannot be used */
	struct fault fault;  /* for this reason */
};

static struct map_text *
text_of(struct map *map)
{
	return (struct map_text *)map;
}

/* ---- one version ------------------------------------------------------------------------------ */

static void
drop_table(struct table *table)
{
	struct arena *arena;

	if (!table || --table->uses > 0)
		return;
	arena = table->arena;
	mem_free(&table->entries);
	mem_free(&table);
	arena_free(&arena);
}

/* The key ends at the first blank outside of quotes; false if quotes do not end. */
static bool
split(struct span line, struct span *key_out, struct span *value_out)
{
	bool quoted = false;
	size_t end = 0;

	for (; end < line.length && (quoted || !text_lines_is_blank(line.start[end])); end++) {
		if (line.start[end] == '"')
			quoted = !quoted;
		else if (line.start[end] == '\\' && end + 1 < line.length)
			end++;
	}
	*key_out = span_first(line, end);
	*value_out = text_lines_trim(span_from(line, end));
	return !quoted;
}

static void
add(struct table *table, struct span key, struct span value, unsigned line)
{
	char *copy = arena_strndup(table->arena, key.start, key.length);

	for (char *byte = copy; *byte; byte++)
		*byte = text_lower(*byte);
	if (table->count % 1024 == 0)
		table->entries = mem_grow_array(
			table->entries, table->count + 1024, sizeof *table->entries);
	table->entries[table->count++] = (struct entry){ copy,
		arena_strndup(table->arena, value.start, value.length), line };
}

static int
compare(const void *a, const void *b)
{
	const struct entry *one = a;
	const struct entry *other = b;
	int order = strcmp(one->key, other->key);

	return order ? order : (one->line > other->line) - (one->line < other->line);
}

/* As postmap does, since one of them is not what was meant. */
static void
log_doubles(const struct table *table, const char *path)
{
	const struct entry *first = NULL;
	const struct entry *second = NULL;
	struct fault why = FAULT_INIT;
	int64_t count = 0;

	for (size_t i = 1; i < table->count; i++) {
		const struct entry *before = &table->entries[i - 1];

		if (strcmp(before->key, table->entries[i].key) != 0)
			continue;
		if (count++ == 0) {
			first = before;
			second = before + 1;
		}
	}
	if (!count)
		return;
	fault_set(&why, FAULT_CONFIG, "%s stands in line %u already, and that counts", first->key,
		first->line);
	log_event(EV_FILTER_PASSED_OVER, kv_str("table", path), kv_int("line", second->line),
		kv_fault(&why), kv_int("more", count - 1));
}

static bool
parse(struct table *table, const char *path, struct span bytes, struct fault *fault)
{
	struct text_lines lines = text_lines_start(bytes);
	enum text_lines_result result;
	const char *wrong = NULL;
	struct span key;
	struct span value;
	struct span text;
	unsigned line = 0;

	if (span_starts(bytes, "\xef\xbb\xbf"))
		return fault_set(fault, FAULT_CONFIG, "%s:1: begins with a byte order mark", path);
	while (!wrong && (result = text_lines_next(&lines, &text, &line)) != TEXT_LINES_END) {
		if (result == TEXT_LINES_BAD)
			wrong = "continues no line, or has a byte 0";
		else if (!split(text, &key, &value))
			wrong = "quotes do not end";
		else if (value.length == 0)
			wrong = "is no key with a value behind it";
		else if (value.length > MAP_VALUE_MAX_BYTES)
			wrong = "is too long";
		else
			add(table, key, value, line);
	}
	text_lines_fini(&lines);
	if (wrong)
		return fault_set(fault, FAULT_CONFIG, "%s:%u: %s", path, line, wrong);
	if (table->count)
		qsort(table->entries, table->count, sizeof *table->entries, compare);
	return true;
}

static bool
read_bytes(int fd, const char *path, struct buf *bytes, struct fault *fault)
{
	enum { PIECE_BYTES = 64 * 1024 };
	ssize_t size;

	for (;;) {
		char *to = buf_reserve(bytes, PIECE_BYTES);

		if (!to)
			return fault_set(fault, FAULT_CONFIG, "%s is too large", path);
		size = read(fd, to, PIECE_BYTES);
		if (size < 0)
			return fault_set_errno(fault, "%s", path);
		if (size == 0)
			return true;
		buf_claim(bytes, (size_t)size);
	}
}

static struct stamp
stamp_of(const struct stat *status)
{
	return (struct stamp){ status->st_dev, status->st_ino, status->st_size, status->st_mtim,
		status->st_ctim };
}

/* NULL with a fault. The stamp is of before the reading: what changes meanwhile is read again. */
static struct table *
read_table(const char *path, struct stamp *stamp_out, struct fault *fault)
{
	struct buf bytes = BUF_INIT(FILE_MAX_BYTES);
	struct table *table = mem_alloc(sizeof *table);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;
	bool done = false;

	table->uses = 1;
	table->arena = arena_new(0);
	if (fd < 0 || fstat(fd, &status) != 0)
		fault_set_errno(fault, "%s", path);
	else if (!S_ISREG(status.st_mode))
		fault_set(fault, FAULT_CONFIG, "%s is not a regular file", path);
	else {
		*stamp_out = stamp_of(&status);
		done = read_bytes(fd, path, &bytes, fault) &&
			parse(table, path, buf_span(&bytes), fault);
	}
	if (fd >= 0)
		close(fd);
	buf_fini(&bytes);
	if (!done)
		drop_table(table);
	return done ? table : NULL;
}

/* ---- the map ---------------------------------------------------------------------------------- */

static bool
is_same(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
		a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
		a->touched.tv_sec == b->touched.tv_sec && a->touched.tv_nsec == b->touched.tv_nsec;
}

static void
read_file(struct map_text *text, const struct stamp *stamp)
{
	int64_t now = clock_wall_ms();
	bool known = is_same(stamp, &text->stamp); /* read once more, since it was hot */

	drop_table(text->table);
	text->stamp = *stamp;
	text->table = read_table(text->path, &text->stamp, &text->fault);
	if (text->table && !known)
		log_doubles(text->table, text->path);
	text->hot = now - (int64_t)text->stamp.touched.tv_sec * 1000 -
			text->stamp.touched.tv_nsec / 1000000 < HOT_MS;
}

static void
read_anew(struct map_text *text)
{
	struct stat status;
	struct stamp stamp = { .size = -1 };

	if (stat(text->path, &status) == 0)
		stamp = stamp_of(&status);
	if (stamp.size < 0 || text->hot || !is_same(&stamp, &text->stamp))
		read_file(text, &stamp);
}

/* The table of now, to be dropped; NULL with a fault. */
static struct table *
use_table(struct map_text *text, struct fault *fault_out)
{
	struct table *table;

	pthread_mutex_lock(&text->lock);
	read_anew(text);
	table = text->table;
	if (table)
		table->uses++;
	else if (fault_out)
		*fault_out = text->fault;
	pthread_mutex_unlock(&text->lock);
	return table;
}

static void
leave_table(struct map_text *text, struct table *table)
{
	pthread_mutex_lock(&text->lock);
	drop_table(table);
	pthread_mutex_unlock(&text->lock);
}

static const char *
find_value(const struct table *table, const char *key)
{
	size_t low = 0;
	size_t high = table->count;

	/* The first that is not before the key. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(table->entries[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < table->count && strcmp(table->entries[low].key, key) == 0
		? table->entries[low].value
		: NULL;
}

static enum map_result
find(struct map *map, const char *key, uint64_t deadline_ms, struct buf *value,
	struct fault *fault_out)
{
	struct map_text *text = text_of(map);
	struct table *table = use_table(text, fault_out);
	const char *found;

	(void)deadline_ms;
	if (!table)
		return MAP_FAILED;
	found = find_value(table, key);
	if (found)
		buf_add_text(value, found);
	leave_table(text, table);
	return found ? MAP_FOUND : MAP_NONE;
}

static void
free_text(struct map **map)
{
	struct map_text *text = text_of(*map);

	drop_table(text->table);
	pthread_mutex_destroy(&text->lock);
	mem_free(&text->path);
	mem_free(map);
}

static const struct map_type text_type = { find, free_text };

struct map *
map_text_open(const char *path, struct fault *fault_out)
{
	struct map_text *text = mem_alloc(sizeof *text);
	struct map *map = &text->map;

	text->map.type = &text_type;
	text->path = mem_strdup(path);
	pthread_mutex_init(&text->lock, NULL);
	read_file(text, &(const struct stamp){ .size = -1 });
	if (text->table)
		return map;
	if (fault_out)
		*fault_out = text->fault;
	free_text(&map);
	return NULL;
}
