/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is there or the process dies with a log line; and arenas, one per natural lifetime. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/*
 * Every length that comes from outside is capped before it reaches these calls; running out is then
 * a matter of this machine, not of a peer, and the supervisor starts the role again.
 */
void *mem_alloc(size_t size);                              /* zeroed; size 0 gives a valid pointer */
void *mem_alloc_array(size_t count, size_t size);          /* zeroed; dies on overflow */
void *mem_grow(void *old, size_t size);                    /* realloc; new bytes are not zeroed */
void *mem_grow_array(void *old, size_t count, size_t size);
void *mem_dup(const void *bytes, size_t size);
char *mem_strdup(const char *text);                        /* NULL gives NULL */
char *mem_strndup(const char *text, size_t length);        /* always ends in NUL */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void mem_wipe(void *bytes, size_t size);                   /* not removed by the compiler */

/* Frees what *pointer points to, and nulls it. */
#define mem_free(pointer) mem_free_at((void **)(pointer))
void mem_free_at(void **pointer);

/*
 * An arena gives memory that is freed all at once. Nothing in it is freed alone. The pieces are
 * aligned for any type and zeroed. first_size is only a hint, in bytes.
 */
struct arena;

struct arena *arena_new(size_t first_size);
void arena_free(struct arena **arena);
void arena_reset(struct arena *arena);                     /* empties it, keeps the first piece */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_dup(struct arena *arena, const void *bytes, size_t size);
char *arena_strdup(struct arena *arena, const char *text); /* NULL gives NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
size_t arena_size(const struct arena *arena);              /* bytes taken from the system */

#endif
