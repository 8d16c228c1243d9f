/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of a configuration: read with care, includes put in, and made plain for libConfuse. */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include "base/buffer.h"
#include "base/fault.h"
#include "base/memory.h"

enum {
	SOURCE_FILE_MAX_BYTES = 1024 * 1024,
	SOURCE_MAX_BYTES = 4 * 1024 * 1024,
	SOURCE_DEPTH_MAX = 8,
	SOURCE_INCLUDES_MAX = 1000,
};

/*
 * Marks that source_read() puts into the text and nobody can write: a setting that stands first in
 * every section, so that the section's own line is known, and the only element of an empty list,
 * which libConfuse would not report.
 */
#define SOURCE_SECTION_MARK "\1"
#define SOURCE_EMPTY_MARK "\2"

struct source_place {
	unsigned int first; /* line of the text */
	const char *file;
	unsigned int line;  /* of the file */
};

/*
 * The text has no comments, no "${", no escape but \" and \\, and no byte that libConfuse's scanner
 * drops in silence or reads in a way of its own; its lines are as many as those of the files.
 */
struct source {
	struct buf text;
	struct source_place *places; /* by first line, ascending */
	size_t place_count;
};

/*
 * Regular files alone, each at most SOURCE_FILE_MAX_BYTES; include("FILE") is relative to the file
 * it stands in. The fault is "FILE:LINE: reason". File names live in the arena.
 */
bool source_read(struct source *source, const char *path, struct arena *arena,
	struct fault *fault);
/* One file's bytes as they are, with the same care about what kind of file it is. */
bool source_read_raw(const char *path, struct buf *to, struct fault *fault);
void source_fini(struct source *source);

/* Which file and line is this line of the text? Lines count from 1. */
const char *source_file(const struct source *source, unsigned int line);
unsigned int source_line(const struct source *source, unsigned int line);
/* fault_set(FAULT_CONFIG) with "FILE:LINE: " in front. Always false. */
bool source_fault(const struct source *source, unsigned int line, struct fault *fault,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
