/* SPDX-License-Identifier: BSD-2-Clause */
/* What was written, as a tree by the schema, each value with its line; nothing of it is checked yet. */
#ifndef CONFIG_WRITTEN_H
#define CONFIG_WRITTEN_H

#include "config/schema.h"
#include "config/source.h"

struct written_value {
	const char *text;
	unsigned int line;              /* of the source's text; see source_line() */
};

/* One for each row of the section's schema, in its order; count 0 and no line: not written. */
struct written_setting {
	const struct written_value *values;
	size_t count;
	unsigned int line;              /* of the first value; set for an empty list too */
};

struct written_section {
	const struct schema_section *schema;
	const char *title;              /* NULL without one */
	unsigned int line;              /* of the opening brace; 0: the section was not written */
	struct written_setting *settings;
	struct written_sections *inner; /* one for each section of the schema, in its order */
};

/* Sections of one name, in the order written; exactly one if it has no title. */
struct written_sections {
	struct written_section *items;
	size_t count;
};

/*
 * Parses the source by libConfuse's grammar. Unknown and repeated names are faults here. The tree
 * lives in the arena. Not to be called from two threads at once: libConfuse's scanner is global.
 */
bool written_parse(const struct source *source, struct arena *arena,
	struct written_section *root_out, struct fault *fault);

#endif
