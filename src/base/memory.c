/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is there or the process dies with a log line; and arenas, one per natural lifetime. */
#include "base/memory.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARENA_PIECE_MIN_BYTES = 512 };

struct piece {
	struct piece *next;
	size_t size;
	size_t used;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct piece *newest;
	struct piece *first;
	size_t total;
};

/* The log may itself need memory, so this line goes straight to standard error. */
static void __attribute__((noreturn))
die(size_t size)
{
	static const char text[] = "sallyport: out of memory\n";

	(void)!write(STDERR_FILENO, text, sizeof text - 1);
	(void)size;
	abort();
}

void *
mem_alloc(size_t size)
{
	void *fresh = calloc(1, size ? size : 1);

	if (!fresh)
		die(size);
	return fresh;
}

void *
mem_alloc_array(size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		die(SIZE_MAX);
	return mem_alloc(total);
}

void *
mem_grow(void *old, size_t size)
{
	void *fresh = realloc(old, size ? size : 1);

	if (!fresh)
		die(size);
	return fresh;
}

void *
mem_grow_array(void *old, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		die(SIZE_MAX);
	return mem_grow(old, total);
}

void *
mem_dup(const void *bytes, size_t size)
{
	void *fresh = mem_alloc(size);

	if (size)
		memcpy(fresh, bytes, size);
	return fresh;
}

char *
mem_strndup(const char *text, size_t length)
{
	char *fresh = mem_alloc(length + 1);

	if (length)
		memcpy(fresh, text, length);
	return fresh;
}

char *
mem_strdup(const char *text)
{
	return text ? mem_strndup(text, strlen(text)) : NULL;
}

char *
mem_printf(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		die(0);
	va_end(args);
	return text;
}

void
mem_wipe(void *bytes, size_t size)
{
	if (size)
		explicit_bzero(bytes, size);
}

void
mem_free_at(void **pointer)
{
	free(*pointer);
	*pointer = NULL;
}

static struct piece *
piece_new(struct arena *arena, size_t size)
{
	struct piece *piece;
	size_t total;

	if (__builtin_add_overflow(sizeof *piece, size, &total))
		die(SIZE_MAX);
	piece = mem_alloc(total);
	piece->size = size;
	arena->total += total;
	return piece;
}

struct arena *
arena_new(size_t first_size)
{
	struct arena *arena = mem_alloc(sizeof *arena);

	if (first_size < ARENA_PIECE_MIN_BYTES)
		first_size = ARENA_PIECE_MIN_BYTES;
	arena->first = arena->newest = piece_new(arena, first_size);
	return arena;
}

static void
free_newer(struct arena *arena)
{
	while (arena->newest != arena->first) {
		struct piece *next = arena->newest->next;

		arena->total -= sizeof *next + arena->newest->size;
		free(arena->newest);
		arena->newest = next;
	}
}

void
arena_free(struct arena **arena)
{
	if (!*arena)
		return;
	free_newer(*arena);
	free((*arena)->first);
	free(*arena);
	*arena = NULL;
}

void
arena_reset(struct arena *arena)
{
	free_newer(arena);
	memset(arena->first->bytes, 0, arena->first->used);
	arena->first->used = 0;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	struct piece *piece = arena->newest;
	size_t need;
	void *fresh;

	if (__builtin_add_overflow(size, alignof(max_align_t) - 1, &need))
		die(SIZE_MAX);
	need &= ~(alignof(max_align_t) - 1);
	if (piece->size - piece->used < need) {
		size_t want = piece->size * 2;

		piece = piece_new(arena, need > want ? need : want);
		piece->next = arena->newest;
		arena->newest = piece;
	}
	fresh = piece->bytes + piece->used;
	piece->used += need;
	return fresh;
}

void *
arena_dup(struct arena *arena, const void *bytes, size_t size)
{
	void *fresh = arena_alloc(arena, size);

	if (size)
		memcpy(fresh, bytes, size);
	return fresh;
}

char *
arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *fresh = arena_alloc(arena, length + 1);

	if (length)
		memcpy(fresh, text, length);
	return fresh;
}

char *
arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *
arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_list again;
	int length;
	char *text;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		die(0);
	text = arena_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text;
}

size_t
arena_size(const struct arena *arena)
{
	return sizeof *arena + arena->total;
}
